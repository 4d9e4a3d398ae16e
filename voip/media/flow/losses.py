"""How many packets of a stream are lost, and in which runs.

Pure. What it says decides how many copies of each frame travel along.
"""

from collections import deque

LOSSES, LONG, SHORT = 1000, 500, 100
"""Packets over which runs of losses, and their share, are counted."""
FEW = 3
"""Below so many losses, or runs of them, chance says more than the path."""


class Losses:
    """The fate of the last 1000 packets of one stream."""

    def __init__(self) -> None:
        self._fates: deque[bool] = deque(maxlen=LOSSES)
        self._lost = self._runs = 0

    def note(self, *, lost: bool) -> None:
        """Take note of the next packet's fate."""
        fates = self._fates
        if len(fates) == LOSSES:
            oldest, next_ = fates[0], fates[1]
            self._lost -= oldest
            self._runs -= oldest and not next_
        self._lost += lost
        self._runs += lost and not (fates and fates[-1])
        fates.append(lost)

    @property
    def share(self) -> float | None:
        """Share of the last 500, or of the last 100 if worse and three are lost.

        None before anything is known.
        """
        if not self._fates:
            return None
        newest = list(self._fates)[-LONG:]
        share = sum(newest) / len(newest)
        few = sum(newest[-SHORT:])
        return max(share, few / len(newest[-SHORT:])) if few >= FEW else share

    @property
    def run(self) -> float:
        """Mean length of a run of losses among the last 1000; 0.0 with few of them."""
        return self._lost / self._runs if self._runs >= FEW else 0.0
