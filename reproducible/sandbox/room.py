"""The folders that a run needs besides its own, which go when it ends.

Carrier. Only two files here can be written from behind the wall, and their length is
limited by the kernel; so there is never a tree of somebody else's making to look at or
to remove.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproducible.sandbox.plan import RESULT
from updater.errors import StoreError
from updater.files import Files

_LEAST_BYTES: Final = 1 << 20  # a disk that is said to be full has a rest too small


@dataclass(frozen=True, slots=True)
class Room:
    """Folders of one run below `top`; see `Places`."""

    top: Path

    @property
    def out(self) -> Path:
        """Holds the files that a result comes back in."""
        return self.top / "out"

    @property
    def file(self) -> Path:
        """The bytes of the result."""
        return self.out / RESULT[0]

    def folder(self, name: str) -> Path:
        """Give an empty folder of this name."""
        return self.top / name

    def check_space(self) -> None:
        """Expect that there is room for a result.

        Raises:
            StoreError: the disk is full, so a build that failed may have had to.
        """
        if Files().free_space(self.out) < _LEAST_BYTES:
            raise StoreError(f"{self.out}: {os.strerror(errno.ENOSPC)}")

    def take_file(self, to: Path) -> None:
        """Copy the result: nothing that might still run behind the wall reaches it.

        Raises:
            StoreError: the disk takes no more.
        """
        try:
            shutil.copyfile(self.file, to)
        except OSError as error:
            raise StoreError(f"{to}: {error.strerror}") from error

    def read_file(self, most: int) -> bytes:
        """Read the beginning of the result."""
        return _begin(self.file, most)

    def read_name(self, most: int) -> bytes:
        """Read the beginning of what is said to be its name."""
        return _begin(self.out / RESULT[1], most)


@contextmanager
def room_in(scratch: Path) -> Iterator[Room]:
    """Make a room in a folder, and remove it in the end."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="run-") as top:
        room = Room(Path(top).resolve())
        for name in ("out", "empty", "tmp", "given", "stage"):
            room.folder(name).mkdir()
        for name in RESULT:
            (room.out / name).touch()
        yield room


def _begin(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
