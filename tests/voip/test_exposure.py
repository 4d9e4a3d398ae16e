"""Each way in which a call could show too much is seen, and named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from voip.exposure import (
    Destination,
    Exposure,
    Left,
    LookedUp,
    Phase,
    Reached,
    Trail,
    is_name,
    judge,
)

RELAY = ("127.0.0.1", 5349)
PEER = ("192.0.2.7", 40000)
STRANGER = ("2001:db8::1", 53)
SIDES = ("caller", "callee")


def rtp(number: int, *, first: int = 0x80, second: int = 96, size: int = 153) -> bytes:
    """One audio packet; 20 ms of sound each."""
    head = bytes([first, second]) + (number % 65536).to_bytes(2, "big")
    return (head + (number * 960 % 2**32).to_bytes(4, "big")).ljust(size, b"\0")


def record(epoch: int, size: int = 666) -> bytes:
    return bytes([0x30, epoch]).ljust(size, b"\0")


def talk(side: str, *, start: int = 65500) -> list[Left]:
    """Two seconds of one side, from second 10 on, the second one in a new epoch."""
    sent = [Left(10 + n / 50, side, PEER, rtp(start + n)) for n in range(100)]
    sent += [Left(10.5, side, PEER, record(0)), Left(11.5, side, PEER, record(1))]
    sent += [Left(10.9, side, PEER, b"\x81\xc8".ljust(52, b"\0"))]
    sent += [Left(9.9, side, PEER, b"\x00\x01".ljust(100, b"\0"))]
    return sorted(sent, key=lambda left: left.at)


def clean() -> Trail:
    return Trail(
        relay=RELAY,
        accepted=9.0,
        phases=(Phase("speech", 10.0), Phase("rekey", 11.0)),
        ended=12.0,
        reached=(Reached(1.0, RELAY), Reached(9.9, PEER)),
        looked_up=(),
        left=tuple(talk("caller") + talk("callee")),
    )


def with_audio(change: Callable[[Left], Left | None]) -> Trail:
    """Change, or leave out, single packets of the caller's audio."""
    changed = [
        change(left)
        if left.side == "caller" and left.datagram[1:2] == b"\x60"
        else left
        for left in clean().left
    ]
    return replace(clean(), left=tuple(left for left in changed if left is not None))


def grown(at: float) -> Trail:
    """Let the caller change to a larger state at this second."""
    return with_audio(
        lambda left: (
            replace(left, datagram=left.datagram.ljust(193, b"\0"))
            if left.at >= at
            else left
        )
    )


def at_second_11(datagram: bytes) -> Callable[[Left], Left]:
    return lambda left: replace(left, datagram=datagram) if left.at == 11 else left


def test_a_clean_call_has_nothing_to_complain_of() -> None:
    assert judge(clean()) == Exposure(
        before_accept=(RELAY,),
        after_accept=(PEER,),
        names=(),
        audio_sizes=(153,),
        audio_packets={"speech": 100, "rekey": 100},
        rtp_first_bytes=(0x80,),
        payload_types=(96,),
        rtcp_sizes=(52,),
        record_sizes=(666,),
        epochs=(0, 1),
        complaints=(),
    )


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (PEER, "192.0.2.7:40000 was sent to before anybody accepted"),
        (STRANGER, "[2001:db8::1]:53 was sent to before anybody accepted"),
    ],
)
def test_a_socket_that_reaches_out_before_the_accept_is_seen(
    to: Destination, said: str
) -> None:
    trail = clean()
    trail = replace(trail, reached=(*trail.reached, Reached(8.9, to)))

    assert judge(trail).complaints == (said,)


def test_media_before_the_accept_is_seen() -> None:
    trail = clean()
    early = Left(8.9, "caller", PEER, b"\x00\x01")

    assert judge(replace(trail, left=(early, *trail.left))).complaints == (
        "192.0.2.7:40000 was sent to before anybody accepted",
    )


