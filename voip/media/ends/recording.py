"""Recordings of what was heard and seen.

Carrier. Sound alone becomes a WAV file, with pictures it becomes Matroska or WebM with
Opus and VP8. Files are for their owner's eyes (mode 0600) and replace nothing unless
asked to. Nothing here raises into a call: when the disk is full the recording stops,
and `failure` says so in a sentence.
"""

import contextlib
import os
import stat
import time
import wave
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av

from voip.errors import MalformedError, MissingError, RefusedError
from voip.media.ends.choice import MOVIES, movie_format
from voip.media.ends.files import HEIGHT, WIDTH
from voip.media.ends.writing import CLOSE_S, Writing
from voip.media.i420 import frame_of, picture_of
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE, Picture

WAV_BYTES = 0xFFFFFFFF - 36
"""The most sound one WAV file holds, 12 hours: its header counts in 32 bits."""
HEADER_EVERY = 5 * SAMPLE_RATE * 2
"""Bytes after which a WAV file's header is brought up to date: 5 s. Each time costs a
seek and a write to the disk, which 50 times a second were heard in the call."""

QUEUE_ITEMS = 64
"""About a second of sound and pictures, 15 MB, waiting for the encoder or the disk."""

AUDIO_BIT_RATE = 48_000
VIDEO_BIT_RATE = 1_500_000
"""Half again of what a call sends, as this is a second encoding of it."""

_GAP_S = 0.2
"""Sound this much behind the clock had a pause; less is jitter and is closed up."""

_Entry = tuple[float, bytes | Picture]  # seconds since the first


class WavRecording:
    """Sound as 48 kHz mono WAV; a crash costs the last 5 s of it."""

    def __init__(
        self, path: Path, *, overwrite: bool = False, most_bytes: int = WAV_BYTES
    ) -> None:
        """Create the file; it stops at `most_bytes` of sound.

        Raises:
            RefusedError: it exists and `overwrite` is not set, or it is no plain file.
            MissingError: it cannot be created.
        """
        self.failure: str | None = None
        self._path = path
        self._left = most_bytes
        self._unlisted = 0
        self._file = create_private(path, overwrite=overwrite)
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115 -- closed by close()
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(SAMPLE_RATE)

    def write(self, pcm: bytes) -> None:
        """Append sound; does nothing once the recording has stopped."""
        if self.failure is not None or self._file.closed:
            return
        if len(pcm) > self._left:
            self.failure = f"recording {str(self._path)!r} is full"
            return
        self._left -= len(pcm)
        self._unlisted += len(pcm)
        try:
            if self._unlisted < HEADER_EVERY:
                self._wav.writeframesraw(pcm)
                return
            self._wav.writeframes(pcm)  # which also brings the header up to date
            self._file.flush()
            self._unlisted = 0
        except OSError as error:
            self.failure = stopped(self._path, error)

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if self._file.closed:
            return
        try:
            with self._file:
                self._wav.close()
        except OSError as error:
            self.failure = self.failure or stopped(self._path, error)


