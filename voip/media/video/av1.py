"""AV1 in RTP packets (AOM, RTP Payload Format for AV1, version 1.0).

A payload is an aggregation header `Z Y W W N 0 0 0` and OBU elements: Z and Y say that
the first and last element are parts of an OBU that other packets have the rest of, W
how many elements there are (0: each has its length in front; else the last has none),
N that a new coded video sequence begins.
"""

from collections.abc import Iterator, Sequence

from voip.errors import MalformedError
from voip.media.video.limits import MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES
from voip.media.video.obu import (
    SEQUENCE_HEADER,
    TEMPORAL_DELIMITER,
    TILE_LIST,
    format_number,
    format_obu,
    parse_number,
    parse_obu,
    parse_obus,
    take,
)

_Z, _Y, _N = 0x80, 0x40, 0x08  # §4.4
_MAX_COUNTED = 3  # what fits the two bits of W
_NOT_SENT = (TEMPORAL_DELIMITER, TILE_LIST)  # §5
_DELIMITER = bytes((0x12, 0x00))  # a temporal delimiter with its size


def packetize(unit: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """Split one temporal unit, as an encoder gives it, into payloads.

    Each OBU of the unit has its size. The last packet is to have the marker.

    Raises:
        MalformedError: no sequence of OBUs with sizes, or nothing to send in it.
    """
    obus = [obu for obu in parse_obus(unit) if obu.type not in _NOT_SENT]
    if not obus:
        raise MalformedError("av1: expected something to send, came none")
    new_sequence = any(obu.type == SEQUENCE_HEADER for obu in obus)
    packets = [_Packet(limit, _N if new_sequence else 0)]
    for obu in obus:
        rest = obu.header + obu.payload
        if packets[-1].room < min(len(rest), len(obu.header) + 1):
            packets.append(_Packet(limit, 0))
        while len(rest) > (room := packets[-1].room):
            packets[-1].put(rest[:room])
            packets[-1].flags |= _Y
            rest = rest[room:]
            packets.append(_Packet(limit, _Z))
        packets[-1].put(rest)
    return [packet.payload() for packet in packets]


class _Packet:
    """A payload as it is filled."""

    def __init__(self, limit: int, flags: int) -> None:
        self.flags = flags
        self._limit = limit
        self._elements: list[bytes] = []

    @property
    def room(self) -> int:
        """How many bytes a further element may have."""
        used = 1 + sum(
            len(format_number(len(element))) + len(element)
            for element in self._elements
        )
        # Past three, the last element has its length too, in two bytes at most.
        own = 2 if len(self._elements) >= _MAX_COUNTED else 0
        return max(0, self._limit - used - own)

    def put(self, element: bytes) -> None:
        self._elements.append(element)

    def payload(self) -> bytes:
        counted = len(self._elements) if len(self._elements) <= _MAX_COUNTED else 0
        parts = [bytes((self.flags | counted << 4,))]
        for number, element in enumerate(self._elements, start=1):
            if number != counted:
                parts.append(format_number(len(element)))
            parts.append(element)
        return b"".join(parts)


def depacketize(payloads: Sequence[bytes]) -> bytes:
    """Join the payloads of one temporal unit, all of them and in order.

    Gives what a decoder takes: a temporal delimiter, then each OBU with its size.

    Raises:
        MalformedError: elements that do not fit the payload, a part without its rest,
            an OBU that is none, or a unit over `MAX_FRAME_BYTES`.
    """
    unit = bytearray(_DELIMITER)
    for whole in _whole(payloads):
        obu = parse_obu(whole)
        if obu.type not in _NOT_SENT:
            unit += format_obu(obu)
    if len(unit) > MAX_FRAME_BYTES:
        raise MalformedError(
            f"av1: expected at most {MAX_FRAME_BYTES} bytes, came {len(unit)}"
        )
    return bytes(unit)


def starts_key(payload: bytes) -> bool:
    """Say whether a payload begins a key frame: its N bit.

    Raises:
        MalformedError: nothing follows the aggregation header.
    """
    if len(payload) < 2:
        raise MalformedError(
            f"av1: expected a header and an element, came {len(payload)} bytes"
        )
    return bool(payload[0] & _N)


def _whole(payloads: Sequence[bytes]) -> Iterator[bytes]:
    """Join the elements that are parts, and give the OBUs."""
    part: bytearray | None = None  # of an OBU that goes on in the next packet
    for payload in payloads:
        elements = _elements(payload)
        if bool(payload[0] & _Z) != (part is not None):
            raise MalformedError("av1: expected each part to have its rest, came one")
        last = len(elements) - 1
        for number, element in enumerate(elements):
            if part is not None:
                part += element
            else:
                part = bytearray(element)
            if number == last and payload[0] & _Y:
                break
            yield bytes(part)
            part = None
    if part is not None:
        raise MalformedError("av1: expected the rest of a part, came the end")


def _elements(payload: bytes) -> list[bytes]:
    """Split a payload at the lengths of its elements (§4.3)."""
    if len(payload) < 2:
        raise MalformedError(
            f"av1: expected a header and an element, came {len(payload)} bytes"
        )
    counted = payload[0] >> 4 & 0x03
    elements: list[bytes] = []
    begin = 1
    while begin < len(payload):
        if len(elements) + 1 == counted:
            elements.append(payload[begin:])
            return elements
        length, begin = parse_number(payload, begin)
        elements.append(take(payload, begin, length))
        begin += length
    if counted:
        raise MalformedError(f"av1: expected {counted} elements, came {len(elements)}")
    return elements
