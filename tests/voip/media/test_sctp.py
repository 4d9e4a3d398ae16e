"""What a peer may say in SCTP before aiortc hears it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.sctp import (
    MAX_ACKNOWLEDGED,
    MAX_AHEAD,
    MAX_HELD,
    Stage,
    check_packet,
)

LAST = 0xFFFF_FFFE  # so that numbers wrap
DATA, INIT, INIT_ACK, SACK, HEARTBEAT, ABORT, SHUTDOWN = 0, 1, 2, 3, 4, 6, 7


def chunk(kind: int, body: bytes = b"", flags: int = 3) -> bytes:
    head = struct.pack(">BBH", kind, flags, 4 + len(body))
    return head + body + bytes(-len(body) % 4)


def packet(*chunks: bytes) -> bytes:
    return bytes(12) + b"".join(chunks)


def data(number: int, text: bytes = b"x", *, stream: int = 0, flags: int = 3) -> bytes:
    body = struct.pack(">LHHL", number % 2**32, stream, 0, 53) + text
    return chunk(DATA, body, flags)


def sack(*gaps: tuple[int, int], duplicates: int = 0) -> bytes:
    body = struct.pack(">LLHH", LAST, 1 << 20, len(gaps), duplicates)
    body += b"".join(struct.pack(">HH", *gap) for gap in gaps)
    return chunk(SACK, body + bytes(4 * duplicates))


def parameter(kind: int, value: bytes = b"") -> bytes:
    return struct.pack(">HH", kind, 4 + len(value)) + value + bytes(-len(value) % 4)


def init(*parameters: bytes, kind: int = INIT) -> bytes:
    return chunk(kind, bytes(16) + b"".join(parameters))


def check(*chunks: bytes, stage: Stage = Stage.OPEN, held: int = 0) -> None:
    check_packet(packet(*chunks), stage, last=LAST, held=held)


@pytest.mark.parametrize(
    "chunks",
    [
        [data(LAST + 1), data(LAST + 2, b"odd")],
        [data(LAST), data(LAST - 5)],
        [data(LAST + MAX_AHEAD)],
        [sack((1, 1), (3, MAX_ACKNOWLEDGED), duplicates=2), data(LAST + 1)],
        [chunk(HEARTBEAT, parameter(1, b"anything"))],
        [chunk(ABORT)],
        [chunk(SHUTDOWN, bytes(4))],
    ],
    ids=["data", "again", "ahead", "sack", "heartbeat", "abort", "shutdown"],
)
def test_what_an_open_association_sends_is_let_through(chunks: list[bytes]) -> None:
    check(*chunks)


@pytest.mark.parametrize("kind", [INIT, INIT_ACK])
def test_an_association_begins_once(kind: int) -> None:
    beginning = init(parameter(0x8008, b"\x82\xc0"), parameter(7, bytes(24)), kind=kind)
    check(beginning, stage=Stage.CLOSED)

    with pytest.raises(MalformedError, match="expected no beginning"):
        check(beginning)


def test_nothing_travels_beside_a_beginning() -> None:
    with pytest.raises(MalformedError, match="expected no beginning"):
        check(init(), chunk(ABORT), stage=Stage.CLOSED)


@pytest.mark.parametrize(
    ("chunks", "why"),
    [
        ([], "came 12 bytes"),
        ([b"\x00\x03\x00"], "came 15 bytes"),
        ([chunk(ABORT), b"\x00\x00"], "whole header"),
        ([struct.pack(">BBH", ABORT, 0, 3)], "came 3"),
        ([struct.pack(">BBH", ABORT, 0, 5)], "came 5"),
        ([chunk(130, bytes(16))], "of type 130"),
        ([chunk(192, bytes(4))], "of type 192"),
        ([chunk(DATA, bytes(12))], "came 12 bytes of type 0"),
        ([chunk(SACK, bytes(11))], "came 11 bytes of type 3"),
        ([chunk(SHUTDOWN, bytes(3))], "came 3 bytes of type 7"),
        ([init()[:-8] + bytes(4)], "came 20"),
        # aiortc goes on for ever with this one.
        ([chunk(HEARTBEAT, bytes(4))], "up to 4 bytes, came 0"),
        ([chunk(HEARTBEAT, parameter(1)[:3])], "a whole parameter"),
        ([chunk(HEARTBEAT, struct.pack(">HH", 1, 5))], "up to 4 bytes, came 5"),
        ([sack((1, 1))[:-4]], "came 20"),
        ([chunk(SACK, struct.pack(">LLHH", 0, 0, 1, 0))], "expected 1 entries"),
        ([sack((0, 1))], "came 0 to 1 after 0"),
        ([sack((3, 2))], "came 3 to 2"),
        ([sack((1, 4), (4, 5))], "came 4 to 5 after 4"),
        ([sack((1, MAX_ACKNOWLEDGED + 1))], "after 0"),
        ([sack(), sack()], "expected one sack, came 2"),
        ([data(LAST + 1, stream=1)], "came flags 3 on 1"),
        ([data(LAST + 1, flags=7)], "came flags 7 on 0"),
        ([data(LAST + MAX_AHEAD + 1)], "came 1025 and 1"),
    ],
)
def test_what_no_honest_peer_sends_is_refused(chunks: list[bytes], why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        check(*chunks)


def test_data_comes_after_the_beginning() -> None:
    with pytest.raises(MalformedError, match="no data yet"):
        check(data(LAST + 1), stage=Stage.CLOSED)


def test_pieces_of_messages_that_never_end_are_few() -> None:
    check(data(LAST + 2), held=MAX_AHEAD - 1)
    check(data(LAST + 1), held=MAX_HELD - 1)

    with pytest.raises(MalformedError, match="1024 held, came 2 and 1025"):
        check(data(LAST + 2), held=MAX_AHEAD)
    with pytest.raises(MalformedError, match="2048 held, came 1 and 2049"):
        check(data(LAST + 1), held=MAX_HELD)


@given(st.binary(max_size=200), st.sampled_from(Stage), st.integers(0, 3000))
def test_any_bytes_raise_one_error(tail: bytes, stage: Stage, held: int) -> None:
    good = packet(sack((1, 1)), data(LAST + 2), chunk(HEARTBEAT, parameter(1, b"y")))

    for bad in (tail, packet(tail), good[: held % len(good)] + tail):
        assert_only_malformed(
            lambda each: check_packet(each, stage, last=LAST, held=held),
            bad[:40],
        )
