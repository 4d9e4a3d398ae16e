"""Media files as microphone and camera.

Carrier, through PyAV. A file is opened as plain bytes and only as a container of media:
a playlist would let it name further files or addresses, and whoever wrote the file
would learn who plays it.
"""

import asyncio
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar

import av

from voip.errors import MalformedError, MissingError
from voip.media.i420 import picture_of
from voip.media.sources import FRAME_BYTES, SAMPLE_RATE, SILENCE, Picture

FORMATS = "aac,aiff,avi,flac,matroska,mov,mp3,ogg,wav"
"""Containers that are read, by FFmpeg's names; none of them points outside itself.
`matroska` is WebM too, and `mov` is MP4."""

WIDTH, HEIGHT = 640, 480
"""What a call sends; every file is scaled into it."""

_LOWEST_RATE = 4_000
_HIGHEST_RATE = 384_000
"""Outside these a sample rate is made up: a frame at 1 Hz would grow to gigabytes."""
_MAX_PIXELS = 4096 * 4096
"""A larger picture is refused by the decoder before it takes memory for it."""
_FASTEST_S = 1 / 30
"""Pictures nearer together than this are left out: the call sends no more."""
_SLACK_S = 0.002
"""Matroska counts milliseconds, so 30 a second come 33 or 34 apart."""
_LONGEST_S = 1.0
"""The longest a picture is shown, whatever the file's clock says."""
_STILL_S = 0.2
"""How often the last picture comes again when there is no other."""

T = TypeVar("T")


class FileAudio:
    """A file's first sound track, as 48 kHz mono; silence after its end.

    `ended` says that the sound is over; `failure` says in a sentence why it ended
    before its time, if it did.
    """

    def __init__(self, path: Path, *, loop: bool = False) -> None:
        """Open the file and decode its first frame, so that a bad one is told now.

        Raises:
            MissingError: there is no such file, or it may not be read.
            MalformedError: not a media file, or one without sound.
        """
        self.ended = False
        self.failure: str | None = None
        self._path = path
        self._loop = loop
        self._sound = _sound(path)
        self._pcm = bytearray(_first(self._sound, path, "sound"))

    def read(self) -> bytes:
        """Return the next 20 ms."""
        while len(self._pcm) < FRAME_BYTES and not self.ended:
            self._decode()
        if not self._pcm:
            return SILENCE
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        return frame.ljust(FRAME_BYTES, b"\0")

    def close(self) -> None:
        """Close the file; only silence comes after."""
        self.ended = True
        self._pcm.clear()
        self._sound.close()

    def _decode(self) -> None:
        try:
            more = next(self._sound, None)
            if more is None and self._loop:
                self._sound = _sound(self._path)
                more = next(self._sound, None)
        except (MissingError, MalformedError) as error:
            # The call goes on without the file; its owner may ask why.
            self.failure = str(error)
            more = None
        self.ended = more is None
        self._pcm += more or b""


class FileVideo:
    """A file's first video track, scaled into 640x480, at its own pace.

    The file starts again at its end. When it breaks half-way, `failure` says why and
    the last picture stays.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and decode its first picture.

        Raises:
            MissingError: there is no such file, or it may not be read.
            MalformedError: not a media file, or one without pictures.
        """
        self.failure: str | None = None
        self._path = path
        self._pictures = _pictures(path)
        self._next: tuple[float, Picture] = _first(self._pictures, path, "pictures")
        self._due = 0.0
        # One thread, since decoding takes milliseconds that the loop does not have;
        # one only, so that two calls never decode at a time.
        self._thread = ThreadPoolExecutor(1, "ringfence-file")

    async def picture(self) -> Picture:
        """Wait until the next picture is due and return it."""
        now = time.monotonic()
        gap_s, picture = self._next
        following = asyncio.get_running_loop().run_in_executor(
            self._thread, self._decode, picture
        )
        # A reader that fell behind goes on from here and does not hurry after.
        self._due = max(self._due + gap_s, now)
        await asyncio.sleep(self._due - now)
        self._next = await following
        return picture

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._thread.shutdown()
        self._pictures.close()

    def _decode(self, last: Picture) -> tuple[float, Picture]:
        if self.failure is not None:
            return _STILL_S, last
        try:
            more = next(self._pictures, None)
            if more is None:
                self._pictures = _pictures(self._path)
                more = next(self._pictures, None)
        except (MissingError, MalformedError) as error:
            self.failure = str(error)
            more = None
        return more or (_STILL_S, last)


def read_sound(path: Path) -> bytes:
    """Give all of a file's first sound track at once, as 48 kHz mono.

    Raises:
        MissingError: there is no such file, or it may not be read.
        MalformedError: not a media file.
    """
    return b"".join(_sound(path))


def read_pictures(path: Path) -> Iterator[Picture]:
    """Give the pictures of a file one after the other, as fast as they decode.

    Raises:
        MissingError: there is no such file, or it may not be read.
        MalformedError: not a media file.
    """
    return (picture for _, picture in _pictures(path))


def _first(items: Iterator[T], path: Path, what: str) -> T:
    first = next(items, None)
    if first is None:
        raise MalformedError(f"{str(path)!r} holds no {what}")
    return first


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file, and turn every way to fail into a sentence."""
    try:
        with (
            path.open("rb") as file,
            av.open(file, "r", options={"format_whitelist": FORMATS}) as container,
        ):
            yield container
    except av.FFmpegError as error:
        raise MalformedError(
            f"{str(path)!r} is no media file we can play: {error.strerror}"
        ) from error
    except OSError as error:
        raise MissingError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _sound(path: Path) -> Generator[bytes]:
    with _opened(path) as container:
        if not container.streams.audio:
            return
        stream = container.streams.audio[0]
        if not _LOWEST_RATE <= stream.rate <= _HIGHEST_RATE:
            raise MalformedError(
                f"expected {_LOWEST_RATE} to {_HIGHEST_RATE} samples a second,"
                f" {str(path)!r} has {stream.rate}"
            )
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        # The None at the end asks the resampler for what it still holds.
        for frame in chain(container.decode(stream), [None]):
            try:
                parts = resampler.resample(frame)
            except ValueError:
                raise MalformedError(
                    f"{str(path)!r} changes its sample rate or channels half-way"
                ) from None
            for part in parts:
                if part.samples:
                    yield bytes(part.planes[0])[: 2 * part.samples]


def _pictures(path: Path) -> Generator[tuple[float, Picture]]:
    """Decode pictures, each with the seconds it comes after the one before."""
    with _opened(path) as container:
        if not container.streams.video:
            return
        stream = container.streams.video[0]
        stream.codec_context.options = {"max_pixels": str(_MAX_PIXELS)}
        shown: float | None = None
        for frame in container.decode(stream):
            if frame.pts is None or shown is None:
                gap = _FASTEST_S
            else:
                gap = frame.time - shown
            if 0 <= gap < _FASTEST_S - _SLACK_S:
                continue
            # A frame without a time comes right after the one before.
            shown = (shown or 0.0) + gap if frame.pts is None else frame.time
            yield (
                min(max(gap, _FASTEST_S), _LONGEST_S),
                picture_of(frame, WIDTH, HEIGHT),
            )
