"""RTCP to the byte, and whatever a peer sends instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.flow.report import (
    MAX_FEEDBACK_BYTES,
    MAX_NACK_ENTRIES,
    MAX_PACKETS,
    MAX_STREAMS,
    MISSING,
    UNTIMED,
    Arrivals,
    Block,
    Compound,
    Feedback,
    Nack,
    PictureLoss,
    format_compound,
    format_feedback,
    format_nack,
    format_nothing,
    format_picture_loss,
    parse,
)

US, SOUND, CAMERA = 0xA1B2C3D4, 0x11111111, 0x22222222

FEEDBACK = Feedback(
    US,
    (
        Arrivals(SOUND, 0xFFFE, (MISSING, 60, 40, 20)),
        Arrivals(CAMERA, 9, (UNTIMED, MISSING, 0)),
    ),
    clock=0x00028000,  # 2.5 s
)
FEEDBACK_BYTES = bytes.fromhex(
    "8bcd000a a1b2c3d4"  # version 2, format 11, type 205, ten words follow
    "11111111 fffe0004 0000 803c 8028 8014"  # 65534 is missing, 65535, 0 and 1 came
    "22222222 00090003 9ffe 0000 8000 0000"  # three, padded to 32 bits
    "00028000"
)

BLOCK = Block(
    SOUND,
    lost_share=26,
    lost=-2,
    highest=0x0001_0003,
    jitter=5,
    last_report=0x12345678,
    delay=65536,
)
SENDER = Compound(US, (BLOCK,), clock=1 << 32, timestamp=960, packets=2, octets=330)
SENDER_BYTES = bytes.fromhex(
    "81c8000c a1b2c3d4 0000000100000000 000003c0 00000002 0000014a"
    "11111111 1afffffe 00010003 00000005 12345678 00010000"
    "81ca0003 a1b2c3d4 010463616c6c 0000"
)


def test_feedback_is_written_as_rfc_8888_says() -> None:
    written = format_feedback(FEEDBACK)

    assert written == FEEDBACK_BYTES


def test_feedback_on_sound_alone_has_68_bytes() -> None:
    sound = Arrivals(SOUND, 0, (0,) * 24)

    assert len(format_feedback(Feedback(US, (sound,), 0))) == 68


def test_feedback_is_read_back() -> None:
    assert parse(FEEDBACK_BYTES) == (FEEDBACK,)


def test_congestion_marks_are_not_taken_for_time() -> None:
    marked = FEEDBACK_BYTES.replace(bytes.fromhex("803c"), bytes.fromhex("e03c"))

    assert parse(marked) == (FEEDBACK,)


def test_a_sender_report_is_written_as_rfc_3550_says() -> None:
    assert format_compound([SENDER]) == SENDER_BYTES


def test_a_sender_report_is_read_back() -> None:
    assert parse(SENDER_BYTES) == (SENDER,)


def test_reports_of_two_streams_share_the_names() -> None:
    camera = Compound(CAMERA, (), clock=5)
    receiver = Compound(US, (BLOCK,))
    written = format_compound([receiver, camera])

    assert parse(written) == (receiver, camera)
    assert written.endswith(
        bytes.fromhex("82ca0006 a1b2c3d4 010463616c6c0000 22222222 010463616c6c0000")
    )


def test_a_nack_holds_seventeen_numbers_in_an_entry() -> None:
    nack = Nack(US, CAMERA, (65535, 0, 15, 16))

    assert format_nack(nack) == bytes.fromhex(
        "81cd0004 a1b2c3d4 22222222 ffff 8001 0010 0000"
    )


@given(st.lists(st.integers(0, 0xFFFF), unique=True, max_size=MAX_NACK_ENTRIES))
def test_a_nack_is_read_back(numbers: list[int]) -> None:
    nack = Nack(US, CAMERA, tuple(sorted(numbers)))

    assert parse(format_nack(nack)) == (nack,)


def test_a_key_frame_is_asked_for_in_12_bytes() -> None:
    wanted = PictureLoss(US, CAMERA)
    written = format_picture_loss(wanted)

    assert written == bytes.fromhex("81ce0002 a1b2c3d4 22222222")
    assert parse(written) == (wanted,)


def test_asking_for_nothing_takes_as_many_bytes_and_is_left_out() -> None:
    written = format_nothing(US, CAMERA)

    assert (len(written), parse(written)) == (12, ())


def test_a_datagram_of_several_packets_is_read_whole() -> None:
    wanted = PictureLoss(US, CAMERA)
    datagram = SENDER_BYTES + FEEDBACK_BYTES + format_picture_loss(wanted)

    assert parse(datagram) == (SENDER, FEEDBACK, wanted)


@pytest.mark.parametrize("kind", ["c0", "cb", "cf"], ids=["fir", "bye", "xr"])
def test_an_unknown_packet_is_left_out(kind: str) -> None:
    unknown = bytes.fromhex(f"80{kind}0001a1b2c3d4")

    assert parse(unknown + FEEDBACK_BYTES) == (FEEDBACK,)


@given(st.binary(max_size=200))
def test_any_bytes_give_reports_or_one_error(raw: bytes) -> None:
    try:
        reports = parse(raw)
    except MalformedError:
        return

    assert isinstance(reports, tuple)


@pytest.mark.parametrize(
    "datagram", [FEEDBACK_BYTES, SENDER_BYTES], ids=["feedback", "sender"]
)
@given(st.data())
def test_a_changed_report_gives_reports_or_one_error(
    datagram: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(datagram) - 1))
    changed = bytearray(datagram)
    changed[at] = data.draw(st.integers(0, 255))
    try:
        reports = parse(bytes(changed))
    except MalformedError:
        return

    assert isinstance(reports, tuple)


@pytest.mark.parametrize("cut", range(1, len(FEEDBACK_BYTES)))
def test_no_prefix_of_feedback_is_read(cut: int) -> None:
    with pytest.raises(MalformedError):
        parse(FEEDBACK_BYTES[:cut])


def _packet(first: int, kind: int, body: bytes) -> bytes:
    return bytes([first, kind]) + (len(body) // 4 + 1).to_bytes(2) + bytes(4) + body


@pytest.mark.parametrize(
    ("datagram", "sentence"),
    [
        (b"\x80", "expected a header of 8 bytes at 0, came 1"),
        (b"\x40" + FEEDBACK_BYTES[1:], "expected version 2 without padding, came 0x40"),
        (b"\xab" + FEEDBACK_BYTES[1:], "expected version 2 without padding, came 0xab"),
        (bytes.fromhex("80c80000a1b2c3d4"), "expected 0 words after 0"),
        (bytes.fromhex("80c80002a1b2c3d4"), "expected 2 words after 0"),
        (_packet(0x81, 200, bytes(40)), "expected 1 report blocks, came 40 bytes"),
        (_packet(0x81, 201, bytes(20)), "expected 1 report blocks, came 20 bytes"),
        (_packet(0x8B, 205, b""), "expected 12 to 1200 bytes, came 8"),
        (
            _packet(0x8B, 205, bytes(MAX_FEEDBACK_BYTES - 4)),
            "expected 12 to 1200 bytes, came 1204",
        ),
        (_packet(0x8B, 205, bytes(8)), "expected a stream at 0, came its half"),
        (
            _packet(0x8B, 205, bytes.fromhex("0000000100000003") + bytes(8)),
            "expected 3 reports, came 2",
        ),
        (
            _packet(0x8B, 205, bytes(20)),
            f"expected at most {MAX_STREAMS} streams, each once",
        ),
        (
            _packet(
                0x8B,
                205,
                b"".join(n.to_bytes(4) + bytes(4) for n in range(9)) + bytes(4),
            ),
            f"expected at most {MAX_STREAMS} streams, each once",
        ),
        (_packet(0x81, 205, b""), "expected one ssrc, came 0 bytes"),
        (
            _packet(0x81, 205, bytes(4 + 4 * 65)),
            f"at most {MAX_NACK_ENTRIES} entries, came 65",
        ),
        (_packet(0x81, 206, bytes(8)), "expected one ssrc, came 8 bytes"),
    ],
    ids=[
        "half a header",
        "version 1",
        "padding",
        "no sender",
        "too long",
        "sender without its block",
        "receiver without its block",
        "no clock",
        "feedback over the limit",
        "half a stream",
        "too few reports",
        "a stream twice",
        "nine streams",
        "nack of nothing",
        "a long nack",
        "two key frames",
    ],
)
def test_what_is_no_report_is_refused(datagram: bytes, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse(datagram)


def test_a_datagram_has_a_bound_of_packets() -> None:
    packet = format_picture_loss(PictureLoss(US, CAMERA))
    most = parse(MAX_PACKETS * packet)

    assert len(most) == MAX_PACKETS
    with pytest.raises(MalformedError, match="rtcp: expected at most 16 packets"):
        parse((MAX_PACKETS + 1) * packet)
