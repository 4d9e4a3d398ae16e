"""Patch-proof: header fields copied over must give the other file bit for bit.

Two wheels that differ in nothing but the times of their members are told apart by
nobody who installs them. To *assume* that nothing else differs is how an executable bit
or a prepended script hides behind a normaliser. So the fields in question are copied
from the published file into the rebuilt one, and the SHA-256 of what comes out has to
be that of the published file; each copied field is counted and stated.

The method is named `patch-proof/1`; docs/formats/compare-report.md has the fields.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reproducible.archive.sdists import Sdist
from reproducible.archive.tars import TarEntry
from reproducible.compare.directory import Row, read_rows
from updater.archive.extent import Extent
from updater.archive.ustar import BLOCK_BYTES
from updater.archive.zips import Archive
from updater.transparency.claims.rebuild import Exemption

UNLISTED = "unlisted"
"""The reason of an exception that nobody expected."""

_ZIP_FIELDS = {
    "zip.create": (None, slice(4, 6)),
    "zip.date_time": (slice(10, 14), slice(12, 16)),
    "zip.external_attr": (None, slice(38, 42)),
}
"""Where they stand in an entry's own header, if there, and in its row."""

_TAR_FIELDS = (
    ("tar.mode", 100, 108),
    ("tar.owner", 108, 124),
    ("tar.mtime", 136, 148),
    ("tar.owner", 265, 329),
)
_SIZE, _CHECKSUM, _TYPE = slice(124, 136), slice(148, 156), slice(156, 157)
_PAX_KEYS = {
    b"mtime": "tar.mtime",
    b"uid": "tar.owner",
    b"gid": "tar.owner",
    b"uname": "tar.owner",
    b"gname": "tar.owner",
}

# "././@PaxHeader", "DIR/PaxHeader/NAME", "DIR/PaxHeaders.PID/NAME"
_PAX_NAME = re.compile(rb"([^\0/]+/)*@?PaxHeaders?(\.[0-9]+)?[/\0]")

_Patch = tuple[int, bytes]


@dataclass(slots=True)
class _Found:
    """Fields that were copied: how often, and the first member of each."""

    counts: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, fields: Iterable[str], entry: str) -> None:
        for name in fields:
            count, first = self.counts.get(name, (0, entry))
            self.counts[name] = count + 1, first

    def exemptions(self, reasons: Mapping[str, str]) -> tuple[Exemption, ...]:
        return tuple(
            Exemption(
                field=name,
                count=count,
                entry=first,
                reason=reasons.get(name, UNLISTED),
            )
            for name, (count, first) in sorted(self.counts.items())
        )


def prove_wheel(
    published: Archive, rebuilt: Archive, *, sha256: str, reasons: Mapping[str, str]
) -> tuple[Exemption, ...] | None:
    """Prove that wheels which differ do so in header fields alone; None if they do not.

    Times, the system that made it and external attributes may be copied, the last two
    only where no installer would give another permission.

    Args:
        published: as it was opened.
        rebuilt: likewise.
        sha256: of the published file, lower hexadecimal.
        reasons: by field, why it was expected.
    """
    if [each.name for each in published.entries] != [
        each.name for each in rebuilt.entries
    ]:
        return None
    found, patches = _Found(), list[_Patch]()
    for theirs, ours in zip(read_rows(published), read_rows(rebuilt), strict=True):
        if theirs.installed_as != ours.installed_as:
            return None
        for name, places in _ZIP_FIELDS.items():
            copied = _copied(theirs, ours, *places)
            if copied:
                patches += copied
                found.add((name,), theirs.entry.name)
    if _sha256(_patched(rebuilt.extent, patches)) != sha256:
        return None
    return found.exemptions(reasons)


def prove_sdist(
    published: Sdist, rebuilt: Sdist, *, name: str, reasons: Mapping[str, str]
) -> tuple[Exemption, ...] | None:
    """Prove likewise for source archives; `name` is the published file's.

    Proven is the tar within: headers of published, contents of rebuilt. Beyond that
    another name, time, system or packing of the one gzip member is an exception.
    """
    if [_made_of(each) for each in published.entries] != [
        _made_of(each) for each in rebuilt.entries
    ]:
        return None
    found = _Found()
    pieces: list[bytes] = []
    for theirs, ours in zip(published.entries, rebuilt.entries, strict=True):
        fields: set[str] = set()
        before = _extension(_before(published, theirs), _before(rebuilt, ours), fields)
        if before is None:
            return None
        data = rebuilt.gzip.data
        pieces += (
            before,
            _overlaid(
                _header(published, theirs), data[ours.header : ours.data_offset], fields
            ),
            data[ours.data_offset : ours.end],
        )
        found.add(fields, theirs.name)
    end = rebuilt.entries[-1].end
    pieces.append(rebuilt.gzip.data[end:])
    if _sha256(pieces) != _sha256((published.gzip.data,)):
        return None
    found.add(_gzip_fields(published, rebuilt), name)
    return found.exemptions(reasons)


