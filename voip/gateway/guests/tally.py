"""Frame counters: does every packet of a guest leg pass the sealing?

A browser that quietly skips its transform would send or play what nobody sealed. So
what the media transport counted (`rtp`) is compared with what was sealed or opened
(`sframe`) and what could not be (`failed`), on both sides, every 2 s. All counts are
cumulative since the media connection was made.

======  ====================================================  =======================
rule    violated when                                         measured on honest calls
======  ====================================================  =======================
1       |rtp - sframe - failed| > max(5, 2 %), twice running   1 of 590
2       failed > max(5, 2 %)                                   0
3       the other side opened more than we sealed              0
4       rtp >= 10 and nothing sealed                           1 of 500 Chromium calls
======  ====================================================  =======================

Chromium may miss a transform that was set early, which is rule 4 and no attack: so the
page may build its media connection anew, once, and has one window for it.
"""

from collections.abc import Iterable

from voip.description import Kind
from voip.errors import TrustError
from voip.gateway.guests.messages import Count, Direction

EVERY_S = 2.0
SLACK, SLACK_SHARE = 5, 0.02
BYPASSED_RTP = 10

_Stream = tuple[Kind, Direction]


class Tally:
    """Judges one media connection."""

    def __init__(self, *, patient: bool) -> None:
        """Begin; `patient` on a call's first connection, which may be built anew."""
        self._patience = 1 if patient else 0
        self._off: set[_Stream] = set()  # what did not add up in the window before

    def judge(self, ours: Iterable[Count], theirs: Iterable[Count]) -> None:
        """Judge a window; `theirs` are the newest counts that came, if any.

        Raises:
            TrustError: frames pass that nobody sealed: the call must end.
        """
        counts = tuple(ours)
        bypassed = [
            count for count in counts if count.rtp >= BYPASSED_RTP and not count.sframe
        ]
        if bypassed:
            if not self._patience:
                raise TrustError(
                    f"{_name(bypassed[0])}: {bypassed[0].rtp} frames, none sealed"
                )
            self._patience -= 1
        before, self._off = self._off, set()
        for count in counts:
            if count not in bypassed:
                self._judge_stream(count, before)
        _check_opened(counts, theirs)

    def _judge_stream(self, count: Count, before: set[_Stream]) -> None:
        if not count.sframe:  # rule 4 has its say once there is enough to judge by
            return
        slack = max(SLACK, SLACK_SHARE * count.rtp)
        if count.failed > slack:
            raise TrustError(
                f"{_name(count)}: {count.failed} of {count.rtp} frames do not open"
            )
        if abs(count.rtp - count.sframe - count.failed) <= slack:
            return
        stream = (count.kind, count.direction)
        if stream in before:
            raise TrustError(
                f"{_name(count)}: {count.rtp} frames, {count.sframe} of them sealed"
            )
        self._off.add(stream)


def _check_opened(ours: Iterable[Count], theirs: Iterable[Count]) -> None:
    opened = {
        count.kind: count.sframe
        for count in theirs
        if count.direction is Direction.RECEIVED
    }
    for count in ours:
        if (
            count.direction is Direction.SENT
            and opened.get(count.kind, 0) > count.sframe
        ):
            raise TrustError(
                f"{_name(count)}: the guest opened {opened[count.kind]} frames, "
                f"{count.sframe} were sealed"
            )


def _name(count: Count) -> str:
    return f"{count.kind.name.lower()} {count.direction.name.lower()}"
