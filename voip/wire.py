"""The one binary notation of everything sent, signed or stored.

Integers are big-endian. A length prefix is one byte (`lp8`) or two (`lp16`). A TLV
area is a run of ``type (1) || lp8(value)`` in strictly ascending order of type, so that
every set of fields has one spelling. A padded body hides its length: ``length (2) ||
body || zeros``. Formats are in docs/formats.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from voip.errors import MalformedError

P = b"ringfence/call/1"
"""Domain of the call protocol, version 1; part of every label."""


def be16(number: int) -> bytes:
    """Encode as 2 bytes."""
    return number.to_bytes(2, "big")


def be32(number: int) -> bytes:
    """Encode as 4 bytes."""
    return number.to_bytes(4, "big")


def be64(number: int) -> bytes:
    """Encode as 8 bytes."""
    return number.to_bytes(8, "big")


def lp8(value: bytes) -> bytes:
    """Prefix with a 1-byte length; at most 255 bytes."""
    return len(value).to_bytes(1, "big") + value


def lp16(value: bytes) -> bytes:
    """Prefix with a 2-byte length; at most 65535 bytes."""
    return be16(len(value)) + value


def pad(body: bytes, size: int) -> bytes:
    """Hide the length of `body` in exactly `size` bytes.

    Raises:
        MalformedError: the body is longer than `size` - 2 bytes.
    """
    if len(body) > size - 2:
        raise MalformedError(
            f"body: expected at most {size - 2} bytes, came {len(body)}"
        )
    return be16(len(body)) + body + bytes(size - 2 - len(body))


def unpad(padded: bytes) -> bytes:
    """Undo `pad`.

    Raises:
        MalformedError: the length does not fit, or the padding is not all zeros
            (a second spelling, or a covert channel).
    """
    reader = Reader(padded)
    body = reader.take(reader.u16())
    if any(reader.rest()):
        raise MalformedError("padding: expected zeros, came something else")
    return body


def format_tlv(fields: Mapping[int, bytes]) -> bytes:
    """Write a TLV area; types 1-255, values of at most 255 bytes."""
    return b"".join(
        kind.to_bytes(1, "big") + lp8(value) for kind, value in sorted(fields.items())
    )


def parse_tlv(area: bytes) -> dict[int, bytes]:
    """Read a TLV area; unknown types are kept for the caller to ignore.

    Raises:
        MalformedError: cut short, repeated or out of order.
    """
    reader = Reader(area)
    fields: dict[int, bytes] = {}
    last = -1
    while reader.remaining:
        kind = reader.u8()
        if kind <= last:
            raise MalformedError(f"tlv: type {kind} after type {last}")
        fields[kind] = reader.lp8()
        last = kind
    return fields


@dataclass(slots=True)
class Reader:
    """Takes a message apart from the front; every shortage is a `MalformedError`."""

    data: bytes
    offset: int = 0

    @property
    def remaining(self) -> int:
        """Bytes not yet taken."""
        return len(self.data) - self.offset

    def take(self, size: int) -> bytes:
        """Take exactly `size` bytes."""
        if size > self.remaining:
            raise MalformedError(
                f"cut short: expected {size} bytes, came {self.remaining}"
            )
        self.offset += size
        return self.data[self.offset - size : self.offset]

    def u8(self) -> int:
        """Take a 1-byte integer."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Take a 2-byte integer."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Take a 4-byte integer."""
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        """Take an 8-byte integer."""
        return int.from_bytes(self.take(8), "big")

    def lp8(self) -> bytes:
        """Take a value with a 1-byte length."""
        return self.take(self.u8())

    def lp16(self) -> bytes:
        """Take a value with a 2-byte length."""
        return self.take(self.u16())

    def rest(self) -> bytes:
        """Take all that remains."""
        return self.take(self.remaining)

    def end(self) -> None:
        """Check that nothing remains."""
        if self.remaining:
            raise MalformedError(f"{self.remaining} bytes too many")
