"""Open bitstream units: the parts that AV1 consists of (AV1 specification §5.3)."""

from collections.abc import Iterator
from typing import NamedTuple

from voip.errors import MalformedError

SEQUENCE_HEADER, TEMPORAL_DELIMITER, TILE_LIST = 1, 2, 8  # §6.2.2
_FORBIDDEN, _EXTENSION, _HAS_SIZE = 0x80, 0x04, 0x02
_MAX_NUMBER_BYTES = 8  # §4.10.5, which also says that it is less than 2**32


class Obu(NamedTuple):
    """One unit: the header without its size bit, and what follows header and size."""

    header: bytes
    payload: bytes

    @property
    def type(self) -> int:
        """What it is: one of the numbers of §6.2.2."""
        return self.header[0] >> 3 & 0x0F


def parse_obus(data: bytes) -> Iterator[Obu]:
    """Read units that each have their size, one after the other (§5.2).

    Raises:
        MalformedError: one that is none, has no size or does not fit.
    """
    begin = 0
    while begin < len(data):
        header = parse_header(data, begin)
        if not data[begin] & _HAS_SIZE:
            raise MalformedError("av1: expected a unit with its size, came one without")
        size, begin = parse_number(data, begin + len(header))
        yield Obu(header, take(data, begin, size))
        begin += size


def parse_obu(data: bytes) -> Obu:
    """Read a unit that fills `data`, with or without its size.

    Raises:
        MalformedError: it is none, or its size is another.
    """
    header = parse_header(data, 0)
    begin = len(header)
    if data[0] & _HAS_SIZE:
        size, begin = parse_number(data, begin)
        if size != len(data) - begin:
            raise MalformedError(
                f"av1: expected a unit of {len(data) - begin} bytes, says {size}"
            )
    return Obu(header, data[begin:])


def format_obu(obu: Obu) -> bytes:
    """Write a unit with its size."""
    first = bytes((obu.header[0] | _HAS_SIZE,))
    size = format_number(len(obu.payload))
    return first + obu.header[1:] + size + obu.payload


def parse_header(data: bytes, begin: int) -> bytes:
    """Read the header of a unit, one or two bytes; its size bit is cleared.

    Raises:
        MalformedError: cut short, or the forbidden bit is set.
    """
    if begin >= len(data) or data[begin] & _FORBIDDEN:
        raise MalformedError("av1: expected the header of a unit, came none")
    length = 2 if data[begin] & _EXTENSION else 1
    header = take(data, begin, length)
    return bytes((header[0] & ~_HAS_SIZE,)) + header[1:]


def parse_number(data: bytes, begin: int) -> tuple[int, int]:
    """Read a leb128 number (§4.10.5): it, and where it ends.

    Raises:
        MalformedError: cut short, over eight bytes, or 2**32 and more.
    """
    number = 0
    for place, byte in enumerate(data[begin : begin + _MAX_NUMBER_BYTES]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if number >= 1 << 32:
                raise MalformedError(f"av1: expected less than 2**32, came {number}")
            return number, begin + place + 1
    raise MalformedError("av1: expected a number that ends, came none")


def format_number(number: int) -> bytes:
    """Write a leb128 number in as few bytes as it takes."""
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def take(data: bytes, begin: int, length: int) -> bytes:
    """Give that many bytes from there.

    Raises:
        MalformedError: there are fewer.
    """
    if length > len(data) - begin:
        raise MalformedError(f"av1: expected {length} bytes, came {len(data) - begin}")
    return data[begin : begin + length]
