"""What guests and gateways say: each message there and back, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Kind
from voip.errors import MalformedError
from voip.gateway.guests.messages import (
    MAX_SDP_BYTES,
    Accept,
    Answer,
    Count,
    Counts,
    Direction,
    GuestMessage,
    Happening,
    Notice,
    Offer,
    Present,
    Rekey,
    RekeyAck,
    Server,
    format_guest_message,
    parse_guest_message,
)
from voip.signalling.legs import Digits
from voip.signalling.messages import Confirm, Ping, State, Unknown

COUNT = Count(Kind.VIDEO, Direction.RECEIVED, 3, 1, 4)
SERVER = Server("turn:talk.example", "1:abc", credential="secret")

MESSAGES: list[GuestMessage] = [
    Confirm(bytes(32)),
    Accept((SERVER, SERVER)),
    Rekey(bytes(36)),
    RekeyAck(bytes(36)),
    Offer("v=0\r\n"),
    Answer("v=0\r\nö"),
    Counts((COUNT, COUNT._replace(kind=Kind.AUDIO))),
    Notice(Happening.OPENED_AGAIN),
    Present(("alice", "bób")),
    State(7, muted=True),
    Digits(1, "42#"),
    Ping(5),
    Unknown(200, b"later"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_a_message_is_read_as_it_was_written(message: GuestMessage) -> None:
    assert parse_guest_message(*format_guest_message(message)) == message


@pytest.mark.parametrize(
    ("message", "raw"),
    [
        (Accept(), "0300"),
        (Offer("v"), "20000176"),
        (Counts((COUNT,)), "22010201000000030000000100000004"),
        (Notice(Happening.OPENED_AGAIN), "2301"),
        (Present(("alice", "bob")), "240205616c69636503626f62"),
    ],
    ids=["accept", "offer", "counts", "notice", "present"],
)
def test_bytes_are_frozen(message: GuestMessage, raw: str) -> None:
    kind, fields = format_guest_message(message)

    assert (bytes([kind]) + fields).hex() == raw


def test_counts_beyond_32_bits_are_told_as_the_largest() -> None:
    _, fields = format_guest_message(Counts((COUNT._replace(rtp=1 << 40),)))

    assert fields[-4:] == b"\xff" * 4


@pytest.mark.parametrize("kind", [4, 6, 7, 8, 15, 16, 17, 18, 19, 20])
def test_a_message_of_devices_is_not_for_guests(kind: int) -> None:
    with pytest.raises(MalformedError):
        parse_guest_message(kind, bytes(100))


def test_a_well_formed_message_of_devices_is_not_for_guests_either() -> None:
    with pytest.raises(MalformedError, match="type 20 is for devices only"):
        parse_guest_message(20, b"gossip")


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        pytest.param(3, b"\x05" + 5 * b"\0\0\0", "servers: expected at most 4", id="s"),
        pytest.param(3, b"\x01\x01\xff\0\0", "expected UTF-8", id="utf8"),
        pytest.param(10, bytes(35), "cut short", id="rekey"),
        pytest.param(11, bytes(37), "1 bytes too many", id="ack"),
        pytest.param(34, b"\x07" + bytes(98), "no stream 0 0", id="stream"),
        pytest.param(34, b"\x01\x01\x02" + bytes(12), "no stream 1 2", id="way"),
        pytest.param(
            34, b"\x02" + 2 * (b"\x01\x00" + bytes(12)), "counted twice", id="twice"
        ),
        pytest.param(35, b"\x02", "notice: 2 is unknown", id="notice"),
        pytest.param(36, b"\x11" + bytes(17), "names: expected at most 16", id="all"),
        pytest.param(36, b"\x01\x31" + b"x" * 49, "at most 48, came 49", id="name"),
    ],
)
def test_fields_out_of_their_bounds_are_refused(
    kind: int, fields: bytes, why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_guest_message(kind, fields)


def test_more_counts_than_streams_are_refused() -> None:
    counts = tuple(Count(kind, way, 0, 0, 0) for kind in Kind for way in Direction)

    with pytest.raises(MalformedError, match="counts: expected at most 6, came 7"):
        Counts((*counts, COUNT))


@pytest.mark.parametrize("message", [Offer, Answer])
def test_a_description_too_long_is_refused(message: type[Offer | Answer]) -> None:
    with pytest.raises(MalformedError, match="sdp bytes: expected at most 24576"):
        message("x" * (MAX_SDP_BYTES + 1))


@pytest.mark.parametrize("message", [Rekey, RekeyAck])
def test_a_rekey_of_another_size_is_refused(message: type[Rekey | RekeyAck]) -> None:
    with pytest.raises(MalformedError, match="expected 36 bytes, came 1"):
        message(b"x")


def test_a_server_with_a_long_text_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 255 bytes"):
        Server("turn:" + "x" * 251, "", credential="")


def test_a_credential_is_not_shown() -> None:
    assert "secret" not in repr(Accept((SERVER,)))


@given(st.integers(1, 255), st.binary(max_size=120))
def test_any_fields_are_a_message_or_malformed(kind: int, fields: bytes) -> None:
    try:
        message = parse_guest_message(kind, fields)
    except MalformedError:
        return

    assert format_guest_message(message) == (kind, fields)
