"""How the packets of a stream leave: by a pacer, or in the slots of a steady stream.

Pure. An outlet takes the payloads of whole frames and gives RTP packets when they are
due; it also says what the encoder is to aim at, and when it can take no more.

All times are seconds of one monotonic clock.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from voip.description import Stream
from voip.media.flow.pacer import TICK_S, Pacer
from voip.media.profile import is_steady
from voip.media.rtp import Header, format_header
from voip.media.video.limits import (
    MAX_PAYLOAD_BYTES,
    NARROW_BPS,
    SMALL_PAYLOAD_BYTES,
)
from voip.media.video.steady import CELL_DATA_BYTES, SLOT_S, SteadySender
from voip.media.video.store import Store

OUTSIDE_BYTES = 16 + 28
"""What a packet gains on its way: the tag of SRTP (RFC 7714 §5.1), UDP and IPv4."""
_ENCODER_SHARE = 0.92
"""Of a rate of datagrams that is left for frames: headers are 5 % of full packets and
9 % of small ones."""
_FORGET_S = 1.0  # how long a repeated packet counts against the encoder


class Start(NamedTuple):
    """Random numbers that a stream begins with (RFC 3550 §5.1)."""

    sequence: int
    timestamp: int
    second: int
    """Sequence number of what is repeated, or of what lies inside."""


class Outlet(Protocol):
    """One stream on its way out."""

    round_trip_s: float
    """To be kept up to date by the caller."""

    @property
    def payload_limit(self) -> int:
        """Bytes of the largest payload that it takes now."""

    def set_rate(self, bps: int, now: float) -> None:
        """Take no more than this of the path, whole datagrams; 0: nothing at all."""

    @property
    def encoder_bps(self) -> int:
        """What the encoder is to aim at; 0: there is to be no picture."""

    def is_ready(self, now: float) -> bool:
        """Say whether a picture taken now would leave soon."""

    def put(
        self, payloads: list[bytes], timestamp: int, now: float, *, key: bool
    ) -> None:
        """Send one frame, `timestamp` at 90 kHz from the stream's start."""

    def due(self, now: float) -> list[bytes]:
        """Give the RTP packets that are to be sent now."""

    @property
    def next_at(self) -> float | None:
        """When `due` is to be called again; None: not before `put` or `nack`."""

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """Send again what the other side asks for by number."""

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """Hear which packets a report calls lost."""

    def overflowed(self) -> bool:
        """Say once that frames were dropped: the next must be whole, and smaller."""


