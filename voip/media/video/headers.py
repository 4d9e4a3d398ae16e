"""What a frame says of itself, read before a decoder sees it.

A contact may be hostile, and a decoder reserves memory for the size that a frame
claims. So the size is read here first, and refused when it is more than a call shows.
"""

from typing import NamedTuple


class FrameHeader(NamedTuple):
    """What one frame says of itself; a tuple, since every frame makes one.

    `width` and `height` are 0 unless the frame states its size, as a key frame does.
    """

    key: bool
    width: int
    height: int


def parse_vp8(frame: bytes) -> FrameHeader:
    """Read the frame header of VP8 (RFC 6386 §9.1).

    Raises:
        MalformedError: no VP8 frame, over `MAX_FRAME_BYTES`, or a picture larger than
            `MAX_WIDTH` x `MAX_HEIGHT`.
    """
    raise NotImplementedError


def parse_av1(unit: bytes) -> FrameHeader:
    """Read the sequence header, if there is one, of a temporal unit of AV1.

    A key frame carries its sequence header, so one that has it counts as key. The unit
    is a low-overhead bitstream (AV1 specification §5.2): each OBU has its size.

    Raises:
        MalformedError: no sequence of OBUs, over `MAX_FRAME_BYTES`, or a picture that
            is, or may later become, larger than `MAX_WIDTH` x `MAX_HEIGHT`.
    """
    raise NotImplementedError
