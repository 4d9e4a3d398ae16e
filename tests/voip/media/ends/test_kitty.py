import re
import zlib
from base64 import b64decode
from random import Random

import pytest

from voip.media.ends.kitty import CHUNK_BYTES, KittyPictures
from voip.media.ends.terminal import Place, shrink
from voip.media.pattern import black, draw_pattern
from voip.media.sources import Picture

PLACE = Place(2, 1, columns=40, rows=15)
_CODE = re.compile(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\")


def _noise(width: int, height: int) -> Picture:
    return Picture(width, height, Random(1).randbytes(width * height * 3 // 2))


@pytest.mark.parametrize(
    ("picture", "width", "height"),
    [
        pytest.param(black(64, 48), 64, 48, id="small"),
        pytest.param(draw_pattern(5), 320, 240, id="pattern"),
        pytest.param(_noise(640, 360), 320, 180, id="noise"),
    ],
)
def test_a_terminal_reads_the_pixels_back(
    picture: Picture, width: int, height: int
) -> None:
    codes = _CODE.findall(KittyPictures(PLACE).draw(picture))

    data = b64decode(b"".join(chunk for _, chunk in codes))

    assert f"s={width},v={height}".encode() in codes[0][0]
    assert zlib.decompress(data) == shrink(picture, width, height).tobytes()


def test_every_chunk_but_the_last_says_that_more_follows() -> None:
    codes = _CODE.findall(KittyPictures(PLACE).draw(_noise(320, 240)))

    more = [control.endswith(b"m=1") for control, _ in codes]

    assert len(codes) > 1
    assert more == [True] * (len(codes) - 1) + [False]
    assert max(len(chunk) for _, chunk in codes) == CHUNK_BYTES


def test_the_terminal_is_asked_not_to_answer_and_to_scale_to_the_place() -> None:
    drawn = KittyPictures(PLACE).draw(black(64, 48))

    assert drawn.startswith(b"\x1b[2;1H\x1b_Ga=T,f=24,o=z,i=1,p=1,q=2,C=1,")
    assert b"c=40,r=15" in drawn
