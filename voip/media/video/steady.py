"""Steady pictures: packets of one size in fixed slots, whatever the pictures do.

The sizes and times of ordinary packets tell how much moves in a picture. Here 1, 2, 4
or 8 packets leave every 40 ms, all with 1140 bytes of payload::

    flags 1 | inner sequence 2 | media timestamp 4 | length 2 | data | zeros

Data is a payload of VP8 or AV1. A lost one is put into a later slot, with its inner
sequence number and a new outer one; the sender learns of the loss from reports. The
receiver hands what `parse_cell` gives to an `Assembly` without requests.

How many packets a slot has follows only from what the network did. Slots carry one
size of rate whether it is used or not, so a larger one needs no trial but itself: it
is tried when the smaller one held for 10 s, and given up when it does not hold.

Times are seconds of one monotonic clock.
"""

import struct
from collections import deque
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.video.limits import MAX_PAYLOAD_BYTES

SLOT_S = 0.04
SLOT_TICKS = 3600  # of the RTP clock
_LAST, _KEY, _FILLER = 0x01, 0x02, 0x04
_HEAD = struct.Struct(">BHIH")  # flags, inner sequence, media timestamp, length
CELL_DATA_BYTES = MAX_PAYLOAD_BYTES - _HEAD.size
FILLER = _HEAD.pack(_FILLER, 0, 0, 0).ljust(MAX_PAYLOAD_BYTES, b"\0")
DATAGRAM_BYTES = 28 + 12 + MAX_PAYLOAD_BYTES + 16  # IPv4 and UDP, RTP, SRTP's tag
PACKET_BPS = round(DATAGRAM_BYTES * 8 / SLOT_S)
"""What one packet a slot takes, in bit/s of IPv4 datagrams: 239 200."""
_SIZES = (0, 1, 2, 4, 8)  # packets a slot
_ENCODER_SHARE = 0.8  # the rest is for lost packets and for frames over the mean
_HOLDS = 0.9  # of what a size takes, that the rate has to be for it to stay
_TRY = 1.4  # of the present size: the rate cannot show more than 1.5 of what it sends
_JUDGED_S = 2.0  # a new size is not judged before the reports can have come
_HELD_S = 10.0  # before the next size is tried
_BARRED_S = 30.0  # after one did not hold; doubled each time, up to
_MAX_BARRED_S = 240.0
_REPEAT_S = 1.0  # an older packet could not be shown any more
_MAX_REPEATS = 4
_MAX_SENT = 512  # packets that a report may still speak of


class Cell(NamedTuple):
    """The payload of one packet, opened."""

    sequence: int
    timestamp: int
    last: bool
    key: bool
    data: bytes


class Packet(NamedTuple):
    """What the RTP header of a slot's packet is to say, and its payload.

    The marker is never set.
    """

    sequence: int
    timestamp: int
    payload: bytes


def parse_cell(payload: bytes) -> Cell | None:
    """Open the payload of a steady packet; None for filler.

    Raises:
        MalformedError: another size, unknown flags, a length that does not fit, or
            anything but zeros after the data.
    """
    if len(payload) != MAX_PAYLOAD_BYTES:
        raise MalformedError(
            f"steady: expected {MAX_PAYLOAD_BYTES} bytes, came {len(payload)}"
        )
    flags, sequence, timestamp, length = _HEAD.unpack_from(payload)
    if flags & ~(_LAST | _KEY) and flags != _FILLER:
        raise MalformedError(f"steady: expected flags up to 4, came {flags}")
    if (length == 0) != (flags == _FILLER) or length > CELL_DATA_BYTES:
        raise MalformedError(
            f"steady: expected 1 to {CELL_DATA_BYTES} bytes of data, came {length}"
        )
    end = _HEAD.size + length
    if payload.count(0, end) != len(payload) - end:
        raise MalformedError("steady: expected zeros after the data, came others")
    if flags == _FILLER:
        return None
    data = payload[_HEAD.size : end]
    return Cell(sequence, timestamp, bool(flags & _LAST), bool(flags & _KEY), data)


class _Sent(NamedTuple):
    payload: bytes
    first_at: float
    times: int


