"""VP8 in RTP packets (RFC 7741).

Ours have the four-byte descriptor `90 80 80|id id` on the first packet of a frame and
`80 80 80|id id` on the others, with a picture number of 15 bits. What others send may
have any of the optional fields.
"""

from collections.abc import Sequence

from voip.media.video.limits import MAX_PAYLOAD_BYTES


def packetize(
    frame: bytes, picture_id: int, limit: int = MAX_PAYLOAD_BYTES
) -> list[bytes]:
    """Split one frame into payloads of at most `limit` bytes.

    `picture_id` counts frames; its lowest 15 bits are sent. The last packet is to have
    the marker.
    """
    raise NotImplementedError


def depacketize(payloads: Sequence[bytes]) -> bytes:
    """Join the payloads of one frame, all of them and in order.

    Raises:
        MalformedError: a descriptor that does not parse, an empty payload, or a first
            one that does not begin a frame.
    """
    raise NotImplementedError


def starts_key(payload: bytes) -> bool:
    """Say whether a payload begins a key frame.

    Raises:
        MalformedError: the descriptor does not parse, or nothing follows it.
    """
    raise NotImplementedError
