"""How large and how often pictures are sent, and when a whole one is.

The rate decides: a picture is as large as leaves enough bits for each pixel. Smaller
at once, larger after a while, so that it does not swing.

Times are seconds of one monotonic clock.
"""

from fractions import Fraction
from typing import NamedTuple

VP8_BITS_PER_PIXEL = 0.027  # under it VP8 shows more blocks than picture
AV1_BITS_PER_PIXEL = 0.016
_SCREEN_SHARE = 0.6  # large flat areas and hard edges: less is enough
MAX_CAMERA = (1280, 720)
MAX_SCREEN = (1920, 1080)
MIN_SIDE = 64  # the AV1 encoder takes no smaller one, and nobody sees anything
MAX_QUANTIZER = 52  # of 63; over it for 2 s the picture is too large for its contents
_COARSE_S = 2.0
_UP_S = 5.0
# A stream begins at a rate that says little of its path: until 10 s are over, or a
# shape did not hold.
_YOUNG_S, _YOUNG_UP_S = 10.0, 1.0
_BARRED_S = 30.0  # a rung that did not hold is not tried again before
_RESIZE_EVERY_S = 0.5  # each new size costs a whole picture
KEY_EVERY_S = 0.5  # so a hostile peer gets no more than two a second out of us
FAILING_S = 1.0


class Shape(NamedTuple):
    """What the encoder is to make; sides are even."""

    width: int
    height: int
    fps: int


class _Rung(NamedTuple):
    scale: Fraction
    fps: int


def _rungs(*steps: tuple[str, int]) -> tuple[_Rung, ...]:
    return tuple(_Rung(Fraction(scale), fps) for scale, fps in steps)


_CAMERA = _rungs(
    *(("1", 30), ("1", 20), ("3/4", 20), ("1/2", 20)),
    *(("1/2", 12), ("3/8", 12), ("1/4", 10), ("1/4", 5)),
)
# Text is to stay legible: slower first, smaller only then.
_SCREEN = _rungs(
    *(("1", 30), ("1", 20), ("1", 12), ("1", 8), ("1", 5)),
    *(("3/4", 5), ("1/2", 5), ("3/8", 5), ("1/4", 5)),
)


class Ladder:
    """The shape of one source's pictures."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        bits_per_pixel: float = VP8_BITS_PER_PIXEL,
        screen: bool = False,
    ) -> None:
        """Take the size of the source's own pictures."""
        most = MAX_SCREEN if screen else MAX_CAMERA
        self._bits = bits_per_pixel * (_SCREEN_SHARE if screen else 1)
        self._rungs = _SCREEN if screen else _CAMERA
        self._shapes = [_shape(width, height, most, rung) for rung in self._rungs]
        self._rung: int | None = None
        self._young_until = float("-inf")
        self._left = [float("-inf")] * len(self._rungs)  # when each did not hold
        self._roomy_since: float | None = None
        self._coarse_since: float | None = None
        self._resized_at = float("-inf")

    def choose(self, bps: int, now: float, quantizer: int | None = None) -> Shape:
        """Say the shape for this rate; asked before every picture.

        `quantizer`, 0 to 63, is what the VP8 encoder last had to use.
        """
        fit = self._fit(bps)
        if self._rung is None:
            self._young_until = now + _YOUNG_S
            self._move(fit, now)
        elif self._is_coarse(quantizer, now) and self._rung + 1 < len(self._rungs):
            self._fall(max(fit, self._rung + 1), now)
        elif fit > self._rung:
            self._fall(fit, now)
        elif fit < self._rung:
            self._rise(fit, now)
        else:
            self._roomy_since = None
        assert self._rung is not None
        return self._shapes[self._rung]

    def shrink(self, now: float) -> None:
        """Halve the sides for at least 5 s: a whole picture does not get through."""
        rung = self._rung or 0
        half = self._rungs[rung].scale / 2
        while rung + 1 < len(self._rungs) and self._rungs[rung].scale > half:
            rung += 1
        self._move(rung, now)
        self._roomy_since = self._young_until = now

    def _fit(self, bps: int) -> int:
        for number, (width, height, fps) in enumerate(self._shapes):
            if bps >= self._bits * width * height * fps:
                return number
        return len(self._shapes) - 1

    def _is_coarse(self, quantizer: int | None, now: float) -> bool:
        if quantizer is None or quantizer <= MAX_QUANTIZER:
            self._coarse_since = None
            return False
        if self._coarse_since is None:
            self._coarse_since = now
        return now - self._coarse_since >= _COARSE_S

    def _fall(self, rung: int, now: float) -> None:
        assert self._rung is not None
        present, wanted = self._shapes[self._rung], self._shapes[rung]
        if present[:2] != wanted[:2] and now - self._resized_at < _RESIZE_EVERY_S:
            return
        for number in range(self._rung, rung):
            self._left[number] = now
        self._young_until = now
        self._move(rung, now)

    def _rise(self, fit: int, now: float) -> None:
        assert self._rung is not None
        if self._roomy_since is None:
            self._roomy_since = now
        barred = [n for n, at in enumerate(self._left) if now - at < _BARRED_S]
        target = max(fit, *(number + 1 for number in barred), 0)
        patience_s = _YOUNG_UP_S if now < self._young_until else _UP_S
        if now - self._roomy_since >= patience_s and target < self._rung:
            self._move(target, now)

    def _move(self, rung: int, now: float) -> None:
        before = None if self._rung is None else self._shapes[self._rung]
        if before is None or before[:2] != self._shapes[rung][:2]:
            self._resized_at = now
        self._rung = rung
        self._roomy_since = None
        self._coarse_since = None


def _shape(width: int, height: int, most: tuple[int, int], rung: _Rung) -> Shape:
    """Scale a source's size; its sides keep their ratio, as far as even ones can."""
    fitting = min(Fraction(most[0], width), Fraction(most[1], height), Fraction(1))
    smallest = min(Fraction(MIN_SIDE, min(width, height)), fitting)
    scale = max(fitting * rung.scale, smallest)
    return Shape(_even(width * scale), _even(height * scale), rung.fps)


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))


class KeyFrames:
    """When a whole picture is sent: the first, a new size, and when asked for."""

    def __init__(self) -> None:
        """Begin with none sent."""
        self._size: tuple[int, int] | None = None
        self._sent_at = float("-inf")
        self._asked_at = float("-inf")
        self._wanted = True

    def asked(self, now: float) -> bool:
        """Note that the other side asks for one (PLI).

        True: it asked twice within 1 s, so whole pictures do not get through, and the
        next is to be smaller (`Ladder.shrink`).
        """
        again = now - self._asked_at < FAILING_S
        self._asked_at = now
        self._wanted = True
        return again

    def due(self, shape: Shape, now: float) -> bool:
        """Say whether the picture to be encoded now must be whole.

        When it says so, it takes it for done.
        """
        size = shape.width, shape.height
        wanted = self._wanted and now - self._sent_at >= KEY_EVERY_S
        if size == self._size and not wanted:
            return False
        self._size = size
        self._sent_at = now
        self._wanted = False
        return True


class Cadence:
    """Which pictures of a source are taken, to make so many a second."""

    def __init__(self) -> None:
        """Begin by taking the first."""
        self._due = float("-inf")

    def take(self, fps: int, now: float) -> bool:
        """Say whether the picture that came now is to be sent."""
        every = 1 / fps
        # A source's own beat is not even: one that is a little early is taken too.
        if now < self._due - every / 4:
            return False
        self._due = max(self._due + every, now + every / 2)
        return True
