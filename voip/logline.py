"""One call's line in the call log, as it changes.

Pure. A line is written when the call becomes real to its user (dialled, or rung) and
again when it ends, so that a killed process leaves a line and not a gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from voip.events import End
from voip.identity.calllog import CallRecord, Direction, Outcome
from voip.identity.vault import Vault
from voip.marks import weakest
from voip.signalling.legs import ListedLeg

_OUTCOMES: dict[End, Outcome] = {
    End.HUNG_UP: Outcome.ENDED,
    End.DECLINED: Outcome.DECLINED,
    End.BUSY: Outcome.BUSY,
    End.NOT_TAKEN: Outcome.DECLINED,
    End.CANCELLED: Outcome.CANCELLED,
    End.ANSWERED_ELSEWHERE: Outcome.ANSWERED_ELSEWHERE,
    End.DECLINED_ELSEWHERE: Outcome.DECLINED_ELSEWHERE,
    End.NO_ANSWER: Outcome.CANCELLED,
    End.UNREACHABLE: Outcome.UNREACHABLE,
    End.MISSED: Outcome.MISSED,
    End.UNCONFIRMED: Outcome.UNCONFIRMED,
    End.SECURITY: Outcome.SECURITY,
    End.LOST: Outcome.LOST,
    End.GLARE: Outcome.CANCELLED,
    End.SUPERSEDED: Outcome.LOST,
}
_UNSEEN = (End.MISSED, End.UNCONFIRMED, End.BUSY)


@dataclass(slots=True)
class LogLine:
    """What the log says of a call so far; each method gives the changed store."""

    record: CallRecord

    @classmethod
    def of(
        cls, call_id: bytes, identity: bytes, *, direction: Direction, now: int
    ) -> "LogLine":
        """Start a line at `now` (unix seconds)."""
        return cls(CallRecord(call_id, identity, direction=direction, started=now))

    def begun(self, vault: Vault) -> Vault:
        """The call is real: dialled, or the user is rung."""
        return replace(vault, calls=vault.calls.recorded(self.record))

    def answered(self, now: int) -> None:
        """The two sides are connected."""
        self.record = replace(self.record, answered=now)

    def recorded(self, vault: Vault, *, there: bool) -> Vault:
        """The call is being recorded: here, or by the other side."""
        self.record = replace(
            self.record,
            recorded=self.record.recorded or not there,
            recorded_there=self.record.recorded_there or there,
        )
        return self.begun(vault)

    def marked(self, legs: Iterable[ListedLeg]) -> None:
        """Somebody listens by these legs, or did: the weakest of them stays."""
        mark = max(self.record.mark, weakest(legs))
        self.record = replace(self.record, mark=int(mark))

    def finished(self, vault: Vault, end: End, now: int) -> Vault:
        """The call is over; one that nobody here took is shown as unseen."""
        incoming = self.record.direction is Direction.INCOMING
        self.record = replace(
            self.record,
            ended=now,
            outcome=_OUTCOMES[end],
            seen=not (incoming and end in _UNSEEN),
        )
        return replace(vault, calls=vault.calls.recorded(self.record))
