"""How long sound should wait before it is heard, from how its packets came.

As long as the network's jitter asks for and, where packets are lost, as long as the
copies take that repair them; no longer. Rules; all times are seconds of one monotonic
clock, and packets are counted from the first by an extended sequence number.
"""

from collections import deque
from collections.abc import Sequence

FRAME_S = 0.02
MARGIN_S = 0.01
"""A device asks for 10 ms at a time, so a frame may be fetched that much earlier."""
IDLE_S = 0.008
"""A gain that is not worth it: each change of the wait is a change of the sound."""
LEAD_KEPT = 0.995
"""Of what a device once asked for in advance, with each time that it asks for less."""
LEAST_S, MOST_S = 0.02, 0.2
"""Under a frame there is nothing to shorten; over 200 ms people talk into each other,
and losing some sound is better than that."""

MEMORY = 512
"""Packets, 10 s: over which the fastest packet and the use of copies are known."""
RECENT = 75
"""Packets, 1.5 s: over which jitter is measured; one spike is soon forgotten."""
SHARE = 0.95
"""The share of packets that jitter is to cover; copies repair the others."""
USELESS_S = 0.25
"""What comes so much later than the fastest cannot be waited for: it is lost."""
COPY_SHARE = 0.9
"""Likewise of the copies that are waited for."""
EVERY = 10
"""Packets between two looks at it all, which takes some 30 us."""

SPIKE_APART = 50
SPIKE_MEMORY = 1000
SPIKES = 3
"""Three delays over the jitter, each a second from the last, within 20 s, come again;
fewer were bad luck."""

STEP_PACKETS = 25
"""Half a second of nothing but late packets: the path has become longer."""
RESTART_S = 1.0
"""No path becomes faster by a second: the sender began to count anew."""
LONG_SILENCE_S = 5.0
"""After that a number from the past is not late, but the sender's new count."""

MAX_DISTANCE = 8  # frames back that a copy may lie
OWN_AND_FEC = (0, 1)
"""What a packet without copies brings: its frame may tell of the one before it."""
RESCUES = 2
"""Frames that only a copy brought, of the last 512, for which it is worth to wait."""


