"""The patch file: what to take from the old bundle to get the bytes of the new one.

`ringfence-patch/1` is a canonical tar of `patch.json`, the new bundle's manifest, and
numbered parts, each one zstd frame; `docs/formats/patch.md` has it to the byte. Here it
is taken apart and checked; `updater.archive.delta` makes and applies it.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from updater import jcs
from updater.archive import ustar
from updater.archive.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_WHEELS,
    Manifest,
    bundle_size,
    format_manifest,
    parse_manifest,
)
from updater.archive.extent import Extent
from updater.archive.ustar import Member, format_header, padding, read_members
from updater.archive.zips import MAX_ENTRY_BYTES, MAX_UNPACKED_BYTES
from updater.errors import MalformedError
from updater.shape import SHA256, integer, items, one_of, record, text

MAX_PARTS = 20_000
"""As many files as a large wheel has."""
MAX_ROWS = 40_000
"""Members in all wheels together: as many files as a tree may have."""
MAX_JSON_BYTES = 8 * 1024 * 1024
"""40,000 rows of 200 bytes."""
MAX_SKELETON_BYTES = 32 * 1024 * 1024
"""A wheel without its members' data: headers and names of 20,000 entries."""

_SCHEMA = "ringfence-patch/1"
_JSON, _MANIFEST = "patch.json", "manifest.json"
_NAME = re.compile(r"[^\0]{1,512}", re.DOTALL)
_KEYS = ("from", "schema", "size", "to", "wheels")
_HOW = {
    "same": ("how", "name"),
    "whole": ("how", "name", "old", "part", "size"),
    "members": ("how", "members", "name", "old", "size", "skeleton"),
}


@dataclass(frozen=True, slots=True)
class Same:
    """The old bundle holds a wheel of this SHA-256, whatever its name there."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One part is the wheel, against the old one where there is one."""

    name: str
    old: str | None
    part: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedMember:
    """A member's data, inserted at an offset of the wheel's skeleton.

    Without a `part`, `size` bytes are the old member's own, packed as they are.
    With one, it has `size` bytes of content, against the old member's content, and is
    deflated at `level`; level 0 leaves it as it is.
    """

    at: int
    level: int
    old: str | None
    part: int | None
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The wheel is put together from its skeleton and its members' data."""

    name: str
    old: str
    size: int
    skeleton: tuple[int, int]
    """Part and size of the wheel without its members' data, against the old one's."""
    members: tuple[PatchedMember, ...] = field(repr=False)


Row = Same | Whole | Members


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What `patch.json` says."""

    old: str
    """SHA-256 of the bundle it is applied to."""
    new: str
    """SHA-256 of the bundle it gives."""
    size: int
    """Bytes of the new bundle."""
    rows: tuple[Row, ...]
    """One for each wheel of the new bundle, in its order."""


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A patch with its parts; none of them is unpacked yet."""

    patch: Patch
    manifest: Manifest
    parts: tuple[Extent, ...] = field(repr=False)


def parse_patch(data: bytes) -> Patch:
    """Read `patch.json`.

    Raises:
        MalformedError: it is not of the form.
    """
    fields = record(jcs.parse_canonical(data, most=MAX_JSON_BYTES), "patch", _KEYS)
    one_of(fields["schema"], "patch: schema", _SCHEMA)
    wheels = items(fields["wheels"], "patch: wheels", least=1, most=MAX_WHEELS)
    patch = Patch(
        old=text(fields["from"], "patch: from", SHA256),
        new=text(fields["to"], "patch: to", SHA256),
        size=integer(fields["size"], "patch: size", most=MAX_BUNDLE_BYTES),
        rows=tuple(_row(row) for row in wheels),
    )
    _check_rows(patch.rows)
    return patch


def format_patch(patch: Patch) -> bytes:
    """Write a patch as `parse_patch` reads it."""
    return jcs.write(
        {
            "schema": _SCHEMA,
            "from": patch.old,
            "to": patch.new,
            "size": patch.size,
            "wheels": [_format_row(row) for row in patch.rows],
        }
    )


def open_patch(extent: Extent, *, product: str) -> PatchFile:
    """Read a patch file, all but its parts' contents.

    Raises:
        MalformedError: it is not of the form, larger than half of what it gives, or
            its rows are not those of its manifest.
    """
    members = read_members(extent, most=MAX_PARTS + 2)
    patch = parse_patch(_first(members, _JSON, MAX_JSON_BYTES))
    if 2 * extent.size > patch.size:
        raise MalformedError(
            f"patch: expected at most half of {patch.size} bytes, came {extent.size}"
        )
    manifest = parse_manifest(
        _first(members, _MANIFEST, MAX_MANIFEST_BYTES), product=product
    )
    found: list[Extent] = []
    for member, part in members:
        if member != Member(_part_name(len(found)), part.size):
            raise MalformedError(
                f"patch: expected {_part_name(len(found))!r}, came {member.name[:80]!r}"
            )
        found.append(part)
    wanted = sum(len(_parts(row)) for row in patch.rows)
    if len(found) != wanted:
        raise MalformedError(f"patch: expected {wanted} parts, came {len(found)}")
    _check_manifest(patch, manifest)
    return PatchFile(patch, manifest, tuple(found))