def _copied(
    theirs: Row, ours: Row, in_head: slice | None, in_row: slice
) -> list[_Patch]:
    """Give what is to be written where, if the field differs."""
    if theirs.raw[in_row] == ours.raw[in_row]:
        return []
    row = ours.at + in_row.start, theirs.raw[in_row]
    if in_head is None:
        return [row]
    # What both headers say was found to agree when the archive was opened.
    return [row, (ours.entry.offset + in_head.start, theirs.entry.head[in_head])]


def _patched(extent: Extent, patches: list[_Patch]) -> Iterator[bytes]:
    """Give a file in order, with some of its bytes replaced."""
    at = 0
    for offset, data in sorted(patches):
        yield from extent.part(at, offset - at).chunks()
        yield data
        at = offset + len(data)
    yield from extent.part(at, extent.size - at).chunks()


def _sha256(chunks: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for chunk in chunks:
        whole.update(chunk)
    return whole.hexdigest()


def _made_of(entry: TarEntry) -> tuple[str, str, str, int]:
    """Give what a member becomes; its bytes are left to the hash of the whole."""
    return entry.name, entry.kind, entry.target, entry.mode & 0o111


def _before(sdist: Sdist, entry: TarEntry) -> bytes:
    """Give the pax header or long name that stands before a member."""
    return sdist.gzip.data[entry.start : entry.header]


def _header(sdist: Sdist, entry: TarEntry) -> bytes:
    return sdist.gzip.data[entry.header : entry.data_offset]


def _overlaid(theirs: bytes, ours: bytes, fields: set[str]) -> bytes:
    """Copy allowed fields, and the checksum that follows from them; note which."""
    patched = bytearray(ours)
    for name, start, end in _TAR_FIELDS:
        if theirs[start:end] != ours[start:end]:
            patched[start:end] = theirs[start:end]
            fields.add(name)
    patched[_CHECKSUM] = theirs[_CHECKSUM]
    return bytes(patched)


def _extension(theirs: bytes, ours: bytes, fields: set[str]) -> bytes | None:
    """Give the published pax header, if allowed records are all that is new in it."""
    if theirs == ours:
        return ours
    records = _records(theirs), _records(ours)
    kept = [[each for each in side if each[0] is None] for side in records]
    if kept[0] != kept[1]:
        return None
    odd = {name for name, _ in set(records[0]) ^ set(records[1]) if name is not None}
    if not odd:
        return None
    fields |= odd
    if not (theirs and ours):
        # Who does not know pax makes a file of it, so its name is not copied as well.
        return theirs if _PAX_NAME.match(theirs or ours) else None
    block = bytearray(_overlaid(theirs[:BLOCK_BYTES], ours[:BLOCK_BYTES], fields))
    block[_SIZE] = theirs[_SIZE]  # of the records
    if block != theirs[:BLOCK_BYTES]:
        return None
    return theirs


def _records(extension: bytes) -> list[tuple[str | None, bytes]]:
    """Give the records of a pax header that was read, each with its field, if any.

    A long name in GNU's form is one record without a field.
    """
    if extension[_TYPE] not in {b"x", b""}:
        return [(None, extension)]
    records: list[tuple[str | None, bytes]] = []
    rest = extension[BLOCK_BYTES:]
    while rest[:1].strip(b"\0"):
        length, _, key = rest.partition(b"=")[0].partition(b" ")
        records.append((_PAX_KEYS.get(key), rest[: int(length)]))
        rest = rest[int(length) :]
    return records


def _gzip_fields(published: Sdist, rebuilt: Sdist) -> Iterator[str]:
    theirs, ours = published.gzip, rebuilt.gzip
    if (theirs.xfl, theirs.packed) != (ours.xfl, ours.packed):
        yield "gzip.deflate"
    if theirs.mtime != ours.mtime:
        yield "gzip.mtime"
    if theirs.name != ours.name:
        yield "gzip.name"
    if theirs.os != ours.os:
        yield "gzip.os"
