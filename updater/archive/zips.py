"""Zip archives, read more strictly than any zip library does.

Two readers of one lenient archive can see different files. Here the whole file must be
accounted for: entries lie one after the other from the first byte, the directory says
of each what its own header says, and the end record ends the file (APPNOTE.TXT 4.3).
There is no zip64, encryption, comment, link, device or second spelling of a name.

Everything but the contents is checked before any content is given out, and headers
that change between the first look and the last are noticed.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from stat import S_IFDIR, S_IFMT, S_IFREG

from updater.archive.extent import CHUNK_BYTES, Extent
from updater.archive.names import check_path, check_together
from updater.errors import MalformedError

STORED, DEFLATED = 0, 8
"""The two methods of APPNOTE.TXT 4.4.5 that wheels use."""

MAX_ENTRIES = 20_000
"""Ten times the largest wheel in use."""
MAX_ENTRY_BYTES = 256 * 1024 * 1024
"""Unpacked; the largest shared library in use has 90 MB."""
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
"""Of a whole archive; with the ratio below, what a bomb can cost."""
MAX_RATIO = 200
"""Packed to unpacked, once past the next line; deflate itself reaches 1,032."""
RATIO_FREE_BYTES = 10 * 1024 * 1024

LOCAL, LOCAL_MARK = struct.Struct("<4s5H3L2H"), b"PK\3\4"
CENTRAL, CENTRAL_MARK = struct.Struct("<4s6H3L5H2L"), b"PK\1\2"
END, END_MARK = struct.Struct("<4s4H2LH"), b"PK\5\6"
"""The headers of APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16, without names."""

UTF8 = 0x0800
"""Flag bit 11: the name is UTF-8."""

_MAX_DIRECTORY_BYTES = 16 * 1024 * 1024  # 20,000 entries with very long names
_DESCRIPTOR, _DESCRIPTOR_MARK = struct.Struct("<4s3L"), b"PK\7\x08"
_STREAMED = 0x0008  # flag bit 3: sums follow the data
_FLAGS = 0x0006 | _STREAMED | UTF8  # bits 1 and 2 only tell the effort of deflate
_MAX_EXTRA_BYTES = 1024  # tools write up to 40; each field costs its reader a step
_EXTRA = struct.Struct("<2H")
_EXTRA_ZIP64, _EXTRA_UNICODE_PATH = 0x0001, 0x7075
_SPECIAL_BITS = 0o7000  # setuid, setgid, sticky


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder of an archive; all of it holds in both of its headers."""

    name: str
    """The path; that of a folder without its final slash."""
    is_folder: bool
    executable: bool
    method: int
    crc: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes when unpacked."""
    offset: int
    """Where the local header stands."""
    head: bytes = field(repr=False)
    """The local header as read."""
    foot: bytes = field(repr=False)
    """The data descriptor; empty where there is none."""

    @property
    def data_offset(self) -> int:
        """Where the packed bytes begin."""
        return self.offset + len(self.head)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip file of which everything but the contents is checked."""

    extent: Extent
    entries: tuple[Entry, ...]
    tail: bytes = field(repr=False)
    """The directory and the end record as read."""


