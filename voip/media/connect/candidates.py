"""Which addresses may be told, and which of the peer's may be tried.

A candidate is the value of an ICE ``candidate`` attribute (RFC 8839 §5.1), one
spelling, UDP and component 1 only::

    FOUNDATION 1 udp PRIORITY ADDRESS PORT typ TYPE [raddr ADDRESS rport PORT]

No name is ever looked up: a peer could make us ask a resolver of his choice, so an
address is digits and nothing else.
"""

import ipaddress
import re
from dataclasses import dataclass

from voip.errors import MalformedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One address at which its owner may be reached."""

    foundation: str
    priority: int
    host: str
    port: int
    kind: str
    related: tuple[str, int] | None = None


_CANDIDATE = re.compile(
    r"(?P<foundation>[A-Za-z0-9+/]{1,32}) 1 udp (?P<priority>\d{1,10})"
    r" (?P<host>[0-9a-f.:]{2,45}) (?P<port>\d{1,5}) typ (?P<kind>host|srflx|relay)"
    r"(?: raddr (?P<raddr>[0-9a-f.:]{2,45}) rport (?P<rport>\d{1,5}))?",
    re.ASCII,
)


def parse_candidate(text: str) -> Candidate:
    """Read one candidate.

    Raises:
        MalformedError: not the form above, or not its one spelling.
    """
    match = _CANDIDATE.fullmatch(text)
    if match is None:
        raise MalformedError(f"candidate: came {text!r}")
    related = None
    if match["raddr"] is not None:
        related = (_address(match["raddr"]), _number(match["rport"], 0, 65535))
    return Candidate(
        foundation=match["foundation"],
        priority=_number(match["priority"], 1, 2**31 - 1),
        host=_address(match["host"]),
        port=_number(match["port"], 1, 65535),
        kind=match["kind"],
        related=related,
    )


def format_candidate(candidate: Candidate) -> str:
    """Write one candidate; always within the 255 bytes that lp8 holds."""
    related = ""
    if candidate.related is not None:
        host, port = candidate.related
        related = f" raddr {host} rport {port}"
    return (
        f"{candidate.foundation} 1 udp {candidate.priority} {candidate.host} "
        f"{candidate.port} typ {candidate.kind}{related}"
    )


def admissible(
    candidates: tuple[Candidate, ...], *, loopback: bool = False
) -> tuple[Candidate, ...]:
    """Leave out those of the peer's candidates that no honest peer can mean.

    A contact could otherwise aim our checks at services of this machine (loopback),
    of its cloud host (link-local) or at everybody on the network (multicast).
    `loopback` lets this machine's own addresses pass, for rehearsals and tests.
    """
    return tuple(c for c in candidates if is_reachable(c.host, loopback=loopback))


def is_reachable(host: str, *, loopback: bool) -> bool:
    """Tell whether an address can be that of a peer, anywhere but on this machine."""
    address = ipaddress.ip_address(host)
    if address.is_loopback:
        return loopback
    return not (
        address.is_multicast
        or address.is_unspecified
        or address.is_link_local
        or (address.version == 4 and address.is_reserved)  # 240/4 and broadcast
    )


def check_told(host: str, port: int, *, loopback: bool) -> None:
    """Check an address that a server says is ours, before a peer is told of it.

    A server that lies could otherwise have us offer what every peer must refuse, and
    no call would come about, not even a direct one.

    Raises:
        MalformedError: no peer could use it.
    """
    _address(host)
    if not port or not is_reachable(host, loopback=loopback):
        raise MalformedError(f"candidate: nobody can be reached at {host} port {port}")


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise MalformedError(f"candidate: not an address: {text!r}") from error
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        # A second spelling of an IPv4 address, around every check of those.
        raise MalformedError(f"candidate: IPv4 written as IPv6: {text!r}")
    if str(address) != text:
        raise MalformedError(f"candidate: expected {str(address)!r}, came {text!r}")
    return text


def _number(text: str, low: int, high: int) -> int:
    number = int(text)
    if not low <= number <= high or str(number) != text:
        raise MalformedError(f"candidate: expected {low} to {high}, came {text!r}")
    return number
