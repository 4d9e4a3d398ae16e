"""Every encoder does the same, and the ones that open again do it seldom."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.voip.media.video.clip import clip, psnr
from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.i420 import picture_of
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.sources import Picture
from voip.media.video.decoding import FrameDecoder, open_decoder
from voip.media.video.encoders import Encoder, open_encoder, open_plain_vp8
from voip.media.video.headers import parse_av1, parse_vp8
from voip.media.video.reopened import PATIENCE
from voip.media.video.svt import available, open_av1
from voip.media.video.vpx import Vp8Encoder

TICKS = 3000
SIZE = 160, 120

needs_av1 = pytest.mark.skipif(not available(), reason="PyAV has no AV1 here")

Opener = Callable[..., Encoder]
PARSERS = {Codec.VP8: parse_vp8, Codec.AV1: parse_av1}

EACH = [
    pytest.param(Vp8Encoder, Codec.VP8, id="libvpx"),
    pytest.param(open_plain_vp8, Codec.VP8, id="plain"),
    pytest.param(open_av1, Codec.AV1, id="av1", marks=needs_av1),
]
REOPENED = EACH[1:]


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return clip(*SIZE, 30)


def frames_at(encoder: Encoder, pictures: list[Picture], numbers: range) -> list[bytes]:
    return [
        encoder.encode(pictures[number % len(pictures)], number * TICKS)
        for number in numbers
    ]


@pytest.mark.parametrize(("opener", "codec"), EACH)
def test_each_picture_is_a_frame_at_once(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    encoder, decoder = opener(*SIZE, bps=400_000), open_decoder(codec)
    likeness = []
    for number, picture in enumerate(pictures[:10]):
        coded = encoder.encode(picture, number * TICKS)
        shown = [picture_of(frame, *SIZE) for frame in decoder.decode(av.Packet(coded))]
        likeness += [psnr(picture, each) for each in shown]
    encoder.close()

    assert len(likeness) == 10
    assert min(likeness) > 30


@pytest.mark.parametrize(("opener", "codec"), EACH)
def test_key_frames_come_first_when_asked_for_and_with_a_new_size(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    encoder = opener(*SIZE, bps=400_000)
    coded = [
        encoder.encode(picture, number * TICKS, key=number == 3)
        for number, picture in enumerate(pictures[:6])
    ]
    encoder.set_size(*SIZE)  # which it has
    coded.append(encoder.encode(pictures[6], 6 * TICKS))
    encoder.set_size(96, 64)
    coded.append(encoder.encode(clip(96, 64, 1)[0], 7 * TICKS))
    encoder.close()
    headers = [PARSERS[codec](frame) for frame in coded]

    assert [n for n, header in enumerate(headers) if header.key] == [0, 3, 7]
    assert (headers[0].width, headers[7].width) == (160, 96)


@pytest.mark.parametrize(("opener", "codec"), EACH)
def test_a_picture_of_another_size_is_refused(opener: Opener, codec: Codec) -> None:
    del codec
    encoder = opener(*SIZE, bps=400_000)

    with pytest.raises(MalformedError, match="expected 160x120, came 96x64"):
        encoder.encode(clip(96, 64, 1)[0], 0)
    encoder.close()


@pytest.mark.parametrize(("opener", "codec"), EACH)
def test_a_closed_encoder_encodes_no_more(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    del codec
    encoder = opener(*SIZE, bps=400_000)
    encoder.encode(pictures[0], 0)
    encoder.close()
    encoder.close()
    encoder.set_size(64, 64)

    with pytest.raises(MissingError, match="closed"):
        encoder.encode(pictures[0], TICKS)


@pytest.mark.parametrize(("opener", "codec"), REOPENED)
def test_a_large_change_of_rate_opens_it_again_after_four_seconds(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    encoder = opener(*SIZE, bps=200_000)
    before = frames_at(encoder, pictures, range(30))
    encoder.set_rate(100_000)
    after = frames_at(encoder, pictures, range(30, 150))
    encoder.close()
    keys = [
        number
        for number, frame in enumerate(before + after)
        if frame and PARSERS[codec](frame).key
    ]

    assert len(keys) == 2
    assert 0 <= keys[1] - PATIENCE // TICKS < 15


@pytest.mark.parametrize(("opener", "codec"), REOPENED)
def test_until_then_pictures_are_left_out_to_keep_the_rate(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    del codec
    encoder = opener(*SIZE, bps=400_000)
    frames_at(encoder, pictures, range(30))
    encoder.set_rate(80_000)
    frames = frames_at(encoder, pictures, range(30, 110))
    encoder.close()
    bps = sum(map(len, frames[20:])) * 8 * 30 / 60

    assert b"" in frames
    assert bps < 110_000


@pytest.mark.parametrize(("opener", "codec"), REOPENED)
def test_a_key_frame_asked_for_is_never_left_out(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    encoder = opener(*SIZE, bps=400_000)
    frames_at(encoder, pictures, range(30))
    encoder.set_rate(1_000)
    left_out = frames_at(encoder, pictures, range(30, 32))
    asked = encoder.encode(pictures[2], 32 * TICKS, key=True)
    encoder.close()

    assert left_out[1] == b""
    assert PARSERS[codec](asked).key


@pytest.mark.parametrize(("opener", "codec"), REOPENED)
def test_a_small_change_of_rate_opens_nothing(
    opener: Opener, codec: Codec, pictures: list[Picture]
) -> None:
    encoder = opener(*SIZE, bps=100_000)
    encoder.set_rate(120_000)
    frames = frames_at(encoder, pictures, range(150))
    encoder.close()
    keys = [n for n, frame in enumerate(frames) if frame and PARSERS[codec](frame).key]

    assert keys == [0]


def test_vp8_is_libvpx_called_directly() -> None:
    encoder = open_encoder(Codec.VP8, *SIZE, bps=100_000)
    encoder.close()

    assert isinstance(encoder, Vp8Encoder)


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.H264])
def test_there_is_no_encoder_for_anything_else(codec: Codec) -> None:
    with pytest.raises(MissingError, match="no encoder of pictures"):
        open_encoder(codec, *SIZE, bps=100_000)


@needs_av1
def test_the_av1_encoder_writes_nothing_to_the_terminal(
    pictures: list[Picture], capfd: pytest.CaptureFixture[str]
) -> None:
    encoder = open_av1(*SIZE, bps=100_000)
    encoder.encode(pictures[0], 0)
    encoder.close()

    assert capfd.readouterr() == ("", "")


def policies() -> set[int]:
    found = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            found.add(os.sched_getscheduler(int(thread.name)))
    return found


@needs_av1
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its threads")
def test_no_thread_of_av1_comes_before_others() -> None:
    encoder = open_av1(*SIZE, bps=100_000)
    encoder.encode(draw_pattern(0, *SIZE), 0)
    found = policies()
    encoder.close()

    assert found == {os.SCHED_OTHER}


@needs_av1
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its threads")
def test_no_thread_stays_when_av1_cannot_be_opened() -> None:
    with pytest.raises(MissingError):
        open_av1(2, 2, bps=100_000)

    assert policies() == {os.SCHED_OTHER}


@needs_av1
def test_av1_refuses_a_size_that_it_cannot() -> None:
    with pytest.raises(MissingError, match="encoder:"):
        open_av1(2, 2, bps=100_000)


@needs_av1
def test_av1_of_a_screen_shows_every_small_change() -> None:
    encoder, decoder = (
        open_av1(640, 480, bps=600_000, screen=True),
        FrameDecoder(Codec.AV1),
    )
    shown = [
        read_frame_number(picture_of(frame, 640, 480))
        for number in range(30)
        for frame in decoder.decode(
            encoder.encode(draw_pattern(number), number * TICKS)
        )
    ]
    encoder.close()

    assert shown == list(range(30))
