"""AV1 in RTP packets (AOM, RTP Payload Format for AV1, version 1.0).

A payload is an aggregation header `Z Y W W N 0 0 0` and OBU elements: Z and Y say that
the first and last element are parts of an OBU that other packets have the rest of, W
how many elements there are (0: each has its length in front), N that a new coded
video sequence begins.
"""

from collections.abc import Sequence

from voip.media.video.limits import MAX_PAYLOAD_BYTES


def packetize(unit: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """Split one temporal unit, as an encoder gives it, into payloads.

    Each OBU of the unit has its size. The last packet is to have the marker.

    Raises:
        MalformedError: no sequence of OBUs with sizes, or nothing to send in it.
    """
    raise NotImplementedError


def depacketize(payloads: Sequence[bytes]) -> bytes:
    """Join the payloads of one temporal unit, all of them and in order.

    Gives what a decoder takes: a temporal delimiter, then each OBU with its size.

    Raises:
        MalformedError: elements that do not fit the payload, a part without its rest,
            an OBU that is none, or a unit over `MAX_FRAME_BYTES`.
    """
    raise NotImplementedError


def starts_key(payload: bytes) -> bool:
    """Say whether a payload begins a key frame: its N bit.

    Raises:
        MalformedError: nothing follows the aggregation header.
    """
    raise NotImplementedError
