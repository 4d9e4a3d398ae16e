"""How large and how often pictures are sent, and when a whole one is.

The rate decides: a picture is as large as leaves enough bits for each pixel. Smaller
at once, larger after a while, so that it does not swing.
"""

from typing import NamedTuple

VP8_BITS_PER_PIXEL = 0.027
AV1_BITS_PER_PIXEL = 0.016


class Shape(NamedTuple):
    """What the encoder is to make; sides are even."""

    width: int
    height: int
    fps: int


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
        """Take the size of the source's own pictures.

        Raises:
            MalformedError: a side under 64.
        """
        raise NotImplementedError

    def choose(self, bps: int, now: float, quantizer: int | None = None) -> Shape:
        """Say the shape for this rate; asked before every picture.

        `quantizer`, 0 to 63, is what the VP8 encoder last had to use.
        """
        raise NotImplementedError

    def shrink(self, now: float) -> None:
        """Halve the sides for at least 5 s: a whole picture does not get through."""
        raise NotImplementedError


class KeyFrames:
    """When a whole picture is sent: the first, a new size, and when asked for."""

    def asked(self, now: float) -> None:
        """Note that the other side asks for one (PLI)."""
        raise NotImplementedError

    def due(self, shape: Shape, now: float) -> bool:
        """Say whether the picture to be encoded now must be whole.

        When it says so, it takes it for done.
        """
        raise NotImplementedError

    @property
    def failing(self) -> bool:
        """The other side asked twice within 1 s: the next must be half the size.

        True until the next whole picture.
        """
        raise NotImplementedError


class Cadence:
    """Which pictures of a source are taken, to make so many a second."""

    def take(self, fps: int, now: float) -> bool:
        """Say whether the picture that came now is to be sent."""
        raise NotImplementedError
