"""Packets that are missing: when each is asked for, and when that is given up.

Asking goes on as long as a repeat comes sooner than a whole picture would. On a path
where packets overtake each other, the first request waits as long as they lately did.

Packets go by number: the sequence, extended over 16 bits. Times are seconds of one
monotonic clock.
"""

from typing import NamedTuple

MAX_REQUESTS = 12  # for one packet
_PATIENCE_S = 0.3  # and a round trip: a whole picture takes longer to come, and is
# as likely to lose a part
_REPORTED_S = 0.2  # without requests: until the sender knows, and his next slot
_SLACK_S = 0.01  # beyond half a round trip, between two requests
_MAX_OVERTAKEN_S = 0.05
_OVERTAKEN_KEPT = 0.99  # of it after each frame: half is forgotten in two seconds


class Due(NamedTuple):
    """What is to be done about missing packets now.

    Attributes:
        asked: the numbers to ask for.
        hopeless: the highest number that is given up; None: none is.
    """

    asked: list[int]
    hopeless: int | None


class _Gap:
    """One missing packet."""

    __slots__ = ("asked", "at", "seen_at", "until")

    def __init__(self, seen_at: float, at: float, until: float) -> None:
        self.seen_at = seen_at
        self.at = at  # when to ask, or to give up
        self.until = until  # no asking after it
        self.asked = 0


class Gaps:
    """All that is missing of one stream."""

    def __init__(self, *, requests: bool) -> None:
        """Begin with none.

        `requests`: a sender repeats what he is asked for. Without, he learns from
        reports what was lost.
        """
        self._requests = requests
        self._gaps: dict[int, _Gap] = {}
        self._overtaken_s = 0.0  # how late packets came that others overtook

    def __len__(self) -> int:
        return len(self._gaps)

    def __contains__(self, number: int) -> bool:
        return number in self._gaps

    def open(self, first: int, end: int, round_trip_s: float, now: float) -> None:
        """Note that the packets from `first` up to `end` were not there in turn."""
        if self._requests:
            at = now + self._overtaken_s
            until = now + _PATIENCE_S + round_trip_s
        else:
            at = until = now + _REPORTED_S + _PATIENCE_S + round_trip_s
        for number in range(first, end):
            self._gaps[number] = _Gap(now, at, until)

    def fill(self, number: int, now: float, *, repeat: bool) -> bool:
        """Note that a packet came, perhaps as a repeat; say whether it was missing."""
        gap = self._gaps.pop(number, None)
        if gap is None:
            return False
        if not repeat:  # it was overtaken, not lost
            late_s = min(now - gap.seen_at, _MAX_OVERTAKEN_S)
            self._overtaken_s = max(self._overtaken_s, late_s)
        return True

    def relax(self) -> None:
        """Forget a little of how late packets came; once for each frame."""
        self._overtaken_s *= _OVERTAKEN_KEPT

    def due(self, round_trip_s: float, now: float) -> Due:
        """Say what to ask for, which counts as done, and what is hopeless."""
        asked = []
        hopeless = None
        for number, gap in self._gaps.items():
            if now < gap.at:
                continue
            if self._requests and gap.asked < MAX_REQUESTS and now < gap.until:
                gap.asked += 1
                # Twice a round trip, since requests are lost as well; the sender does
                # not repeat so often.
                gap.at = now + round_trip_s / 2 + _SLACK_S
                asked.append(number)
            else:
                hopeless = number
        return Due(asked, hopeless)

    @property
    def wake_at(self) -> float | None:
        """When `due` has something to say."""
        return min((gap.at for gap in self._gaps.values()), default=None)

    def drop_below(self, number: int) -> None:
        """Forget what is missing below this number."""
        self._gaps = {n: gap for n, gap in self._gaps.items() if n >= number}
