"""Lock files (PEP 751): which wheels exactly.

One file for one platform: each package once, with one wheel, by size and SHA-256. Locks
that are written here hold no addresses: a file of that hash is the same from anywhere.
Format: docs/formats/recipe.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import tomli_w

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs import fields
from reproducible.inputs.toml import parse_toml
from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json

MAX_BYTES: Final = 1 << 20
"""Bytes of a lock."""

_LOCK_VERSION: Final = "1.0"  # PEP 751: of the format
_MAX_PACKAGES: Final = 511  # a bundle holds 512 wheels, and one of them was built
_MAX_WHEEL_BYTES: Final = 512 << 20  # no bundle is larger
_NAME: Final = re.compile("[a-z0-9]+(-[a-z0-9]+)*")  # PEP 503
_VERSION: Final = re.compile("[0-9A-Za-z][0-9A-Za-z.!+_-]{0,63}")
_WHEEL: Final = re.compile(r"[A-Za-z0-9_.]+-[A-Za-z0-9_.+!-]+\.whl")
_LONGEST_NAME: Final = 200  # as in a bundle


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

    A lock of several environments is refused: which of its wheels are meant would
    depend on who reads it.

    Raises:
        RecipeError: it is no such lock, or says more than one wheel for a package.
        UnsupportedError: `toolchain-needs-build`: a package has no wheel.
    """
    try:
        return _lock(parse_toml(data, most=MAX_BYTES))
    except MalformedError as error:
        raise RecipeError(f"lock: {error}") from None


def format_lock(lock: Lock) -> bytes:
    """Write a lock as `parse_lock` reads it, sorted by name."""
    written: dict[str, Json] = {"lock-version": _LOCK_VERSION}
    if lock.requires_python is not None:
        written["requires-python"] = lock.requires_python
    written["created-by"] = "ringfence"
    written["packages"] = [
        _package_table(each) for each in sorted(lock.packages, key=_by_name)
    ]
    return tomli_w.dumps(written).encode()


def _by_name(package: LockedPackage) -> str:
    return package.name


# PEP 751: what a reader does not know, it passes over; hence `fields`, not `record`.
def _lock(found: dict[str, Json]) -> Lock:
    said = shape.fields(found, "lock", ("lock-version", "created-by", "packages"))
    shape.one_of(said["lock-version"], "lock-version", _LOCK_VERSION)
    listed = shape.items(said["packages"], "packages", most=_MAX_PACKAGES)
    packages = sorted((_package(each) for each in listed), key=_by_name)
    names = [each.name for each in packages]
    if len(set(names)) != len(names):
        raise MalformedError("packages: expected each name once")
    return Lock(
        tuple(packages),
        fields.specifier(said["requires-python"], "requires-python")
        if "requires-python" in said
        else None,
    )


def _package(value: Json) -> LockedPackage:
    said = shape.fields(value, "package", ("name",))
    name = shape.text(said["name"], "package name", _NAME)
    if "marker" in said:
        raise MalformedError(f"{name}: expected no marker in the lock of one platform")
    if "wheels" not in said:
        raise UnsupportedError(
            "toolchain-needs-build", f"{name}: expected a wheel, came none"
        )
    wheels = shape.items(said["wheels"], f"{name} wheels", least=1, most=1)
    version = shape.text(said.get("version"), f"{name} version", _VERSION)
    return LockedPackage(name, version, wheel=_wheel(wheels[0], name))


def _wheel(value: Json, package: str) -> LockedWheel:
    said = shape.fields(value, package, ("size", "hashes"))
    hashes = shape.fields(said["hashes"], f"{package} hashes", ("sha256",))
    return LockedWheel(
        _file(said, package),
        shape.integer(said["size"], f"{package} size", least=1, most=_MAX_WHEEL_BYTES),
        sha256=shape.text(hashes["sha256"], f"{package} sha256", shape.SHA256),
    )


def _file(said: dict[str, Json], package: str) -> str:
    """Give a wheel's file name: PEP 751 has it alone, or as the end of where it is."""
    for key in ("name", "path", "url"):
        if key in said:
            break
    else:
        raise MalformedError(f"{package}: expected a name, path or url of its wheel")
    where = said[key]
    file = where.rpartition("/")[2] if isinstance(where, str) else where
    name = shape.text(file, f"{package} wheel", _WHEEL)
    project = name.partition("-")[0]
    # The name is what is looked for at an index, so it cannot be another package's.
    if re.sub("[_.]+", "-", project).lower() != package:
        raise MalformedError(f"{package}: expected a wheel of it, came {name[:80]!r}")
    if len(name) > _LONGEST_NAME:
        raise MalformedError(f"{package}: expected a shorter name of its wheel")
    return name


def _package_table(package: LockedPackage) -> dict[str, Json]:
    wheel = package.wheel
    return {
        "name": package.name,
        "version": package.version,
        "wheels": [
            {
                "name": wheel.file,
                "path": wheel.file,
                "size": wheel.size,
                "hashes": {"sha256": wheel.sha256},
            }
        ],
    }
