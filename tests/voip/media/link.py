"""One direction of a network path, in virtual time: what becomes of each packet.

Nothing here waits. A packet goes in with its size and the time, and out comes when it
arrives, or None where it is lost. The same seed gives the same path; loss and jitter
draw from streams of their own, so that a change of one leaves the other as it was.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How a path is for a while.

    Attributes:
        delay_s: what every packet takes.
        jitter_s: what a packet takes more, evenly spread from nothing to this.
        reorders: whether a packet may overtake those before it; else it waits.
        loss: share of packets lost, 0 to 1; with 1 the path is down.
        run: mean length of a run of losses (Gilbert's model); None for losses that
            know nothing of each other.
        rate: bit/s that the bottleneck carries; None for no bottleneck.
        queue_s: how long a packet may wait before the bottleneck; longer, and it is
            dropped.
    """

    delay_s: float = 0.02
    jitter_s: float = 0.0
    reorders: bool = False
    loss: float = 0.0
    run: float | None = None
    rate: float | None = None
    queue_s: float = 0.3


Script = Sequence[tuple[float, Conditions]]
"""From which time on which conditions hold, in order of time."""

DOWN = Conditions(loss=1.0)


class Link:
    """A path under conditions that a script may change.

    A packet keeps the arrival that it was given: a later change of rate holds for what
    is sent after, behind what waits still.

    Attributes:
        sent: packets that went in.
        lost: those that never come out, dropped ones included.
        dropped: those that the full queue turned away.
    """

    def __init__(self, conditions: Conditions, seed: int, script: Script = ()) -> None:
        """Start with `conditions`; `script` says what holds later."""
        self.conditions = conditions
        self.sent = 0
        self.lost = 0
        self.dropped = 0
        self._script = list(script)
        self._losses = random.Random(f"losses {seed}")
        self._jitter = random.Random(f"jitter {seed}")
        self._losing = False
        self._free = 0.0  # when the bottleneck has sent all that it holds
        self._newest = 0.0  # arrival of the packet that arrives last

    def send(self, size: int, now: float) -> float | None:
        """Give the time at which a datagram of `size` bytes arrives; None if never.

        `now` must not run backwards.
        """
        while self._script and self._script[0][0] <= now:
            self._change(self._script.pop(0)[1], now)
        self.sent += 1
        here = self.conditions
        late = self._jitter.random() * here.jitter_s
        left = self._queued(size, now)
        lost = self._loses()  # drawn for every packet, dropped or not
        if left is None or lost:
            self.lost += 1
            return None
        arrival = left + here.delay_s + late
        if not here.reorders:
            arrival = max(arrival, self._newest)
        self._newest = max(arrival, self._newest)
        return arrival

    def queue_s(self, now: float) -> float:
        """Say how long a packet sent now would wait before the bottleneck."""
        return max(0.0, self._free - now)

    def _change(self, conditions: Conditions, now: float) -> None:
        before, after = self.conditions.rate, conditions.rate
        if before is not None and after is not None:  # what waits goes on at the new
            self._free = now + self.queue_s(now) * before / after
        self.conditions = conditions

    def _queued(self, size: int, now: float) -> float | None:
        """Give the time at which a packet has left the bottleneck; None if dropped."""
        here = self.conditions
        if here.rate is None:
            return now
        if self.queue_s(now) > here.queue_s:
            self.dropped += 1
            return None
        self._free = max(self._free, now) + size * 8 / here.rate
        return self._free

    def _loses(self) -> bool:
        here = self.conditions
        draw = self._losses.random()
        if here.loss in {0.0, 1.0}:
            self._losing = here.loss == 1.0
            return self._losing
        # A run as long as chance makes it is the same as no memory at all.
        run = here.run or 1 / (1 - here.loss)
        if self._losing:
            self._losing = draw >= 1 / run
        else:
            self._losing = draw < here.loss / (run * (1 - here.loss))
        return self._losing