def test_a_third_party_after_the_accept_is_seen() -> None:
    trail = clean()
    trail = replace(trail, reached=(*trail.reached, Reached(9.1, STRANGER)))

    assert judge(trail).complaints == (
        "[2001:db8::1]:53 was sent to, and is neither the relay nor the other side",
    )


def test_a_name_that_is_looked_up_is_seen() -> None:
    trail = replace(clean(), looked_up=(LookedUp(9.5, "stun.example"),))

    assert judge(trail).complaints == ("the name 'stun.example' was looked up",)


@pytest.mark.parametrize(
    ("datagram", "said"),
    [
        (
            rtp(65550, size=90),
            "audio packets of 90 bytes, which no state of redundancy has",
        ),
        (
            rtp(65550, first=0x90),
            (
                "rtp header begins with 0x90, expected 0x80: an extension, padding or "
                "a list of sources"
            ),
        ),
        (
            rtp(65550, second=96 | 0x80),
            "the marker bit of audio changes, which shows talk spurts",
        ),
        (
            rtp(65550, second=13),
            "payload types other than audio's 96 in a voice call",
        ),
        (b"\x50", "1 datagrams that are neither STUN, SRTP nor a record"),
        (b"", "1 datagrams that are neither STUN, SRTP nor a record"),
    ],
)
def test_a_packet_that_stands_out_is_seen(datagram: bytes, said: str) -> None:
    assert said in judge(with_audio(at_second_11(datagram))).complaints


def test_silence_that_is_not_sent_is_seen_even_if_the_numbers_go_on() -> None:
    trail = with_audio(at_second_11(rtp(65551)))

    assert judge(trail).complaints == (
        "caller left out audio: 2 packets and 1920 samples on, expected 1 and 960",
    )


def test_a_phase_without_audio_is_seen() -> None:
    trail = with_audio(lambda left: left if left.at < 11 else None)

    assert judge(trail).complaints == ("caller sent no audio packet during rekey",)


def test_a_record_of_another_size_is_seen() -> None:
    trail = clean()
    odd = Left(11.99, "caller", PEER, record(1, size=90))

    assert (
        "records of (666, 90) bytes, expected 666 only"
        in judge(replace(trail, left=(*trail.left, odd))).complaints
    )


def test_a_record_out_of_its_turn_is_seen() -> None:
    trail = clean()
    extra = Left(11.75, "callee", PEER, record(1))

    assert judge(replace(trail, left=(*trail.left, extra))).complaints == (
        "callee sent two records within 0.250 s, expected one a second",
    )


def test_the_records_of_hanging_up_may_hurry() -> None:
    trail = clean()
    hangup = Left(12.1, "callee", PEER, record(1))

    assert judge(replace(trail, left=(*trail.left, hangup))).complaints == ()


def test_a_rekey_that_did_not_happen_is_seen() -> None:
    trail = clean()
    left = tuple(left for left in trail.left if left.datagram != record(1))

    assert judge(replace(trail, left=left)).complaints == (
        "no record of a second key epoch: the rekey was not seen",
    )


@pytest.mark.parametrize(
    ("host", "named"),
    [("relay.example", True), ("127.0.0.1", False), ("fe80::1%lo", False)],
)
def test_only_names_are_looked_up(host: str, *, named: bool) -> None:
    assert is_name(host) is named


def test_a_state_that_lasted_may_change() -> None:
    exposure = judge(grown(11.0))

    assert (exposure.audio_sizes, exposure.complaints) == ((153, 193), ())


def test_a_size_that_changes_soon_is_seen() -> None:
    (said,) = judge(grown(10.5)).complaints

    assert said == (
        "caller changed the size of its audio packets after 0.48 s, "
        "expected a state to last"
    )


def test_reports_of_many_sizes_are_seen() -> None:
    trail = clean()
    reports = [
        Left(10.2 + n, "caller", PEER, b"\x81\xc8".ljust(60 + n, b"\0"))
        for n in range(3)
    ]

    assert judge(replace(trail, left=(*trail.left, *reports))).complaints == (
        "reports of 4 sizes: (52, 60, 61, 62)",
    )
