"""How many may be in at once: of one household, and of all."""

from collections import Counter

from voip.signalling.counts import Turned


class Places:
    """Counts who is in, in total and per household."""

    def __init__(self, most: int, per_household: int) -> None:
        self._most = most
        self._per_household = per_household
        self._total = 0
        self._households: Counter[str] = Counter()

    def refusal(self, household: str | None) -> Turned | None:
        """Say why one more does not get in; None where he does.

        Args:
            household: see `voip.signalling.turn.prefix`; None where it is not known,
                as behind a proxy before it said so, and then only the total counts.
        """
        if self._total >= self._most:
            return Turned.FULL
        if household is not None and self._households[household] >= self._per_household:
            return Turned.ADDRESS
        return None

    def enter(self, household: str | None) -> None:
        """Count one in."""
        self._total += 1
        if household is not None:
            self._households[household] += 1

    def leave(self, household: str | None) -> None:
        """Count one out that was counted in."""
        self._total -= 1
        if household is not None:
            # Subtracted so, a household that falls to 0 is dropped.
            self._households -= Counter([household])
