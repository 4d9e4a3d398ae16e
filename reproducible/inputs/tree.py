"""A source tree as values, and what names it.

Format of the name: docs/formats/recipe.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MAX_FILES: Final = 50_000  # as many as the largest sources of packages we know
MAX_BYTES: Final = 1 << 30
"""Bytes of all files together."""


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
    data: bytes
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
        raise NotImplementedError

    def find(self, sha256: str) -> SourceFile | None:
        """Find the first file with this hash, lower hexadecimal."""
        raise NotImplementedError


def make_tree(files: Iterable[SourceFile]) -> Tree:
    """Make a tree of files in any order: at most 50,000, of 1 GiB together.

    Raises:
        UnsupportedError: `source-form`: too much, a path that is not relative and
            plain, two files in one place, or a link that leaves the tree.
    """
    raise NotImplementedError


def tree_tar(tree: Tree, epoch: int) -> bytes:
    """Write a tree as a canonical tar, every time in it `epoch` (POSIX seconds).

    Raises:
        UnsupportedError: `source-form`: it has links, or paths that some file systems
            take for the same.
    """
    raise NotImplementedError


def tree_sha256(tree: Tree, epoch: int) -> str:
    """Name a tree: the SHA-256 of its `tree_tar`, lower hexadecimal.

    Raises:
        UnsupportedError: as `tree_tar`.
    """
    raise NotImplementedError
