"""The call log: who called whom and what came of it, also while nobody looked.

Bounded: the newest calls and the newest strangers are kept.
"""

from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final

from voip.identity.canonical import ADDED

CALLS: Final = 1000  # months of heavy use in some 200 kB
STRANGERS: Final = 100  # anybody who has the card can add one


class Direction(StrEnum):
    """Who called."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Outcome(StrEnum):
    """How a call ended, or that it has not."""

    ONGOING = "ongoing"
    ENDED = "ended"
    MISSED = "missed"
    UNCONFIRMED = "missed, unconfirmed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    BUSY = "busy"
    ANSWERED_ELSEWHERE = "answered elsewhere"
    DECLINED_ELSEWHERE = "declined elsewhere"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    SECURITY = "ended for security"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A line of the call log; times in unix seconds.

    Attributes:
        call_id: 16 bytes.
        identity: the other side's, 32 bytes; a stranger is not in the address book.
        seen: whether the user has looked at it.
        recorded: we kept what was said.
        recorded_there: the other side kept it, as it says.
        mark: how weak it was at its weakest, 1 (end to end) to 4 (not encrypted).
    """

    call_id: bytes
    identity: bytes
    _: KW_ONLY
    direction: Direction
    started: int
    answered: int | None = None
    ended: int | None = None
    outcome: Outcome = Outcome.ONGOING
    seen: bool = True
    recorded: bool = field(default=False, metadata=ADDED)
    recorded_there: bool = field(default=False, metadata=ADDED)
    mark: int = field(default=1, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who called without being in the address book.

    Attributes:
        identity: 32 bytes.
        alias: as they call themselves; may be empty.
        last: when they called last, unix seconds.
        calls: how often.
    """

    identity: bytes
    alias: str
    _: KW_ONLY
    last: int
    calls: int = 1


@dataclass(frozen=True, slots=True)
class CallLog:
    """Calls and strangers, oldest first."""

    calls: tuple[CallRecord, ...] = ()
    strangers: tuple[Stranger, ...] = ()

    @property
    def unseen(self) -> tuple[CallRecord, ...]:
        """Calls the user has not looked at yet."""
        return tuple(call for call in self.calls if not call.seen)

    def recorded(self, record: CallRecord) -> "CallLog":
        """Write a call, in place of what was said of this call before."""
        others = tuple(c for c in self.calls if c.call_id != record.call_id)
        return replace(self, calls=(*others, record)[-CALLS:])

    def all_seen(self) -> "CallLog":
        """Mark every call as looked at."""
        return replace(self, calls=tuple(replace(c, seen=True) for c in self.calls))

    def with_stranger(self, identity: bytes, alias: str, now: int) -> "CallLog":
        """Note that somebody called who is not in the address book."""
        calls = 1 + sum(s.calls for s in self.strangers if s.identity == identity)
        met = Stranger(identity, alias, last=now, calls=calls)
        others = self.without_stranger(identity).strangers
        return replace(self, strangers=(*others, met)[-STRANGERS:])

    def without_stranger(self, identity: bytes) -> "CallLog":
        """Forget a stranger: now a contact, or dismissed."""
        kept = tuple(s for s in self.strangers if s.identity != identity)
        return replace(self, strangers=kept)
