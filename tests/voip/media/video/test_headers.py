import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.video.headers import FrameHeader, parse_av1, parse_vp8
from voip.media.video.limits import MAX_FRAME_BYTES

# As libvpx and SVT-AV1 wrote them for 640x480.
VP8_KEY = bytes.fromhex("106c019d012a8002e00100c70885")
AV1_KEY = bytes.fromhex("12000a0b00000024c4ffdf12be401032")
VGA = FrameHeader(key=True, width=640, height=480)


def bits(*fields: tuple[int, int]) -> bytes:
    """Write (value, width) fields one after the other, filled up with zeros."""
    text = "".join(f"{value:0{width}b}" for value, width in fields if width)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8)


def sequence(*fields: tuple[int, int]) -> bytes:
    payload = bits(*fields)
    return bytes((0x0A, len(payload))) + payload


def size(width: int, height: int, side_bits: int = 11) -> tuple[tuple[int, int], ...]:
    return (
        *((side_bits - 1, 4), (side_bits - 1, 4)),
        *((width - 1, side_bits), (height - 1, side_bits)),
    )


PROFILE = (0, 3), (0, 1)
REDUCED = (*PROFILE, (1, 1), (0, 5))
FULL = (*PROFILE, (0, 1))


def test_a_vp8_key_frame_states_its_size() -> None:
    assert parse_vp8(VP8_KEY) == VGA


def test_the_scaling_of_a_vp8_frame_is_not_its_size() -> None:
    scaled = VP8_KEY[:7] + b"\xc2" + VP8_KEY[8:9] + b"\x41" + VP8_KEY[10:]

    assert parse_vp8(scaled) == VGA


def test_a_vp8_delta_frame_states_none() -> None:
    assert parse_vp8(b"\x11\x02\x00") == FrameHeader(key=False, width=0, height=0)


def vp8_key(width: int, height: int) -> bytes:
    return VP8_KEY[:6] + width.to_bytes(2, "little") + height.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("width", "height"), [(1922, 1080), (1920, 1082), (0, 480), (640, 0)]
)
def test_a_size_out_of_bounds_is_refused(width: int, height: int) -> None:
    with pytest.raises(MalformedError, match=f"came {width}x{height}"):
        parse_vp8(vp8_key(width, height))


def test_the_largest_size_is_taken() -> None:
    assert parse_vp8(vp8_key(1920, 1080)).width == 1920


@pytest.mark.parametrize("frame", [VP8_KEY[:9], b"\x10\x02\x00\x9d\x01\x2b" + bytes(4)])
def test_a_vp8_key_frame_without_its_start_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedError, match="the start of a key frame"):
        parse_vp8(frame)


def test_less_than_a_vp8_frame_is_refused() -> None:
    with pytest.raises(MalformedError, match="came 2 bytes"):
        parse_vp8(b"\x11\x02")


@pytest.mark.parametrize("parse", [parse_vp8, parse_av1])
def test_a_frame_over_the_limit_is_refused(parse: type) -> None:
    with pytest.raises(MalformedError, match="at most 512000 bytes, came 512001"):
        parse(bytes(MAX_FRAME_BYTES + 1))


def test_an_av1_key_frame_states_its_size() -> None:
    assert parse_av1(AV1_KEY[:-1]) == VGA


def test_an_av1_delta_frame_states_none() -> None:
    unit = bytes.fromhex("1200 3205") + b"delta"

    assert parse_av1(unit) == FrameHeader(key=False, width=0, height=0)


def test_a_reduced_sequence_header_states_its_size() -> None:
    assert parse_av1(sequence(*REDUCED, *size(640, 480))) == VGA


NO_TIMING = (0, 1)
TIMING = (1, 1), (1, 32), (30, 32)
ONE_POINT = (0, 5), (0, 12)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((NO_TIMING, (0, 1), *ONE_POINT, (5, 5)), id="plain"),
        pytest.param((NO_TIMING, (0, 1), *ONE_POINT, (8, 5), (1, 1)), id="tier"),
        pytest.param(
            (NO_TIMING, (0, 1), (1, 5), (0, 12), (5, 5), (1, 12), (5, 5)),
            id="two points",
        ),
        pytest.param(
            (
                *(NO_TIMING, (1, 1), (1, 5), (0, 12), (5, 5), (1, 1), (9, 4)),
                *((1, 12), (5, 5), (0, 1)),
            ),
            id="display delay",
        ),
        pytest.param(
            (*TIMING, (0, 1), (0, 1), (0, 1), *ONE_POINT, (5, 5)), id="timing"
        ),
        pytest.param(
            (*TIMING, (1, 1), (0b00101, 5), (0, 1), (0, 1), *ONE_POINT, (5, 5)),
            id="equal intervals",
        ),
        pytest.param(
            (*TIMING, (1, 1), (0, 32), (1, 1), (0, 1), (0, 1), *ONE_POINT, (5, 5)),
            id="the longest interval",
        ),
        pytest.param(
            (
                *(*TIMING, (0, 1), (1, 1), (9, 5), (7, 32), (3, 5), (3, 5), (0, 1)),
                *((1, 5), (0, 12), (5, 5), (1, 1), (1, 10), (2, 10), (1, 1)),
                *((1, 12), (5, 5), (0, 1)),
            ),
            id="decoder model",
        ),
    ],
)
def test_what_lies_before_the_size_is_passed_over(
    fields: tuple[tuple[int, int], ...],
) -> None:
    assert parse_av1(sequence(*FULL, *fields, *size(640, 480))) == VGA


def test_a_picture_that_may_grow_beyond_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 11 bits, came 16 and 16"):
        parse_av1(sequence(*REDUCED, *size(640, 480, side_bits=16)))


def test_an_av1_picture_over_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match="came 2048x480"):
        parse_av1(sequence(*REDUCED, *size(2048, 480)))


def test_a_second_sequence_header_is_looked_at_too() -> None:
    unit = sequence(*REDUCED, *size(640, 480)) + sequence(*REDUCED, *size(2048, 480))

    with pytest.raises(MalformedError, match="came 2048x480"):
        parse_av1(unit)


def test_a_sequence_header_cut_short_is_refused() -> None:
    with pytest.raises(MalformedError, match="came part of one"):
        parse_av1(bytes.fromhex("0a02 0000"))


def test_mangled_frames_raise_one_error_only() -> None:
    assert_only_malformed(parse_vp8, VP8_KEY)
    assert_only_malformed(parse_av1, AV1_KEY)


@given(st.binary(max_size=64))
def test_any_bytes_raise_one_error_only(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        parse_vp8(data)
    with contextlib.suppress(MalformedError):
        parse_av1(data)
    with contextlib.suppress(MalformedError):
        parse_av1(bytes((0x0A, len(data))) + data)
