"""Canonical tar: same members, same bytes.

One POSIX ustar header per regular file, everything but name, size, time and the
executable bit fixed; a name over 100 bytes is carried by a pax header with the one
record `path`. `docs/formats/bundle.md` has it to the byte. The reader takes each header
apart, writes it again and refuses unless it comes out the same: what a tar can express
beyond this, from links to sparse files, cannot be said here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from updater.archive.extent import Extent
from updater.archive.names import MAX_PATH_BYTES, check_path
from updater.errors import MalformedError

BLOCK_BYTES = 512
MAX_MEMBER_BYTES = 8**11 - 1
"""Eleven octal digits; larger members have no place in our archives."""

_END_MULTIPLE = 10_240  # POSIX: archives are written in records of twenty blocks
_NAME_BYTES = 100  # the field `name` of a ustar header
_PAX_NAME = b"././@PaxHeader"
_PAX_BYTES = MAX_PATH_BYTES + 16  # "LEN path=" and the line feed
_FILE, _PAX = b"0", b"x"
_PAX_RECORD = re.compile(rb"[1-9][0-9]{2} path=([^\0]+)\n")
_OCTAL = re.compile(rb"[0-7]{11}\0")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive; `mtime` is in POSIX seconds."""

    name: str
    size: int
    mtime: int = field(default=0, kw_only=True)
    executable: bool = field(default=False, kw_only=True)


def format_header(member: Member) -> bytes:
    """Write what stands before a member's bytes: one block, or three and more."""
    name = member.name.encode()
    mode = b"0000755\0" if member.executable else b"0000644\0"
    own = _block(name[:_NAME_BYTES], mode, member.size, member.mtime, _FILE)
    if len(name) <= _NAME_BYTES:
        return own
    record = _pax_record(name)
    before = _block(_PAX_NAME, b"0000000\0", len(record), 0, _PAX)
    return before + record + padding(len(record)) + own


def parse_header(archive: Extent, offset: int) -> tuple[Member, int]:
    """Read the header at `offset`; give the member and the header's length.

    Raises:
        MalformedError: it is not exactly what `format_header` writes.
    """
    block = archive.read(offset, BLOCK_BYTES)
    name, length = block[:_NAME_BYTES].rstrip(b"\0"), BLOCK_BYTES
    if block[156:157] == _PAX:
        name, before = _parse_pax(archive, offset, block)
        block = archive.read(offset + before, BLOCK_BYTES)
        length += before
    try:
        path = name.decode()
    except UnicodeDecodeError:
        raise MalformedError(f"tar at {offset}: expected a name in UTF-8") from None
    check_path(path)
    member = Member(
        path,
        _octal(block[124:136], offset),
        mtime=_octal(block[136:148], offset),
        executable=block[100:108] == b"0000755\0",
    )
    if format_header(member) != archive.read(offset, length):
        raise MalformedError(f"tar at {offset}: expected a canonical header")
    return member, length


def read_members(archive: Extent, *, most: int) -> Iterator[tuple[Member, Extent]]:
    """Walk over a whole archive of at most `most` members.

    The end is checked once the last member was given.

    Raises:
        MalformedError: a header, a padding or the end is not canonical, or there are
            too many members.
    """
    offset, count = 0, 0
    while any(archive.read(offset, BLOCK_BYTES)):
        count += 1
        if count > most:
            raise MalformedError(f"tar: expected at most {most} members, came more")
        member, length = parse_header(archive, offset)
        offset += length
        yield member, archive.part(offset, member.size)
        offset += member.size
        offset += len(check_bytes(archive, offset, padding(member.size)))
    rest = ending(offset)
    if archive.size != offset + len(rest):
        raise MalformedError(
            f"tar: expected {offset + len(rest)} bytes, came {archive.size}"
        )
    check_bytes(archive, offset, rest)


def check_bytes(archive: Extent, offset: int, expected: bytes) -> bytes:
    """Read at `offset` and expect exactly these bytes; gives them back.

    Raises:
        MalformedError: others are there.
    """
    if archive.read(offset, len(expected)) != expected:
        raise MalformedError(
            f"tar at {offset}: expected {len(expected)} bytes as the writer writes"
            " them, came others"
        )
    return expected


def padding(size: int) -> bytes:
    """Fill up the last block of a member of `size` bytes."""
    return bytes(-size % BLOCK_BYTES)


def ending(size: int) -> bytes:
    """End an archive that is `size` bytes so far: two blocks, then a full record."""
    return bytes(2 * BLOCK_BYTES + -(size + 2 * BLOCK_BYTES) % _END_MULTIPLE)


def _block(name: bytes, mode: bytes, size: int, mtime: int, kind: bytes) -> bytes:
    start = name.ljust(_NAME_BYTES, b"\0") + mode + b"0000000\0" * 2
    start += b"%011o\0%011o\0" % (size, mtime)
    end = (kind + bytes(100) + b"ustar\x0000").ljust(356, b"\0")
    # POSIX: the sum is taken with eight spaces in its own place.
    checksum = sum(start) + 8 * ord(" ") + sum(end)
    return start + b"%06o\0 " % checksum + end


def _pax_record(name: bytes) -> bytes:
    """Write `LEN path=NAME`, where LEN counts itself."""
    body = b" path=" + name + b"\n"
    # A name of 101 to 512 bytes makes a record of three digits.
    return b"%d" % (3 + len(body)) + body


def _parse_pax(archive: Extent, offset: int, block: bytes) -> tuple[bytes, int]:
    """Give the name that a pax header carries, and the header's length."""
    size = _octal(block[124:136], offset)
    if size > _PAX_BYTES:
        raise MalformedError(
            f"tar at {offset}: expected a pax header of at most {_PAX_BYTES} bytes,"
            f" came {size}"
        )
    record = archive.read(offset + BLOCK_BYTES, size)
    found = _PAX_RECORD.fullmatch(record)
    if found is None:
        raise MalformedError(f"tar at {offset}: expected the one pax record 'path'")
    return found[1], BLOCK_BYTES + size + len(padding(size))


def _octal(field_bytes: bytes, offset: int) -> int:
    if not _OCTAL.fullmatch(field_bytes):
        raise MalformedError(f"tar at {offset}: expected eleven octal digits")
    return int(field_bytes[:-1], 8)
