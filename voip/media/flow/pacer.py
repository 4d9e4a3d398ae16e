"""Pictures leave in small portions, so that a key frame does not delay sound.

Pure. Sound and RTCP do not pass here.
"""

from collections import deque
from collections.abc import Sequence

TICK_S = 0.005
EVENLY = 1.1
"""Times the rate of pictures, while that is small: perhaps the path is, too, and what
comes faster makes a queue that sound waits in."""
ROOMY_BPS = 600_000
"""From this rate on..."""
FASTER = 1.5
"""...so that a frame is out before the next one, and..."""
KEY_FASTER = 2.5
"""...while a key frame leaves, which is several times as large."""
BEHIND_S = 0.2
FULL_S, KEY_FULL_S = 0.5, 2.0
"""A key frame is waited for: after it was dropped another would come."""


class Pacer:
    """A queue of RTP packets of pictures that empties at a given rate."""

    def __init__(self, now: float) -> None:
        """Begin, empty, at a rate of 0: nothing leaves before `set_rate`."""
        self._packets: deque[bytes] = deque()
        self._bits = 0
        self._bps = 0
        self._key_left = 0  # bits of a key frame in the queue, and of all before it
        self._credit = 0.0
        self._last = now
        self._overflowed = False

    def set_rate(self, bps: int) -> None:
        """Take what `Steering.video_bps` says, in bit/s; 0 drops what is queued."""
        self._bps = bps
        if not bps:
            self._clear()

    def put(self, packets: Sequence[bytes], now: float, *, key: bool = False) -> None:
        """Queue the packets of a picture; `key`: it may leave faster.

        What then waits for longer than `FULL_S` is dropped, all of it: a picture
        without one before it is worth nothing.
        """
        if not self._bps:
            return
        self._earn(now)
        self._packets.extend(packets)
        self._bits += sum(map(len, packets)) * 8
        if key:
            self._key_left = self._bits
        if self.backlog_s > (KEY_FULL_S if self._key_left else FULL_S):
            self._clear()
            self._overflowed = True

    def put_first(self, packet: bytes, now: float) -> None:
        """Queue a retransmission, which is wanted before anything new."""
        if self._bps:
            self._earn(now)
            self._packets.appendleft(packet)
            self._bits += len(packet) * 8
            if self._key_left:
                self._key_left += len(packet) * 8

    def due(self, now: float) -> list[bytes]:
        """Give what is to be sent now; call it every `TICK_S`."""
        self._earn(now)
        portion: list[bytes] = []
        while self._packets and self._credit > 0:
            packet = self._packets.popleft()
            bits = len(packet) * 8
            self._bits -= bits
            self._key_left = max(self._key_left - bits, 0)
            self._credit -= bits
            portion.append(packet)
        return portion

    @property
    def backlog_s(self) -> float:
        """How long the queue takes to leave at the present pace."""
        return self._bits / self._pace if self._bits else 0.0

    @property
    def is_behind(self) -> bool:
        """Whether the next capture is to be skipped: over 200 ms wait here."""
        return self.backlog_s > BEHIND_S

    def overflowed(self) -> bool:
        """Say once that over 500 ms waited here and were dropped.

        The encoder then owes a key frame, of half the size.
        """
        overflowed, self._overflowed = self._overflowed, False
        return overflowed

    @property
    def _pace(self) -> float:
        if self._bps < ROOMY_BPS:
            return self._bps * EVENLY
        return self._bps * (KEY_FASTER if self._key_left else FASTER)

    def _earn(self, now: float) -> None:
        """Let time pass: an empty queue saves nothing up."""
        if not self._packets:
            self._credit = min(self._credit, 0.0)
        self._credit += self._pace * max(now - self._last, 0.0)
        if not self._packets:
            self._credit = min(self._credit, 0.0)
        self._credit = min(self._credit, self._pace * 4 * TICK_S)
        self._last = now

    def _clear(self) -> None:
        self._packets.clear()
        self._bits = self._key_left = 0
