"""What a frame says of itself, read before a decoder sees it.

A contact may be hostile, and a decoder reserves memory for the size that a frame
claims. So the size is read here first, and refused when it is more than a call shows.
"""

import struct
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.sources import MAX_HEIGHT, MAX_WIDTH
from voip.media.video.limits import MAX_FRAME_BYTES
from voip.media.video.obu import SEQUENCE_HEADER, parse_obus

_DELTA = 0x01  # RFC 6386 §9.1: of the first byte
_KEY_START = b"\x9d\x01\x2a"
_KEY_SIZE = struct.Struct("<HH")  # 14 bits and 2 of scaling, each
_TAG_BYTES = 3
_MAX_SIDE_BITS = 11  # of AV1: later frames may be as large as these bits can say
_MAX_SEQUENCE_HEADER_BYTES = 512  # with 32 operating points it has less than 400


class FrameHeader(NamedTuple):
    """What one frame says of itself; a tuple, since every frame makes one.

    `width` and `height` are 0 unless the frame states its size, as a key frame does.
    """

    key: bool
    width: int
    height: int


_DELTA_HEADER = FrameHeader(key=False, width=0, height=0)


def parse_vp8(frame: bytes) -> FrameHeader:
    """Read the frame header of VP8 (RFC 6386 §9.1).

    Raises:
        MalformedError: no VP8 frame, over `MAX_FRAME_BYTES`, or a picture larger than
            `MAX_WIDTH` x `MAX_HEIGHT`.
    """
    _check_length(frame)
    if len(frame) < _TAG_BYTES:
        raise MalformedError(f"vp8: expected a frame, came {len(frame)} bytes")
    if frame[0] & _DELTA:
        return _DELTA_HEADER
    begin = _TAG_BYTES + len(_KEY_START)
    if frame[_TAG_BYTES:begin] != _KEY_START or len(frame) < begin + _KEY_SIZE.size:
        raise MalformedError("vp8: expected the start of a key frame, came none")
    width, height = _KEY_SIZE.unpack_from(frame, begin)
    return _sized(width & 0x3FFF, height & 0x3FFF)


def parse_av1(unit: bytes) -> FrameHeader:
    """Read the sequence header, if there is one, of a temporal unit of AV1.

    A key frame carries its sequence header, so one that has it counts as key. The unit
    is a low-overhead bitstream (AV1 specification §5.2): each OBU has its size.

    Raises:
        MalformedError: no sequence of OBUs, over `MAX_FRAME_BYTES`, or a picture that
            is, or may later become, larger than `MAX_WIDTH` x `MAX_HEIGHT`.
    """
    _check_length(unit)
    header = _DELTA_HEADER
    for obu in parse_obus(unit):
        if obu.type == SEQUENCE_HEADER:
            header = _sequence_header(_Bits(obu.payload[:_MAX_SEQUENCE_HEADER_BYTES]))
    return header


class _Bits:
    """Bits of a header, first to last."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data)
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise MalformedError("av1: expected a sequence header, came part of one")
        return self._number >> self._left & (1 << count) - 1

    def skip_uvlc(self) -> None:
        """Pass over a number of variable length (AV1 specification §4.10.3)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        if zeros < 32:
            self.read(zeros)


def _sequence_header(bits: _Bits) -> FrameHeader:
    """Read as far as the size (AV1 specification §5.5.1)."""
    bits.read(3 + 1)  # profile, still picture
    if bits.read(1):  # reduced header
        bits.read(5)
    else:
        _skip_operation(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    # Frames may override their size, up to what these bits can say.
    if max(width_bits, height_bits) > _MAX_SIDE_BITS:
        raise MalformedError(
            f"av1: expected sides of at most {_MAX_SIDE_BITS} bits, "
            f"came {width_bits} and {height_bits}"
        )
    return _sized(bits.read(width_bits) + 1, bits.read(height_bits) + 1)


def _skip_operation(bits: _Bits) -> None:
    """Pass over timing and operating points, which lie before the size."""
    delay_bits = 0
    if bits.read(1):  # timing info (§5.5.3)
        bits.read(32 + 32)
        if bits.read(1):
            bits.skip_uvlc()
        if bits.read(1):  # decoder model info (§5.5.4)
            delay_bits = bits.read(5) + 1
            bits.read(32 + 5 + 5)
    display_delays = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:  # level: then a tier
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if display_delays and bits.read(1):
            bits.read(4)


def _sized(width: int, height: int) -> FrameHeader:
    if not (0 < width <= MAX_WIDTH and 0 < height <= MAX_HEIGHT):
        raise MalformedError(
            f"frame: expected at most {MAX_WIDTH}x{MAX_HEIGHT}, came {width}x{height}"
        )
    return FrameHeader(key=True, width=width, height=height)


def _check_length(frame: bytes) -> None:
    if len(frame) > MAX_FRAME_BYTES:
        raise MalformedError(
            f"frame: expected at most {MAX_FRAME_BYTES} bytes, came {len(frame)}"
        )
