"""Files that survive a power cut: beside, sync, rename, sync the folder; and locks.

Carrier: writes what it is told. Every change is whole or has not happened, whenever the
process is killed; what a kill leaves behind is a file whose name ends in ``.new``,
which the next write of the same file takes over. Links are never followed: neither the
last part of a path nor, below `within`, any part of it.

Everything the disk refuses is a `StoreError` with the path and the reason.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, Literal, Self

from updater.errors import BusyError, StoreError

PIECE_BYTES: Final = 1 << 16  # written at once: a full disk is noticed early
NEW: Final = ".new"  # ends the name of a file that is not what it will be

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a planted FIFO would wait for its other end for ever.
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | _SAFE
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of the disk that is about to happen."""

    kind: Literal["write", "sync", "rename", "link", "remove", "folder"]
    path: Path
    to: Path | None = None  # where a rename leads
    size: int = 0  # bytes of a write


class Files:
    """The file system of this machine.

    With `within`, no path below that folder may pass through a link: somebody else
    may have planted it. The folder itself is the user's choice, links and all.
    """

    def __init__(self, within: Path | None = None) -> None:
        self._within = within

    def about_to(self, step: Step) -> None:
        """Say so to the interpreter's audit hooks (PEP 578).

        Tests kill the process there, or override this: an `OSError` raised here is
        treated as if the disk had raised it.
        """
        sys.audit("updater.files", step.kind, str(step.path))

    # Reading

    def read(self, path: Path, *, most: int) -> bytes:
        """Read a regular file of at most `most` bytes.

        Raises:
            StoreError: it is not there, not a regular file, a link or longer.
        """
        with self.open(path) as file:
            return _bounded(file, path, most)

    def read_if_there(self, path: Path, *, most: int) -> bytes | None:
        """Read like `read`; None if no file has that name.

        Raises:
            StoreError: it is there and cannot be read, or is longer.
        """
        file = self._open(path)
        if file is None:
            return None
        with file:
            return _bounded(file, path, most)

    def open(self, path: Path) -> BufferedReader:
        """Open a regular file for reading; the caller closes it.

        Raises:
            StoreError: it is not there, not a regular file, or a link.
        """
        file = self._open(path)
        if file is None:
            raise StoreError(f"{path}: {os.strerror(errno.ENOENT)}")
        return file

    def names(self, folder: Path) -> list[str]:
        """List the names in a folder, sorted.

        Raises:
            StoreError: it is not there, or no folder.
        """
        with _told(folder), self._folder(folder) as opened:
            return sorted(os.listdir(opened))  # noqa: PTH208 - of an open folder

    def link_text(self, link: Path) -> str | None:
        """Read where a symbolic link points; None if nothing has that name.

        Raises:
            StoreError: it is no link.
        """
        with _told(link), self._folder(link.parent) as folder:
            try:
                return os.readlink(link.name, dir_fd=folder)
            except FileNotFoundError:
                return None

    def free_space(self, folder: Path) -> int:
        """Say how many bytes a user may still write there.

        Raises:
            StoreError: the folder is not there.
        """
        with _told(folder), self._folder(folder) as opened:
            figures = os.fstatvfs(opened)
        return figures.f_bavail * figures.f_frsize

    def check_private(self, path: Path) -> None:
        """Check that nobody but us and root can change a file or folder.

        Raises:
            StoreError: it is a link, of another owner, or others may write it.
        """
        with _told(path):
            found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise StoreError(f"{path}: expected no symbolic link")
        if found.st_uid not in {os.geteuid(), 0}:
            raise StoreError(f"{path}: belongs to user {found.st_uid}, not to us")
        if found.st_mode & _OTHERS_WRITE:
            mode = stat.S_IMODE(found.st_mode)
            raise StoreError(f"{path}: others may write it (mode {mode:04o})")

    # Writing

    def replace(self, path: Path, data: bytes, mode: int = 0o600) -> None:
        """Write a file whole: afterwards it is on disk, before that the old one is.

        Raises:
            BusyError: another process is writing the same file.
            StoreError: it cannot be written; the old one is untouched.
        """
        with _told(path), self._folder(path.parent) as folder:
            with self._beside(folder, path, data, mode) as beside:
                self.about_to(Step(kind="rename", path=beside, to=path))
                os.replace(beside.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            self._sync(folder, path.parent)

    def create(self, path: Path, data: bytes, mode: int = 0o600) -> None:
        """Write a file whole that must not be there yet.

        Raises:
            BusyError: another process is writing the same file.
            StoreError: something has that name, or it cannot be written.
        """
        with _told(path), self._folder(path.parent) as folder:
            with self._beside(folder, path, data, mode) as beside:
                # Whoever else creates it with us waits for the file beside.
                if _exists(path.name, folder):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                self.about_to(Step(kind="rename", path=beside, to=path))
                os.replace(beside.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            self._sync(folder, path.parent)

    def stage(self, path: Path, pieces: Iterable[bytes], mode: int = 0o600) -> None:
        """Write a new file that nobody relies on yet: it is not synced.

        `sync_tree` and a rename of the folder around it make it count.

        Raises:
            StoreError: something has that name, or it cannot be written.
        """
        with _told(path), self._folder(path.parent) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
            self.about_to(Step(kind="write", path=path))
            with _closing(os.open(path.name, flags, 0o600, dir_fd=folder)) as opened:
                for piece in pieces:
                    self._write(opened, path, piece)
                os.fchmod(opened, mode)

    def append(self, path: Path, data: bytes) -> None:
        """Add bytes to the end of a file and sync; a kill may leave a part of them.

        Raises:
            StoreError: it is a link, has a second name, or cannot be written.
        """
        with self.appending(path) as part:
            part.write(data)
            part.sync()

    def appending(self, path: Path) -> "Part":
        """Open a file that grows, and make it (mode 0600) if it is not there.

        Raises:
            StoreError: it is a link, has a second name, or cannot be written.
        """
        with _told(path), self._folder(path.parent) as folder:
            opened, made = self._open_own(folder, path, os.O_APPEND)
            if made:
                self._sync(folder, path.parent)
        return Part(self, opened, path)

    def make_folder(self, path: Path, mode: int = 0o700) -> None:
        """Make a folder, and those above it, where they are not there.

        Raises:
            StoreError: something else has that name, or the disk refuses.
        """
        with _told(path):
            missing = list(itertools.takewhile(_is_missing, (path, *path.parents)))
            for each in reversed(missing):
                with self._folder(each.parent) as folder:
                    self.about_to(Step(kind="folder", path=each))
                    with contextlib.suppress(FileExistsError):  # another was quicker
                        os.mkdir(each.name, mode, dir_fd=folder)
                        with self._folder(each) as made:
                            os.fchmod(made, mode)  # the umask took some away
                    self._sync(folder, each.parent)
            with self._folder(path):  # and not a link or a file
                pass

    def rename(self, source: Path, to: Path) -> None:
        """Move a file or folder; an old file there, or an empty folder, is replaced.

        Raises:
            StoreError: it cannot be done, and has not been.
        """
        with (
            _told(to),
            self._folder(source.parent) as left,
            self._folder(to.parent) as entered,
        ):
            self.about_to(Step(kind="rename", path=source, to=to))
            os.replace(source.name, to.name, src_dir_fd=left, dst_dir_fd=entered)
            self._sync(entered, to.parent)
            if source.parent != to.parent:
                self._sync(left, source.parent)

    def point(self, link: Path, target: str) -> None:
        """Make a symbolic link point to `target` from one moment to the next.

        Raises:
            StoreError: something else than a link has that name.
        """
        beside = link.with_name(link.name + NEW)
        if self.link_text(link) == target:
            return
        with _told(link), self._folder(link.parent) as folder:
            if self.link_text(beside) is not None:  # of a process that was killed
                os.unlink(beside.name, dir_fd=folder)
            self.about_to(Step(kind="link", path=beside))
            os.symlink(target, beside.name, dir_fd=folder)
            self._sync(folder, link.parent)
            self.about_to(Step(kind="rename", path=beside, to=link))
            os.replace(beside.name, link.name, src_dir_fd=folder, dst_dir_fd=folder)
            self._sync(folder, link.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or link, if it is there.

        Raises:
            StoreError: it is a folder, or the disk refuses.
        """
        with _told(path), self._folder(path.parent) as folder:
            self.about_to(Step(kind="remove", path=path))
            try:
                os.unlink(path.name, dir_fd=folder)
            except FileNotFoundError:
                return
            self._sync(folder, path.parent)

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and all in it, if it is there; links are not followed.

        Raises:
            StoreError: it is no folder, or the disk refuses; some of it may be gone.
        """
        with _told(path), self._folder(path.parent) as folder:
            try:
                self._empty(folder, path)
            except FileNotFoundError:
                return
            self._sync(folder, path.parent)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder last.

        Raises:
            StoreError: it is not there, or the disk refuses.
        """
        with _told(path), self._folder(path) as folder:
            self._sync(folder, path)

    def sync_tree(self, path: Path) -> None:
        """Make a folder and all in it last: every file, then every folder.

        Raises:
            StoreError: it is not there, or the disk refuses.
        """
        with _told(path):
            folders = [path]
            for each in folders:  # grows while it is read
                with self._folder(each) as opened, os.scandir(opened) as found:
                    for entry in found:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(each / entry.name)
                        elif entry.is_file(follow_symlinks=False):
                            file = os.open(entry.name, _READ, dir_fd=opened)
                            with _closing(file):
                                self._sync(file, each / entry.name)
            for each in reversed(folders):
                with self._folder(each) as opened:
                    self._sync(opened, each)

    @contextlib.contextmanager
    def lock(self, path: Path, *, shared: bool = False) -> Iterator[None]:
        """Hold a lock file, made if it is not there, while the block runs.

        The kernel drops it when the process ends, however it ends.

        Raises:
            BusyError: another process holds it, or this one by another call.
            StoreError: the file is a link, has a second name or cannot be made.
        """
        with _told(path):
            opened = self._locked(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        with _closing(opened):
            yield

    # Below: relative to open folders, errors of the system as they come

    def _open(self, path: Path) -> BufferedReader | None:
        with _told(path), self._folder(path.parent) as folder:
            try:
                opened = os.open(path.name, _READ, dir_fd=folder)
            except FileNotFoundError:
                return None
            try:
                _check_regular(opened, path)
            except BaseException:
                os.close(opened)
                raise
            return os.fdopen(opened, "rb")

    @contextlib.contextmanager
    def _folder(self, path: Path) -> Iterator[int]:
        """Open a folder, one part after the other where links are not allowed."""
        top = path
        parts: tuple[str, ...] = ()
        if self._within is not None and path.is_relative_to(self._within):
            top, parts = self._within, path.relative_to(self._within).parts
        opened = os.open(top, _FOLDER)
        try:
            for part in parts:
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                os.close(opened)
                opened = below
            yield opened
        finally:
            os.close(opened)

    @contextlib.contextmanager
    def _beside(
        self, folder: int, path: Path, data: bytes, mode: int
    ) -> Iterator[Path]:
        """Write and sync a file beside the one it will be; gone if the block fails."""
        beside = path.with_name(path.name + NEW)
        opened = self._locked(beside, fcntl.LOCK_EX)
        with _closing(opened):
            try:
                os.ftruncate(opened, 0)  # what a process that was killed had written
                os.fchmod(opened, mode)
                self._write(opened, beside, data)
                self._sync(opened, beside)
                yield beside
            except OSError:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside.name, dir_fd=folder)
                raise

    def _locked(self, path: Path, how: int) -> int:
        """Open and lock the file that has this name, also after the lock was won."""
        with self._folder(path.parent) as folder:
            while True:
                opened, _ = self._open_own(folder, path, 0)
                try:
                    fcntl.flock(opened, how | fcntl.LOCK_NB)
                    # Whoever held it may have renamed or removed it meanwhile.
                    if _has_name(opened, path.name, folder):
                        return opened
                except BlockingIOError:
                    os.close(opened)
                    raise BusyError(f"{path}: another process holds it") from None
                except BaseException:
                    os.close(opened)
                    raise
                os.close(opened)

    def _open_own(self, folder: int, path: Path, flags: int) -> tuple[int, bool]:
        """Open a file for writing, or make it; say whether it was made."""
        flags |= os.O_RDWR | os.O_NONBLOCK | _SAFE
        made = False
        try:
            opened = os.open(path.name, flags, dir_fd=folder)
        except FileNotFoundError:
            opened = os.open(path.name, flags | os.O_CREAT, 0o600, dir_fd=folder)
            made = True
        try:
            _check_regular(opened, path)
            _check_single(opened, path)
        except BaseException:
            os.close(opened)
            raise
        return opened, made

    def _write(self, opened: int, path: Path, data: bytes) -> None:
        view = memoryview(data)
        while view:
            piece = view[:PIECE_BYTES]
            self.about_to(Step(kind="write", path=path, size=len(piece)))
            view = view[os.write(opened, piece) :]

    def _sync(self, opened: int, path: Path) -> None:
        self.about_to(Step(kind="sync", path=path))
        os.fsync(opened)

    def _empty(self, folder: int, path: Path) -> None:
        """Remove a folder whose parent is open."""
        opened = os.open(path.name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        with _closing(opened):
            os.fchmod(opened, 0o700)  # slots are read-only
            with os.scandir(opened) as found:
                entries = list(found)
            for entry in entries:
                below = path / entry.name
                if entry.is_dir(follow_symlinks=False):
                    self._empty(opened, below)
                else:
                    self.about_to(Step(kind="remove", path=below))
                    os.unlink(entry.name, dir_fd=opened)
        self.about_to(Step(kind="remove", path=path))
        os.rmdir(path.name, dir_fd=folder)


class Part:
    """A file that grows; what was written lasts once `sync` has returned."""

    def __init__(self, files: Files, opened: int, path: Path) -> None:
        self._files = files
        self._opened = opened
        self._path = path

    @property
    def size(self) -> int:
        """How many bytes it holds now."""
        return os.fstat(self._opened).st_size

    def write(self, data: bytes) -> None:
        """Add bytes to the end.

        Raises:
            StoreError: the disk refuses; a part of them may be there.
        """
        with _told(self._path):
            self._files._write(self._opened, self._path, data)  # noqa: SLF001 - same

    def cut(self, size: int) -> None:
        """Drop everything after the first `size` bytes.

        Raises:
            StoreError: the disk refuses.
        """
        with _told(self._path):
            os.ftruncate(self._opened, size)

    def sync(self) -> None:
        """Make what was written last.

        Raises:
            StoreError: the disk refuses.
        """
        with _told(self._path):
            self._files._sync(self._opened, self._path)  # noqa: SLF001 - same

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._opened)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system says into our error, with the path."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(f"{path}: the disk is full") from error
        reason = error.strerror or type(error).__name__
        raise StoreError(f"{path}: {reason}") from error


@contextlib.contextmanager
def _closing(opened: int) -> Iterator[int]:
    try:
        yield opened
    finally:
        os.close(opened)


def _bounded(file: BufferedReader, path: Path, most: int) -> bytes:
    with _told(path):
        data = file.read(most + 1)
    if len(data) > most:
        raise StoreError(f"{path}: expected at most {most} bytes")
    return data


def _check_regular(opened: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        raise StoreError(f"{path}: expected a regular file")


def _check_single(opened: int, path: Path) -> None:
    # A hard link that somebody planted would have us write in their file.
    if os.fstat(opened).st_nlink > 1:
        raise StoreError(f"{path}: has a second name (hard link)")


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_missing(path: Path) -> bool:
    return not os.path.lexists(path)


def _has_name(opened: int, name: str, folder: int) -> bool:
    try:
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(opened), named)
