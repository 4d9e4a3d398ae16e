"""A source tree as values, and what names it.

Format of the name: docs/formats/recipe.md.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from reproducible.archive.sdists import write_tar
from reproducible.errors import SourceError, UnsupportedError
from updater.archive.names import MAX_PATH_BYTES, check_path
from updater.archive.packing import NewEntry
from updater.errors import MalformedError

MAX_FILES: Final = 50_000  # as many as the largest sources of packages have
MAX_BYTES: Final = 1 << 30
"""Bytes of all files together."""

_SHOWN: Final = 80  # characters of a path that a sentence quotes


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file or symbolic link of a source.

    Attributes:
        path: below the top, parts separated by `/`.
        data: its bytes; none for a link.
        executable: whether anybody may run it.
        link: where a symbolic link points to, from its own folder.
        mode: permission bits of the archive it came in, None where it has none.
        mtime: POSIX seconds, likewise.
    """

    path: str
    data: bytes = field(repr=False)
    executable: bool = field(default=False, kw_only=True)
    link: str | None = field(default=None, kw_only=True)
    mode: int | None = field(default=None, kw_only=True)
    mtime: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree: files by path, in the order of their UTF-8 bytes; see `make_tree`.

    Empty folders are no part of it.
    """

    files: tuple[SourceFile, ...]

    def read(self, path: str) -> bytes:
        """Give the bytes of a file.

        Raises:
            SourceError: there is none, or a link.
        """
        for file in self.files:
            if file.path == path and file.link is None:
                return file.data
        raise SourceError(f"source: expected a file {path[:_SHOWN]!r}, came none")

    def find(self, sha256: str) -> SourceFile | None:
        """Find the first file with this hash, lower hexadecimal."""
        for file in self.files:
            if file.link is None and hashlib.sha256(file.data).hexdigest() == sha256:
                return file
        return None


def make_tree(files: Iterable[SourceFile]) -> Tree:
    """Make a tree of files in any order: at most 50,000, of 1 GiB together.

    Raises:
        UnsupportedError: `source-form`: too much, a path that is not relative and
            plain, two files in one place, or a link that leaves the tree.
    """
    kept: dict[str, SourceFile] = {}
    size = 0
    for file in files:
        size += len(file.data)
        if len(kept) == MAX_FILES or size > MAX_BYTES:
            raise _unsupported(
                f"expected at most {MAX_FILES} files of {MAX_BYTES} bytes, came more"
            )
        _check_path(file.path)
        if file.path in kept:
            raise _unsupported(f"expected {file.path[:_SHOWN]!r} once, came again")
        kept[file.path] = file
    # With the slash before every letter, what lies below a path follows it at once.
    for above, path in pairwise(sorted(kept, key=lambda x: x.replace("/", "\0"))):
        if path.startswith(f"{above}/"):
            raise _unsupported(
                f"{path[:_SHOWN]!r}: expected folders above it, came a file"
            )
    for file in kept.values():
        if file.link is not None:
            _check_link(file.path, file.link)
    ordered = sorted(kept.values(), key=lambda each: each.path.encode())
    return Tree(tuple(ordered))


def tree_tar(tree: Tree, epoch: int) -> bytes:
    """Write a tree as a canonical tar, every time in it `epoch` (POSIX seconds).

    Raises:
        UnsupportedError: `source-form`: it has links, or paths that some file systems
            take for the same.
    """
    for file in tree.files:
        # What a link stands for depends on what is around it where it is unpacked.
        if file.link is not None:
            raise _unsupported(f"{file.path[:_SHOWN]!r}: expected a file, came a link")
    entries = (
        NewEntry(file.path, file.data, executable=file.executable)
        for file in tree.files
    )
    try:
        return write_tar(entries, epoch)
    except MalformedError as error:
        raise _unsupported(str(error)) from None


def tree_sha256(tree: Tree, epoch: int) -> str:
    """Name a tree: the SHA-256 of its `tree_tar`, lower hexadecimal.

    Raises:
        UnsupportedError: as `tree_tar`.
    """
    return hashlib.sha256(tree_tar(tree, epoch)).hexdigest()


def _check_path(path: str) -> None:
    try:
        check_path(path)
    except MalformedError as error:
        raise _unsupported(str(error)) from None


def _check_link(path: str, link: str) -> None:
    """Check that a link points nowhere outside.

    It may climb at its beginning only: after a name, `..` would be taken from wherever
    that name leads, if it is a link itself.
    """
    if len(link) > MAX_PATH_BYTES:
        raise _unsupported(f"{path[:_SHOWN]!r}: expected a shorter link")
    climbed, target = 0, link.removesuffix("/")
    while target == ".." or target.startswith("../"):
        climbed, target = climbed + 1, target[3:]
    if climbed > path.count("/"):
        raise _unsupported(f"{path[:_SHOWN]!r}: expected a link that stays inside")
    if target or not climbed:
        _check_path(target.removeprefix("./"))


def _unsupported(text: str) -> UnsupportedError:
    return UnsupportedError("source-form", f"source: {text}")
