"""Making a patch between two bundles, for `updater.archive.delta` to apply.

Each changed wheel is set against the old one of the same project. A wheel that is
stored, as our own is, is compared as it stands. The members of a deflated one are
compared unpacked, each with the level of zlib that gives its bytes back; a member that
another deflater wrote travels as it is.
"""

import re
import zlib

from updater.archive import frames
from updater.archive.bundle import Bundle, BundledWheel
from updater.archive.extent import CHUNK_BYTES, Extent
from updater.archive.patch import (
    MAX_PARTS,
    MAX_ROWS,
    Members,
    Patch,
    PatchedMember,
    Row,
    Same,
    Whole,
    write_patch,
)
from updater.archive.wheel import project_of
from updater.archive.zips import (
    DEFLATED,
    STORED,
    Archive,
    Entry,
    contents,
    open_archive,
    skeleton,
)
from updater.errors import LimitError

DEFAULT_LEVEL = 9
"""Of zstd; 19 gives an eighth less for ten times the work."""

_ZLIB_LEVELS = (6, 9, 8, 7, 5, 4, 3, 2, 1)  # the most usual ones first
_VERSIONED = re.compile(r"[^/]+(?=\.dist-info/)")
_LIBRARY = re.compile(r"(\.libs/.+?)(-[0-9a-f]{8,})?\.so[.0-9]*")


def make_patch(
    old: tuple[Bundle, str], new: tuple[Bundle, str], *, level: int = DEFAULT_LEVEL
) -> bytes:
    """Make the patch between two bundles, each given with its SHA-256.

    Raises:
        LimitError: it would be larger than half of the new bundle, or have too many
            parts: fetching the bundle is the better way.
        MalformedError: a wheel is not of the strict form.
        MissingError: zstd is not installed.
    """
    making = _Making(old[0], new[0], level)
    rows = tuple(making.row(wheel) for wheel in new[0].manifest.wheels)
    members = sum(len(row.members) for row in rows if isinstance(row, Members))
    size = new[0].extent.size
    patch = Patch(old=old[1], new=new[1], size=size, rows=rows)
    written = b"".join(write_patch(patch, new[0].manifest, making.parts))
    parts = len(making.parts)
    if 2 * len(written) > size or parts > MAX_PARTS or members > MAX_ROWS:
        raise LimitError(
            f"patch: expected at most half of {size} bytes, {MAX_PARTS} parts and"
            f" {MAX_ROWS} members, came {len(written)}, {parts} and {members}"
        )
    return written


class _Making:
    """Rows, and the parts they need, numbered as they come."""

    def __init__(self, old: Bundle, new: Bundle, level: int) -> None:
        self._old = old
        self._new = new
        self._level = level
        self.parts: list[bytes] = []

    def row(self, wheel: BundledWheel) -> Row:
        if any(each.sha256 == wheel.sha256 for each in self._old.manifest.wheels):
            return Same(wheel.name)
        old = self._counterpart(wheel)
        if old is None:
            return self._whole(wheel, None)
        pair = open_archive(self._old.wheel(old)), open_archive(self._new.wheel(wheel))
        # Stored members need no unpacking: the wheels are compared as they stand.
        if all(entry.method == STORED for entry in pair[1].entries):
            reaches = old.size <= frames.MAX_PREFIX_BYTES
            return self._whole(wheel, old if reaches else None)
        return self._members(wheel, old, *pair)

    def _counterpart(self, wheel: BundledWheel) -> BundledWheel | None:
        """Find the old wheel of the same project."""
        wanted = _project(wheel)
        same = (old for old in self._old.manifest.wheels if _project(old) == wanted)
        return next(same, None)

    def _whole(self, wheel: BundledWheel, old: BundledWheel | None) -> Whole:
        prefix = b"" if old is None else _all(self._old.wheel(old))
        return Whole(
            name=wheel.name,
            old=None if old is None else old.name,
            part=self._add(_all(self._new.wheel(wheel)), prefix),
            size=wheel.size,
        )

    def _members(
        self, wheel: BundledWheel, listed: BundledWheel, old: Archive, new: Archive
    ) -> Members:
        frame = skeleton(new)
        part = self._add(frame, skeleton(old))
        pairs = _pairs(old, new)
        members: list[PatchedMember] = []
        at = 0
        for entry in new.entries:
            at += len(entry.head)
            if entry.packed:
                before = pairs.get(entry.name)
                members.append(self._member(at, old, before, new, entry))
            at += len(entry.foot)
        return Members(
            name=wheel.name,
            old=listed.name,
            size=wheel.size,
            skeleton=(part, len(frame)),
            members=tuple(members),
        )

    def _member(
        self, at: int, old: Archive, before: Entry | None, new: Archive, entry: Entry
    ) -> PatchedMember:
        if before is not None and _packed_alike(old, before, new, entry):
            return PatchedMember(
                at=at, level=0, old=before.name, part=None, size=entry.packed
            )
        content = b"".join(contents(new, entry))
        level = 0
        if entry.method == DEFLATED:
            packed = _all(new.extent.part(entry.data_offset, entry.packed))
            level = _level_of(content, packed)
            if not level:
                # Another deflater wrote it: as it is, and like nothing we have.
                content, before = packed, None
        prefix = b"" if before is None else b"".join(contents(old, before))
        return PatchedMember(
            at=at,
            level=level,
            old=None if before is None else before.name,
            part=self._add(content, prefix),
            size=len(content),
        )

    def _add(self, content: bytes, prefix: bytes) -> int:
        self.parts.append(frames.compress(content, prefix, level=self._level))
        return len(self.parts) - 1


def _project(wheel: BundledWheel) -> str:
    return project_of(wheel.file)


def _pairs(old: Archive, new: Archive) -> dict[str, Entry]:
    """Find the old entry to each new one; none is used twice."""
    left = {entry.name: entry for entry in old.entries}
    names = [entry.name for entry in new.entries]
    pairs = {name: left.pop(name) for name in names if name in left}
    renamed = {_pairing(name): entry for name, entry in left.items()}
    for name in names:
        if name not in pairs and _pairing(name) in renamed:
            pairs[name] = renamed.pop(_pairing(name))
    return pairs


def _pairing(path: str) -> str:
    """Leave out of a path what changes with every version."""
    return _LIBRARY.sub(r"\1.so", _VERSIONED.sub("", path))


def _packed_alike(old: Archive, before: Entry, new: Archive, entry: Entry) -> bool:
    if (before.method, before.packed, before.crc) != (
        entry.method,
        entry.packed,
        entry.crc,
    ):
        return False
    one = old.extent.part(before.data_offset, before.packed).chunks()
    other = new.extent.part(entry.data_offset, entry.packed).chunks()
    return all(a == b for a, b in zip(one, other, strict=True))


def _level_of(content: bytes, packed: bytes) -> int:
    """Find the level at which zlib gives these bytes; 0 if none does."""
    return next((each for each in _ZLIB_LEVELS if _gives(each, content, packed)), 0)


def _gives(level: int, content: bytes, packed: bytes) -> bool:
    """Tell whether deflating gives these bytes, stopping at the first that differs."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 8)
    position = 0
    for start in range(0, len(content), CHUNK_BYTES):
        made = deflate.compress(content[start : start + CHUNK_BYTES])
        if packed[position : position + len(made)] != made:
            return False
        position += len(made)
    return packed[position:] == deflate.flush()


def _all(extent: Extent) -> bytes:
    return extent.read(0, extent.size)
