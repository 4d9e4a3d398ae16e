"""The folders that a run needs besides its own, which go when it ends.

Carrier. Only two files here can be written from behind the wall, and their length is
limited by the kernel; so there is never a tree of somebody else's making to look at or
to remove.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reproducible.sandbox.plan import RESULT


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
