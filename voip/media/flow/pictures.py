"""When pictures are sent, and at what rate, in the room that sound leaves.

Pure; bit/s and seconds. To begin is to try: a path that carries sound has not shown
that it carries more. So pictures begin small and grow while the reports are good, and
where that filled the path they wait, longer each time, before they try again.
"""

from voip.media.flow.delay import Usage

BEGIN_BPS = 60_000
"""The room that is needed to begin, and what they begin with."""
LEAST_BPS = 30_000
"""Below this for `LEAST_S` they stop."""
NOTHING_BPS = 10_000
"""Below this they stop at once: sound is about to suffer."""
LEAST_S = 0.5
FIRST_S, AGAIN_S = 1.0, 3.0
"""How long there must be room, the first time and later."""
STEP, STEP_S = 1.5, 0.2
WAIT_S, MAX_WAIT_S = 10.0, 240.0
"""Before they are tried again; doubled each time."""
PROVEN_S = 30.0
"""After so long the path carries them: the next wait is short again."""


class Pictures:
    """What the pictures of one side may take."""

    def __init__(self, now: float) -> None:
        """Begin without any."""
        self.bps = 0
        self._limit: float | None = None  # None: not sending
        self._stepped = now
        self._began = now
        self._roomy_since: float | None = None
        self._tight_since: float | None = None
        self._hold_s = FIRST_S
        self._wait_s = WAIT_S
        self._not_before = now

    def stop(self) -> None:
        """Send none, because nobody wants to."""
        self.bps = 0
        self._limit = self._roomy_since = self._tight_since = None

    def pause(self) -> None:
        """Send none while no report comes; then begin small."""
        self.bps = 0
        if self._limit is not None:
            self._limit = BEGIN_BPS

    def update(
        self, room_bps: float, usage: Usage, *, pace_s: float, now: float
    ) -> None:
        """Choose anew after a report.

        Args:
            room_bps: what the path has left for pictures.
            usage: of the path.
            pace_s: how often they may grow.
            now: seconds.
        """
        if self._limit is None:
            self._try(room_bps, now)
            return
        if now - self._began >= PROVEN_S:
            self._wait_s = WAIT_S
        if room_bps >= LEAST_BPS:
            self._tight_since = None
        elif self._tight_since is None:
            self._tight_since = now
        if room_bps < NOTHING_BPS or (
            self._tight_since is not None and now - self._tight_since >= LEAST_S
        ):
            self._give_up(now)
            return
        if self._limit < room_bps and usage is Usage.NORMAL:
            if now - self._stepped >= max(STEP_S, pace_s):
                self._limit *= STEP
                self._stepped = now
        elif self._limit > room_bps * STEP:
            self._limit = room_bps * STEP
        self.bps = int(min(self._limit, room_bps))

    def _try(self, room_bps: float, now: float) -> None:
        if room_bps < BEGIN_BPS:
            self._roomy_since = None
            return
        if self._roomy_since is None:
            self._roomy_since = now
        if now - self._roomy_since >= self._hold_s and now >= self._not_before:
            self._limit = BEGIN_BPS
            self._began = self._stepped = now
            self._tight_since = None
            self.bps = BEGIN_BPS

    def _give_up(self, now: float) -> None:
        self.stop()
        self._hold_s = AGAIN_S
        self._not_before = now + self._wait_s
        self._wait_s = min(self._wait_s * 2, MAX_WAIT_S)
