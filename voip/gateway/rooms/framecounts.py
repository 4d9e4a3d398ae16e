"""Packets that a connection to a forwarding server carried, as operators see them.

Rules: it is asked now and then, and adds what is new to counters that are kept.
"""

from collections.abc import Callable
from typing import NamedTuple

from voip.gateway.counts import Direction, GatewayCounts, Kind


class Frames(NamedTuple):
    """What there was since the beginning of a connection.

    Attributes:
        sent: packets that left.
        opened: packets that came and that a member's key opened.
        unopened: those that no key opened.
    """

    sent: int = 0
    opened: int = 0
    unopened: int = 0


class FrameCounts:
    """Counts what one connection carries."""

    def __init__(self, counted: GatewayCounts, frames: Callable[[], Frames]) -> None:
        """`frames` says how much it is so far."""
        self._out = counted.frames(Kind.ROOM, Direction.OUT)
        self._in = counted.frames(Kind.ROOM, Direction.IN)
        self._frames = frames
        self._told = Frames()

    def note(self) -> None:
        """Add what came since this was called last."""
        now, before = self._frames(), self._told
        self._out.passed += now.sent - before.sent
        self._in.passed += now.opened - before.opened
        self._in.failed += now.unopened - before.unopened
        self._told = now
