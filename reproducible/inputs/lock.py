"""Lock files (PEP 751): which wheels exactly.

One file for one platform: each package once, with one wheel, by size and SHA-256. Locks
that are written here hold no addresses: a file of that hash is the same from anywhere.
Format: docs/formats/recipe.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_BYTES: Final = 1 << 20
"""Bytes of a lock."""


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """A wheel: its file name, its size in bytes, its SHA-256 in lower hexadecimal."""

    file: str
    size: int
    sha256: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package: its name (normalised as in PEP 503), its version, its wheel."""

    name: str
    version: str
    wheel: LockedWheel = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Lock:
    """All wheels of an environment, sorted by package; there may be none.

    `requires_python` is a version specifier (PEP 440), None where nothing is said.
    """

    packages: tuple[LockedPackage, ...]
    requires_python: str | None = None

    @property
    def by_name(self) -> Mapping[str, LockedPackage]:
        """The packages by their normalised names."""
        return {each.name: each for each in self.packages}


def parse_lock(data: bytes) -> Lock:
    """Read a lock of at most 1 MiB, ours or another tool's.

    Raises:
        RecipeError: it is no such lock, or says more than one wheel for a package.
        UnsupportedError: `toolchain-needs-build`: a package has no wheel.
    """
    raise NotImplementedError


def format_lock(lock: Lock) -> bytes:
    """Write a lock as `parse_lock` reads it, sorted by name."""
    raise NotImplementedError
