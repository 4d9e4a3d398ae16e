"""Is anybody there: what the arrival of verified packets says about the path.

Sound always flows, also while muted or on hold, so silence on the wire is evidence.
ICE alone takes about half a minute to notice a dead path.
"""

from voip.media.events import FirstVerified, HeardAgain, MediaEvent, Quiet

QUIET_AFTER_S = 3.0  # 150 packets of sound; a lift door, not a burst of loss


class Liveness:
    """The silence of the other side, in seconds."""

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self.has_heard = False
        self._is_quiet = False
        self._awaits_path = False

    def path_changed(self) -> None:
        """Take note that we send on a new path, on which nothing came yet."""
        self._awaits_path = True

    def verified(self, now: float, *, on_current_path: bool) -> list[MediaEvent]:
        """Take note of a packet that verified."""
        self._heard_at = now
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
        """Say once that it has become quiet."""
        silent_s = now - self._heard_at
        if self._is_quiet or not self.has_heard or silent_s < QUIET_AFTER_S:
            return []
        self._is_quiet = True
        return [Quiet(silent_s)]
