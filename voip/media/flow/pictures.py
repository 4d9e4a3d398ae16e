"""When pictures are sent, and at what rate, in the room that sound leaves.

Pure; bit/s and seconds. To begin is to try: a path that carries sound has not shown
that it carries more. So pictures begin small and grow while the reports are good, and
where that filled the path they wait, longer each time, before they try again.
"""

from voip.media.flow.delay import Usage

BEGIN_BPS = 30_000
"""What they begin with: a narrow path then shows that it fills before it is full."""
LEAST_BPS = 25_000
"""Below this for `LEAST_S` they stop."""
LEAST_S = 0.5
NOTHING_BPS = 10_000
"""Below this they stop at once: sound is about to suffer."""
STEP, STEP_S = 1.3, 0.2
"""How they grow, once what left so long after the last step has come."""
TRIAL_BPS, TRIAL_S = 130_000, 3.0
"""Above this, or after so long, it is no trial any more."""
FIRST_CALM_S, CALM_S = 0.6, 2.0
"""How long the path must have been free of queues, the first time and later."""
WAIT_S, LONGER, MAX_WAIT_S = 5.0, 2.0, 240.0
"""Before they are tried again; short at first, since others who share the path make
room when it fills, then longer each time."""
TRIAL_QUEUE_S = 0.04
"""A trial ends with this much queue, sooner than it is sure that one grows."""
PROVEN_S = 30.0
"""After so long the path carries them, and the next wait is short again."""
SETTLE_S = 1.5
"""How long a queue that they made may take to empty."""


class Pictures:
    """What the pictures of one side may take: `bps`, 0 for none."""

    def __init__(self, now: float, *, patience: float) -> None:
        """Begin without any; wait longer by this share than others may.

        Two ends whose trials came together would each lose the other's reports in
        the queue that they make.
        """
        self.bps = 0
        self._limit: float | None = None  # None: not sending
        self._began = self._stepped = now
        self._tight_since: float | None = None
        self._calm_s = FIRST_CALM_S
        self._longer = 1 + patience
        self._wait_s = WAIT_S
        self._not_before = now
        self._failed_at = float("-inf")

    def may_begin(self, calm_s: float, now: float) -> bool:
        """Tell whether to try them, on a path that had no queue for `calm_s`."""
        is_off = self._limit is None
        return is_off and calm_s >= self._calm_s and now >= self._not_before

    def begin(self, now: float) -> None:
        """Try them."""
        self.bps = BEGIN_BPS
        self._limit = BEGIN_BPS
        self._began = self._stepped = now
        self._tight_since = None

    def is_trial(self, now: float) -> bool:
        """Tell whether they are tried at the moment."""
        if self._limit is None:
            return False
        return self._limit <= TRIAL_BPS and now - self._began < TRIAL_S

    def has_failed(self, now: float) -> bool:
        """Tell whether a trial has just failed, so that a queue is its."""
        return now - self._failed_at < SETTLE_S

    def stop(self) -> None:
        """Send none, because nobody wants to."""
        self.bps = 0
        self._limit = None

    def pause(self, now: float) -> None:
        """Send none while no report comes; then begin small."""
        self.bps = 0
        if self._limit is not None:
            self._limit = BEGIN_BPS
            self._stepped = now

    def update(
        self,
        room_bps: float,
        usage: Usage,
        *,
        queue_s: float,
        sent_at: float,
        now: float,
    ) -> None:
        """Choose anew after a report, once begun.

        Args:
            room_bps: what the path has left for pictures.
            usage: of the path.
            queue_s: in it, over the usual.
            sent_at: when the newest packet left that a report told of.
            now: seconds.
        """
        if self._limit is None:
            return
        is_full = queue_s > TRIAL_QUEUE_S and self.is_trial(now)
        if is_full or self._is_tight(room_bps, now):
            self._give_up(now)
            return
        if now - self._began >= PROVEN_S:
            self._wait_s = WAIT_S
        if self._limit >= room_bps:
            self._limit = min(self._limit, room_bps * STEP)
        elif usage is Usage.CLEAR and sent_at - self._stepped >= STEP_S:
            self._limit *= STEP
            self._stepped = now
        self.bps = int(min(self._limit, room_bps))

    def _is_tight(self, room_bps: float, now: float) -> bool:
        if room_bps >= LEAST_BPS:
            self._tight_since = None
            return False
        if self._tight_since is None:
            self._tight_since = now
        return room_bps < NOTHING_BPS or now - self._tight_since >= LEAST_S

    def _give_up(self, now: float) -> None:
        if self.is_trial(now):
            self._failed_at = now
        self.stop()
        self._calm_s = CALM_S
        self._not_before = now + self._wait_s * self._longer
        self._wait_s = min(self._wait_s * LONGER, MAX_WAIT_S)
