"""Files by SHA-256, kept.

Carrier. A file is asked for by name, size and hash, and got from wherever it may be
had; what comes with another hash was a bad transport, is asked for once more and never
seen by anybody else. So a build that has its files needs no network, and no index is
trusted with more than answering.

Nothing is synced: a file is hashed whenever it is used, and one that a power cut
damaged is fetched again.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from reproducible.errors import InputError
from reproducible.inputs.lock import LockedWheel
from updater.archive.extent import CHUNK_BYTES
from updater.archive.opened import opened
from updater.archive.ustar import read_members
from updater.errors import BusyError, MalformedError, StoreError
from updater.files import Files

Progress = Callable[[str, int, int], None]
"""Told (file name, bytes done, bytes in all) while a file is fetched."""

_TRIES: Final = 2  # of each supply: a fault of the transport may pass
_MAX_MEMBERS: Final = 4096  # of a toolchain's tar


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
        self._folder = folder
        self._files = files

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Copy the file of that name and size; see `Supply`."""
        source = self._folder / wanted.file
        if source.parent != self._folder or not source.is_file():
            return False
        with self._files.open(source) as file:
            if file.seek(0, os.SEEK_END) != wanted.size:
                return False
            file.seek(0)
            pieces = iter(lambda: file.read(CHUNK_BYTES), b"")
            self._files.remove(path)
            self._files.stage(path, _told(pieces, wanted, progress))
        return True


class TarSupply:
    """A canonical tar of files, as releases ship their toolchain."""

    def __init__(self, tar: Path, files: Files) -> None:
        self._tar = tar
        self._files = files

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Copy the member of that name and size, in whatever folder; see `Supply`."""
        with opened(self._files, self._tar) as whole:
            try:
                for member, extent in read_members(whole, most=_MAX_MEMBERS):
                    name = member.name.rpartition("/")[2]
                    if (name, member.size) == (wanted.file, wanted.size):
                        self._files.remove(path)
                        pieces = _told(extent.chunks(), wanted, progress)
                        self._files.stage(path, pieces)
                        return True
            except MalformedError as error:
                raise InputError(f"{self._tar}: {error}") from error
        return False


class Cache:
    """A folder of files named by their hashes; several processes may use it."""

    def __init__(
        self, folder: Path, files: Files, *, progress: Progress | None = None
    ) -> None:
        self._folder = folder
        self._files = files
        self._progress = progress or _nobody

    def get(self, sha256: str) -> Path | None:
        """Give the file with this hash, which is computed anew, or None.

        Raises:
            StoreError: the disk refuses.
        """
        path = self._folder / sha256
        if not path.exists():
            return None
        if self._hash(path) == sha256:
            return path
        self._files.remove(path)
        return None

    def put(self, sha256: str, data: bytes) -> Path:
        """Keep bytes that have this hash.

        Raises:
            InputError: they have another.
            StoreError: the disk refuses.
        """
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise InputError(f"expected SHA-256 {sha256}, came {found}")
        with self._incoming(sha256) as part:
            self._files.remove(part)
            self._files.stage(part, [data])
            return self._keep(part, sha256)

    def obtain(self, wanted: Wanted, supplies: Sequence[Supply]) -> Path:
        """Give a file, fetched if it is not here; supplies are asked in their order.

        Raises:
            InputError: none has it, or not with this hash, asked twice.
            StoreError: the disk refuses.
        """
        path = self.get(wanted.sha256)
        if path is not None:
            return path
        with self._incoming(wanted.sha256) as part:
            complaints: list[str] = []
            for supply in supplies:
                if self._ask(supply, wanted, part, complaints):
                    return self._keep(part, wanted.sha256)
        said = "; ".join(complaints) or "nobody who was asked has it"
        raise InputError(f"{wanted.file} ({wanted.sha256[:16]}…): {said}")

    def _ask(
        self, supply: Supply, wanted: Wanted, part: Path, complaints: list[str]
    ) -> bool:
        """Ask one supply; tell whether the right file lies at `part` now."""
        complaint = ""
        for _ in range(_TRIES):
            try:
                if not supply.fetch(wanted, part, self._progress):
                    return False
            except InputError as error:
                complaint = str(error)
            else:
                found = self._hash(part)
                if found == wanted.sha256:
                    return True
                # Nothing of it may be taken for the beginning of the right file.
                self._files.remove(part)
                complaint = f"expected SHA-256 {wanted.sha256}, came {found}"
        complaints.append(complaint)
        return False

    @contextlib.contextmanager
    def _incoming(self, sha256: str) -> Iterator[Path]:
        """Give a path for what is being fetched: the same one for the next try."""
        incoming = self._folder / "incoming"
        self._files.make_folder(incoming)
        lock = incoming / f"{sha256}.lock"
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self._files.lock(lock))
                held.callback(self._files.remove, lock)
            except BusyError:
                # Somebody is fetching it: fetch it apart, rather than wait for them.
                incoming = Path(
                    held.enter_context(tempfile.TemporaryDirectory(dir=incoming))
                )
            yield incoming / sha256

    def _keep(self, part: Path, sha256: str) -> Path:
        kept = self._folder / sha256
        self._files.rename(part, kept)
        return kept

    def _hash(self, path: Path) -> str:
        try:
            with self._files.open(path) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error


def locked(wheel: LockedWheel) -> Wanted:
    """Ask for a wheel of a lock."""
    return Wanted(file=wheel.file, size=wheel.size, sha256=wheel.sha256)


def _told(
    pieces: Iterable[bytes], wanted: Wanted, progress: Progress
) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece)
        progress(wanted.file, done, wanted.size)


def _nobody(_: str, __: int, ___: int) -> None:
    """Take the progress that nobody wants to see."""
