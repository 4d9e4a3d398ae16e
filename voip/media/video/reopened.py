"""An encoder whose rate changes only by opening it again.

Carrier. Each opening costs a key frame, so it happens for large changes and seldom;
until then pictures are left out, so that the rate asked for is kept all the same.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol, SupportsBytes

import av
from av.video.frame import PictureType, VideoFrame

from voip.errors import MalformedError, MissingError
from voip.media.i420 import frame_of
from voip.media.sources import Picture
from voip.media.video.limits import CLOCK_RATE


class Context(Protocol):
    """What FFmpeg knows of one encoder; opened before it is used."""

    def open(self, *, strict: bool) -> None:
        """Open it; if `strict`, only if it was not open before.

        Raises:
            FFmpegError, ValueError: it cannot be opened.
            TimeoutError: it stands still; it is not used any more.
        """

    def encode(self, frame: VideoFrame | None) -> Sequence[SupportsBytes]:
        """Give what is ready after this frame, or after the last one (None).

        Raises:
            FFmpegError: it failed.
            TimeoutError: it stands still; it is not used any more.
        """


Opener = Callable[[int, int, int], Context]
"""Makes an encoder for pictures of a width and a height at bits a second."""

LARGE = 1.25  # a change of rate by less is left to the pictures that are left out
PATIENCE = 4 * CLOCK_RATE  # between two openings for the rate's sake
MAX_HANGS = 3  # threads and memory of a library that stood still are never free again
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
        self._hangs = 0
        self._context: Context | None = self._open()

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
        coded = self._encode(self._context, picture, pts, key=key)
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
            with contextlib.suppress(TimeoutError):
                context.encode(None)

    @property
    def _is_far_off(self) -> bool:
        return not 1 / LARGE <= self._bps / self._opened_bps <= LARGE

    def _reopen(self) -> None:
        if self._context is not None:
            self.close()
            self._opened_at = None
            self._context = self._open()

    def _encode(
        self, context: Context, picture: Picture, pts: int, *, key: bool
    ) -> bytes:
        frame = frame_of(picture)
        frame.pts = pts
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            return b"".join(bytes(packet) for packet in context.encode(frame))
        except av.FFmpegError as error:
            raise MissingError(f"encoder: {error.strerror}") from error
        except TimeoutError:
            fresh = self._context = self._open_after_hang()
            self._opened_at = pts
            return self._encode(fresh, picture, pts, key=key)

    def _open_after_hang(self) -> Context:
        self._context = None
        self._hangs += 1
        if self._hangs > MAX_HANGS:
            raise MissingError(f"encoder: stood still {self._hangs} times")
        return self._open()

    def _open(self) -> Context:
        try:
            context = self._opener(self._width, self._height, self._bps)
            context.open(strict=False)
        except TimeoutError:
            return self._open_after_hang()
        except (av.FFmpegError, ValueError) as error:
            raise MissingError(f"encoder: {error}") from error
        self._opened_bps = self._bps
        return context
