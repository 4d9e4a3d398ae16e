"""Files by SHA-256, kept.

Carrier. A file is asked for by name, size and hash, and got from wherever it may be
had; what comes with another hash was a bad transport, is asked for once more and never
seen by anybody else. So a build that has its files needs no network, and no index is
trusted with more than answering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reproducible.inputs.lock import LockedWheel
from updater.files import Files

Progress = Callable[[str, int, int], None]
"""Told (file name, bytes done, bytes in all) while a file is fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file that is asked for; `sha256` is in lower hexadecimal, `size` in bytes."""

    file: str
    size: int
    sha256: str


class Supply(Protocol):
    """Where files may be had: a folder, an index."""

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Write the file to `path`, where a part of an earlier try may lie.

        Gives False where it is not to be had here. What it wrote is hashed afterwards.

        Raises:
            InputError: it should be here, and could not be had.
        """


class FolderSupply:
    """A folder of files by their names, as a user gives it or a release ships it."""

    def __init__(self, folder: Path, files: Files) -> None:
        raise NotImplementedError

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Copy the file of that name and size; see `Supply`."""
        raise NotImplementedError


class TarSupply:
    """A canonical tar of files by their names, as releases ship their toolchain."""

    def __init__(self, tar: Path, files: Files) -> None:
        raise NotImplementedError

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Copy the member of that name and size; see `Supply`.

        Raises:
            MalformedError: it is no canonical tar.
        """
        raise NotImplementedError


class Cache:
    """A folder of files named by their hashes; several processes may use it."""

    def __init__(
        self, folder: Path, files: Files, *, progress: Progress | None = None
    ) -> None:
        raise NotImplementedError

    def get(self, sha256: str) -> Path | None:
        """Give the file with this hash, which is computed anew, or None.

        Raises:
            StoreError: the disk refuses.
        """
        raise NotImplementedError

    def put(self, sha256: str, data: bytes) -> Path:
        """Keep bytes that have this hash.

        Raises:
            InputError: they have another.
            StoreError: the disk refuses.
        """
        raise NotImplementedError

    def obtain(self, wanted: Wanted, supplies: Sequence[Supply]) -> Path:
        """Give a file, fetched if it is not here; supplies are asked in their order.

        Raises:
            InputError: none has it, or not with this hash, asked twice.
            StoreError: the disk refuses.
        """
        raise NotImplementedError


def locked(wheel: LockedWheel) -> Wanted:
    """Ask for a wheel of a lock."""
    return Wanted(file=wheel.file, size=wheel.size, sha256=wheel.sha256)
