"""RTP packets as they leave and come: the header, and what it may show.

Everything in it is outside the encryption. So there is no header extension: the usual
one tells the loudness of every packet. Bytes: docs/formats/media.md.
"""

import struct
from typing import NamedTuple

from voip.errors import MalformedError

HEADER_BYTES = 12  # RFC 3550 §5.1, without CSRC
MAX_PACKET_BYTES = 1356  # what pylibsrtp protects: its 1500 bytes less a trailer
MAX_DATAGRAM_BYTES = 1500  # pylibsrtp's buffer
_FIXED = struct.Struct(">BBHII")  # RFC 3550 §5.1: flags, marker and type, numbers
_VERSION_2 = 0x80  # version 2; no padding, no extension, no CSRC


class Header(NamedTuple):
    """The fixed header (RFC 3550 §5.1) of a packet without padding or extension.

    A tuple, since each packet that comes makes one: a frozen dataclass would take most
    of the time in which the packet was decrypted.
    """

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP on one port by the second byte (RFC 5761 §4)."""
    return len(datagram) >= 2 and 192 <= datagram[1] <= 223


def is_srtp(datagram: bytes) -> bool:
    """Tell SRTP and SRTCP from all else on the port (RFC 7983 §7)."""
    return 0 < len(datagram) <= MAX_DATAGRAM_BYTES and 128 <= datagram[0] <= 191


def parse_header(packet: bytes) -> Header:
    """Read the header of an RTP packet.

    Raises:
        MalformedError: shorter than a header, longer than `MAX_PACKET_BYTES`, or with
            padding, extension or CSRC, none of which this protocol has.
    """
    _check_shape(packet)
    _, kind, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    return Header(kind >= 0x80, kind & 0x7F, sequence, timestamp, ssrc)


def format_header(header: Header) -> bytes:
    """Write the 12 bytes of a header."""
    kind = header.marker << 7 | header.payload_type
    return _FIXED.pack(_VERSION_2, kind, header.sequence, header.timestamp, header.ssrc)


def check_outgoing(packet: bytes) -> tuple[int, int, int, int]:
    """Check that the header of this packet shows nothing but its fixed fields.

    Gives payload type, sequence number, timestamp and SSRC. Every packet of a call
    passes here, so no `Header` is built, which would take as long as sealing it.

    Raises:
        MalformedError: a header extension, padding or CSRC, or too long. It is our own
            bug, and the packet must not leave.
    """
    _check_shape(packet)
    _, kind, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    return kind & 0x7F, sequence, timestamp, ssrc


def read_stream(packet: bytes) -> tuple[int, int]:
    """Read which stream a packet is of: payload type and SSRC.

    Raises:
        MalformedError: as `parse_header`.
    """
    _check_shape(packet)
    return packet[1] & 0x7F, int.from_bytes(packet[8:12])


def _check_shape(packet: bytes) -> None:
    if not HEADER_BYTES <= len(packet) <= MAX_PACKET_BYTES:
        raise MalformedError(
            f"rtp: expected {HEADER_BYTES} to {MAX_PACKET_BYTES} bytes, "
            f"came {len(packet)}"
        )
    if packet[0] != _VERSION_2:
        raise MalformedError(f"rtp: expected first byte 0x80, came {packet[0]:#04x}")
