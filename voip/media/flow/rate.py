"""What the path carries: one number, from what the reports say about delay and loss.

Pure; bit/s of whole datagrams, and seconds. Delay decides where a queue shows, loss
where none does. A path that loses whatever is sent, as radio does, is recognised by
cuts that do not help, and is then believed to lose that much.
"""

from voip.media.flow.delay import Usage
from voip.media.flow.history import RECENT_S

START_BPS = 200_000.0
MIN_BPS = 50_000.0
"""The smallest audio state, and what goes beside it."""
MAX_BPS = 4_000_000.0
"""More than the largest picture needs: nothing is learnt by going on."""

CUT = 0.85
"""draft-ietf-rmcat-gcc-02 §5.5: of what came, so that the queue empties."""
FAR = 0.8
STEP, STEP_S, STEP_LOSS = 1.3, 0.2, 0.2
UNLIKE, CEILING_SHARE = 0.3, 0.3
"""Ceilings farther apart are two; nearer, a new one counts for so much of the mean."""
GROWTH = 0.08
"""Of the rate per second; but not more than..."""
NEAR, NEAR_BPS = 0.16, 15_000.0
"""...so many bit/s per second within this of the last ceiling: the same for every
call, so that those which share a path come to share it evenly."""
CLEARED = 1.25
"""If so much more comes than the last ceiling, the path is another one: steps again."""
PROVEN = 1.5
"""Not more than this times what came."""
CEILING_S, REACHED = 30.0, 1.1
"""For so long a ceiling is not passed but by what comes: not more than this times it.
Sound alone would else be believed to have room that nothing has tried."""
UNPROVEN_BPS = 70_000.0
"""More than what came, for pictures to be tried."""

LOSS = 0.1
"""More than this over `RECENT_S` cuts; each cut by half the share lost."""
HELPED = 0.5
"""A cut helped if the loss went below this part."""
LOSSY_CUTS = 2
LOSSY_MARGIN = 0.05
LOSSY_S = 30.0


class Rate:
    """The estimate, of one direction."""

    def __init__(self, now: float) -> None:
        """Begin at `START_BPS`."""
        self.bps = START_BPS
        self.ceiling_bps: float | None = None
        self._steps = True  # knows nothing yet, so that it grows by steps
        self._cut_at = self._ceiling_at = float("-inf")
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
            self._react(usage, came_bps, lost_share, sent_at, now)
        self._grown = now

    def _react(
        self,
        usage: Usage,
        came_bps: float,
        lost_share: float,
        sent_at: float,
        now: float,
    ) -> None:
        if usage is Usage.OVER:
            self._ceiling_at = now
            self._cut(came_bps, sent_at, now)
        # After a cut the last second still holds what the full queue dropped.
        if sent_at - self._cut_at >= RECENT_S:
            factor = self._losses.judge(lost_share, sent_at, now)
            if factor is None:
                self._steps, self.ceiling_bps = True, None  # cut for nothing
            elif factor < 1.0:
                self._steps, self.ceiling_bps = False, came_bps
                self._set(self.bps * factor)
        if usage in {Usage.CLEAR, Usage.NORMAL} and not self._losses.is_testing:
            may_step = usage is Usage.CLEAR and lost_share <= STEP_LOSS
            self._grow(came_bps, sent_at, may_step=may_step, now=now)

    def allow_trial(self, came_bps: float) -> None:
        """Believe in a little more than what comes, for that to be tried."""
        self._set(max(self.bps, came_bps + UNPROVEN_BPS))

    def begin_again(self, now: float) -> None:
        """Trust nothing that was learnt: the path was gone for a while."""
        self.bps = min(self.bps, START_BPS)
        self._steps = True
        self.ceiling_bps = None
        self._stepped = self._grown = now

    def _cut(self, came_bps: float, sent_at: float, now: float) -> None:
        self._note_ceiling(came_bps)
        # What left before the last cut says nothing about it, and what comes slower
        # afterwards was sent slower; except that the first guess was far too high.
        if sent_at < self._cut_at and CUT * came_bps > FAR * self.bps:
            return
        self._steps = False
        self._cut_at = now
        self._set(min(self.bps, CUT * came_bps))

    def _note_ceiling(self, came_bps: float) -> None:
        """With a queue, what comes is what fits, but for records and reports."""
        ceiling = self.ceiling_bps
        if ceiling is None or abs(came_bps / ceiling - 1) > UNLIKE:
            self.ceiling_bps = came_bps
        else:
            self.ceiling_bps = ceiling + (came_bps - ceiling) * CEILING_SHARE

    def _grow(
        self, came_bps: float, sent_at: float, *, may_step: bool, now: float
    ) -> None:
        if self.ceiling_bps is not None and came_bps > CLEARED * self.ceiling_bps:
            self._steps = True
            self.ceiling_bps = None
        grown = self.bps
        if self._steps:
            # What left after the last step has come, and well.
            if may_step and sent_at - self._stepped >= STEP_S:
                grown *= STEP
                self._stepped = now
        else:
            grown += self._pace_bps() * min(now - self._grown, 1.0)
        # What is not used teaches nothing: growing on would be a guess.
        most = PROVEN * came_bps
        if self.ceiling_bps is not None and now - self._ceiling_at < CEILING_S:
            most = min(most, max(self.ceiling_bps, REACHED * came_bps))
        self._set(min(grown, max(self.bps, most)))

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
        self._allowed = LOSS
        self._allowed_until = float("-inf")
        self._cut_at = float("-inf")
        self._cut_for = 0.0  # the loss that the cuts are to lower
        self._cuts = 0

    @property
    def is_testing(self) -> bool:
        """Whether cuts were made of which nobody knows yet that they help."""
        return self._cuts > 0

    def judge(self, share: float, sent_at: float, now: float) -> float | None:
        """Give what the rate is to be multiplied with; None: the cuts did not help."""
        if now >= self._allowed_until:
            self._allowed = LOSS
        if sent_at - self._cut_at < RECENT_S:
            return 1.0  # some of this was lost before the last cut
        if share <= max(self._allowed, self._cut_for * HELPED):
            self._cuts = 0
        if share <= self._allowed:
            return 1.0
        if self._cuts >= LOSSY_CUTS:
            self._cuts = 0
            self._allowed = share + LOSSY_MARGIN
            self._allowed_until = now + LOSSY_S
            return None
        if not self._cuts:
            self._cut_for = share
        self._cuts += 1
        self._cut_at = now
        return 1 - 0.5 * share
