"""Pictures in a terminal, as half blocks: two pixels to a cell, one above the other.

Pure. Nothing of the other side but the colours of its pixels gets into the bytes, and
those only as decimal numbers of ours. Only cells that changed are drawn again, since a
terminal takes longer to draw than we to write.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from voip.media.sources import Picture

MAX_COLUMNS, MAX_ROWS = 120, 40
"""A larger picture costs 10 ms and 400 kB a frame, and is no clearer from a chair."""
DIFFERENCE = 12
"""Sum over red, green and blue below which a pixel counts as unchanged: the noise of a
camera, which would draw every cell of every picture again."""

_HALF = "▀".encode()  # U+2580, upper half block: the ink is the upper pixel
_NUMBERS = [b"%d" % number for number in range(256)]
_LEVELS = np.array([0, 95, 135, 175, 215, 255])  # of the 6x6x6 cube of xterm-256

Rgb = npt.NDArray[np.uint8]


class Colours(Enum):
    """What a terminal can paint with."""

    TRUE = "24 bits"
    XTERM_256 = "256"


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of cells; `top` and `left` count from 1, as terminals do."""

    top: int
    left: int
    columns: int
    rows: int


def fit(picture: Picture, *, columns: int, rows: int) -> tuple[int, int]:
    """Give the columns and rows that keep the picture's shape within those there are.

    A cell is taken to be twice as high as wide, so a half block is a square.
    """
    columns, rows = min(columns, MAX_COLUMNS), min(rows, MAX_ROWS)
    scale = min(columns / picture.width, 2 * rows / picture.height)
    wide = max(int(picture.width * scale), 1)
    high = max(int(picture.height * scale) // 2, 1)
    return wide, high


def shrink(picture: Picture, width: int, height: int) -> Rgb:
    """Scale down to `width` by `height` pixels of RGB, by the nearest pixel.

    BT.601, limited range, as our encoders send.
    """
    luma = picture.width * picture.height
    data = np.frombuffer(picture.i420, np.uint8)
    rows = np.arange(height) * picture.height // height
    columns = np.arange(width) * picture.width // width
    half = (picture.height // 2, picture.width // 2)
    planes = (
        data[:luma].reshape(picture.height, picture.width)[np.ix_(rows, columns)],
        data[luma : luma + luma // 4].reshape(half)[np.ix_(rows // 2, columns // 2)],
        data[luma + luma // 4 :].reshape(half)[np.ix_(rows // 2, columns // 2)],
    )
    y, u, v = (plane.astype(np.int32) for plane in planes)
    y, u, v = 298 * (y - 16), u - 128, v - 128
    rgb = np.stack([y + 409 * v, y - 100 * u - 208 * v, y + 516 * u], axis=-1)
    pixels: Rgb = np.clip((rgb + 128) >> 8, 0, 255).astype(np.uint8)
    return pixels


class HalfBlocks:
    """One picture after the other in one place; remembers what is there."""

    def __init__(self, place: Place, colours: Colours) -> None:
        self._place = place
        self._colours = colours
        self._shown: Rgb | None = None

    def draw(self, picture: Picture) -> bytes:
        """Write what turns the present picture into this one; empty if nothing does.

        The cursor ends up anywhere in the place, with the terminal's own colours.
        """
        place = self._place
        new = shrink(picture, place.columns, 2 * place.rows)
        changed = self._changed(new)
        if self._shown is None:
            self._shown = new
        else:
            pixels = np.repeat(changed, 2, axis=0)
            self._shown[pixels] = new[pixels]
        rows = [
            self._row(row, np.flatnonzero(changed[row]).tolist())
            for row in np.flatnonzero(changed.any(axis=1)).tolist()
        ]
        return b"".join([*rows, b"\x1b[0m"]) if rows else b""

    def forget(self) -> None:
        """Draw everything again next time: somebody else wrote on the terminal."""
        self._shown = None

    def _changed(self, new: Rgb) -> npt.NDArray[np.bool_]:
        if self._shown is None:
            return np.ones((self._place.rows, self._place.columns), np.bool_)
        distance = np.abs(new.astype(np.int16) - self._shown).sum(axis=-1)
        pixels: npt.NDArray[np.bool_] = distance > DIFFERENCE
        return pixels[0::2] | pixels[1::2]

    def _row(self, row: int, columns: list[int]) -> bytes:
        assert self._shown is not None
        upper = self._inks(self._shown[2 * row])
        lower = self._inks(self._shown[2 * row + 1])
        written = []
        at, ink = -1, (b"", b"")
        for column in columns:
            if column != at:
                to = (self._place.top + row, self._place.left + column)
                written.append(b"\x1b[%d;%dH" % to)
            pair = upper[column], lower[column]
            if pair != ink:
                written.append(b"\x1b[38;%b;48;%bm" % pair)
                ink = pair
            written.append(_HALF)
            at = column + 1
        return b"".join(written)

    def _inks(self, pixels: Rgb) -> list[bytes]:
        if self._colours is Colours.TRUE:
            return [
                b"2;%b;%b;%b" % (_NUMBERS[red], _NUMBERS[green], _NUMBERS[blue])
                for red, green, blue in pixels.tolist()
            ]
        levels = np.abs(pixels[..., None].astype(np.int16) - _LEVELS).argmin(axis=-1)
        return [
            b"5;%b" % _NUMBERS[each] for each in (levels @ (36, 6, 1) + 16).tolist()
        ]
