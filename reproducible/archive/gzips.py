"""One gzip member, read strictly and written canonically (RFC 1952).

A stranger's file is one member and nothing after it, with no header field but a name.
Ours says nothing about the machine that packed it, and is stored, since two builds of
one deflate library give other bytes. `docs/formats/canonical.md` has it to the byte.
"""

import struct
import zlib
from dataclasses import dataclass, field

from updater.archive.zips import MAX_RATIO, RATIO_FREE_BYTES
from updater.errors import MalformedError

_HEADER, _MARK = struct.Struct("<3sBLBB"), b"\x1f\x8b\x08"  # §2.3.1; 8 is deflate
_SUMS = struct.Struct("<2L")  # CRC-32, then the size modulo 2^32
_NAMED = 0x08  # flag FNAME
_MAX_NAME_BYTES = 512
_UNKNOWN_SYSTEM = 255
_STORED = struct.Struct("<BHH")  # RFC 1951 §3.2.4: final bit and type 00, LEN, NLEN
_MAX_STORED_BYTES = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Gzip:
    """A gzip file that was read whole."""

    mtime: int
    """POSIX seconds modulo 2^32; 0 says nothing."""
    xfl: int
    """The effort of the packer, in its own code."""
    os: int
    """Where it ran: 3 is Unix, 255 unknown."""
    name: bytes | None
    """As it was called before, without the zero that ends it; None says nothing."""
    packed: bytes = field(repr=False)
    """The deflate stream."""
    data: bytes = field(repr=False)
    """What it unpacks to."""


def parse_gzip(data: bytes, *, most: int) -> Gzip:
    """Unpack a file that unpacks to at most `most` bytes.

    Raises:
        MalformedError: it is not one member with right sums, has a header field
            other than a name, goes on after its member, or unpacks to more than
            `most` or, beyond 10 MiB, to more than 200 times its packed bytes.
    """
    if len(data) < _HEADER.size + _SUMS.size:
        raise MalformedError(f"gzip: expected a whole member, came {len(data)} bytes")
    mark, flags, mtime, xfl, system = _HEADER.unpack_from(data)
    if mark != _MARK:
        raise MalformedError("gzip: expected its mark and deflate")
    if flags & ~_NAMED:
        # A comment, extra fields and a header sum are bytes that nobody looks at.
        raise MalformedError(f"gzip: expected flags 0 or 8, came {flags}")
    name, start = None, _HEADER.size
    if flags:
        end = data.find(b"\0", start, start + _MAX_NAME_BYTES + 1)
        if end < 0:
            raise MalformedError(
                f"gzip: expected a name of at most {_MAX_NAME_BYTES} bytes"
            )
        name, start = data[start:end], end + 1
    packed, sums = data[start : -_SUMS.size], data[-_SUMS.size :]
    unpacked = _inflate(packed, most)
    if sums != _sums(unpacked):
        raise MalformedError("gzip: expected the CRC and the size of its data last")
    return Gzip(
        mtime=mtime, xfl=xfl, os=system, name=name, packed=packed, data=unpacked
    )


def format_gzip(data: bytes) -> bytes:
    """Write the canonical form of `data`: no name, no time, stored blocks."""
    blocks = bytearray(_HEADER.pack(_MARK, 0, 0, 0, _UNKNOWN_SYSTEM))
    # An empty file has one block too, or its stream would have no end.
    for offset in range(0, len(data) or 1, _MAX_STORED_BYTES):
        block = data[offset : offset + _MAX_STORED_BYTES]
        size, is_last = len(block), offset + _MAX_STORED_BYTES >= len(data)
        blocks += _STORED.pack(is_last, size, size ^ _MAX_STORED_BYTES)
        blocks += block
    return bytes(blocks + _sums(data))


def _inflate(packed: bytes, most: int) -> bytes:
    limit = min(most, max(RATIO_FREE_BYTES, MAX_RATIO * len(packed)))
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # One byte of room lets a stream of exactly the limit come to its end.
        unpacked = stream.decompress(packed, limit + 1)
    except zlib.error:
        raise MalformedError("gzip: expected deflate") from None
    if len(unpacked) > limit:
        raise MalformedError(
            f"gzip: {len(packed)} bytes may become {limit} at most, came more"
        )
    if not stream.eof or stream.unused_data:
        # A second member would be unpacked by some readers and overlooked by others.
        raise MalformedError(
            "gzip: expected one deflate stream that ends where the sums begin"
        )
    return unpacked


def _sums(data: bytes) -> bytes:
    return _SUMS.pack(zlib.crc32(data), len(data) & 0xFFFF_FFFF)
