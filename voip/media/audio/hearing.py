"""One received audio stream: packets in, sound and digits out.

Rules, without a lock: whoever lets a device pull from another thread holds one around
`receive` and `pull`.
"""

from collections import deque
from collections.abc import Callable, Iterator

from voip.errors import MalformedError
from voip.media.audio.dtmf import ToneReceiver
from voip.media.audio.jitter import AudioReceiver, Decoder
from voip.media.audio.red import Blocks, parse_red
from voip.media.profile import AUDIO_PT
from voip.media.rtp import HEADER_BYTES, Header, parse_header
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE

MAX_DIGITS = 32
"""Digits that wait until somebody asks; of more, the oldest are forgotten."""

_STAMPS = 1 << 32
_HALF = _STAMPS // 2


class Hearing:
    """The sound of the other side.

    Attributes:
        receiver: the jitter buffer, for its figures.
        malformed: packets that were refused.
        on_frame: gets every Opus frame that came, once, in order, and its time in
            samples since the first; None, unless somebody records.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin with silence."""
        self.receiver = AudioReceiver(decoder)
        self.malformed = 0
        self.on_frame: Callable[[bytes, int], None] | None = None
        self._tones = ToneReceiver()
        self._digits: deque[str] = deque(maxlen=MAX_DIGITS)
        self._newest: int | None = None  # timestamp
        self._due: int | None = None  # the timestamp that is to be recorded next
        self._position = 0

    def receive(self, packet: bytes, now: float) -> None:
        """Take an RTP packet that verified; one that is malformed is counted.

        `now` is in seconds of one monotonic clock.
        """
        try:
            header, blocks = _parse_packet(packet)
        except MalformedError:
            self.malformed += 1
            return
        # Without a frame of its own a packet still has its time: silence is meant.
        own = (0, blocks.primary or b"")
        if self._newest is None or _ahead(header.timestamp, self._newest) > 0:
            self._newest = header.timestamp
        self.receiver.receive(header.sequence, (own, *blocks.copies), now)
        if blocks.event is not None:
            distance, event = blocks.event
            began = header.timestamp - distance * FRAME_SAMPLES
            digit = self._tones.receive(began % _STAMPS, event, now)
            if digit is not None:
                self._digits.append(digit)
        if self.on_frame is not None:
            for frame, at in self._new(blocks, header.timestamp):
                self.on_frame(frame, at)

    def pull(self, samples: int, now: float) -> bytes:
        """Give the next `samples` samples, always exactly so many."""
        return self.receiver.pull(samples, now)

    def heard_at(self, timestamp: int) -> float | None:
        """Say when sound of this RTP timestamp is heard; None before any was."""
        if self._newest is None:
            return None
        after = _ahead(timestamp, self._newest) / SAMPLE_RATE
        return self.receiver.heard_at(after)

    def digits(self) -> str:
        """Give the touch tones that came since this was asked last."""
        digits = "".join(self._digits)
        self._digits.clear()
        return digits

    def _new(self, blocks: Blocks, timestamp: int) -> Iterator[tuple[bytes, int]]:
        """Give what was not recorded; a copy fills the gap that a lost packet left."""
        frames = () if blocks.primary is None else ((0, blocks.primary),)
        if self._due is not None:
            frames = (*blocks.copies, *frames)
        for distance, frame in frames:
            stamp = timestamp - distance * FRAME_SAMPLES
            ahead = 0 if self._due is None else _ahead(stamp, self._due)
            if ahead >= 0:
                yield frame, self._position + ahead
                self._position += ahead + FRAME_SAMPLES
                self._due = stamp + FRAME_SAMPLES


def _ahead(timestamp: int, other: int) -> int:
    """Count the samples between, the shorter way round 32 bits; negative: before."""
    return (timestamp - other + _HALF) % _STAMPS - _HALF


def _parse_packet(packet: bytes) -> tuple[Header, Blocks]:
    header = parse_header(packet)
    if header.payload_type != AUDIO_PT:
        raise MalformedError(
            f"audio: expected payload type {AUDIO_PT}, came {header.payload_type}"
        )
    return header, parse_red(packet[HEADER_BYTES:])
