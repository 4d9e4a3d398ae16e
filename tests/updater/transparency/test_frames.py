"""Frames of an exchange between peers, to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import damaged
from updater.errors import MalformedError
from updater.transparency.frames import (
    MAX_FRAME,
    Answer,
    Body,
    Consistency,
    Done,
    NotePart,
    Offer,
    Row,
    Verdict,
    format_frame,
    log_id,
    parse_frame,
    split_note,
)

XID = bytes(range(8))
LOG = b"\x0a" * 32
OTHER = b"\x0b" * 32
ROW = Row(LOG, 812, root=b"\x0c" * 32)

BODIES: dict[str, tuple[Body, str]] = {
    "offer": (Offer((ROW,)), "01" + "0a" * 32 + f"{812:016x}" + "0c" * 32),
    "answer": (Answer(()), "00"),
    "note": (
        NotePart(LOG, 812, part=0, parts=2, data=b"text"),
        "0a" * 32 + f"{812:016x}" + "0002" + b"text".hex(),
    ),
    "proof": (
        Consistency(log=LOG, old=3, new=812, root=b"\x0d" * 32, proof=(b"\x0e" * 32,)),
        "0a" * 32 + f"{3:016x}{812:016x}" + "0d" * 32 + "01" + "0e" * 32,
    ),
    "done": (
        Done(((LOG, Verdict.SAME), (OTHER, Verdict.DECLINED))),
        "02" + "0a" * 32 + "01" + "0b" * 32 + "05",
    ),
}
TYPES = {"offer": "01", "answer": "02", "note": "03", "proof": "04", "done": "05"}


@pytest.mark.parametrize("name", BODIES)
def test_a_frame_is_these_bytes(name: str) -> None:
    body, data = BODIES[name]
    frame = bytes.fromhex("52464731" + TYPES[name] + XID.hex() + data)

    assert format_frame(XID, body) == frame
    assert parse_frame(frame) == (XID, body)


@pytest.mark.parametrize("name", BODIES)
def test_a_damaged_frame_is_refused_or_another_frame(name: str) -> None:
    body, _ = BODIES[name]
    for bad in damaged(format_frame(XID, body)):
        try:
            xid, value = parse_frame(bad)
        except MalformedError:
            continue
        assert format_frame(xid, value) == bad


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    try:
        xid, body = parse_frame(b"RFG1" + data)
    except MalformedError:
        return

    assert format_frame(xid, body) == b"RFG1" + data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bytes(MAX_FRAME + 1), "at most 8192 bytes"),
        (b"RFG2\x01" + XID, "expected RFG1"),
        (b"RFG1\x06" + XID, "type 1 to 5, came 6"),
        (b"RFG1\x01" + XID + b"\x00", "expected 1 to 4, came 0"),
        (b"RFG1\x01" + XID + b"\x64", "expected 1 to 4, came 100"),
        (b"RFG1\x02" + XID + b"\x00\x00", "bytes after its end"),
        (b"RFG1\x03" + XID + LOG + b"\xff" * 8 + b"\x00\x01x", "below 2\\^63"),
        (b"RFG1\x03" + XID + LOG + bytes(8) + b"\x01\x01x", "came 1 of 1"),
        (b"RFG1\x03" + XID + LOG + bytes(8) + b"\x00\x05x", "came 0 of 5"),
        (b"RFG1\x03" + XID + LOG + bytes(8) + b"\x00\x01", "came nothing"),
        (b"RFG1\x05" + XID + b"\x01" + LOG + b"\x00", "expected a verdict, came 0"),
        (b"RFG1\x05" + XID + b"\x02" + 2 * (LOG + b"\x01"), "twice"),
        (b"RFG1\x01" + XID + b"\x02" + 2 * (LOG + bytes(40)), "twice"),
        (b"RFG1\x04" + XID + LOG + bytes(48) + b"\x40", "expected 0 to 63, came 64"),
    ],
)
def test_what_is_no_frame_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_frame(data)


def test_a_note_is_cut_to_the_frames_of_a_channel() -> None:
    parts = split_note(LOG, 3, b"n" * 7_000, 4_000)

    assert [(each.part, each.parts, len(each.data)) for each in parts] == [
        (0, 2, 3_945),
        (1, 2, 3_055),
    ]
    assert len(format_frame(XID, parts[0])) == 4_000


def test_a_note_of_five_parts_is_not_sent() -> None:
    with pytest.raises(MalformedError, match="more than 4 parts"):
        split_note(LOG, 3, b"n" * 16_000, 4_000)


def test_a_log_is_named_by_the_hash_of_its_origin() -> None:
    assert log_id("bt.example/ringfence/1").hex()[:16] == "d29a0de70e852347"
