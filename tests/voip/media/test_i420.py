import av
import pytest

from voip.media.i420 import frame_of, picture_of
from voip.media.pattern import draw_pattern


@pytest.mark.parametrize(("width", "height"), [(640, 480), (322, 242), (128, 64)])
def test_a_picture_survives_the_way_to_a_frame_and_back(
    width: int, height: int
) -> None:
    picture = draw_pattern(3, width, height)

    assert picture_of(frame_of(picture), width, height) == picture


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 500), (500, 1), (1280, 720), (481, 641)]
)
def test_any_frame_fits_the_size_asked_for(width: int, height: int) -> None:
    picture = picture_of(av.VideoFrame(width, height, "rgb24"), 640, 480)

    assert (picture.width, picture.height) == (640, 480)


def test_bars_of_black_fill_what_the_proportions_leave() -> None:
    tall = picture_of(frame_of(draw_pattern(0xFFFFFFFF, 128, 256)), 256, 256)
    row = tall.i420[256 * 20 : 256 * 21]

    assert row[:64] == row[192:] == b"\x10" * 64
    assert row[64:192] == b"\xeb" * 128