class Paced:
    """The usual one: packets of any size, repeated on a stream of their own."""

    def __init__(self, stream: Stream, start: Start, now: float) -> None:
        """Begin at a rate of 0."""
        self.round_trip_s = 0.1
        self._stream = stream
        self._sequence = start.sequence
        self._timestamp = start.timestamp
        self._pacer = Pacer(now)
        self._store = Store(
            payload_type=stream.rtx_pt, ssrc=stream.rtx_ssrc, sequence=start.second
        )
        self._bps = 0
        self._repeated_bits = 0.0  # of the last second or so
        self._repeated_at = now
        self._next_at: float | None = None

    def set_rate(self, bps: int, now: float) -> None:
        """Take no more than this; 0 drops what waits."""
        if not bps and self._next_at is not None:
            self._break_off()
        self._bps = bps
        self._forget(now)
        self._pacer.set_rate(bps)
        self._store.set_rate(bps)

    @property
    def payload_limit(self) -> int:
        """Small at a small rate."""
        narrow = self._bps < NARROW_BPS
        return SMALL_PAYLOAD_BYTES if narrow else MAX_PAYLOAD_BYTES

    @property
    def encoder_bps(self) -> int:
        """What repeats took lately, and headers, are no room for frames."""
        room = self._bps * _ENCODER_SHARE - self._repeated_bits / _FORGET_S
        return max(int(room), self._bps // 2)

    def is_ready(self, now: float) -> bool:
        """Not while more than 200 ms of packets wait."""
        del now
        return self._bps > 0 and not self._pacer.is_behind

    def put(
        self, payloads: list[bytes], timestamp: int, now: float, *, key: bool
    ) -> None:
        """Queue one frame; its packets get their numbers as they leave."""
        timestamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        last = len(payloads) - 1
        packets = [
            self._header(0, timestamp, marker=index == last) + payload
            for index, payload in enumerate(payloads)
        ]
        self._pacer.put(packets, now, key=key)

    def due(self, now: float) -> list[bytes]:
        """Give what the pacer lets go, numbered, and keep it for repeats."""
        leaving = []
        for packet in self._pacer.due(now):
            if packet[1] & 0x7F == self._stream.rtx_pt:
                leaving.append(packet)
                continue
            numbered = b"".join((packet[:2], self._sequence.to_bytes(2), packet[4:]))
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._store.keep(numbered, now)
            leaving.append(numbered)
        self._next_at = now + TICK_S if self._pacer.backlog_s else None
        return leaving

    @property
    def next_at(self) -> float | None:
        """The pacer's beat, while something waits."""
        return self._next_at

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """Repeat packets, each on the second stream and before all that waits."""
        self._forget(now)
        for packet in reversed(self._store.answer(sequences, self.round_trip_s, now)):
            self._pacer.put_first(packet, now)
            self._repeated_bits += 8 * (len(packet) + OUTSIDE_BYTES)

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """Do nothing: what is still of use, the other side asks for."""

    def overflowed(self) -> bool:
        """Say once that over 500 ms waited and were dropped."""
        if not self._pacer.overflowed():
            return False
        self._break_off()
        return True

    def _break_off(self) -> None:
        """Leave a number out: what was half sent has no end.

        So the receiver sees a gap, instead of joining that half to the next frame.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF

    def _forget(self, now: float) -> None:
        share = min(1.0, (now - self._repeated_at) / _FORGET_S)
        self._repeated_bits *= 1.0 - share
        self._repeated_at = now

    def _header(self, sequence: int, timestamp: int, *, marker: bool) -> bytes:
        stream = self._stream
        return format_header(
            Header(marker, stream.pt, sequence, timestamp, stream.ssrc)
        )


class Steady:
    """Packets of one size in fixed slots, whatever the pictures do."""

    def __init__(self, stream: Stream, start: Start, now: float) -> None:
        """Begin at a rate of 0, which leaves the slots empty."""
        self.round_trip_s = 0.1
        self._stream = stream
        self._timestamp = start.timestamp
        self._slots = SteadySender(
            sequence=start.sequence,
            timestamp=start.timestamp,
            inner_sequence=start.second,
        )
        self._next_slot = now

    def set_rate(self, bps: int, now: float) -> None:
        """Follow the rate by steps, seldom."""
        self._slots.set_rate(bps, now)

    @property
    def payload_limit(self) -> int:
        """What fits into one slot."""
        return CELL_DATA_BYTES

    @property
    def encoder_bps(self) -> int:
        """0.8 of what the slots carry."""
        return self._slots.encoder_bps

    def is_ready(self, now: float) -> bool:
        """Not while the frame before is still leaving."""
        del now
        return self._slots.ready

    def put(
        self, payloads: list[bytes], timestamp: int, now: float, *, key: bool
    ) -> None:
        """Queue one frame for the next slots."""
        del now
        timestamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        self._slots.put(payloads, timestamp, key=key)

    def due(self, now: float) -> list[bytes]:
        """Give the packets of each slot that has come."""
        stream = self._stream
        leaving: list[bytes] = []
        if now - self._next_slot > _FORGET_S:  # the machine slept: no burst
            self._next_slot = now
        while self._next_slot <= now:
            self._next_slot += SLOT_S
            for packet in self._slots.slot(now):
                header = Header(
                    marker=False,
                    payload_type=stream.pt,
                    sequence=packet.sequence,
                    timestamp=packet.timestamp,
                    ssrc=stream.ssrc,
                )
                leaving.append(format_header(header) + packet.payload)
        return leaving

    @property
    def next_at(self) -> float | None:
        """The next slot, always."""
        return self._next_slot

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """Do nothing: requests would show, so a steady stream has none."""

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """Put what was lost into later slots."""
        for sequence in sequences:
            self._slots.lost(sequence, now)

    def overflowed(self) -> bool:
        """Say that it never does: a picture is not taken before there is room."""
        return False


def open_outlet(stream: Stream, start: Start, now: float) -> Outlet:
    """Give the outlet that a stream's description asks for."""
    kind = Steady if is_steady(stream) else Paced
    return kind(stream, start, now)
