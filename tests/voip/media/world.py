"""Virtual time: a heap of what happens when, and nothing that waits.

Both ends of a call are pure objects in here, so that a run of a minute takes what its
arithmetic takes and gives the same on a busy machine.
"""

import heapq
import itertools
from collections.abc import Callable

from tests.voip.media.link import Link

Happening = Callable[[], None]


class World:
    """Time, and what is to happen in it.

    Attributes:
        now: seconds since it began.
    """

    def __init__(self) -> None:
        """Begin at 0 with nothing to come."""
        self.now = 0.0
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Happening]] = []

    def at(self, when: float, happen: Happening) -> None:
        """Let something happen at `when`; what is due at one time goes in order."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), happen))

    def every(
        self, period: float, happen: Happening, *, start: float | None = None
    ) -> None:
        """Let something happen at `start` (or now) and every `period` s from there.

        Times are counted, not summed, so that they do not wander.
        """
        begin = self.now if start is None else start
        ticks = itertools.count()

        def tick() -> None:
            self.at(begin + next(ticks) * period, again)

        def again() -> None:
            happen()
            tick()

        tick()

    def carry(self, link: Link, size: int, deliver: Happening) -> None:
        """Send a datagram of `size` bytes now; `deliver` happens when it arrives."""
        arrival = link.send(size, self.now)
        if arrival is not None:
            self.at(arrival, deliver)

    def run(self, until: float) -> None:
        """Let happen all that is due before `until`, which is then the time."""
        while self._heap and self._heap[0][0] < until:
            self.now, _, happen = heapq.heappop(self._heap)
            happen()
        self.now = until
