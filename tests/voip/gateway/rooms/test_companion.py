"""One session of a room: what its media carried is counted while it lasts, and once."""

from typing import TYPE_CHECKING, cast

from voip.gateway.bridge import Bridge
from voip.gateway.counts import Direction, FrameCount, GatewayCounts, Kind
from voip.gateway.rooms.companion import Companion
from voip.media.quality.figures import MediaStats

if TYPE_CHECKING:
    from voip.conversation import Conversation


class Call:
    """A conversation of which nothing is known but how much it carried."""

    def __init__(self) -> None:
        self.stats: MediaStats | None = None

    def carried(self, sent: int, received: int, dropped: int) -> None:
        self.stats = MediaStats(
            sent=sent,
            received=received,
            dropped=dropped,
            send_epoch=0,
            receive_epochs=(0,),
            path="direct",
        )


def counted_companion() -> tuple[Call, Companion, GatewayCounts]:
    call, counted = Call(), GatewayCounts()
    companion = Companion(cast("Conversation", call), Bridge().port("bob"))
    companion.count_in(counted)
    return call, companion, counted


def test_what_goes_and_comes_is_counted_as_it_grows() -> None:
    call, companion, counted = counted_companion()
    for now, carried in enumerate([(100, 90, 1), (150, 140, 3)]):
        call.carried(*carried)
        companion.watch(float(now))

    assert counted.frames(Kind.ROOM, Direction.OUT) == FrameCount(passed=150)
    assert counted.frames(Kind.ROOM, Direction.IN) == FrameCount(passed=137, failed=3)


def test_media_that_is_closed_takes_nothing_back() -> None:
    call, companion, counted = counted_companion()
    call.carried(100, 90, 0)
    companion.watch(0.0)
    call.stats = None
    companion.watch(1.0)

    assert counted.frames(Kind.ROOM, Direction.OUT).passed == 100
