"""A key that is held down, as far as a terminal tells: push-to-talk.

Pure. A terminal says when a key is pressed and, while it stays down, again and again;
that it was let go it never says. So the key counts as down until the next repeat is
overdue, and whoever lets go is heard for that long still. Toggling would need no such
time, but whoever forgets to toggle back is heard for ever.
"""

FIRST_S = 0.75
"""Until the first repeat is overdue: keyboards wait 0.25 to 0.66 s before it."""
AGAIN_S = 0.35
"""Until a later one is: they come 10 to 30 times a second, by ssh in clumps."""


class HeldKey:
    """One key; times are in seconds of any steady clock."""

    def __init__(self) -> None:
        """Begin with the key up."""
        self._until: float | None = None

    def press(self, now: float) -> float:
        """Take note that the terminal says it is down; gives until when that counts."""
        if self._until is None or now >= self._until:
            self._until = now + FIRST_S
        else:
            self._until = max(self._until, now + AGAIN_S)
        return self._until

    def is_down(self, now: float) -> bool:
        """Say whether it counts as down."""
        return self._until is not None and now < self._until
