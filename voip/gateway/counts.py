"""What a gateway counts about itself, as plain integers.

Every label comes from a list in this file and every value is a number, so that whoever
reads the counters learns how much there is, and never who it was: a series per contact,
per link or per address would be a record of calls. Carriers add to these; the metrics
page of an operator (`cli.serve`) reads them, and is the only one that knows its format.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a leg leads to; in the order of the wire codes 1, 2 and 3."""

    BROWSER = "browser"
    SIP = "sip"
    ROOM = "room"


class Mark(StrEnum):
    """How far a leg is encrypted; in the order of the wire codes 1 to 4."""

    END_TO_END = "end_to_end"
    BROWSER_GUEST = "browser_guest"
    PBX_ONLY = "pbx_only"
    NOT_ENCRYPTED = "not_encrypted"


class End(StrEnum):
    """Why a leg ended; in the order of the wire codes 1 to 10."""

    NORMAL = "normal"
    DECLINED = "declined"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED_BY_PEER = "refused_by_peer"
    NO_ENCRYPTION = "no_encryption"
    NOT_ALLOWED = "not_allowed"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    SECURITY = "security"


class Direction(StrEnum):
    """Which way a frame went, seen from the gateway."""

    IN = "in"
    OUT = "out"


class Invited(StrEnum):
    """What became of an invite link."""

    MADE = "made"
    SPENT = "spent"
    REOPENED = "reopened"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(slots=True)
class FrameCount:
    """What became of the frames of one kind of leg and one direction.

    Meant to be kept by whoever carries the frames: ``count.passed += 1`` a frame.

    Attributes:
        passed: handed on.
        dropped: thrown away, as a queue was full or a gate was shut.
        failed: did not open or did not decode.
    """

    passed: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(slots=True, kw_only=True)
class GatewayCounts:
    """The counters of one process; all but the gauges only rise.

    Attributes:
        sip_accounts: SIP accounts that should be registered now (gauge).
        sip_registered: those that are (gauge).
        worker_restarts: how often the SIP worker was started again.
    """

    sip_accounts: int = 0
    sip_registered: int = 0
    worker_restarts: int = 0
    _legs: dict[tuple[Kind, Mark], int] = field(
        default_factory=lambda: {(kind, mark): 0 for kind in Kind for mark in Mark}
    )
    _ends: dict[tuple[Kind, End], int] = field(
        default_factory=lambda: {(kind, end): 0 for kind in Kind for end in End}
    )
    _invites: dict[Invited, int] = field(
        default_factory=lambda: dict.fromkeys(Invited, 0)
    )
    _frames: dict[tuple[Kind, Direction], FrameCount] = field(
        default_factory=lambda: {
            (kind, way): FrameCount() for kind in Kind for way in Direction
        }
    )

    def leg_joined(self, kind: Kind, mark: Mark) -> None:
        """Count a leg that hears and is heard from now on."""
        self._legs[kind, mark] += 1

    def leg_changed(self, kind: Kind, before: Mark, after: Mark) -> None:
        """Count a joined leg under its new mark."""
        self._legs[kind, before] -= 1
        self._legs[kind, after] += 1

    def leg_ended(self, kind: Kind, end: End, *, mark: Mark | None = None) -> None:
        """Count a leg that ended; `mark` is its last one where it had joined."""
        self._ends[kind, end] += 1
        if mark is not None:
            self._legs[kind, mark] -= 1

    def invited(self, what: Invited) -> None:
        """Count an event in the life of an invite link."""
        self._invites[what] += 1

    def frames(self, kind: Kind, direction: Direction) -> FrameCount:
        """Give the counter of one kind and direction, to be kept and added to."""
        return self._frames[kind, direction]

    @property
    def legs(self) -> dict[tuple[Kind, Mark], int]:
        """How many legs are joined now."""
        return dict(self._legs)

    @property
    def ends(self) -> dict[tuple[Kind, End], int]:
        """How many legs ended, and why."""
        return dict(self._ends)

    @property
    def invites(self) -> dict[Invited, int]:
        """What became of invite links."""
        return dict(self._invites)


class LegCounts:
    """Counts the legs of one call, each under its mark from when it has joined.

    Kinds, marks and reasons are given by their wire codes.
    """

    def __init__(self, counts: GatewayCounts | None) -> None:
        """Count into these; None counts nothing."""
        self._counts = counts
        self._marks: dict[int, Mark] = {}

    def listed(self, leg_id: int, kind: int, mark: int, *, has_joined: bool) -> None:
        """Take a leg as it is listed now."""
        now, before = mark_of(mark), self._marks.get(leg_id)
        if self._counts is None or now is before:
            return
        if before is not None:
            self._counts.leg_changed(kind_of(kind), before, now)
        elif has_joined:
            self._counts.leg_joined(kind_of(kind), now)
        else:
            return
        self._marks[leg_id] = now

    def ended(self, leg_id: int, kind: int, reason: int) -> None:
        """Take the end of a leg."""
        if self._counts is not None:
            mark = self._marks.pop(leg_id, None)
            self._counts.leg_ended(kind_of(kind), end_of(reason), mark=mark)


def kind_of(code: int) -> Kind:
    """Give the label of a wire code, 1 to 3."""
    return tuple(Kind)[code - 1]


def mark_of(code: int) -> Mark:
    """Give the label of a wire code, 1 to 4."""
    return tuple(Mark)[code - 1]


def end_of(code: int) -> End:
    """Give the label of a wire code, 1 to 10."""
    return tuple(End)[code - 1]
