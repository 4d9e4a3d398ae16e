import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.pattern import (
    Discard,
    Silence,
    Sweep,
    Tone,
    black,
    draw_pattern,
    read_frame_number,
)
from voip.media.sources import FRAME_BYTES, SILENCE, Picture


def samples(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


@pytest.mark.parametrize("source", [Silence(), Tone(), Sweep()])
def test_a_frame_is_20_ms(source: Silence | Tone | Sweep) -> None:
    frame = source.read()
    source.close()

    assert len(frame) == FRAME_BYTES


def test_silence_is_zeros() -> None:
    assert Silence().read() == bytes(FRAME_BYTES) == SILENCE


def test_a_tone_keeps_to_its_amplitude() -> None:
    loudest = max(samples(Tone(440.0, 0.5).read()))

    assert 16_000 <= loudest <= 16_384


def test_a_tone_runs_on_without_a_step_between_frames() -> None:
    tone = Tone(440.0, 0.5)
    pcm = samples(tone.read() + tone.read())
    steps = [abs(new - old) for old, new in pairwise(pcm)]

    # 2 pi 440 / 48000 of the amplitude is the steepest that this sine ever gets.
    assert max(steps) <= 0.0576 * 16_384 + 1


def test_a_tone_has_its_pitch() -> None:
    tone = Tone(500.0)
    pcm = samples(b"".join(tone.read() for _ in range(50)))
    rising = sum(old < 0 <= new for old, new in pairwise(pcm))

    assert rising in {499, 500}


def test_a_sweep_starts_again_from_the_bottom() -> None:
    sweep = Sweep(seconds=0.04)
    first, _, third = sweep.read(), sweep.read(), sweep.read()

    assert first == third


def test_discard_takes_everything() -> None:
    sink = Discard()
    sink.write(SILENCE)
    sink.show(black(2, 2))
    sink.close()


def test_black_is_black_in_all_planes() -> None:
    assert black(4, 2) == Picture(4, 2, b"\x10" * 8 + b"\x80" * 4)


@given(st.integers(0, 2**32 - 1))
def test_the_number_drawn_is_the_number_read(number: int) -> None:
    assert read_frame_number(draw_pattern(number, 128, 64)) == number


def test_the_number_is_eight_by_four_blocks_of_16_from_the_top_left() -> None:
    picture = draw_pattern(0b10000000_00000000_00000000_00000001)
    corner = picture.i420[15 * 640 : 15 * 640 + 32]
    last = picture.i420[48 * 640 + 96 : 48 * 640 + 128]

    assert corner == b"\xeb" * 16 + b"\x10" * 16
    assert last == b"\x10" * 16 + b"\xeb" * 16


@pytest.mark.parametrize(("width", "height"), [(640, 480), (128, 64), (322, 242)])
def test_a_picture_has_the_length_that_its_sides_ask_for(
    width: int, height: int
) -> None:
    picture = draw_pattern(7, width, height)

    assert len(picture.i420) == width * height * 3 // 2


def test_the_bars_move() -> None:
    bottom = slice(639 * 400, 640 * 400)

    assert draw_pattern(1).i420[bottom] != draw_pattern(2).i420[bottom]


def test_a_number_survives_a_blurred_rim_and_noise() -> None:
    picture = draw_pattern(0xDEADBEEF)
    noisy = bytearray(picture.i420)
    for start in range(0, 64 * 640, 16):
        noisy[start] = 128
    for at in range(0, len(noisy), 7):
        noisy[at] = max(0, noisy[at] - 30)

    assert read_frame_number(Picture(640, 480, bytes(noisy))) == 0xDEADBEEF


def test_grey_is_no_number() -> None:
    grey = Picture(128, 64, b"\x80" * (128 * 64 * 3 // 2))

    with pytest.raises(MalformedError, match="luma 128 is neither dark nor bright"):
        read_frame_number(grey)


@pytest.mark.parametrize(("width", "height"), [(126, 64), (128, 62)])
def test_a_picture_too_small_for_the_number_is_refused(width: int, height: int) -> None:
    with pytest.raises(MalformedError, match=f"needs 128x64 pixels, got {width}x"):
        read_frame_number(black(width, height))
