"""The lock of a Debian root: which packages exactly, and the tar they became.

Made by a program, so there is one spelling (RFC 8785). Format: docs/formats/recipe.md.
"""

from dataclasses import dataclass, field
from typing import Final

SCHEMA: Final = "ringfence-root/1"
MAX_BYTES: Final = 1 << 20
"""Bytes of a root's lock."""


@dataclass(frozen=True, slots=True)
class RootPackage:
    """A Debian package: `sha256` is of its .deb, in lower hexadecimal."""

    name: str
    version: str
    arch: str = field(kw_only=True)
    sha256: str = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootLock:
    """A Debian root.

    Attributes:
        suite: Debian's name of the release, as `bookworm`.
        arch: Debian's name of the architecture, as `amd64`.
        epoch: SOURCE_DATE_EPOCH it was made with, POSIX seconds.
        tool: which program made it, with its version.
        tar_sha256: of the tar, lower hexadecimal.
        packages: sorted by name, then architecture.
    """

    suite: str
    arch: str
    epoch: int
    tool: str
    tar_sha256: str
    packages: tuple[RootPackage, ...]


def parse_root_lock(data: bytes) -> RootLock:
    """Read the lock of a root.

    Raises:
        MalformedError: it is none, or is spelt in another way.
    """
    raise NotImplementedError


def format_root_lock(lock: RootLock) -> bytes:
    """Write the lock of a root as `parse_root_lock` reads it."""
    raise NotImplementedError
