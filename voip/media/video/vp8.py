"""VP8 in RTP packets (RFC 7741).

Ours have the four-byte descriptor `90 80 80|id id` on the first packet of a frame and
`80 80 80|id id` on the others, with a picture number of 15 bits. What others send may
have any of the optional fields.
"""

from collections.abc import Sequence

from voip.errors import MalformedError
from voip.media.video.limits import MAX_PAYLOAD_BYTES

# RFC 7741 §4.2: the first byte of the descriptor, and the one that follows if X is set
_X, _S, _PARTITION = 0x80, 0x10, 0x07
_I, _L, _T, _K = 0x80, 0x40, 0x20, 0x10
_LONG_ID = 0x80  # M: the picture number has 15 bits
_BEGINS = _S  # with partition 0: the first packet of a frame
_DESCRIPTOR_BYTES = 4
_DELTA = 0x01  # RFC 6386 §9.1: of the first byte of a frame that is not whole


def packetize(
    frame: bytes, picture_id: int, limit: int = MAX_PAYLOAD_BYTES
) -> list[bytes]:
    """Split one frame into payloads of at most `limit` bytes.

    `picture_id` counts frames; its lowest 15 bits are sent. The last packet is to have
    the marker.
    """
    rest = bytes((_I, _LONG_ID | picture_id >> 8 & 0x7F, picture_id & 0xFF))
    step = limit - _DESCRIPTOR_BYTES
    return [
        bytes((_X if begin else _X | _S,)) + rest + frame[begin : begin + step]
        for begin in range(0, len(frame), step)
    ]


def depacketize(payloads: Sequence[bytes]) -> bytes:
    """Join the payloads of one frame, all of them and in order.

    Raises:
        MalformedError: a descriptor that does not parse, an empty payload, or a first
            one that does not begin a frame, or a later one that does.
    """
    parts = []
    for number, payload in enumerate(payloads):
        begin = _data(payload)
        if _begins(payload) != (number == 0):
            raise MalformedError(
                f"vp8: expected a frame to begin in its first packet only, "
                f"came {payload[0]:#04x} in packet {number}"
            )
        parts.append(payload[begin:])
    return b"".join(parts)


def starts_key(payload: bytes) -> bool:
    """Say whether a payload begins a key frame.

    Raises:
        MalformedError: the descriptor does not parse, or nothing follows it.
    """
    data = _data(payload)
    return _begins(payload) and not payload[data] & _DELTA


def _begins(payload: bytes) -> bool:
    return payload[0] & (_S | _PARTITION) == _BEGINS


def _data(payload: bytes) -> int:
    """Say where the descriptor ends (RFC 7741 §4.2); a byte of data follows."""
    try:
        end = 1
        if payload[0] & _X:
            fields = payload[1]
            end = 2
            if fields & _I:
                end += 2 if payload[end] & _LONG_ID else 1
            if fields & _L:
                end += 1
            if fields & (_T | _K):
                end += 1
        payload[end]
    except IndexError:
        raise MalformedError(
            f"vp8: expected a descriptor and data, came {len(payload)} bytes"
        ) from None
    return end