class MovieRecording:
    """Sound and pictures in one Matroska or WebM file.

    Encoding and writing happen on a thread of their own, as a slow disk must not be
    heard in the call. When a second of work is waiting, what comes next is left out
    and counted in `dropped`.
    """

    def __init__(
        self,
        path: Path,
        *,
        sound: bool,
        overwrite: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the file; its name ends as `voip.media.ends.choice.MOVIES` lists.

        With `sound`, what is written is recorded beside what is shown.

        Raises:
            MalformedError: the name says no format.
            RefusedError: it exists and `overwrite` is not set, or it is no plain file.
            MissingError: it cannot be created.
        """
        self.failure: str | None = None
        self.dropped = 0
        self._path = path
        self._clock = clock
        self._began: float | None = None
        container = movie_format(path.name)
        if container is None:
            raise MalformedError(
                f"expected a name ending in {' or '.join(MOVIES)}, got {path.name!r}"
            )
        file = create_private(path, overwrite=overwrite)
        self._writing = Writing[_Entry](
            lambda entries: self._record(file, container, entries, sound=sound),
            QUEUE_ITEMS,
        )

    def write(self, pcm: bytes) -> None:
        """Append sound."""
        self._put(pcm)

    def show(self, picture: Picture) -> None:
        """Append a picture."""
        self._put(picture)

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Finish the file, and wait so long for its end.

        A second call only waits again. What is not written by then is written
        afterwards, by the thread; a program that ends waits for it, up to 10 s.
        """
        self._writing.close(wait_s)

    def _put(self, item: bytes | Picture) -> None:
        now = self._clock()
        if self._began is None:
            self._began = now
        if not self._writing.put((now - self._began, item)):
            self.dropped += 1

    def _record(
        self, file: BinaryIO, container: str, entries: Iterator[_Entry], *, sound: bool
    ) -> None:
        try:
            with file, av.open(file, "w", format=container) as target:
                movie = _Movie(target, sound=sound)
                for at_s, item in entries:
                    movie.add(at_s, item)
                movie.finish()
        except (av.FFmpegError, OSError) as error:
            self.failure = stopped(self._path, error)
            deque(entries, maxlen=0)  # what still comes is forgotten


class _Movie:
    """The two encoders of a movie; lives on the recording's thread."""

    def __init__(self, target: av.container.OutputContainer, *, sound: bool) -> None:
        self._target = target
        self._picture_ms = -1
        self._video = target.add_stream(
            "libvpx", rate=30, options={"deadline": "realtime", "cpu-used": "8"}
        )
        self._video.width, self._video.height = WIDTH, HEIGHT
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = VIDEO_BIT_RATE
        self._video.codec_context.time_base = Fraction(1, 1000)
        self._audio: av.AudioStream | None = None
        self._pcm = bytearray()
        self._samples = 0
        if sound:
            self._audio = target.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
            self._audio.bit_rate = AUDIO_BIT_RATE
        # Written now, so that a call without a single picture is a file nevertheless.
        target.start_encoding()

    def add(self, at_s: float, item: bytes | Picture) -> None:
        if isinstance(item, Picture):
            self._add_picture(at_s, item)
        elif self._audio is not None:
            self._add_sound(self._audio, at_s, item)

    def finish(self) -> None:
        if self._audio is not None and self._samples:
            self._target.mux(self._audio.encode(None))
        if self._picture_ms >= 0:
            self._target.mux(self._video.encode(None))

    def _add_picture(self, at_s: float, picture: Picture) -> None:
        frame = frame_of(picture)
        if (picture.width, picture.height) != (WIDTH, HEIGHT):
            frame = frame_of(picture_of(frame, WIDTH, HEIGHT))
        self._picture_ms = max(round(at_s * 1000), self._picture_ms + 1)
        frame.pts, frame.time_base = self._picture_ms, Fraction(1, 1000)
        self._target.mux(self._video.encode(frame))

    def _add_sound(self, stream: av.AudioStream, at_s: float, pcm: bytes) -> None:
        if at_s - self._samples / SAMPLE_RATE > _GAP_S:
            self._samples = round(at_s * SAMPLE_RATE)
        self._pcm += pcm
        while len(self._pcm) >= FRAME_BYTES:
            frame = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
            frame.planes[0].update(bytes(self._pcm[:FRAME_BYTES]))
            del self._pcm[:FRAME_BYTES]
            frame.sample_rate = SAMPLE_RATE
            frame.pts, frame.time_base = self._samples, Fraction(1, SAMPLE_RATE)
            self._samples += FRAME_SAMPLES
            self._target.mux(stream.encode(frame))


def create_private(path: Path, *, overwrite: bool) -> BinaryIO:
    """Create a file that only its owner may read.

    Raises:
        RefusedError: it exists and `overwrite` is not set, or it is no plain file.
        MissingError: it cannot be created.
    """
    try:
        if overwrite:
            _remove(path)
        # O_EXCL: neither a file nor a link that somebody put there is written through.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags, 0o600), "wb")
    except FileExistsError:
        raise RefusedError(f"recording {str(path)!r} exists already") from None
    except OSError as error:
        raise MissingError(
            f"cannot create recording {str(path)!r}: {error.strerror}"
        ) from error


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        # A device or a pipe is never meant, and as root could be deleted.
        if not stat.S_ISREG(path.lstat().st_mode):
            raise RefusedError(f"recording {str(path)!r} would replace no plain file")
        path.unlink()


def stopped(path: Path, error: Exception) -> str:
    """Say why a recording ended before its time."""
    return f"recording {str(path)!r} stopped: {error}"
