"""RTP as other makes of software send it, brought to the form that ours has.

Ours is the fixed header and a payload, nothing else (`voip.media.rtp`). Browsers may
add padding, contributing sources and a header extension; what they add is cut off
before a packet is looked at any further. Source: RFC 3550 §5.1 and §5.3.1.
"""

from voip.errors import MalformedError
from voip.media.rtp import HEADER_BYTES, MAX_DATAGRAM_BYTES

_VERSION_2, _PADDING, _EXTENSION, _COUNT = 0x80, 0x20, 0x10, 0x0F
_PLAIN = b"\x80"


def plain_rtp(packet: bytes) -> bytes:
    """Give the packet with the fixed header and its payload, which may be empty.

    Raises:
        MalformedError: cut short, too long, or of another version.
    """
    if not HEADER_BYTES <= len(packet) <= MAX_DATAGRAM_BYTES:
        raise MalformedError(
            f"rtp: expected {HEADER_BYTES} to {MAX_DATAGRAM_BYTES} bytes, "
            f"came {len(packet)}"
        )
    flags = packet[0]
    if flags == _VERSION_2:  # nearly all of them
        return packet
    if flags & 0xC0 != _VERSION_2:
        raise MalformedError(f"rtp: expected version 2, came {flags:#04x}")
    begin, end = HEADER_BYTES + 4 * (flags & _COUNT), len(packet)
    if flags & _EXTENSION:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4])
    if flags & _PADDING:
        if not packet[-1]:  # §5.1: the count counts itself
            raise MalformedError("rtp: expected padding, came none")
        end -= packet[-1]
    if begin > end:
        raise MalformedError(f"rtp: expected {begin} bytes of header, came {end}")
    return _PLAIN + packet[1:HEADER_BYTES] + packet[begin:end]
