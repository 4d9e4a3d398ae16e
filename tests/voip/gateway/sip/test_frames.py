"""What the SIP worker and its parent say to each other."""

import json
import struct
from contextlib import suppress
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.sip.frames import (
    MAX_FRAME,
    MAX_JSON,
    MAX_TEXT,
    MAX_TRACED,
    NARROW_BYTES,
    STEREO_BYTES,
    Command,
    Event,
    Frame,
    FrameReader,
    Order,
    Said,
    Shown,
    Sound,
    Traced,
    format_command,
    format_event,
    format_shown,
    format_sound,
    format_traced,
)
from voip.media.sources import FRAME_BYTES, Picture

FRAMES: list[tuple[bytes, Frame]] = [
    (
        format_command(Command(Order.DIAL, 3, "sip:7@pbx.example", on=True)),
        Command(Order.DIAL, 3, "sip:7@pbx.example", on=True),
    ),
    (
        format_event(Event(Said.CLOSED, 3, 486, "Busy Here")),
        Event(Said.CLOSED, 3, 486, "Busy Here"),
    ),
    (format_sound(3, 960, b""), Sound(3, 960, b"")),
    (format_sound(3, 960, bytes(NARROW_BYTES)), Sound(3, 960, bytes(NARROW_BYTES))),
    (format_sound(3, 960, bytes(FRAME_BYTES)), Sound(3, 960, bytes(FRAME_BYTES))),
    (format_sound(3, 960, bytes(STEREO_BYTES)), Sound(3, 960, bytes(STEREO_BYTES))),
    (
        format_shown(3, 5, Picture(4, 2, bytes(12))),
        Shown(3, 5, Picture(4, 2, bytes(12))),
    ),
    (format_traced("INVITE sip:é"), Traced("INVITE sip:é")),
]
KINDS = ("command", "event", "silence", "narrow", "mono", "stereo", "picture", "trace")


def framed(kind: int, body: bytes) -> bytes:
    return struct.pack(">IB", 1 + len(body), kind) + body


def event(**changed: object) -> bytes:
    fields = {"said": "closed", "call": 3, "status": 486, "text": "", **changed}
    return framed(2, json.dumps(fields).encode())


BAD: list[tuple[bytes, str]] = [
    (struct.pack(">IB", 0, 1), "frame of 1 to"),
    (struct.pack(">IB", MAX_FRAME + 1, 1), "frame of 1 to"),
    (framed(6, b""), "kind 1-5, came 6"),
    (framed(5, bytes(MAX_TRACED + 1)), "no message of SIP has 65537"),
    (framed(5, b"\xff"), "in UTF-8"),
    (framed(3, bytes(9)), "-1 bytes"),
    (framed(3, bytes(11)), "1 bytes"),
    (framed(4, bytes(13)), "no picture has 13"),
    (framed(4, struct.pack(">HQHH", 1, 0, 3, 2) + bytes(9)), "even sides"),
    (framed(2, b"{"), "none"),
    (framed(2, b"[" * 5000), "none"),
    (framed(2, bytes(MAX_JSON + 1)), "at most 8192"),
    (framed(2, b"[]"), "an object of"),
    (framed(2, b"{}"), "an object of"),
    (event(said="sung"), "no event is called 'sung'"),
    (event(call=-1), "no call has the number"),
    (event(call=65536), "no call has the number"),
    (event(call=True), "expected int, came bool"),
    (event(status=99), "no status"),
    (event(status=700), "no status"),
    (event(text="a" * 257), "at most 256"),
    (event(text="\ud800"), "half a character"),
    (
        framed(1, b'{"order":"jump","call":1,"text":"","on":false}'),
        "no order is called",
    ),
    (framed(1, b'{"order":"end","call":1,"text":"","on":0}'), "expected bool"),
]


@pytest.mark.parametrize(("data", "frame"), FRAMES, ids=KINDS)
def test_what_is_written_reads_the_same(data: bytes, frame: Frame) -> None:
    assert FrameReader().feed(data) == [frame]


def test_frames_may_come_in_any_pieces() -> None:
    reader = FrameReader()
    stream = b"".join(data for data, _ in FRAMES)
    pieces = [stream[at : at + 7] for at in range(0, len(stream), 7)]

    read = list(chain.from_iterable(reader.feed(piece) for piece in pieces))

    assert read == [frame for _, frame in FRAMES]


def test_the_worked_example_of_the_format() -> None:
    data = format_event(Event(Said.CLOSED, 3, 486, "Busy Here"))

    assert data == bytes.fromhex("0000003b02") + (
        b'{"said":"closed","call":3,"status":486,"text":"Busy Here"}'
    )


def test_a_long_text_is_cut_by_who_writes_it() -> None:
    data = format_event(Event(Said.REFERRED, 1, 0, "a" * 300))

    assert FrameReader().feed(data) == [Event(Said.REFERRED, 1, 0, "a" * MAX_TEXT)]


def test_a_long_message_is_cut_between_characters() -> None:
    data = format_traced("é" * MAX_TRACED + "\ud800")

    assert FrameReader().feed(data) == [Traced("é" * (MAX_TRACED // 2))]


@pytest.mark.parametrize(("data", "why"), BAD, ids=range(len(BAD)))
def test_anything_else_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        FrameReader().feed(data)


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_give_frames_or_the_one_error(pieces: list[bytes]) -> None:
    reader = FrameReader()
    with suppress(MalformedError):
        for piece in pieces:
            reader.feed(piece)


@given(st.integers(1, 5), st.binary(max_size=400))
def test_any_body_gives_a_frame_or_the_one_error(kind: int, body: bytes) -> None:
    with suppress(MalformedError):
        FrameReader().feed(framed(kind, body))


@given(
    st.sampled_from(Said),
    st.integers(0, 65535),
    st.one_of(st.just(0), st.integers(100, 699)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=256),
)
def test_every_event_reads_as_it_was_written(
    said: Said, call: int, status: int, text: str
) -> None:
    written = Event(said, call, status, text)

    assert FrameReader().feed(format_event(written)) == [written]
