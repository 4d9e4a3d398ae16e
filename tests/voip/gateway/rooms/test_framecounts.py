"""What a connection to the server carried is counted once."""

from voip.gateway.counts import Direction, GatewayCounts, Kind
from voip.gateway.rooms.framecounts import FrameCounts, Frames


def test_what_is_new_is_added() -> None:
    counted, told = GatewayCounts(), [Frames(5, 4, 1), Frames(7, 4, 3)]
    counts = FrameCounts(counted, lambda: told.pop(0))
    counts.note()
    counts.note()
    came = counted.frames(Kind.ROOM, Direction.IN)

    assert counted.frames(Kind.ROOM, Direction.OUT).passed == 7
    assert (came.passed, came.failed) == (4, 3)


def test_two_connections_are_added_up() -> None:
    counted = GatewayCounts()
    for _ in range(2):
        FrameCounts(counted, lambda: Frames(5, 4, 1)).note()

    assert counted.frames(Kind.ROOM, Direction.OUT).passed == 10
