"""Redundant audio: one payload with the present frame and copies of earlier ones.

RFC 2198, in a profile that shows nothing: within one state every payload has one size.
Where a copy does not exist yet, a filler of its size stands for it; a touch tone takes
the place of the oldest copy. Rules; the bytes: docs/formats/media.md.
"""

import struct
from collections import deque
from functools import lru_cache
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.audio.states import AudioState, Setting
from voip.media.sources import FRAME_SAMPLES

OPUS_PT = 97
EVENT_PT = 98  # RFC 4733
FILLER_PT = 99
"""Payload types of the blocks. Inside the encryption, unlike that of the packet."""

EVENT_BYTES = 4  # RFC 4733 §2.3
MAX_DISTANCE = 8
"""Frames; 160 ms. A copy that comes later than that is of no use to a conversation,
and eight packets is how long a touch tone is repeated."""
MAX_BLOCKS = 5
"""Three copies, one of which a touch tone splits in two, and the frame itself."""

_FRAME_BYTES = frozenset(state.value.frame_bytes for state in AudioState)
_MORE = 1 << 31  # RFC 2198 §3: another header follows
_WORD = struct.Struct(">I")
_HEAD_BYTES = _WORD.size
_ONE_FRAME, _COUNTED = 0, 3  # RFC 6716 §3.2: codes that allow one frame in a packet
_CONFIGS_20_MS = frozenset({1, 5, 9, 13, 15, 19, 23, 27, 31})  # RFC 6716 §3.1, table 2


class Blocks(NamedTuple):
    """What one payload holds.

    Attributes:
        primary: the Opus frame of this packet; None if a touch tone took its place.
        copies: earlier Opus frames, each with how many frames back it is (1 to 8).
        event: how many frames back a touch tone began, and its 4 bytes (RFC 4733).
    """

    primary: bytes | None
    copies: tuple[tuple[int, bytes], ...]
    event: tuple[int, bytes] | None


class Redundancy:
    """Builds the payloads of one stream; it keeps the frames that left."""

    def __init__(self) -> None:
        """Begin with no frame: the first copies are fillers."""
        self._frames: deque[bytes] = deque(maxlen=MAX_DISTANCE)

    def payload(
        self, frame: bytes, setting: Setting, event: tuple[int, bytes] | None = None
    ) -> bytes:
        """Build the payload of the next packet, `setting.payload_bytes` long.

        `frame` is the Opus frame, `setting.frame_bytes` long; `event` says how many
        frames back a touch tone began, and its 4 bytes.
        """
        size = len(frame)
        assert size == setting.frame_bytes
        frames, distances = self._frames, setting.distances
        heads, blocks = [], []
        last, primary = _OPUS_LAST, frame
        if event is not None:
            since, block = event
            heads.append(_head(EVENT_PT, since, EVENT_BYTES))
            blocks.append(block)
            if distances:
                distances = distances[:-1]  # the oldest copy makes room
                heads.append(_head(FILLER_PT, 0, size - 2 * EVENT_BYTES))
                blocks.append(bytes(size - 2 * EVENT_BYTES))
            else:
                last, primary = _FILLER_LAST, bytes(size - 2 * EVENT_BYTES)
        for distance in reversed(distances):  # oldest first, as RFC 2198 §3 has it
            copy = frames[-distance] if distance <= len(frames) else b""
            if len(copy) == size:
                heads.append(_head(OPUS_PT, distance, size))
                blocks.append(copy)
            else:
                heads.append(_head(FILLER_PT, 0, size))
                blocks.append(bytes(size))
        frames.append(frame)
        return b"".join((*heads, last, *blocks, primary))


def parse_red(payload: bytes) -> Blocks:
    """Read a payload; blocks of types that are not known here are passed over.

    Raises:
        MalformedError: more than `MAX_BLOCKS`, lengths that do not add up, an offset
            that is no whole number of frames or beyond `MAX_DISTANCE`, two events, or
            a frame that `check_frame` refuses.
    """
    heads, position = _parse_heads(payload)
    primary, event, copies = None, None, []
    for kind, distance, length in heads:
        block = payload[position : position + length]
        position += length
        if kind == OPUS_PT:
            check_frame(block)
            if distance:
                copies.append((distance, block))
            elif position == len(payload):
                primary = block
            else:
                raise MalformedError("red: expected a copy of an earlier frame, came 0")
        elif kind == EVENT_PT:
            if event is not None or length != EVENT_BYTES:
                raise MalformedError(
                    f"red: expected one event of {EVENT_BYTES} bytes, came {length}"
                )
            event = distance, block
    return Blocks(primary, tuple(copies), event)


def check_frame(frame: bytes) -> None:
    """Check that this is one Opus frame as a sender of ours makes them.

    So that no decoder sees a packet with many frames in it, which would be longer than
    the 20 ms that it stands for, nor two channels.

    Raises:
        MalformedError: its size is that of no state, or its first byte (RFC 6716 §3.1)
            says anything but one mono frame of 20 ms.
    """
    if len(frame) not in _FRAME_BYTES:
        raise MalformedError(
            f"opus: expected {sorted(_FRAME_BYTES)} bytes, came {len(frame)}"
        )
    toc = frame[0]
    code = toc & 0x03
    # Code 3 with a count of 1: libopus pads a frame that came out too short so.
    alone = code == _ONE_FRAME or (code == _COUNTED and frame[1] & 0x3F == 1)
    if toc >> 3 not in _CONFIGS_20_MS or toc & 0x04 or not alone:
        raise MalformedError(f"opus: expected one mono frame of 20 ms, came {toc:#04x}")


def _parse_heads(payload: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Give (type, frames back, length) of each block and where the first begins."""
    heads: list[tuple[int, int, int]] = []
    position = total = 0
    while payload[position : position + 1] >= b"\x80":
        if len(heads) == MAX_BLOCKS - 1 or len(payload) < position + _HEAD_BYTES:
            raise MalformedError(
                f"red: expected at most {MAX_BLOCKS} blocks with whole headers, "
                f"came more in {len(payload)} bytes"
            )
        (word,) = _WORD.unpack_from(payload, position)
        offset, length = word >> 10 & 0x3FFF, word & 0x3FF
        distance, rest = divmod(offset, FRAME_SAMPLES)
        if rest or distance > MAX_DISTANCE:
            raise MalformedError(
                f"red: expected an offset of whole frames up to {MAX_DISTANCE}, "
                f"came {offset} samples"
            )
        heads.append((word >> 24 & 0x7F, distance, length))
        position += _HEAD_BYTES
        total += length
    left = len(payload) - position - 1 - total
    if left < 0:
        raise MalformedError(
            f"red: expected at least {position + 1 + total} bytes, came {len(payload)}"
        )
    heads.append((payload[position], 0, left))
    return heads, position + 1


@lru_cache(
    maxsize=64
)  # as many as the states have, and each is needed 50 times a second
def _head(kind: int, distance: int, length: int) -> bytes:
    return _WORD.pack(_MORE | kind << 24 | distance * FRAME_SAMPLES << 10 | length)


_OPUS_LAST = bytes([OPUS_PT])
_FILLER_LAST = bytes([FILLER_PT])
