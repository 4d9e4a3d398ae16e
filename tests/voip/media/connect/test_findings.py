"""What doctor finds out, and what it advises."""

import pytest

from voip.media.connect.findings import (
    Address,
    Family,
    Mapping,
    RelayQuality,
    ServerFinding,
    judge,
    judge_mapping,
    judge_relay,
)

OWN = frozenset({"10.0.0.7"})
OUTSIDE = ("192.0.2.7", 40000)
GOOD = RelayQuality(loss=0.0, round_trip_ms=40.0, jitter_ms=3.0)
DEAD = RelayQuality(loss=1.0, round_trip_ms=None, jitter_ms=None)
WORKS = ServerFinding(url="turn:turn.example", round_trip_ms=20.0, relay=GOOD)


@pytest.mark.parametrize(
    ("seen", "mapping"),
    [
        ([], Mapping.UNKNOWN),
        ([("a", ("10.0.0.7", 5000))], Mapping.NONE),
        ([("a", ("10.0.0.7", 5000)), ("b", ("10.0.0.7", 5000))], Mapping.NONE),
        ([("a", ("10.0.0.7", 5001))], Mapping.UNKNOWN),
        ([("a", OUTSIDE)], Mapping.UNKNOWN),
        ([("a", OUTSIDE), ("a", OUTSIDE)], Mapping.UNKNOWN),
        ([("a", OUTSIDE), ("b", OUTSIDE)], Mapping.INDEPENDENT),
        ([("a", OUTSIDE), ("b", ("192.0.2.7", 40001))], Mapping.DEPENDENT),
    ],
)
def test_two_servers_tell_how_a_nat_shows_a_socket(
    seen: list[tuple[str, Address]], mapping: Mapping
) -> None:
    assert judge_mapping(OWN, 5000, seen) is mapping


def test_round_trips_are_summed_up() -> None:
    trips = [0.040 + 0.001 * number for number in range(40)]

    quality = judge_relay(trips, 50)

    assert quality.loss == pytest.approx(0.2)
    assert (quality.round_trip_ms, quality.jitter_ms) == (60.0, 38.0)


def test_a_single_packet_is_no_jitter() -> None:
    assert judge_relay([0.04], 1) == RelayQuality(
        loss=0.0, round_trip_ms=40.0, jitter_ms=0.0
    )


def test_a_relay_that_gives_nothing_back_lost_all() -> None:
    assert judge_relay([], 50) == DEAD


def _with(relay: RelayQuality) -> ServerFinding:
    return ServerFinding(url="turn:turn.example", relay=relay)


@pytest.mark.parametrize(
    ("families", "mapping", "servers", "relay_only", "advice"),
    [
        ((), Mapping.UNKNOWN, (WORKS,), False, "join a network"),
        (("IPv4",), Mapping.UNKNOWN, (_with(DEAD),), True, "no other way"),
        (("IPv4",), Mapping.UNKNOWN, (), False, "name a TURN server"),
        (
            ("IPv4",),
            Mapping.UNKNOWN,
            (ServerFinding(url="stun:s.example", problem="dead"),),
            False,
            "no server works",
        ),
        (("IPv4",), Mapping.DEPENDENT, (_with(DEAD),), False, "nothing comes back"),
        (
            ("IPv4",),
            Mapping.DEPENDENT,
            (ServerFinding(url="stun:s.example", round_trip_ms=9.0),),
            False,
            "half the world",
        ),
        (
            ("IPv4",),
            Mapping.INDEPENDENT,
            (_with(RelayQuality(loss=0.1, round_trip_ms=40.0, jitter_ms=3.0)),),
            False,
            "loses packets",
        ),
        (
            ("IPv4",),
            Mapping.INDEPENDENT,
            (_with(RelayQuality(loss=0.0, round_trip_ms=40.0, jitter_ms=90.0)),),
            False,
            "unevenly",
        ),
        (("IPv6",), Mapping.DEPENDENT, (WORKS,), True, "find their way"),
    ],
)
def test_the_advice_fits(
    families: tuple[Family, ...],
    mapping: Mapping,
    servers: tuple[ServerFinding, ...],
    relay_only: bool,  # noqa: FBT001 -- a row of the table
    advice: str,
) -> None:
    found = judge(families, mapping, servers, relay_only=relay_only)

    assert advice in found.advice
