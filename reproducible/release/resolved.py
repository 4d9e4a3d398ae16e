"""What an installer resolved, cut down to one wheel for each package.

A resolution names every wheel that could do (PEP 751); a lock of ours names the one
that an installer on the platform would take (PEP 425: the most specific tag first), so
that two people lock the same bytes.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs.lock import MAX_BYTES, Lock, LockedPackage, LockedWheel
from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json

OLDEST_GLIBC: Final = 28
"""Wheels may ask for glibc 2.28: that of Debian 10, RHEL 8 and Ubuntu 18.10."""

_PLATFORM: Final = re.compile(r"cp3(?P<minor>[0-9]{1,2})-linux-(?P<machine>[a-z0-9_]+)")
_LEGACY: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_FILE: Final = re.compile(r"[A-Za-z0-9_.+!-]{1,200}\.whl")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_VERSION: Final = re.compile(r"[0-9A-Za-z.+!]{1,64}")
_ADDRESS: Final = re.compile(r"[!-~]{1,2000}")
_MOST_PACKAGES: Final = 512
_MOST_WHEELS: Final = 1024  # of one package: numpy has ninety


def minor_and_machine(platform: str) -> tuple[int, str]:
    """Take a platform like `cp312-linux-x86_64` apart.

    Raises:
        RecipeError: it is of another form.
    """
    found = _PLATFORM.fullmatch(platform)
    if found is None:
        raise RecipeError(
            f"platform {platform!r}: expected one like cp312-linux-x86_64"
        )
    return int(found["minor"]), found["machine"]


def best_first(platform: str) -> tuple[Tag, ...]:
    """List the tags of wheels that run on a platform, the most specific first.

    Raises:
        RecipeError: the platform is of another form.
    """
    minor, machine = minor_and_machine(platform)
    systems: list[str] = []
    for glibc in range(OLDEST_GLIBC, 4, -1):
        systems.append(f"manylinux_2_{glibc}_{machine}")
        if glibc in _LEGACY:
            systems.append(f"{_LEGACY[glibc]}_{machine}")
    systems.append(f"linux_{machine}")
    return (
        *cpython_tags((3, minor), platforms=systems),
        *compatible_tags((3, minor), f"cp3{minor}", platforms=systems),
    )


def read_resolved(data: bytes, platform: str) -> Lock:
    """Read what was resolved for a platform, and choose.

    Raises:
        RecipeError: it is no resolution, or the platform is of another form.
        UnsupportedError: `toolchain-needs-build`: no wheel of a package will do.
    """
    rank = {tag: number for number, tag in enumerate(best_first(platform))}
    if len(data) > MAX_BYTES:
        raise RecipeError(
            f"resolution: expected at most {MAX_BYTES} bytes, came {len(data)}"
        )
    try:
        value: Json = tomllib.loads(data.decode())
        top = shape.fields(value, "resolution", ("lock-version",))
        rows = shape.items(top.get("packages", []), "packages", most=_MOST_PACKAGES)
        packages = [_package(row, rank) for row in rows]
    except (MalformedError, ValueError, RecursionError) as error:
        raise RecipeError(f"resolution: {error}") from None
    return Lock(tuple(sorted(packages, key=lambda each: each.name)))


def changes(old: Lock | None, new: Lock) -> Iterator[str]:
    """Say how a lock changes: a line each for what is added, removed or other bytes."""
    before = {} if old is None else old.by_name
    after = new.by_name
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            yield f"added    {name} {now.version} sha256:{now.wheel.sha256}"
        elif now is None and was is not None:
            yield f"removed  {name} {was.version} sha256:{was.wheel.sha256}"
        elif was is not None and now is not None and was != now:
            yield (
                f"changed  {name} {was.version} -> {now.version}"
                f" sha256:{was.wheel.sha256} -> {now.wheel.sha256}"
            )


def _package(value: Json, rank: Mapping[Tag, int]) -> LockedPackage:
    row = shape.fields(value, "package", ("name", "version"))
    name = shape.text(row["name"], "name", _NAME)
    wheels = [
        _wheel(each, name)
        for each in shape.items(row.get("wheels", []), name, most=_MOST_WHEELS)
    ]
    ranked = sorted((_rank(each, rank), each.file, each) for each in wheels)
    if not ranked or ranked[0][0] == len(rank):
        raise UnsupportedError(
            "toolchain-needs-build",
            f"{name}: expected a wheel for the platform, came {len(wheels)} for others",
        )
    return LockedPackage(
        name,
        shape.text(row["version"], f"{name}: version", _VERSION),
        wheel=ranked[0][2],
    )


def _wheel(value: Json, name: str) -> LockedWheel:
    row = shape.fields(value, name, ("hashes", "size"))
    hashes = shape.fields(row["hashes"], f"{name}: hashes", ("sha256",))
    address = shape.text(row.get("url", row.get("path")), f"{name}: url", _ADDRESS)
    return LockedWheel(
        shape.text(address.rpartition("/")[2], f"{name}: wheel", _FILE),
        shape.integer(row["size"], f"{name}: size", least=1),
        sha256=shape.text(hashes["sha256"], f"{name}: sha256", shape.SHA256),
    )


def _rank(wheel: LockedWheel, rank: Mapping[Tag, int]) -> int:
    """Give the place of a wheel's best tag; one after the last where none will do."""
    try:
        tags: Sequence[Tag] = sorted(parse_wheel_filename(wheel.file)[3], key=str)
    except InvalidWheelFilename as error:
        raise MalformedError(f"{wheel.file!r}: {error}") from None
    return min(rank.get(tag, len(rank)) for tag in tags)
