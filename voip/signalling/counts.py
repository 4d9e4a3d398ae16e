"""What a relay counts about itself, as plain integers.

Labels come from closed lists: a series per tag, per client or per board would be a
record of who calls whom. The metrics page of an operator (`cli.serve`) reads these.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum

from voip.signalling.frames import Status

BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper bounds of the buckets of a `Histogram`, in seconds; one more for the rest."""


class Op(StrEnum):
    """What a client asks for."""

    PUT = "put"
    GET = "get"
    ACK = "ack"
    BOARD_PUT = "board_put"
    BOARD_GET = "board_get"
    TURN = "turn"


class Call(StrEnum):
    """What a relay asks its store for."""

    PUT = "put"
    COLLECT = "collect"
    DISCARD = "discard"
    PUBLISH = "publish"
    SLOT = "slot"
    SWEEP = "sweep"
    CHECK = "check"


class Turned(StrEnum):
    """Why a client was turned away before it said a word."""

    FULL = "full"
    ADDRESS = "address"
    DRAINING = "draining"


@dataclass(slots=True)
class Histogram:
    """How long something took.

    Attributes:
        buckets: how many took at most each of `BOUNDS_S`, and not the one before; the
            last is for what took longer than all.
        total_s: all together.
    """

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds


@dataclass(slots=True, kw_only=True)
class RelayCounts:
    """The counters of one process; all but `connections` only rise.

    Attributes:
        connections: clients connected now (gauge).
        turned_away: clients that were not let in.
        frames: requests, by how they were answered.
        store_s: what the store took, per call, errors included.
        store_errors: calls that failed.
        turn_issued: TURN credentials that were handed out.
    """

    connections: int = 0
    turn_issued: int = 0
    turned_away: dict[Turned, int] = field(
        default_factory=lambda: dict.fromkeys(Turned, 0)
    )
    frames: dict[tuple[Op, Status], int] = field(
        default_factory=lambda: {(op, status): 0 for op in Op for status in Status}
    )
    store_s: dict[Call, Histogram] = field(
        default_factory=lambda: {call: Histogram() for call in Call}
    )
    store_errors: dict[Call, int] = field(
        default_factory=lambda: dict.fromkeys(Call, 0)
    )