class Arrivals:
    """What is known of how packets come.

    Attributes:
        base: arrival of the fastest packet, less 20 ms for each before it: frame n
            cannot be there before `base` + 0.02 n.
        target: seconds that sound should wait after that.
        jitter: 95th percentile of what packets take more than the fastest, in seconds.
        last: when the newest packet came.
        late: seconds that it took more than the fastest.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.base = 0.0
        self.target = LEAST_S
        self.jitter = 0.0
        self.last = 0.0
        self.late = 0.0
        self._newest = -1  # before the first packet
        self._first = 0
        self._lead = 0.0
        self._deepest = 0  # distance of the copies that are waited for
        self._begin()

    def _begin(self) -> None:
        """Forget all but the count."""
        self._delays: deque[float] = deque(maxlen=MEMORY)  # arrival less 20 ms each
        self._came = bytearray(MEMORY)  # whether packet n % MEMORY came
        self._how = bytearray(MEMORY)  # 0, or by how far a copy frame n came first, + 1
        self._rescued = [MEMORY] + [0] * (MAX_DISTANCE + 1)  # slots by `_how`
        self._spikes: deque[tuple[int, float]] = deque()
        self._until_look = EVERY

    def take(self, sequence: int, distances: Sequence[int], now: float) -> int | None:
        """Note a packet; give its number, or None if it came before or is too old.

        `sequence` is that of RTP, 0 to 65535; `distances` says how many frames before
        its own those lie that it brought, 0 for its own.
        """
        number = self._number(sequence, now)
        delay = now - FRAME_S * number
        if self._delays and delay < self.base - RESTART_S:
            self._begin()
        if number > self._newest:
            self._forget(self._newest + 1, number)
            self._newest = number
            self.last = now
        elif (
            number <= self._newest - MEMORY + MAX_DISTANCE
            or self._came[number % MEMORY]
        ):
            return None
        self._came[number % MEMORY] = 1
        if not self._delays:
            self._first = number
        for distance in distances if len(distances) > 1 else OWN_AND_FEC:
            if number - distance >= self._first:  # what was said before is not missed
                self._note_frame((number - distance) % MEMORY, distance + 1)
        self._measure(delay)
        return number

    def earliest(self, after: float) -> float:
        """Say when sound could be here that was said so long after the newest packet's.

        In seconds; negative: before.
        """
        return self.base + FRAME_S * self._newest + after

    def lead(self, ahead: float) -> None:
        """Note by how many seconds before it is heard sound was asked for.

        A device that asks for 40 ms at once needs the second half of it early.
        """
        self._lead = max(ahead - MARGIN_S, self._lead * LEAD_KEPT)

    def losses(self, packets: int) -> tuple[int, int]:
        """Count lost packets of the last so many, and the runs that they came in."""
        lost = runs = 0
        before = 1
        for number in range(self._newest - packets + 1, self._newest + 1):
            came = self._came[number % MEMORY]
            lost += not came
            runs += before and not came
            before = came
        return lost, runs

    def _number(self, sequence: int, now: float) -> int:
        """Count on across the wrap of 16 bits."""
        if self._newest < 0:
            return sequence + 0x10000  # so that no frame has a number below 0
        ahead = (sequence - self._newest) & 0xFFFF
        if ahead >= 0x8000 and (
            ahead > 0x10000 - MEMORY or now < self.last + LONG_SILENCE_S
        ):
            ahead -= 0x10000
        return self._newest + ahead

    def _note_frame(self, slot: int, how: int) -> None:
        before = self._how[slot]
        # A frame that came by itself was not lost, though a copy may have been quicker.
        if not before or how == 1:
            self._how[slot] = how
            self._rescued[before] -= 1
            self._rescued[how] += 1

    def _forget(self, first: int, last: int) -> None:
        """Make room for what was not sent yet when it was looked at last."""
        if last - first >= MEMORY - 1:
            # At once: a peer may let the count jump with each packet.
            self._came, self._how = bytearray(MEMORY), bytearray(MEMORY)
            self._rescued = [MEMORY] + [0] * (MAX_DISTANCE + 1)
            return
        for number in range(first, last + 1):
            slot = number % MEMORY
            self._came[slot] = 0
            self._rescued[self._how[slot]] -= 1
            self._rescued[0] += 1
            self._how[slot] = 0

    def _measure(self, delay: float) -> None:
        if not self._delays or delay < self.base:
            self.base = delay
        self._delays.append(delay)
        self.late = late = delay - self.base
        if self.jitter + MARGIN_S < late <= USELESS_S:
            self._spike(late)
        self._until_look -= 1
        if self._until_look <= 0:
            self._until_look = EVERY
            self._look()

    def _spike(self, late: float) -> None:
        if self._spikes and self._newest - self._spikes[-1][0] <= SPIKE_APART:
            number, before = self._spikes.pop()
            self._spikes.append((number, max(before, late)))
        else:
            self._spikes.append((self._newest, late))

    def _look(self) -> None:
        """Find the target anew."""
        delays = list(self._delays)
        self.base = min(delays)
        step = min(delays[-STEP_PACKETS:])
        if step > self.base + MOST_S and len(delays) > STEP_PACKETS:
            delays = delays[-STEP_PACKETS:]
            self._delays = deque(delays, maxlen=MEMORY)
            self.base = step
        late = sorted(
            delay - self.base
            for delay in delays[-RECENT:]
            if delay <= self.base + USELESS_S
        ) or [0.0]
        self.jitter = late[int(SHARE * len(late))]
        wait = max(
            self.jitter,
            self._copies_s() + late[int(COPY_SHARE * len(late))],
            self._again_s(),
        )
        target = min(max(wait + MARGIN_S + self._lead, LEAST_S), MOST_S)
        if not self.target - IDLE_S <= target <= self.target:
            self.target = target

    def _copies_s(self) -> float:
        """Say how much later than a frame the copies come that are of use."""
        rescued = 0
        for distance in range(MAX_DISTANCE, 0, -1):
            rescued += self._rescued[distance + 1]
            if rescued >= (1 if distance <= self._deepest else RESCUES):
                self._deepest = distance
                return distance * FRAME_S
        self._deepest = 0
        return 0.0

    def _again_s(self) -> float:
        """Say how late packets are in spikes that come again and again."""
        while self._spikes and self._spikes[0][0] < self._newest - SPIKE_MEMORY:
            self._spikes.popleft()
        if len(self._spikes) < SPIKES:
            return 0.0
        return sorted(late for _, late in self._spikes)[len(self._spikes) // 2]
