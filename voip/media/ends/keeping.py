"""When a sound device is opened, given up and taken back.

Rules; `voip.media.ends.devices` does what is said here, on a thread of its own.

::

    chosen ── silent 200 ms, or it stopped ──> default, at once, then every second
    default ── chosen one is listed again for 2 s ──> chosen

A device that is lost again soon must be there longer before it is trusted again, or a
loose plug would interrupt the call every other second.
"""

from dataclasses import dataclass
from enum import Enum

from voip.media.ends.listed import Way

STALLED_S = 0.2
"""A device that asked for nothing this long is gone; its period is 0.01 s."""
STARTING_S = 2.0
"""Until its first callback; headsets without wires take more than a second."""
CHECK_S = 0.05
"""How often a running device is looked at."""
OVERSLEPT_S = 0.15
"""Whoever looks this late was stopped himself, and cannot say who was silent."""
RETRY_S = 1.0
"""How often opening is tried again while no device works."""
LOOK_S = 0.5
"""How often it is looked whether the chosen device is back."""
RETURN_S = 2.0
"""How long a device must be there before it is taken back; doubled each time."""
MAX_RETURN_S = 64.0
STEADY_S = 60.0
"""A device that ran this long is trusted as if it had never been lost."""


class Step(Enum):
    """What is to be done now; opening and looking are answered."""

    OPEN_CHOSEN = "open the chosen device"
    OPEN_DEFAULT = "open the default device"
    GIVE_UP = "close the device, which was lost"
    LEAVE = "close the default device, as the chosen one is back"
    LOOK = "see whether the chosen device is listed"


class Change(Enum):
    """What became of a device; the value is for people."""

    OPENED = "is used"
    LOST = "is gone"
    FAILED = "cannot be opened"


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """A device was lost or found, while the call goes on.

    Attributes:
        way: microphone or speaker.
        change: what happened.
        name: of the device, `default` for the system's; None if none runs. It comes
            from the system: escape it.
    """

    way: Way
    change: Change
    name: str | None = None

    def __str__(self) -> str:
        """Say it in words."""
        named = f" {self.name}" if self.name else ""
        return f"{self.way.value}{named} {self.change.value}"


class Keeper:
    """Keeps one device running, or the best that can be had.

    Times are in seconds of one monotonic clock.
    """

    def __init__(self, *, has_choice: bool, now: float) -> None:
        """Begin with nothing open; without a choice, only the default is opened."""
        self._has_choice = has_choice
        self._try_chosen = has_choice
        self._try_at = now
        self._is_open = False
        self._on_chosen = False
        self._opened_at = now
        self._alive_at = now
        self._checked_at = now
        self._has_stopped = False
        self._look_at = now
        self._there_since: float | None = None
        self._return_s = RETURN_S

    def step(self, now: float, beat: float) -> Step | None:
        """Say what to do; None: nothing before `wait_s` has passed.

        `beat` is when the device last called back, any time before it was opened if it
        did not since.
        """
        slept, self._checked_at = now - self._checked_at, now
        if not self._is_open:
            if now < self._try_at:
                return None
            return Step.OPEN_CHOSEN if self._try_chosen else Step.OPEN_DEFAULT
        if slept > OVERSLEPT_S:
            self._alive_at = now
        if self._is_lost(now, beat):
            return self._lose(now)
        if self._has_choice and not self._on_chosen:
            return self._seek(now)
        return None

    def wait_s(self, now: float) -> float:
        """Say how long nothing is to be done."""
        return CHECK_S if self._is_open else max(self._try_at - now, 0.0)

    def opened(self, now: float) -> None:
        """Take note that the device of the last step is open."""
        self._is_open = True
        self._on_chosen = self._try_chosen
        self._has_stopped = False
        self._opened_at = self._alive_at = self._checked_at = now
        self._there_since = None
        self._look_at = now + LOOK_S

    def refused(self, now: float) -> None:
        """Take note that the device of the last step cannot be opened."""
        if self._try_chosen:
            # Gone or taken, the default will do: a call on the wrong speaker is better
            # than none.
            self._try_chosen = False
        else:
            self._try_chosen = self._has_choice
            self._try_at = now + RETRY_S

    def stopped(self) -> None:
        """Take note that the system says the open device has ended."""
        self._has_stopped = True

    def looked(self, now: float, *, is_there: bool) -> None:
        """Take note whether the chosen device is listed."""
        if not is_there:
            self._there_since = None
        elif self._there_since is None:
            self._there_since = now

    def _is_lost(self, now: float, beat: float) -> bool:
        if self._has_stopped:
            return True
        has_begun = beat > self._opened_at
        patience = STALLED_S if has_begun else STARTING_S
        return now - max(beat, self._alive_at) > patience

    def _seek(self, now: float) -> Step | None:
        """Wait for the chosen device while the default stands in."""
        since = self._there_since
        if since is not None and now - since >= self._return_s:
            self._return_s = min(2 * self._return_s, MAX_RETURN_S)
            self._close(now, try_chosen=True)
            return Step.LEAVE
        if now < self._look_at:
            return None
        self._look_at = now + LOOK_S
        return Step.LOOK

    def _lose(self, now: float) -> Step:
        if self._on_chosen and now - self._opened_at >= STEADY_S:
            self._return_s = RETURN_S
        self._close(now, try_chosen=False)
        return Step.GIVE_UP

    def _close(self, now: float, *, try_chosen: bool) -> None:
        self._is_open = False
        self._try_chosen = try_chosen
        self._try_at = now
