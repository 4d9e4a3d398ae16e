"""An encoder whose rate changes only by opening it again.

Carrier. Each opening costs a key frame, so it happens for large changes and seldom;
until then pictures are left out, so that the rate asked for is kept all the same.
"""

from collections.abc import Callable

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from voip.errors import MalformedError, MissingError
from voip.media.i420 import frame_of
from voip.media.sources import Picture
from voip.media.video.limits import CLOCK_RATE

Opener = Callable[[int, int, int], VideoCodecContext]
"""Makes an encoder for pictures of a width and a height at bits a second."""

LARGE = 1.25  # a change of rate by less is left to the pictures that are left out
PATIENCE = 4 * CLOCK_RATE  # between two openings for the rate's sake
_DEBT_S = 0.5  # how far the encoder may be ahead of its rate before a picture is left


class Reopened:
    """One stream; see `voip.media.video.encoding.Encoder`."""

    def __init__(self, opener: Opener, width: int, height: int, *, bps: int) -> None:
        """Open it for pictures of this size.

        Raises:
            MissingError: it cannot be opened.
        """
        self._opener = opener
        self._width, self._height, self._bps = width, height, bps
        self._opened_bps = bps
        self._opened_at: int | None = None
        self._last = 0
        self._debt = 0.0  # bits sent that the rate has not paid for yet
        self._context: VideoCodecContext | None = self._open()

    quantizer: int | None = None
    """Nobody can know it here."""

    def encode(self, picture: Picture, pts: int, *, key: bool = False) -> bytes:
        """Encode one picture, or leave it out to keep the rate; a key frame never.

        Raises:
            MalformedError: a picture of another size than was set.
            MissingError: the encoder is closed, or failed.
        """
        if self._context is None:
            raise MissingError("encoder: closed")
        if (picture.width, picture.height) != (self._width, self._height):
            raise MalformedError(
                f"encoder: expected {self._width}x{self._height}, "
                f"came {picture.width}x{picture.height}"
            )
        if self._opened_at is None:
            self._opened_at = self._last = pts
        self._debt -= self._bps * (pts - self._last) / CLOCK_RATE
        self._debt = max(0.0, self._debt)
        self._last = pts
        if self._debt > _DEBT_S * self._bps and not key:
            return b""
        if self._is_far_off and pts - self._opened_at >= PATIENCE:
            self._reopen()
            self._opened_at = pts
        frame = frame_of(picture)
        frame.pts = pts
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            coded = b"".join(bytes(packet) for packet in self._context.encode(frame))
        except av.FFmpegError as error:
            raise MissingError(f"encoder: {error.strerror}") from error
        self._debt += 8 * len(coded)
        return coded

    def set_rate(self, bps: int) -> None:
        """Aim at so many bits a second."""
        self._bps = bps

    def set_size(self, width: int, height: int) -> None:
        """Expect pictures of this size; opens it again."""
        if (width, height) != (self._width, self._height):
            self._width, self._height = width, height
            self._reopen()

    def close(self) -> None:
        """Free it; a second call does nothing."""
        context, self._context = self._context, None
        if context is not None:
            # Without an end some encoders complain on stderr; nobody wants the rest.
            context.encode(None)

    @property
    def _is_far_off(self) -> bool:
        return not 1 / LARGE <= self._bps / self._opened_bps <= LARGE

    def _reopen(self) -> None:
        if self._context is not None:
            self.close()
            self._opened_at = None
            self._context = self._open()

    def _open(self) -> VideoCodecContext:
        try:
            context = self._opener(self._width, self._height, self._bps)
            context.open(strict=False)
        except (av.FFmpegError, ValueError) as error:
            raise MissingError(f"encoder: {error}") from error
        self._opened_bps = self._bps
        return context
