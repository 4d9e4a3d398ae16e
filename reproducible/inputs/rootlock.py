"""The lock of a Debian root: which packages exactly, and the tar they became.

Made by a program, so there is one spelling (RFC 8785). Format: docs/formats/recipe.md.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json, parse_canonical, write

SCHEMA: Final = "ringfence-root/1"
MAX_BYTES: Final = 1 << 20
"""Bytes of a root's lock."""

_MAX_PACKAGES: Final = 2000  # twenty times an essential system with Python
_LATEST: Final = 4_102_444_800  # 2100-01-01: tars hold no year much later
# Debian Policy sections 5.6.1 (names), 5.6.12 (versions) and 5.6.8 (architectures).
_NAME: Final = re.compile("[a-z0-9][a-z0-9+.-]{1,99}")
_VERSION: Final = re.compile("[0-9][0-9A-Za-z.+:~-]{0,99}")
_WORD: Final = re.compile("[a-z][a-z0-9-]{0,31}")
_TOOL: Final = re.compile("[!-~][ -~]{0,99}")


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
    said = shape.record(
        parse_canonical(data, most=MAX_BYTES),
        "root lock",
        ("arch", "epoch", "packages", "schema", "suite", "tar_sha256", "tool"),
    )
    shape.one_of(said["schema"], "schema", SCHEMA)
    listed = shape.items(said["packages"], "packages", least=1, most=_MAX_PACKAGES)
    packages = tuple(_package(each) for each in listed)
    places = [(each.name, each.arch) for each in packages]
    if places != sorted(set(places)):
        raise MalformedError("packages: expected them in order, each once")
    return RootLock(
        suite=shape.text(said["suite"], "suite", _WORD),
        arch=shape.text(said["arch"], "arch", _WORD),
        epoch=shape.integer(said["epoch"], "epoch", most=_LATEST),
        tool=shape.text(said["tool"], "tool", _TOOL),
        tar_sha256=shape.text(said["tar_sha256"], "tar_sha256", shape.SHA256),
        packages=packages,
    )


def _package(value: Json) -> RootPackage:
    said = shape.record(value, "package", ("arch", "name", "sha256", "version"))
    return RootPackage(
        shape.text(said["name"], "name", _NAME),
        shape.text(said["version"], "version", _VERSION),
        arch=shape.text(said["arch"], "arch", _WORD),
        sha256=shape.text(said["sha256"], "sha256", shape.SHA256),
    )


def format_root_lock(lock: RootLock) -> bytes:
    """Write the lock of a root as `parse_root_lock` reads it, packages in order."""
    packages = sorted(lock.packages, key=lambda each: (each.name, each.arch))
    return write(
        {
            "arch": lock.arch,
            "epoch": lock.epoch,
            "packages": [
                {
                    "arch": each.arch,
                    "name": each.name,
                    "sha256": each.sha256,
                    "version": each.version,
                }
                for each in packages
            ],
            "schema": SCHEMA,
            "suite": lock.suite,
            "tar_sha256": lock.tar_sha256,
            "tool": lock.tool,
        }
    )
