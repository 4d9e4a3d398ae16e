"""The door to libvpx, against the library of the wheel."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.memory import resident_kb
from tests.voip.media.video.clip import clip, psnr
from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.i420 import picture_of
from voip.media.sources import Picture
from voip.media.video.decoding import open_decoder
from voip.media.video.vpx import Vp8Encoder, load
from voip.media.wheel import find_library

TICKS = 3000  # 30 pictures a second
SIZE = 320, 240


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return clip(*SIZE, 60)


@pytest.fixture
def encoder() -> Iterator[Vp8Encoder]:
    opened = Vp8Encoder(*SIZE, bps=400_000)
    yield opened
    opened.close()


def is_key(frame: bytes) -> bool:
    return not frame[0] & 1  # RFC 6386 §9.1


def encode_all(
    encoder: Vp8Encoder, pictures: list[Picture], start: int = 0
) -> list[bytes]:
    return [
        encoder.encode(picture, (start + number) * TICKS)
        for number, picture in enumerate(pictures)
    ]


def test_the_library_of_the_wheel_is_known() -> None:
    assert load().version.startswith("v1.")


def test_pictures_come_back(encoder: Vp8Encoder, pictures: list[Picture]) -> None:
    decoder = open_decoder(Codec.VP8)
    shown = [
        picture_of(frame, *SIZE)
        for coded in encode_all(encoder, pictures)
        for frame in decoder.decode(av.Packet(coded))
    ]
    likeness = [psnr(*both) for both in zip(pictures, shown, strict=True)]

    assert min(likeness) > 35


def test_only_the_first_frame_is_a_key_frame(
    encoder: Vp8Encoder, pictures: list[Picture]
) -> None:
    keys = [is_key(frame) for frame in encode_all(encoder, pictures)]

    assert keys == [True] + [False] * 59


@pytest.mark.parametrize(
    "gaps", [(3000,), (6000, 3000), (3600, 3600, 3600, 7200)], ids=str
)
def test_the_rate_is_kept_however_uneven_the_pictures_come(
    encoder: Vp8Encoder, pictures: list[Picture], gaps: tuple[int, ...]
) -> None:
    times = list(itertools.accumulate(itertools.islice(itertools.cycle(gaps), 240)))
    frames = [
        encoder.encode(pictures[number % 60], at) for number, at in enumerate(times)
    ]
    bits = 8 * sum(map(len, frames[60:]))
    bps = bits * 90_000 / (times[-1] - times[59])

    assert bps == pytest.approx(400_000, rel=0.1)


def test_a_key_frame_comes_when_asked_for(
    encoder: Vp8Encoder, pictures: list[Picture]
) -> None:
    encode_all(encoder, pictures[:10])
    frame = encoder.encode(pictures[10], 10 * TICKS, key=True)

    assert is_key(frame)


def test_a_change_of_rate_is_kept_and_needs_no_key_frame(
    encoder: Vp8Encoder, pictures: list[Picture]
) -> None:
    encode_all(encoder, pictures)
    encoder.set_rate(130_000)
    changed = encode_all(encoder, pictures, 60)
    bps = sum(map(len, changed[10:])) * 8 * 30 / 50

    assert not any(map(is_key, changed))
    assert 90_000 < bps < 170_000


@pytest.mark.parametrize("size", [(160, 120), (640, 480), (200, 300)])
def test_a_change_of_size_begins_with_a_key_frame(
    encoder: Vp8Encoder, pictures: list[Picture], size: tuple[int, int]
) -> None:
    encode_all(encoder, pictures[:3])
    encoder.set_size(*size)
    frames = encode_all(encoder, clip(*size, 3), 3)
    shown = open_decoder(Codec.VP8).decode(av.Packet(frames[0]))

    assert [is_key(frame) for frame in frames] == [True, False, False]
    assert [(frame.width, frame.height) for frame in shown] == [size]


def test_less_room_means_a_coarser_quantizer(
    encoder: Vp8Encoder, pictures: list[Picture]
) -> None:
    encode_all(encoder, pictures)
    before = encoder.quantizer
    encoder.set_rate(60_000)
    encode_all(encoder, pictures, 60)

    assert 0 < before < encoder.quantizer <= 63


def test_a_picture_of_another_size_is_refused(encoder: Vp8Encoder) -> None:
    with pytest.raises(MalformedError, match="expected 320x240, came 64x64"):
        encoder.encode(clip(64, 64, 1)[0], 0)


def test_a_closed_encoder_encodes_no_more(
    encoder: Vp8Encoder, pictures: list[Picture]
) -> None:
    encoder.close()
    encoder.close()
    encoder.set_rate(1_000)
    encoder.set_size(640, 480)

    with pytest.raises(MissingError, match="the encoder is closed"):
        encoder.encode(pictures[0], 0)


def test_a_library_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="libvpx"):
        load(str(tmp_path / "libvpx.so"))


def test_another_library_is_no_libvpx() -> None:
    other = find_library("opus")
    assert other is not None

    with pytest.raises(MissingError, match=r"libvpx: .*vpx_codec"):
        load(other)


@pytest.mark.slow
def test_thousands_of_changes_do_not_leak(pictures: list[Picture]) -> None:
    # As many as in an hour of calls: twice a second a rate, every 10 s a size.
    encoder = Vp8Encoder(*SIZE, bps=400_000)
    small = clip(160, 120, 2)
    sizes = []
    pts = 0
    for turn in range(7_200):
        encoder.set_rate(100_000 + turn % 50 * 10_000)
        is_small = turn // 20 % 2
        encoder.set_size(*((160, 120) if is_small else SIZE))
        pts += TICKS
        encoder.encode(small[turn % 2] if is_small else pictures[turn % 60], pts)
        if turn % 720 == 0:  # others that come and go as calls do
            Vp8Encoder(*SIZE, bps=400_000).close()
        if turn in {1_000, 7_199}:
            sizes.append(resident_kb())
    encoder.close()

    assert sizes[1] - sizes[0] < 4_000  # kB
