"""A camera whose frames are numbers, as packets of VP8 would carry them."""

import struct
from typing import NamedTuple

from voip.media.video.assembly import Assembly
from voip.media.video.vp8 import packetize

LIMIT = 16  # of a payload, so that a frame of a few bytes has several packets
STEP = 3000  # ticks between frames, 30 a second
_BODY = struct.Struct(">BI")
_WHOLE, _DELTA = 0x10, 0x11  # RFC 6386 §9.1: the lowest bit is 0 for a key frame


class Sent(NamedTuple):
    """One packet on its way."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


def number_of(data: bytes) -> int:
    """Say which frame this is."""
    return int(_BODY.unpack_from(data)[1])


class Camera:
    """Makes one frame after the other."""

    def __init__(self, sequence: int = 100, *, limit: int = LIMIT) -> None:
        """Begin with this sequence number."""
        self._sequence = sequence
        self._limit = limit
        self.frames = 0
        self._timestamp = 0

    def skip(self) -> None:
        """Let the time of a frame pass without one."""
        self._timestamp += STEP

    def frame(self, size: int = 30, *, key: bool = False) -> list[Sent]:
        """Give the packets of the next frame; 12 bytes of it fit into each."""
        data = _BODY.pack(_WHOLE if key else _DELTA, self.frames).ljust(size, b"\0")
        payloads = packetize(data, self.frames, self._limit)
        sent = [
            Sent(
                (self._sequence + place) & 0xFFFF,
                self._timestamp,
                place == len(payloads) - 1,
                payload,
            )
            for place, payload in enumerate(payloads)
        ]
        self._sequence += len(payloads)
        self._timestamp += STEP
        self.frames += 1
        return sent


def give(assembly: Assembly, packets: list[Sent], now: float) -> list[int]:
    """Let packets arrive, and say which frames became whole."""
    for packet in packets:
        assembly.receive(
            packet.sequence,
            packet.timestamp,
            packet.payload,
            marker=packet.marker,
            now=now,
        )
    return [number_of(frame.data) for frame in assembly.frames()]
