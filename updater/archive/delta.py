"""Applying a patch: another way to the same bundle bytes.

What is signed are the bundle's bytes, and nearly all of them are deflated. So changed
members of a wheel are put together unpacked and deflated again, at the level of which
the publisher found that it gives the same bytes. Whether it did here too is seen from
the wheel's hash: another zlib may write other bytes, and then that one wheel is fetched
from the bundle itself.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from updater.archive.bundle import Bundle, BundledWheel, expect_wheel, parts
from updater.archive.extent import Extent
from updater.archive.frames import MAX_PREFIX_BYTES, decompress
from updater.archive.patch import (
    Members,
    PatchedMember,
    PatchFile,
    Row,
    Same,
    Whole,
    open_patch,
)
from updater.archive.zips import Archive, Entry, contents, open_archive, skeleton
from updater.errors import MalformedError, PatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the new bundle; right once its chunks have ended without an error.

    A wheel whose chunks raise `PatchError` can be fetched from the bundle itself,
    `size` bytes at `offset`; the other pieces still hold.
    """

    offset: int
    size: int
    wheel: BundledWheel | None
    """The wheel that these bytes are, or None for what lies between wheels."""
    chunks: Iterator[bytes] = field(repr=False)


def apply_patch(
    old: Bundle, patch: Extent, *, sha256: str, new: str, size: int
) -> Iterator[Piece]:
    """Give the pieces of the bundle with the SHA-256 `new` and this size, in order.

    `sha256` is of the old bundle. Pieces are compared with the manifest within the
    patch. Whether that is the manifest of `new` is seen only from the hash of the
    whole, which is for the caller to take.

    Raises:
        PatchError: at once, where it is not of the form or of other bundles.
        MissingError: zstd is not installed.
    """
    try:
        opened = open_patch(patch, product=old.manifest.name)
    except MalformedError as error:
        raise PatchError(str(error)) from error
    found = opened.patch
    if (found.old, found.new, found.size) != (sha256, new, size):
        raise PatchError(
            f"patch: expected from {sha256[:12]} to {new[:12]} of {size} bytes, came"
            f" {found.old[:12]} to {found.new[:12]} of {found.size}"
        )
    return _pieces(old, opened)


def _pieces(old: Bundle, opened: PatchFile) -> Iterator[Piece]:
    rows = {row.name: row for row in opened.patch.rows}
    offset = 0
    for part in parts(opened.manifest):
        if isinstance(part, bytes):
            piece = Piece(
                offset=offset, size=len(part), wheel=None, chunks=iter((part,))
            )
        else:
            chunks = _wheel(old, opened, rows[part.name], part)
            piece = Piece(offset=offset, size=part.size, wheel=part, chunks=chunks)
        yield piece
        offset += piece.size


def _wheel(
    old: Bundle, opened: PatchFile, row: Row, wheel: BundledWheel
) -> Iterator[bytes]:
    try:
        yield from expect_wheel(wheel, _assembled(old, opened, row, wheel))
    except MalformedError as error:
        raise PatchError(f"patch: {error}") from error


def _assembled(
    old: Bundle, opened: PatchFile, row: Row, wheel: BundledWheel
) -> Iterator[bytes]:
    match row:
        case Same():
            return _same(old, wheel).chunks()
        case Whole():
            return decompress(
                opened.parts[row.part].chunks(), _prefix(old, row.old), row.size
            )
        case Members():
            return _members(open_archive(_named(old, row.old)), opened, row)
        case _:
            assert_never(row)


def _same(old: Bundle, wheel: BundledWheel) -> Extent:
    for listed in old.manifest.wheels:
        if listed.sha256 == wheel.sha256:
            return old.wheel(listed)
    raise MalformedError(f"{wheel.name}: expected in the old bundle too")


def _named(old: Bundle, name: str) -> Extent:
    for listed in old.manifest.wheels:
        if listed.name == name:
            return old.wheel(listed)
    raise MalformedError(f"{name!r}: expected in the old bundle")


def _prefix(old: Bundle, name: str | None) -> bytes:
    if name is None:
        return b""
    wheel = _named(old, name)
    if wheel.size > MAX_PREFIX_BYTES:
        raise MalformedError(
            f"{name!r}: expected at most {MAX_PREFIX_BYTES} bytes to refer back to,"
            f" came {wheel.size}"
        )
    return wheel.read(0, wheel.size)


def _members(old: Archive, opened: PatchFile, row: Members) -> Iterator[bytes]:
    """Give the skeleton with each member's data at its place."""
    part, size = row.skeleton
    frame = b"".join(decompress(opened.parts[part].chunks(), skeleton(old), size))
    entries = {entry.name: entry for entry in old.entries}
    position = 0
    for member in row.members:
        if member.at > size:
            raise MalformedError(
                f"{row.name}: expected a place within {size} bytes, came {member.at}"
            )
        yield frame[position : member.at]
        position = member.at
        yield from _data(old, _entry(entries, member.old), opened, member)
    yield frame[position:]


def _entry(entries: dict[str, Entry], name: str | None) -> Entry | None:
    if name is not None and name not in entries:
        raise MalformedError(f"{name!r}: expected in the old wheel")
    return None if name is None else entries[name]


def _data(
    archive: Archive, old: Entry | None, opened: PatchFile, member: PatchedMember
) -> Iterator[bytes]:
    """Give the bytes of a member as they stand in the wheel."""
    if member.part is None:
        assert old is not None  # as the reader of rows has checked
        if old.packed != member.size:
            raise MalformedError(
                f"{old.name!r}: expected {member.size} bytes, came {old.packed}"
            )
        yield from archive.extent.part(old.data_offset, old.packed).chunks()
        return
    prefix = b"" if old is None else b"".join(contents(archive, old))
    content = decompress(opened.parts[member.part].chunks(), prefix, member.size)
    if member.level == 0:
        yield from content
        return
    deflate = zlib.compressobj(member.level, zlib.DEFLATED, -zlib.MAX_WBITS, 8)
    for chunk in content:
        yield deflate.compress(chunk)
    yield deflate.flush()
