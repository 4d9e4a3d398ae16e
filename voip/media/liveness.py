"""Is anybody there: what the arrival of verified packets says about the path.

Sound always flows, also while muted or on hold, so silence on the wire is evidence.
ICE alone takes about half a minute to notice a dead path. What silence means, by its
length::

    0.5 s  the present way is checked     3 s  another path is looked for,
    1 s    every known way is checked          and again every 8 s
"""

from voip.media.events import FirstVerified, HeardAgain, MediaEvent, PathWeak, Quiet

WEAK_AFTER_S = 0.5  # 25 packets of sound; a burst of loss is mostly shorter
WEAKER_AFTER_S = 1.0
QUIET_AFTER_S = 3.0  # a lift door, not a burst of loss
QUIET_AGAIN_S = 8.0
"""Longer than two sides take to agree on a path through a slow relay; each new try
discards the one before."""
_STEPS = (WEAK_AFTER_S, WEAKER_AFTER_S, QUIET_AFTER_S)


class Liveness:
    """The silence of the other side, in seconds."""

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self.has_heard = False
        self._is_quiet = False
        self._awaits_path = False
        self._tell_at = WEAK_AFTER_S  # of silence

    def path_changed(self) -> None:
        """Take note that we send on a new path, on which nothing came yet."""
        self._awaits_path = True

    def verified(self, now: float, *, on_current_path: bool) -> list[MediaEvent]:
        """Take note of a packet that verified."""
        self._heard_at = now
        self._tell_at = WEAK_AFTER_S
        news: list[MediaEvent] = []
        if not self.has_heard:
            self.has_heard = True
            self._awaits_path = False
            news.append(FirstVerified())
        elif self._awaits_path and on_current_path:
            # A late packet of the old path says nothing about the new one.
            self._awaits_path = False
            news.append(HeardAgain())
        elif self._is_quiet and not self._awaits_path:
            news.append(HeardAgain())
        self._is_quiet = self._is_quiet and not news
        return news

    def tick(self, now: float) -> list[MediaEvent]:
        """Say that it has become quiet, once for each step of it."""
        silent_s = now - self._heard_at
        if not self.has_heard or silent_s < self._tell_at:
            return []
        later = (step for step in _STEPS if step > silent_s)
        self._tell_at = next(later, silent_s + QUIET_AGAIN_S)
        if silent_s < QUIET_AFTER_S:
            return [PathWeak(silent_s)]
        self._is_quiet = True
        return [Quiet(silent_s)]