def open_archive(extent: Extent) -> Archive:
    """Read the directory and every local header.

    Raises:
        MalformedError: the archive is not of the strict form.
    """
    count, start = _read_end(extent)
    tail = extent.read(start, extent.size - start)
    entries: list[Entry] = []
    at, offset = 0, 0
    for _ in range(count):
        central, name, at = _read_central(tail, at)
        entry = _read_entry(extent, central, name, offset)
        offset = entry.data_offset + entry.packed + len(entry.foot)
        entries.append(entry)
    if at != len(tail) - END.size:
        raise MalformedError(
            f"zip: expected a directory of {len(tail) - END.size} bytes, came {at}"
        )
    if offset != start:
        raise MalformedError(
            f"zip: expected the directory at {offset}, where the entries end,"
            f" came {start}"
        )
    unpacked = sum(entry.size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise MalformedError(
            f"zip: expected to unpack to {MAX_UNPACKED_BYTES} bytes at most,"
            f" came {unpacked}"
        )
    check_together(
        [each.name for each in entries if not each.is_folder],
        [each.name for each in entries if each.is_folder],
    )
    return Archive(extent, tuple(entries), tail)


def contents(archive: Archive, entry: Entry) -> Iterator[bytes]:
    """Unpack one entry; its size and CRC are checked at the end.

    Raises:
        MalformedError: the packed bytes are not what the headers say.
    """
    packed = archive.extent.part(entry.data_offset, entry.packed)
    return _unpack(entry, packed.chunks())


def walk(
    archive: Archive, seen: Callable[[bytes], object]
) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Unpack all entries in order, showing every byte of the file to `seen` on the way.

    So a hash taken by `seen` is of the very bytes that were unpacked. An entry's
    contents are read to their end before the next one is given, wanted or not.

    Raises:
        MalformedError: packed bytes are not what the headers say, or a header is no
            longer what it was.
    """
    for entry in archive.entries:
        seen(_again(archive, entry.offset, entry.head))
        packed = archive.extent.part(entry.data_offset, entry.packed).chunks()
        unpacked = _unpack(entry, _shown(packed, seen))
        yield entry, unpacked
        for _ in unpacked:
            pass
        seen(_again(archive, entry.data_offset + entry.packed, entry.foot))
    start = archive.extent.size - len(archive.tail)
    seen(_again(archive, start, archive.tail))


def skeleton(archive: Archive) -> bytes:
    """Give the file without its contents: headers, descriptors, directory and end."""
    between = (entry.head + entry.foot for entry in archive.entries)
    return b"".join((*between, archive.tail))


@dataclass(frozen=True, slots=True)
class _Central:
    """What one row of the directory says."""

    flags: int
    shared: tuple[int, ...]
    """Version needed, flags, method, time, date: the same in both headers."""
    sums: tuple[int, int, int]
    """CRC-32, packed and unpacked size."""
    mode: int
    offset: int
    raw_name: bytes


def _read_end(extent: Extent) -> tuple[int, int]:
    """Give the number of entries and where the directory begins."""
    end = extent.read(extent.size - END.size, END.size)
    mark, disk, disk_2, count, count_2, size, start, comment = END.unpack(end)
    if mark != END_MARK or comment or disk or disk_2 or count != count_2:
        raise MalformedError("zip: expected the plain end record to end the file")
    if count > MAX_ENTRIES:
        raise MalformedError(
            f"zip: expected at most {MAX_ENTRIES} entries, came {count}"
        )
    if size > _MAX_DIRECTORY_BYTES:
        raise MalformedError(
            f"zip: expected a directory of at most {_MAX_DIRECTORY_BYTES} bytes,"
            f" came {size}"
        )
    if start + size != extent.size - END.size:
        raise MalformedError(
            f"zip: expected the directory to end at {extent.size - END.size},"
            f" came {start + size}"
        )
    return count, start


def _read_central(tail: bytes, at: int) -> tuple[_Central, str, int]:
    """Read the row at `at`; give it, the name, and where the next one begins."""
    if at + CENTRAL.size > len(tail) - END.size:
        raise MalformedError("zip: expected another entry, came the directory's end")
    (
        mark, _, needed, flags, method, time, date, crc, packed, size,
        name_size, extra_size, comment_size, disk, _, attributes, offset,
    ) = CENTRAL.unpack_from(tail, at)  # fmt: skip
    if mark != CENTRAL_MARK or disk or comment_size:
        raise MalformedError(f"zip: expected a plain directory entry at {at}")
    at += CENTRAL.size
    raw_name, extra = tail[at : at + name_size], tail[at + name_size :][:extra_size]
    _check_extra(extra, extra_size)
    central = _Central(
        flags=flags,
        shared=(needed, flags, method, time, date),
        sums=(crc, packed, size),
        mode=attributes >> 16,
        offset=offset,
        raw_name=raw_name,
    )
    return central, _name(raw_name, flags), at + name_size + extra_size


def _read_entry(extent: Extent, central: _Central, name: str, offset: int) -> Entry:
    """Read the local header at `offset`, and compare it with the directory."""
    if central.offset != offset:
        raise MalformedError(
            f"zip: expected {name!r} at {offset}, where the one before ends,"
            f" came {central.offset}"
        )
    _, _, method, _, _ = central.shared
    crc, packed, size = central.sums
    head, foot = _read_head(extent, central, name), b""
    if central.flags & _STREAMED:
        foot = extent.read(offset + len(head) + packed, _DESCRIPTOR.size)
        if foot != _DESCRIPTOR.pack(_DESCRIPTOR_MARK, *central.sums):
            raise MalformedError(f"zip: {name!r}: its descriptor says something else")
    is_folder = name.endswith("/")
    entry = Entry(
        name=name.removesuffix("/"),
        is_folder=is_folder,
        executable=S_IFMT(central.mode) == S_IFREG and bool(central.mode & 0o111),
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        offset=offset,
        head=head,
        foot=foot,
    )
    _check_entry(entry, central)
    return entry


def _read_head(extent: Extent, central: _Central, name: str) -> bytes:
    fixed = extent.read(central.offset, LOCAL.size)
    mark, *said, name_size, extra_size = LOCAL.unpack(fixed)
    rest = extent.read(central.offset + LOCAL.size, name_size + extra_size)
    sums = (0, 0, 0) if central.flags & _STREAMED else central.sums
    if (
        mark != LOCAL_MARK
        or tuple(said) != (*central.shared, *sums)
        or rest[:name_size] != central.raw_name
    ):
        raise MalformedError(f"zip: {name!r}: its own header says something else")
    _check_extra(rest[name_size:], extra_size)
    return fixed + rest


def _check_entry(entry: Entry, central: _Central) -> None:
    check_path(entry.name)
    kind = S_IFMT(central.mode)
    if kind not in {0, S_IFDIR if entry.is_folder else S_IFREG}:
        raise MalformedError(f"zip: {entry.name!r}: expected a regular file or folder")
    if central.mode & _SPECIAL_BITS:
        raise MalformedError(f"zip: {entry.name!r}: expected no setuid, setgid, sticky")
    if central.flags & ~_FLAGS:
        raise MalformedError(f"zip: {entry.name!r}: unknown flags {central.flags:#x}")
    if entry.method not in {STORED, DEFLATED}:
        raise MalformedError(f"zip: {entry.name!r}: unknown method {entry.method}")
    if entry.method == STORED and entry.packed != entry.size:
        raise MalformedError(
            f"zip: {entry.name!r}: stored, expected {entry.size} bytes,"
            f" came {entry.packed}"
        )
    if entry.is_folder and entry.size:
        raise MalformedError(f"zip: {entry.name!r}: expected an empty folder")
    if entry.size > MAX_ENTRY_BYTES or (
        entry.size > RATIO_FREE_BYTES and entry.size > MAX_RATIO * entry.packed
    ):
        raise MalformedError(
            f"zip: {entry.name!r}: {entry.packed} bytes may not become {entry.size}"
        )


def _check_extra(extra: bytes, size: int) -> None:
    """Expect whole fields, none of which would change a size or a name."""
    if len(extra) != size or size > _MAX_EXTRA_BYTES:
        raise MalformedError(
            f"zip: expected an extra field of at most {_MAX_EXTRA_BYTES} bytes,"
            f" came {size}"
        )
    while extra:
        if len(extra) < _EXTRA.size:
            raise MalformedError("zip: expected whole extra fields")
        kind, length = _EXTRA.unpack_from(extra)
        if len(extra) < _EXTRA.size + length:
            raise MalformedError("zip: expected whole extra fields")
        if kind in {_EXTRA_ZIP64, _EXTRA_UNICODE_PATH}:
            raise MalformedError(f"zip: the extra field {kind:#06x} has no place here")
        extra = extra[_EXTRA.size + length :]


def _name(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & UTF8 else "ascii")
    except UnicodeDecodeError:
        raise MalformedError(
            f"zip: {raw[:80]!r}: expected ASCII, or UTF-8 with flag bit 11"
        ) from None


def _unpack(entry: Entry, packed: Iterator[bytes]) -> Iterator[bytes]:
    size, crc = 0, 0
    for chunk in _inflate(entry, packed) if entry.method == DEFLATED else packed:
        size += len(chunk)
        if size > entry.size:
            break
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if size != entry.size:
        raise MalformedError(
            f"zip: {entry.name!r}: expected {entry.size} bytes, came {size} or more"
        )
    if crc != entry.crc:
        raise MalformedError(
            f"zip: {entry.name!r}: expected CRC {entry.crc:08x}, came {crc:08x}"
        )


def _inflate(entry: Entry, packed: Iterable[bytes]) -> Iterator[bytes]:
    """Inflate in bounded steps; the stream ends with its last packed byte."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    left_over = False
    try:
        for chunk in packed:
            left_over = stream.eof
            rest, more = chunk, not left_over
            while more:
                unpacked = stream.decompress(rest, CHUNK_BYTES)
                yield unpacked
                rest = stream.unconsumed_tail
                # A full step may have more to give, even with no bytes left to take.
                more = not stream.eof and bool(rest or len(unpacked) == CHUNK_BYTES)
    except zlib.error:
        raise MalformedError(f"zip: {entry.name!r}: expected deflate") from None
    if not stream.eof or stream.unused_data or left_over:
        raise MalformedError(
            f"zip: {entry.name!r}: expected deflate to end after {entry.packed} bytes"
        )


def _shown(chunks: Iterable[bytes], seen: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        seen(chunk)
        yield chunk


def _again(archive: Archive, offset: int, expected: bytes) -> bytes:
    if archive.extent.read(offset, len(expected)) != expected:
        raise MalformedError(f"zip: the {len(expected)} bytes at {offset} have changed")
    return expected
