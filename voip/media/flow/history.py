"""What was sent, and what the reports of the other side say became of it.

Pure; seconds throughout. A report counts only for packets that left within the last
10 s, each once, so that a forged one cannot claim more than was sent.
"""

from collections import deque
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.flow.report import TICKS_PER_S, UNTIMED, Arrivals, Feedback

KEPT_S = 10.0
"""For how long a report of a packet is believed."""
OVERTAKEN = 8
"""A packet is lost once so many later numbers were reported: 160 ms of sound."""
RECENT_S = 1.0
"""Over which the share of losses counts that steers the rate."""
_CAME = 4096  # packets in `RECENT_S`: 40 Mbit/s, more than anything here sends


class Acked(NamedTuple):
    """A packet that came; a tuple, since each one sent makes one.

    Attributes:
        sent_at: by our clock.
        arrived_at: by theirs, in seconds since an unknown origin.
        size: bytes of datagram.
    """

    sent_at: float
    arrived_at: float
    size: int


class Outcome(NamedTuple):
    """What one report said that was not known.

    Attributes:
        acked: what came, in the order of sending.
        fates: (ssrc, sequence number, whether it was lost), each told once.
        round_trip_s: without the time that the report waited; None: nothing new came.
    """

    acked: list[Acked]
    fates: list[tuple[int, int, bool]]
    round_trip_s: float | None


class _Sent:
    """One stream: what is not acknowledged yet, by sequence number."""

    def __init__(self, first: int) -> None:
        self.pending: dict[int, tuple[float, int]] = {}  # oldest first
        self.newest = first  # the highest: repeats overtake each other in the pacer
        self.judged: int | None = None  # the last number whose fate is known

    def forget(self, before: float) -> None:
        """Let go of what nobody told of in time."""
        old = [number for number, (when, _) in self.pending.items() if when < before]
        for number in old:
            del self.pending[number]


class History:
    """Everything sent in the last 10 s."""

    def __init__(self) -> None:
        self._streams: dict[int, _Sent] = {}
        self._clock: int | None = None  # of the newest report, not wrapped
        self._came: deque[Acked] = deque(maxlen=_CAME)
        self._came_at = 0.0
        self._fates: deque[tuple[float, int, int]] = deque()  # when, judged, lost

    def sent(self, ssrc: int, sequence: int, size: int, now: float) -> None:
        """Take note of a packet that left, `size` bytes of datagram."""
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._streams[ssrc] = _Sent(sequence)
        stream.pending[sequence] = (now, size)
        if sequence - stream.newest & 0xFFFF < 0x8000:
            stream.newest = sequence
        if not sequence & 63:  # often enough, and mostly free
            stream.forget(now - KEPT_S)

    def match(self, feedback: Feedback, now: float) -> Outcome:
        """Take a report; a packet that it tells of again counts once.

        Raises:
            MalformedError: it tells of a packet that was never sent.
        """
        for each in feedback.streams:
            self._check(each)
        clock = self._unwrap(feedback.clock) / 65536
        acked: list[Acked] = []
        fates: list[tuple[int, int, bool]] = []
        for ssrc, begin, offsets in feedback.streams:
            stream = self._streams[ssrc]
            acked += _acknowledge(stream, begin, offsets, clock, now)
            told = _judge(stream, begin, offsets)
            fates += [(ssrc, number, gone) for number, gone in told]
        self._fates.append((now, len(fates), sum(gone for _, _, gone in fates)))
        while now - self._fates[0][0] > RECENT_S:
            self._fates.popleft()
        acked.sort()
        return Outcome(acked, fates, self._note_acked(acked, clock, now))

    def begin_again(self) -> None:
        """Judge nothing that left until now: the path was gone, which is no loss."""
        self._fates.clear()
        for stream in self._streams.values():
            stream.judged = stream.newest

    @property
    def lost_share(self) -> float:
        """Share of everything whose fate the reports of the last second told."""
        judged = sum(each[1] for each in self._fates)
        return sum(each[2] for each in self._fates) / judged if judged else 0.0

    def came_bps(self, window_s: float) -> float | None:
        """Say at what rate packets came, over so much of the other side's time.

        Not more than they were sent at, whatever their clock claims. None where less
        time than that has been reported. `window_s` is at most `RECENT_S`.
        """
        came, newest = self._came, self._came_at
        if not came or newest - came[0].arrived_at < window_s * 0.9:
            return None
        inside = [each for each in came if newest - each.arrived_at < window_s]
        took = inside[-1].sent_at - inside[0].sent_at
        return sum(each.size for each in inside) * 8 / max(window_s, took)

    def _check(self, reported: Arrivals) -> None:
        """Refuse what speaks of more than can have come."""
        stream = self._streams.get(reported.ssrc)
        if stream is None:
            raise MalformedError(f"ccfb: expected a stream sent, came {reported.ssrc}")
        last = reported.begin + len(reported.offsets) - 1
        if 0 < (last - stream.newest) & 0xFFFF < 0x8000:
            raise MalformedError(
                f"ccfb: expected numbers up to {stream.newest}, came {last & 0xFFFF}"
            )

    def _note_acked(self, acked: list[Acked], clock: float, now: float) -> float | None:
        """Keep what came for `came_bps`, and give the round trip."""
        if not acked:
            return None
        self._came.extend(acked)
        self._came_at = max(each.arrived_at for each in acked)
        while self._came_at - self._came[0].arrived_at > RECENT_S:
            self._came.popleft()
        newest = acked[-1]
        trip = now - newest.sent_at - (clock - newest.arrived_at)
        return trip if trip >= 0 else None  # a forged one is of no use

    def _unwrap(self, clock: int) -> int:
        if self._clock is None:
            self._clock = clock
            return clock
        ahead = (clock - self._clock + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        full = self._clock + ahead
        self._clock = max(self._clock, full)
        return full


def _acknowledge(
    stream: _Sent, begin: int, offsets: tuple[int, ...], clock: float, now: float
) -> list[Acked]:
    """Take what came off the pending ones."""
    acked: list[Acked] = []
    pending = stream.pending
    for index, offset in enumerate(offsets):
        if offset < 0 or (number := (begin + index) & 0xFFFF) not in pending:
            continue
        sent_at, size = pending.pop(number)
        if offset < UNTIMED and now - sent_at <= KEPT_S:
            acked.append(Acked(sent_at, clock - offset / TICKS_PER_S, size))
    return acked


def _judge(
    stream: _Sent, begin: int, offsets: tuple[int, ...]
) -> list[tuple[int, bool]]:
    """Say of each number that was overtaken for good whether it was lost.

    A number that no report told of in time is judged by none: its fate is unknown.
    """
    last = len(offsets) - OVERTAKEN
    if last <= 0:
        return []
    if stream.judged is None:
        # Begin at the first that came, since what lies before was perhaps never sent.
        first = next((at for at in range(last) if offsets[at] >= 0), last)
    else:
        first = (stream.judged + 1 - begin) & 0xFFFF
        first = 0 if first >= 0x8000 else first
    fates = [
        ((begin + index) & 0xFFFF, offsets[index] < 0) for index in range(first, last)
    ]
    if fates:
        stream.judged = fates[-1][0]
    return fates
