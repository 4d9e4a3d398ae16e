"""RTP packets as they leave: the header, and the one size of call audio.

Everything the header shows is outside the encryption. So call audio has one packet
size whatever is said, and no header extension (the usual one tells the loudness of
every packet); docs/formats/media.md has the bytes.
"""

import struct
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.profile import AUDIO_PT

HEADER_BYTES = 12  # RFC 3550 §5.1, without CSRC
AUDIO_PAYLOAD_BYTES = 80  # one 20 ms Opus frame at a constant 32 kb/s
AUDIO_PACKET_BYTES = HEADER_BYTES + AUDIO_PAYLOAD_BYTES
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


def check_outgoing(packet: bytes) -> tuple[int, int]:
    """Check that nothing about this packet says what is in it, before it is sealed.

    Gives its SSRC and sequence number. Every packet of a call passes here, so no
    `Header` is built, which would take as long as sealing it.

    Raises:
        MalformedError: a header extension, or an audio packet of another size. It is
            our own bug, and the packet must not leave.
    """
    _check_shape(packet)
    _, kind, sequence, _, ssrc = _FIXED.unpack_from(packet)
    if kind & 0x7F == AUDIO_PT and len(packet) != AUDIO_PACKET_BYTES:
        raise MalformedError(
            f"audio: expected {AUDIO_PACKET_BYTES} bytes, came {len(packet)}"
        )
    return ssrc, sequence


def _check_shape(packet: bytes) -> None:
    if not HEADER_BYTES <= len(packet) <= MAX_PACKET_BYTES:
        raise MalformedError(
            f"rtp: expected {HEADER_BYTES} to {MAX_PACKET_BYTES} bytes, "
            f"came {len(packet)}"
        )
    if packet[0] != _VERSION_2:
        raise MalformedError(f"rtp: expected first byte 0x80, came {packet[0]:#04x}")
