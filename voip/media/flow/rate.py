"""What the path carries: one number, from what the reports say about delay and loss.

Pure; bit/s of whole datagrams, and seconds. Delay decides where a queue shows, loss
where none does. A path that loses whatever is sent, as radio does, is recognised by
cuts that do not help, and is then believed to lose that much.
"""

from enum import Enum, auto

from voip.media.flow.delay import Usage

START_BPS = 200_000.0
MIN_BPS = 50_000.0
"""The smallest audio state, and what goes beside it."""
MAX_BPS = 8_000_000.0
"""More than the largest picture needs: nothing is learnt by going on."""

CUT = 0.85
"""RFC draft gcc-02 §5.5: of what came, so that the queue empties."""
STEP, STEP_S = 1.5, 0.2
GROWTH = 0.08
"""Of the rate per second."""
NEAR = 0.1
"""Within this of the last ceiling the rate is `SLOW` to grow."""
SLOW = 0.03
CLEARED = 1.5
"""So far over the last ceiling the path is another one: `STEP` again."""
PROVEN = 1.5
"""Not more than this times what came..."""
UNPROVEN_BPS = 70_000.0
"""...or this more, where 1.5 times sound alone is too little for a picture."""

LOSS = 0.1
LOSS_CUT_S = 0.5
HELPED = 0.8
"""A cut helped if the loss went below this part."""
LOSSY_CUTS = 2
LOSSY_MARGIN = 0.05
LOSSY_S = 30.0


class Phase(Enum):
    """How fast the rate may grow."""

    START = auto()
    STEADY = auto()


class Rate:
    """The estimate, of one direction."""

    def __init__(self, now: float) -> None:
        """Begin at `START_BPS`."""
        self.bps = START_BPS
        self.phase = Phase.START
        self._ceiling: float | None = None
        self._stepped = now
        self._grown = now
        self._losses = _LossRule()

    def report(
        self,
        usage: Usage,
        *,
        came_bps: float | None,
        lost_share: float,
        round_trip_s: float,
        now: float,
    ) -> None:
        """Take what one report said.

        Args:
            usage: of the path.
            came_bps: what arrived lately, all datagrams; None while unknown.
            lost_share: of the last second.
            round_trip_s: smoothed.
            now: seconds.
        """
        if came_bps is not None:
            if usage is Usage.OVER:
                self._cut(came_bps)
            elif usage is Usage.NORMAL:
                self._grow(came_bps, lost_share, round_trip_s, now)
        cut = self._losses.factor(lost_share, now)
        if cut < 1.0:
            self.phase = Phase.STEADY
            self._set(self.bps * cut)
        self._grown = now

    def begin_again(self, now: float) -> None:
        """Trust nothing that was learnt: the path was gone for a while."""
        self.bps = min(self.bps, START_BPS)
        self.phase = Phase.START
        self._ceiling = None
        self._stepped = self._grown = now

    def _cut(self, came_bps: float) -> None:
        self.phase = Phase.STEADY
        self._ceiling = came_bps
        self._set(min(self.bps, CUT * came_bps))

    def _grow(
        self, came_bps: float, lost_share: float, round_trip_s: float, now: float
    ) -> None:
        if self._ceiling is not None and self.bps > CLEARED * self._ceiling:
            self.phase = Phase.START
            self._ceiling = None
        limit = max(PROVEN * came_bps, came_bps + UNPROVEN_BPS)
        grown = self.bps
        if self.phase is Phase.START:
            if (
                now - self._stepped >= max(STEP_S, 2 * round_trip_s)
                and lost_share <= 0.2
            ):
                grown *= STEP
                self._stepped = now
        else:
            grown *= (1 + self._pace()) ** min(now - self._grown, 1.0)
        if grown > limit:
            grown = max(limit, self.bps)
        self._set(grown)

    def _pace(self) -> float:
        if self._ceiling and abs(self.bps / self._ceiling - 1) <= NEAR:
            return SLOW
        return GROWTH

    def _set(self, bps: float) -> None:
        self.bps = min(max(bps, MIN_BPS), MAX_BPS)


class _LossRule:
    """When losses cut the rate."""

    def __init__(self) -> None:
        self._allowed = LOSS
        self._allowed_until = 0.0
        self._cut_at = float("-inf")
        self._cut_for = 0.0  # the loss that the cuts were to lower
        self._cuts = 0

    def factor(self, share: float, now: float) -> float:
        """Give what the rate is to be multiplied with."""
        if now >= self._allowed_until:
            self._allowed = LOSS
        if share <= self._allowed:
            if share <= LOSS * HELPED:
                self._cuts = 0
            return 1.0
        if now - self._cut_at < LOSS_CUT_S:
            return 1.0
        if self._cuts and share <= self._cut_for * HELPED:
            self._cuts = 0  # they helped: it is a queue somewhere
        if self._cuts >= LOSSY_CUTS:
            self._cuts = 0
            self._allowed = share + LOSSY_MARGIN
            self._allowed_until = now + LOSSY_S
            return 1.0
        if not self._cuts:
            self._cut_for = share
        self._cuts += 1
        self._cut_at = now
        return 1 - 0.5 * share
