"""What the path carries: one number, from what the reports say about delay and loss.

Pure; bit/s of whole datagrams, and seconds. Delay decides where a queue shows, loss
where none does. A path that loses whatever is sent, as radio does, is recognised by
cuts that do not help, and is then believed to lose that much.
"""

from enum import Enum, auto

from voip.media.flow.delay import Usage
from voip.media.flow.history import RECENT_S

START_BPS = 200_000.0
MIN_BPS = 50_000.0
"""The smallest audio state, and what goes beside it."""
MAX_BPS = 4_000_000.0
"""More than the largest picture needs: nothing is learnt by going on."""

CUT = 0.85
"""RFC draft gcc-02 §5.5: of what came, so that the queue empties."""
FAR = 0.8
STEP, STEP_S, STEP_LOSS = 1.5, 0.2, 0.2
GROWTH = 0.08
"""Of the rate per second; but not more than..."""
NEAR, NEAR_BPS = 0.15, 12_000.0
"""...so many bit/s per second within this of the last ceiling: the same for every
call, so that those which share a path come to share it evenly."""
CLEARED = 1.5
"""So far over the last ceiling the path is another one: `STEP` again."""
PROVEN = 1.5
"""Not more than this times what came."""
UNPROVEN_BPS = 70_000.0
"""More than what came, for pictures to be tried."""

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
        self.ceiling_bps: float | None = None
        self._cut_at = float("-inf")
        self._stepped = now
        self._grown = now
        self._losses = _LossRule()

    def report(
        self,
        usage: Usage,
        *,
        came_bps: float | None,
        lost_share: float,
        sent_at: float,
        now: float,
    ) -> None:
        """Take what one report said.

        Args:
            usage: of the path.
            came_bps: what arrived lately, all datagrams; None while unknown.
            lost_share: of the last second.
            sent_at: when the newest packet left that it tells of.
            now: seconds.
        """
        if came_bps is not None:
            if usage is Usage.OVER:
                self._cut(came_bps, sent_at, now)
            elif usage is not Usage.UNDER:
                may_step = usage is Usage.CLEAR and lost_share <= STEP_LOSS
                self._grow(came_bps, sent_at, may_step=may_step, now=now)
        # After a cut the last second still holds what the full queue dropped.
        if sent_at - self._cut_at >= RECENT_S:
            factor = self._losses.factor(lost_share, now)
            if factor < 1.0:
                self.phase = Phase.STEADY
                self._set(self.bps * factor)
            elif self._losses.is_lossy and self.ceiling_bps is None:
                self.phase = Phase.START  # the cuts were for nothing
        self._grown = now

    def allow_trial(self, came_bps: float) -> None:
        """Believe in a little more than what comes, for that to be tried."""
        self._set(max(self.bps, came_bps + UNPROVEN_BPS))

    def begin_again(self, now: float) -> None:
        """Trust nothing that was learnt: the path was gone for a while."""
        self.bps = min(self.bps, START_BPS)
        self.phase = Phase.START
        self.ceiling_bps = None
        self._stepped = self._grown = now

    def _cut(self, came_bps: float, sent_at: float, now: float) -> None:
        self.ceiling_bps = came_bps  # with a queue, what comes is what fits
        # What left before the last cut says nothing about it, and what comes slower
        # afterwards was sent slower; except that the first guess was far too high.
        if sent_at < self._cut_at and CUT * came_bps > FAR * self.bps:
            return
        self.phase = Phase.STEADY
        self._cut_at = now
        self._set(min(self.bps, CUT * came_bps))

    def _grow(
        self, came_bps: float, sent_at: float, *, may_step: bool, now: float
    ) -> None:
        if self.ceiling_bps is not None and self.bps > CLEARED * self.ceiling_bps:
            self.phase = Phase.START
            self.ceiling_bps = None
        grown = self.bps
        if self.phase is Phase.START:
            # What left after the last step has come, and well.
            if may_step and sent_at - self._stepped >= STEP_S:
                grown *= STEP
                self._stepped = now
        else:
            grown += self._pace_bps() * min(now - self._grown, 1.0)
        # What is not used teaches nothing: growing on would be a guess.
        self._set(min(grown, max(self.bps, PROVEN * came_bps)))

    def _pace_bps(self) -> float:
        pace = GROWTH * self.bps
        if self.ceiling_bps and abs(self.bps / self.ceiling_bps - 1) <= NEAR:
            return min(pace, NEAR_BPS)
        return pace

    def _set(self, bps: float) -> None:
        self.bps = min(max(bps, MIN_BPS), MAX_BPS)


class _LossRule:
    """When losses cut the rate."""

    def __init__(self) -> None:
        self.is_lossy = False
        self._allowed = LOSS
        self._allowed_until = float("-inf")
        self._cut_at = float("-inf")
        self._cut_for = 0.0  # the loss that the cuts were to lower
        self._cuts = 0

    def factor(self, share: float, now: float) -> float:
        """Give what the rate is to be multiplied with."""
        if now >= self._allowed_until:
            self._allowed = LOSS
            self.is_lossy = False
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
            self.is_lossy = True
            self._allowed = share + LOSSY_MARGIN
            self._allowed_until = now + LOSSY_S
            return 1.0
        if not self._cuts:
            self._cut_for = share
        self._cuts += 1
        self._cut_at = now
        return 1 - 0.5 * share
