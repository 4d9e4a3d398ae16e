"""Pictures as they are, for other programs: YUV4MPEG2 in a file or a pipe.

Carrier. The format (mjpegtools, yuv4mpeg(5)) has one size and one rate for all of a
file, and a call has neither: pictures are scaled to the size of the first, and the
latest is written 20 times a second, whether it is new or not.
"""

import contextlib
import os
import select
import stat
import threading
import time
from collections.abc import Generator
from pathlib import Path

from voip.errors import MissingError
from voip.media.ends.recording import create_private, stopped
from voip.media.i420 import frame_of, picture_of
from voip.media.sources import Picture

PICTURES_PER_S = 20
"""What a camera gives; a call rarely shows more."""

CLOSE_S = 0.1
"""For how long its end is waited for, on the event loop; a disk may take longer."""

_LOOK_S = 0.05
"""How often a writer whose reader does not read sees whether it shall end."""


class RawPictures:
    """What the other side shows, for another program to read.

    Writing happens on a thread of its own, as a slow reader must not be heard in the
    call; it costs pictures, not delay. `failure` says in a sentence why it ended before
    its time, if it did.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Create the file, or join a pipe that somebody reads already.

        Raises:
            RefusedError: it exists, is no pipe, and `overwrite` is not set.
            MissingError: it cannot be created, or nobody reads the pipe.
        """
        self.failure: str | None = None
        self._path = path
        self._is_pipe = path.exists() and stat.S_ISFIFO(path.stat().st_mode)
        self._file = _join(path) if self._is_pipe else _create(path, overwrite)
        self._latest: Picture | None = None
        self._closed = threading.Event()
        # A daemon, since a file may lie on a disk that has gone to sleep for good.
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def show(self, picture: Picture) -> None:
        """Write this picture until the next one is shown."""
        self._latest = picture
        if self._thread.ident is None and not self._closed.is_set():
            self._thread.start()

    def close(self) -> None:
        """Finish the file, within 0.1 s or as soon as its disk lets it."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        else:
            os.close(self._file)

    def _copy(self) -> None:
        try:
            with contextlib.closing(self._pictures()) as frames:
                for frame in frames:
                    self._write(frame)
        except OSError as error:
            self.failure = stopped(self._path, error)
        finally:
            os.close(self._file)

    def _pictures(self) -> Generator[bytes]:
        """Give the header, then the latest picture whenever one is due."""
        first = self._latest
        assert first is not None  # `show` began this
        width, height = first.width, first.height
        rate = f"F{PICTURES_PER_S}:1"
        yield f"YUV4MPEG2 W{width} H{height} {rate} Ip A1:1 C420mpeg2\n".encode()
        due = time.monotonic()
        while not self._closed.wait(due - time.monotonic()):
            picture = self._latest or first
            if (picture.width, picture.height) != (width, height):
                picture = picture_of(frame_of(picture), width, height)
            yield b"FRAME\n" + picture.i420
            # A writer that was held up goes on from here and does not hurry after.
            due = max(due + 1 / PICTURES_PER_S, time.monotonic())

    def _write(self, data: bytes) -> None:
        """Write all of it; what closing cuts short is the end of the pipe anyway."""
        left = memoryview(data)
        while left:
            # A file is always ready; and elsewhere than on Unix, select takes none.
            if not self._is_pipe or select.select([], [self._file], [], _LOOK_S)[1]:
                left = left[os.write(self._file, left) :]
            elif self._closed.is_set():
                return


def _create(path: Path, overwrite: bool) -> int:  # noqa: FBT001 - passed through
    with create_private(path, overwrite=overwrite) as file:
        return os.dup(file.fileno())


def _join(path: Path) -> int:
    try:
        # Without waiting: opening a pipe that nobody reads would hold up the call.
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise MissingError(
            f"cannot write to pipe {str(path)!r}: {error.strerror}"
        ) from error