def write_patch(
    patch: Patch, manifest: Manifest, parts: list[bytes]
) -> Iterator[bytes]:
    """Write a patch file."""
    total = 0
    members = [(_JSON, format_patch(patch)), (_MANIFEST, format_manifest(manifest))]
    members += ((_part_name(number), part) for number, part in enumerate(parts))
    for name, data in members:
        written = format_header(Member(name, len(data))) + data + padding(len(data))
        total += len(written)
        yield written
    yield ustar.ending(total)


def _first(members: Iterator[tuple[Member, Extent]], name: str, most: int) -> bytes:
    member, extent = next(members, (None, None))
    if extent is None or member != Member(name, extent.size) or extent.size > most:
        raise MalformedError(f"patch: expected {name} of at most {most} bytes")
    return extent.read(0, extent.size)


def _part_name(number: int) -> str:
    return f"parts/{number:06}"


def _parts(row: Row) -> list[int]:
    match row:
        case Same():
            return []
        case Whole():
            return [row.part]
        case Members():
            used = [each.part for each in row.members if each.part is not None]
            return [row.skeleton[0], *used]
        case _:
            assert_never(row)


def _check_manifest(patch: Patch, manifest: Manifest) -> None:
    if patch.size != bundle_size(manifest):
        raise MalformedError(
            f"patch: expected to give {bundle_size(manifest)} bytes by its manifest,"
            f" came {patch.size}"
        )
    if [row.name for row in patch.rows] != [wheel.name for wheel in manifest.wheels]:
        raise MalformedError("patch: expected a row for each wheel of the manifest")
    for row, wheel in zip(patch.rows, manifest.wheels, strict=True):
        if not isinstance(row, Same) and row.size != wheel.size:
            raise MalformedError(
                f"patch: {row.name}: expected {wheel.size} bytes, came {row.size}"
            )


def _check_rows(rows: tuple[Row, ...]) -> None:
    """Bound what applying costs: nothing is decoded or referred to twice."""
    used = [part for row in rows for part in _parts(row)]
    if used != list(range(len(used))):
        raise MalformedError("patch: expected parts in order, each used once")
    olds = [row.old for row in rows if not isinstance(row, Same) and row.old]
    if len(olds) != len(set(olds)):
        raise MalformedError("patch: expected each old wheel to be used once")
    members = [each for row in rows if isinstance(row, Members) for each in row.members]
    if len(members) > MAX_ROWS:
        raise MalformedError(
            f"patch: expected at most {MAX_ROWS} members, came {len(members)}"
        )
    unpacked = sum(each.size for each in members)
    if unpacked > MAX_UNPACKED_BYTES:
        raise MalformedError(
            f"patch: expected at most {MAX_UNPACKED_BYTES} bytes unpacked,"
            f" came {unpacked}"
        )


def _row(value: jcs.Json) -> Row:
    how = value.get("how") if isinstance(value, dict) else None
    kind = one_of(how, "patch: how", *_HOW)
    fields = record(value, f"patch: {kind}", _HOW[kind])
    name = text(fields["name"], "patch: name", _NAME)
    if kind == "same":
        return Same(name)
    size = integer(fields["size"], "patch: size", least=1, most=MAX_BUNDLE_BYTES)
    if kind == "whole":
        part = integer(fields["part"], "patch: part", most=MAX_PARTS - 1)
        return Whole(name=name, old=_old(fields["old"]), part=part, size=size)
    rows = items(fields["members"], "patch: members", least=1, most=MAX_ROWS)
    members = tuple(_member(row) for row in rows)
    if any(a.at >= b.at for a, b in itertools.pairwise(members)):
        raise MalformedError("patch: expected members at rising offsets")
    olds = [each.old for each in members if each.old is not None]
    if len(olds) != len(set(olds)):
        raise MalformedError("patch: expected each old member to be used once")
    number, length = items(fields["skeleton"], "patch: skeleton", least=2, most=2)
    return Members(
        name=name,
        old=text(fields["old"], "patch: old", _NAME),
        size=size,
        skeleton=(
            integer(number, "patch: skeleton", most=MAX_PARTS - 1),
            integer(length, "patch: skeleton", least=1, most=MAX_SKELETON_BYTES),
        ),
        members=members,
    )


def _member(value: jcs.Json) -> PatchedMember:
    at, level, old, part, size = items(value, "patch: member", least=5, most=5)
    member = PatchedMember(
        at=integer(at, "patch: member at", most=MAX_SKELETON_BYTES),
        level=integer(level, "patch: level", most=9),
        old=_old(old),
        part=None if part is None else integer(part, "patch: part", most=MAX_PARTS - 1),
        size=integer(size, "patch: member size", most=MAX_ENTRY_BYTES),
    )
    if member.part is None and (member.old is None or member.level):
        raise MalformedError(
            "patch: a member without a part: expected an old one as is"
        )
    return member


def _old(value: jcs.Json) -> str | None:
    return None if value is None else text(value, "patch: old", _NAME)


def _format_row(row: Row) -> jcs.Json:
    match row:
        case Same():
            return {"how": "same", "name": row.name}
        case Whole():
            return {
                "how": "whole",
                "name": row.name,
                "old": row.old,
                "part": row.part,
                "size": row.size,
            }
        case Members():
            return {
                "how": "members",
                "name": row.name,
                "old": row.old,
                "size": row.size,
                "skeleton": list(row.skeleton),
                "members": [
                    [each.at, each.level, each.old, each.part, each.size]
                    for each in row.members
                ],
            }
        case _:
            assert_never(row)
