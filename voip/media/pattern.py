"""Sound and pictures made by arithmetic, and a sink that keeps nothing.

They stand in for devices: in tests, in `demo`, and for a person without a camera. The
test pattern carries its own frame number, so that whoever sees the picture at the other
end can tell how late it is and which pictures are missing.
"""

import math
import struct

from voip.errors import MalformedError
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE, SILENCE, Picture

BLOCK = 16
"""Side of one bit of the frame number, in luma pixels: VP8 codes 16x16 macroblocks
(RFC 6386 §2), so a bit is a flat macroblock and survives the coarsest quantiser."""
COLUMNS = 8
ROWS = 4
DARK, BRIGHT = 16, 235
"""Black and white of limited-range video (ITU-R BT.601); they are bits 0 and 1."""
MARGIN = 64
"""How far from dark or bright a block may be read before it is no bit at all."""

STEP = 4
"""Pixels that the bars move per picture; even, so that the colours move along."""

# The eight bars of the usual colour test card as (Y, U, V), 75 % intensity, BT.601.
_BARS = (
    (180, 128, 128),
    (162, 44, 142),
    (131, 156, 44),
    (112, 72, 58),
    (84, 184, 198),
    (65, 100, 212),
    (35, 212, 114),
    (16, 128, 128),
)


class Silence:
    """Sound of nothing at all."""

    def read(self) -> bytes:
        """Return 20 ms of zeros."""
        return SILENCE

    def close(self) -> None:
        """Do nothing; there is nothing to release."""


class Tone:
    """A steady sine."""

    def __init__(self, hertz: float = 440.0, amplitude: float = 0.25) -> None:
        """Start at phase 0; `amplitude` is a part of full scale, 0 to 1."""
        self._step = 2 * math.pi * hertz / SAMPLE_RATE
        self._scale = 32767 * amplitude
        self._phase = 0.0

    def read(self) -> bytes:
        """Return the next 20 ms; the phase runs on from the frame before."""
        samples = [
            round(self._scale * math.sin(self._phase + index * self._step))
            for index in range(FRAME_SAMPLES)
        ]
        self._phase = math.fmod(
            self._phase + FRAME_SAMPLES * self._step, 2 * math.pi
        )  # kept small: a float loses precision over a day-long call
        return _s16(samples)

    def close(self) -> None:
        """Do nothing; there is nothing to release."""


class Sweep:
    """A sine that glides through the voice band, and starts again from the bottom.

    Unlike a tone it has no period shorter than itself, so a delay read from it is
    certain.
    """

    def __init__(
        self,
        low_hertz: float = 200.0,
        high_hertz: float = 3400.0,
        *,
        seconds: float = 2.0,
        amplitude: float = 0.25,
    ) -> None:
        """Glide evenly from `low_hertz` to `high_hertz` in `seconds`."""
        self._low = low_hertz
        self._slope = (high_hertz - low_hertz) / seconds
        self._length = round(seconds * SAMPLE_RATE)
        self._scale = 32767 * amplitude
        self._at = 0

    def read(self) -> bytes:
        """Return the next 20 ms."""
        samples = []
        for _ in range(FRAME_SAMPLES):
            t = self._at / SAMPLE_RATE
            turns = self._low * t + self._slope * t * t / 2
            samples.append(round(self._scale * math.sin(2 * math.pi * turns)))
            self._at = (self._at + 1) % self._length
        return _s16(samples)

    def close(self) -> None:
        """Do nothing; there is nothing to release."""


class Discard:
    """Takes sound and pictures and keeps neither."""

    def write(self, pcm: bytes) -> None:
        """Forget the sound."""

    def show(self, picture: Picture) -> None:
        """Forget the picture."""

    def close(self) -> None:
        """Do nothing; there is nothing to release."""


def black(width: int, height: int) -> Picture:
    """Return a black picture; both sides in pixels and even."""
    luma = width * height
    return Picture(width, height, bytes([DARK]) * luma + b"\x80" * (luma // 2))


def draw_pattern(number: int, width: int = 640, height: int = 480) -> Picture:
    """Draw picture `number` of the test pattern: moving bars and, top left, the number.

    The number is 32 bits, most significant first, as 8 by 4 blocks of 16 pixels, bit 0
    dark and bit 1 bright. Both sides are even, the width at least 128 and the height at
    least 64 pixels.
    """
    shift = STEP * number % width
    row = _bars(0, width, shift)
    parts = []
    for line in range(ROWS):
        bits = number >> COLUMNS * (ROWS - 1 - line) & 0xFF
        marks = b"".join(
            bytes([BRIGHT if bits >> COLUMNS - 1 - column & 1 else DARK]) * BLOCK
            for column in range(COLUMNS)
        )
        parts.append((marks + row[len(marks) :]) * BLOCK)
    parts.append(row * (height - ROWS * BLOCK))
    parts.append(_bars(1, width // 2, shift // 2) * (height // 2))
    parts.append(_bars(2, width // 2, shift // 2) * (height // 2))
    return Picture(width, height, b"".join(parts))


def read_frame_number(picture: Picture) -> int:
    """Read the number that `draw_pattern` drew, after any codec.

    Raises:
        MalformedError: this is no test pattern: too small for the number, or with a
            block neither dark nor bright.
    """
    width, height = picture.width, picture.height
    if width < COLUMNS * BLOCK or height < ROWS * BLOCK:
        raise MalformedError(
            f"test pattern needs {COLUMNS * BLOCK}x{ROWS * BLOCK} pixels,"
            f" got {width}x{height}"
        )
    number = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            level = _level(picture, column * BLOCK, row * BLOCK)
            number = number << 1 | _bit(level)
    return number


def _bit(level: int) -> int:
    if abs(level - DARK) <= MARGIN:
        return 0
    if abs(level - BRIGHT) <= MARGIN:
        return 1
    raise MalformedError(f"no test pattern: luma {level} is neither dark nor bright")


def _level(picture: Picture, left: int, top: int) -> int:
    """Average the inner half of one block; its rim blurs into its neighbours."""
    rim, side = BLOCK // 4, BLOCK // 2
    total = 0
    for y in range(top + rim, top + rim + side):
        start = y * picture.width + left + rim
        total += sum(picture.i420[start : start + side])
    return total // (side * side)


def _bars(plane: int, width: int, shift: int) -> bytes:
    """Return one line of one plane, turned left by `shift` pixels."""
    line = b"".join(
        bytes([bar[plane]])
        * (width * (index + 1) // len(_BARS) - width * index // len(_BARS))
        for index, bar in enumerate(_BARS)
    )
    return line[shift:] + line[:shift]


def _s16(samples: list[int]) -> bytes:
    return struct.pack(f"={len(samples)}h", *samples)
