"""What `doctor` finds out about the way to others, and what it advises.

The words are those of RFC 5780 §4: a NAT that shows one socket under one address to
everybody maps *endpoint-independent*; one that shows it under another address to each
maps *address-dependent*, and two people behind such meet through a relay only. More
than two servers can tell is not said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

PROBES = 50
ENOUGH_LOSS = 0.05  # above this, speech is repaired at the price of rate
ENOUGH_JITTER_MS = 60.0

Address = tuple[str, int]
Family = Literal["IPv4", "IPv6"]


class Mapping(StrEnum):
    """How a NAT shows one socket to two servers."""

    NONE = "no translation"
    INDEPENDENT = "endpoint-independent mapping"
    DEPENDENT = "address-dependent mapping"
    UNKNOWN = "unknown mapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayQuality:
    """What 50 packets through a relay, from us to us, went through.

    Attributes:
        loss: share that did not come back, 0 to 1.
        round_trip_ms: median of those that did; None if none did.
        jitter_ms: 95th percentile above the fastest one; likewise.
    """

    loss: float
    round_trip_ms: float | None
    jitter_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFinding:
    """What one configured server did.

    Attributes:
        url: as the user wrote it.
        round_trip_ms: from a request to its answer; None if none came.
        mapped: the address under which it sees a socket of ours.
        relay: how packets went through it, if it relays and let us.
        problem: what went wrong, as a sentence; None if nothing did.
    """

    url: str
    round_trip_ms: float | None = None
    mapped: Address | None = None
    relay: RelayQuality | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFinding:
    """All that was found out, and a sentence of advice.

    Attributes:
        families: those of which this machine has an address to offer.
        mapping: how its NAT shows it, as far as the servers could tell.
        servers: in the order in which they are configured.
        advice: what helps, or that nothing needs help.
    """

    families: tuple[Family, ...]
    mapping: Mapping
    servers: tuple[ServerFinding, ...]
    advice: str


def judge_mapping(
    own: frozenset[str], port: int, seen: Sequence[tuple[str, Address]]
) -> Mapping:
    """Tell how one socket is shown, by what servers saw.

    Args:
        own: addresses of this machine.
        port: of the socket.
        seen: the IP address of each server that answered, and what it saw.
    """
    shown = [mapped for _, mapped in seen]
    if shown and all(mapped[1] == port and mapped[0] in own for mapped in shown):
        return Mapping.NONE
    if len({server for server, _ in seen}) < 2:
        return Mapping.UNKNOWN  # one server cannot differ from itself
    return Mapping.INDEPENDENT if len(set(shown)) == 1 else Mapping.DEPENDENT


def judge_relay(round_trips_s: Sequence[float], sent: int) -> RelayQuality:
    """Sum up the round trips of those packets that came back."""
    if not round_trips_s:
        return RelayQuality(loss=1.0, round_trip_ms=None, jitter_ms=None)
    trips = sorted(round_trips_s)
    slow = trips[min(len(trips) - 1, int(0.95 * len(trips)))]
    return RelayQuality(
        loss=1 - len(trips) / sent,
        round_trip_ms=round(trips[len(trips) // 2] * 1000, 1),
        jitter_ms=round((slow - trips[0]) * 1000, 1),
    )


def judge(
    families: tuple[Family, ...],
    mapping: Mapping,
    servers: tuple[ServerFinding, ...],
    *,
    relay_only: bool,
) -> PathFinding:
    """Put it together and say what helps."""
    return PathFinding(
        families=families,
        mapping=mapping,
        servers=servers,
        advice=_advise(families, mapping, servers, relay_only=relay_only),
    )


def _advise(
    families: tuple[Family, ...],
    mapping: Mapping,
    servers: tuple[ServerFinding, ...],
    *,
    relay_only: bool,
) -> str:
    relays = [server.relay for server in servers if server.relay is not None]
    works = any(relay.loss < 1 for relay in relays)
    rules = (
        (
            not families,
            "join a network: there is no address at which a call could come in",
        ),
        (
            relay_only and not works,
            "no relay works, and your settings allow no other way",
        ),
        (
            not servers,
            "without a server calls reach your own networks only; name a TURN server",
        ),
        (
            all(server.problem is not None for server in servers),
            "no server works: see what each says, and whether UDP gets out at all",
        ),
        (
            bool(relays) and not works,
            "nothing comes back through the relay: its peers may be restricted",
        ),
        (
            mapping is Mapping.DEPENDENT and not works,
            "your NAT hides you from half the world: name a TURN server that works",
        ),
        (
            any(relay.loss > ENOUGH_LOSS for relay in relays),
            "the relay loses packets: calls through it repair sound, and cost more",
        ),
        (
            any((relay.jitter_ms or 0) > ENOUGH_JITTER_MS for relay in relays),
            "the relay delivers unevenly: calls through it wait longer for sound",
        ),
    )
    return next((said for holds, said in rules if holds), "calls find their way")