class SteadySender:
    """What leaves in each slot.

    Attributes:
        per_slot: how many packets leave in a slot; 0: the path cannot carry even one.
    """

    def __init__(self, *, sequence: int, timestamp: int, inner_sequence: int) -> None:
        """Begin with none; the three numbers are random."""
        self.per_slot = 0
        self._sequence = sequence
        self._timestamp = timestamp
        self._inner = inner_sequence
        self._queue: deque[bytes] = deque()
        self._again: deque[_Sent] = deque()
        self._sent: dict[int, _Sent] = {}  # by outer sequence number, oldest first
        self._size = _Size()

    def set_rate(self, bps: int, now: float) -> None:
        """Say what the path has for pictures, in bit/s of IPv4 datagrams.

        0: none may leave. Otherwise at least one packet a slot is tried. When
        `per_slot` comes back from 0, the next frame is to be a whole picture.
        """
        self.per_slot = self._size.follow(bps, now)
        if not self.per_slot:
            self._queue.clear()
            self._again.clear()

    @property
    def encoder_bps(self) -> int:
        """What the encoder is to aim at: 0.8 of what the slots carry."""
        carried = self.per_slot * CELL_DATA_BYTES * 8 / SLOT_S
        return int(carried * _ENCODER_SHARE)

    @property
    def ready(self) -> bool:
        """Whether the next picture may be taken; not while the last one is leaving."""
        return len(self._queue) + len(self._again) < self.per_slot

    def put(self, payloads: list[bytes], timestamp: int, *, key: bool) -> None:
        """Queue the payloads of one frame, each at most `CELL_DATA_BYTES` long."""
        for left, data in zip(range(len(payloads) - 1, -1, -1), payloads, strict=True):
            flags = (0 if left else _LAST) | (_KEY if key else 0)
            head = _HEAD.pack(flags, self._inner, timestamp, len(data))
            self._queue.append((head + data).ljust(MAX_PAYLOAD_BYTES, b"\0"))
            self._inner = (self._inner + 1) & 0xFFFF

    def lost(self, sequence: int, now: float) -> None:
        """Note that the packet with this outer number did not arrive."""
        sent = self._sent.pop(sequence, None)
        if sent is None or not self.per_slot:
            return
        if sent.times <= _MAX_REPEATS and now - sent.first_at <= _REPEAT_S:
            self._again.append(sent)

    def slot(self, now: float) -> list[Packet]:
        """Give the packets of the next slot; called every `SLOT_S`."""
        packets = [self._packet(now) for _ in range(self.per_slot)]
        self._timestamp = (self._timestamp + SLOT_TICKS) & 0xFFFFFFFF
        return packets

    def _packet(self, now: float) -> Packet:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        if self._again:
            payload, first_at, times = self._again.popleft()
        elif self._queue:
            payload, first_at, times = self._queue.popleft(), now, 0
        else:
            return Packet(sequence, self._timestamp, FILLER)
        self._sent[sequence] = _Sent(payload, first_at, times + 1)
        if len(self._sent) > _MAX_SENT:
            del self._sent[next(iter(self._sent))]
        return Packet(sequence, self._timestamp, payload)


class _Size:
    """How many packets a slot has: one step up or down, seldom."""

    def __init__(self) -> None:
        self._step = 0  # in `_SIZES`
        self._changed_at = float("-inf")
        self._rise_from = float("-inf")
        self._barred_s = _BARRED_S / 2

    def follow(self, bps: int, now: float) -> int:
        taken = _SIZES[self._step] * PACKET_BPS
        if bps == 0:
            if self._step:
                self._step = 0
                self._rise_from = now + _JUDGED_S
        elif bps < _HOLDS * taken:
            if now - self._changed_at >= _JUDGED_S:
                self._fall(now)
        elif bps >= _TRY * taken and now >= self._rise_from and self._can_rise:
            self._step += 1
            self._changed_at = now
            self._rise_from = now + _HELD_S
        return _SIZES[self._step]

    @property
    def _can_rise(self) -> bool:
        return self._step + 1 < len(_SIZES)

    def _fall(self, now: float) -> None:
        held = now - self._changed_at >= _BARRED_S
        self._barred_s = _BARRED_S if held else min(_MAX_BARRED_S, 2 * self._barred_s)
        self._rise_from = now + self._barred_s
        self._changed_at = now
        self._step -= 1
