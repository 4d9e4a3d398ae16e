"""Whether a queue grows in the path: from when packets left and when they came.

Pure; seconds, slopes without a unit. Two looks at the same packets. The *trend* finds a
queue that begins to grow (draft-ietf-rmcat-gcc-02 §5, with the slope over 20 groups of
packets that libwebrtc's `trendline_estimator.cc` takes in place of the draft's filter).
The *level* is the least delay of the last packets over the least of the last 10 to
20 s: jitter always leaves some packet in time, a queue leaves none.

The public rules were made for pictures, where a group of packets is a burst of 5 ms
and another follows soon. With nothing but sound a group is one packet, two of them are
20 ms apart, and the jitter of a radio link bends the slope within 400 ms. So a trend
counts only while the level says that there is a queue at all, and a queue that stands,
which has no slope, counts as well.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from voip.media.flow.history import Acked

BURST_S = 0.005
"""Packets sent within this are one group; so are those that come in one heap."""
GROUPS = 20
SMOOTHING = 0.9
GAIN = 4.0
MAX_GROUPS_COUNTED = 60
THRESHOLD_MS, MIN_THRESHOLD_MS, MAX_THRESHOLD_MS = 12.5, 6.0, 600.0
_UP, _DOWN = 0.0087, 0.039  # of the difference per ms: quick to trust, slow to doubt
_SPIKE_MS = 15.0  # farther than this over the threshold teaches it nothing
OVERUSE_MS = 10.0
"""For how long the slope must be steep, and get steeper."""

LEVEL_S, LEVEL_PACKETS = 0.1, 8
"""The level is of packets that came so lately, but of so many at least."""
QUEUE_S = 0.01
"""A level so far over the usual one is a queue; below it there is none."""
LUMP_BITS = 5_600
"""A record of control among the packets: 56 ms of a path of 100 kbit/s, and no sign
that it is full."""
USUAL = 1.5
"""Times the usual level, which jitter makes, is still none."""
MEAN_S, MAX_USUAL_S = 0.5, 0.04
"""Usual is the least mean over so long of the last 10 to 20 s: jitter is always there,
a queue that we make is not. No queue of seconds becomes usual."""
LEARNT_S = 1.0
"""Until then the mean is taken as it is, since it begins at nothing."""
STANDING_S = 0.1
"""A level above this, that does not fall, is too much for people who talk."""
FALL_S, FALLING_S = 0.01, 0.6
"""What "falls" means, over how long: in spite of a lump."""
FLAT_S, LEVEL_FLAT_S = 0.03, 3.0
"""A level that changes by no more for so long, whatever is sent, is another path."""
BASE_S = 10.0
"""The least delay is forgotten after one to two of these: paths change."""

_HELD = 1024  # packets in `LEVEL_S`: 80 Mbit/s


class Usage(Enum):
    """What the path does with what is sent."""

    UNDER = auto()
    """A queue empties."""
    CLEAR = auto()
    """No queue: there may be room for more."""
    NORMAL = auto()
    """Some queue, which does not grow."""
    OVER = auto()
    """A queue grows, or stands."""


class Delay:
    """The queue of one direction of a path."""

    def __init__(self) -> None:
        self.usage = Usage.CLEAR
        self.queue_s = 0.0
        self._trend = _Trend()
        # Arrival and delay, arrival and level; bounded, since a peer may claim that
        # time runs backwards.
        self._recent: deque[tuple[float, float]] = deque(maxlen=_HELD)
        self._base = self._next_base = float("inf")
        self._base_until = float("-inf")
        self._levels: deque[tuple[float, float]] = deque(maxlen=_HELD)
        self._mean_s = self._usual_s = 0.0
        self._least_s = self._next_least_s = float("inf")  # of the means
        self._began: float | None = None
        self._flat = (float("-inf"), float("inf"))  # since when, at which level

    def take(self, acked: Sequence[Acked], bps: float) -> Usage:
        """Take what a report told of, in the order of sending, at a rate about `bps`.

        `acked` is not empty.
        """
        self._measure(acked)
        slope = self._trend.take(acked)
        self.usage = self._judge(slope, LUMP_BITS / bps)
        return self.usage

    @property
    def unusual_s(self) -> float:
        """The queue, over the level that jitter makes."""
        return max(0.0, self.queue_s - USUAL * self._usual_s)

    def _judge(self, slope: Usage, lump_s: float) -> Usage:
        usual_s = QUEUE_S + USUAL * self._usual_s
        if self.queue_s >= STANDING_S + self._usual_s:
            now, _ = self._levels[-1]
            if now - self._flat[0] >= LEVEL_FLAT_S:
                self._base += self.queue_s
                self._next_base = float("inf")
                self.queue_s = 0.0
                self._levels.clear()
                return Usage.NORMAL
            falls = self._levels[0][1] - self.queue_s >= FALL_S
            return Usage.UNDER if falls else Usage.OVER
        if slope is Usage.OVER and self.queue_s < usual_s + lump_s:
            slope = Usage.NORMAL
        if slope is Usage.NORMAL and self.queue_s < usual_s:
            return Usage.CLEAR
        return slope

    def _measure(self, acked: Sequence[Acked]) -> None:
        """Find the level."""
        recent = self._recent
        for sent_at, arrived_at, _ in acked:
            delay = arrived_at - sent_at
            recent.append((arrived_at, delay))
            self._next_base = min(self._next_base, delay)
        now = recent[-1][0]
        while len(recent) > LEVEL_PACKETS and recent[0][0] < now - LEVEL_S:
            recent.popleft()
        if now >= self._base_until:
            self._base, self._next_base = self._next_base, float("inf")
            self._least_s, self._next_least_s = self._next_least_s, float("inf")
            self._base_until = now + BASE_S
        least = min(each[1] for each in recent)
        self._base = min(self._base, least)
        self.queue_s = least - self._base
        if abs(self.queue_s - self._flat[1]) > FLAT_S:
            self._flat = (now, self.queue_s)
        levels = self._levels
        passed = now - levels[-1][0] if levels else 0.0
        levels.append((now, self.queue_s))
        while levels[0][0] < now - FALLING_S:
            levels.popleft()
        self._learn_usual(min(max(passed, 0.0) / MEAN_S, 1.0), now)

    def _learn_usual(self, share: float, now: float) -> None:
        """Let the level count for this share of its mean."""
        self._mean_s += (min(self.queue_s, MAX_USUAL_S) - self._mean_s) * share
        if self._began is None:
            self._began = now
        if now - self._began < LEARNT_S:
            self._usual_s = self._mean_s
            return
        self._next_least_s = min(self._next_least_s, self._mean_s)
        self._least_s = min(self._least_s, self._next_least_s)
        self._usual_s = self._least_s


class _Trend:
    """The slope of the delay over the last groups of packets."""

    def __init__(self) -> None:
        self._group: _Group | None = None
        self._before: _Group | None = None
        self._began: float | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=GROUPS)  # ms, ms
        self._sum = self._smoothed = 0.0
        self._count = 0
        self._slope = 0.0
        self._over_ms: float | None = None
        self._threshold = THRESHOLD_MS
        self._usage = Usage.NORMAL

    def take(self, acked: Sequence[Acked]) -> Usage:
        """Take packets in the order of sending; OVER if it was at any of them."""
        over = False
        for packet in acked:
            group = self._group
            if group is None:
                self._group = _Group(packet)
            elif packet.sent_at < group.first_sent:
                continue  # of another stream's report, out of order
            elif group.takes(packet):
                group.add(packet)
            else:
                if self._before is not None:
                    self._compare(self._before, group)
                    over = over or self._usage is Usage.OVER
                self._before = group
                self._group = _Group(packet)
        return Usage.OVER if over else self._usage

    def _compare(self, before: "_Group", group: "_Group") -> None:
        arrival_ms = (group.last_came - before.last_came) * 1000
        departure_ms = (group.last_sent - before.last_sent) * 1000
        if self._began is None:
            self._began = group.last_came
        self._count = min(self._count + 1, MAX_GROUPS_COUNTED)
        self._sum += arrival_ms - departure_ms
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._sum
        self._points.append(((group.last_came - self._began) * 1000, self._smoothed))
        slope = self._slope
        if len(self._points) == GROUPS:
            slope = _fit(self._points, self._slope)
        self._detect(slope, departure_ms, max(arrival_ms, 0.0))

    def _detect(self, slope: float, passed_ms: float, waited_ms: float) -> None:
        steep = self._count * slope * GAIN
        if steep > self._threshold:
            if self._over_ms is None:
                self._over_ms = passed_ms / 2  # it began somewhere in between
            else:
                self._over_ms += passed_ms
                if self._over_ms > OVERUSE_MS and slope >= self._slope:
                    self._over_ms = 0.0
                    self._usage = Usage.OVER
        else:
            self._over_ms = None
            under = steep < -self._threshold
            self._usage = Usage.UNDER if under else Usage.NORMAL
        self._slope = slope
        self._adapt(abs(steep), waited_ms)

    def _adapt(self, steep: float, waited_ms: float) -> None:
        difference = steep - self._threshold
        if difference <= _SPIKE_MS:
            pace = _UP if difference > 0 else _DOWN
            moved = self._threshold + pace * difference * min(waited_ms, 100.0)
            self._threshold = min(max(moved, MIN_THRESHOLD_MS), MAX_THRESHOLD_MS)


class _Group:
    """Packets that left together, or came in one heap."""

    __slots__ = ("first_came", "first_sent", "last_came", "last_sent")

    def __init__(self, packet: Acked) -> None:
        self.first_sent = self.last_sent = packet.sent_at
        self.first_came = self.last_came = packet.arrived_at

    def takes(self, packet: Acked) -> bool:
        """Tell whether a packet sent after these belongs to them."""
        if packet.sent_at - self.first_sent <= BURST_S:
            return True
        gap = packet.arrived_at - self.last_came
        return (
            gap <= BURST_S
            and gap < packet.sent_at - self.last_sent
            and packet.arrived_at - self.first_came < 0.1
        )

    def add(self, packet: Acked) -> None:
        """Make it one of them."""
        self.last_sent = packet.sent_at
        self.last_came = max(self.last_came, packet.arrived_at)


def _fit(points: Sequence[tuple[float, float]], otherwise: float) -> float:
    """Give the slope of the line with the least squares through the points."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return slope / spread if spread else otherwise
