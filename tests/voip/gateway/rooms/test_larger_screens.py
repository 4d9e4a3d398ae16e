"""A screen in a room over a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.voip.gateway.larger_rooms import Camera
from tests.voip.gateway.meshes import Town, friends, on
from tests.voip.gateway.rooms.test_larger_trust import larger, two
from tests.voip.simulated import simulated
from voip.errors import MissingError, UnexpectedEventError
from voip.gateway.rooms.larger import LargerRoom


class Slides(Camera):
    """A screen that can be closed."""

    is_closed = False

    def __init__(self) -> None:
        super().__init__(0)

    def close(self) -> None:
        self.is_closed = True


@asynccontextmanager
async def alone(*, pictures: bool) -> AsyncIterator[LargerRoom]:
    (alice,) = friends("alice")
    async with on(Town(), alice) as here, larger(here, pictures=pictures) as room:
        yield room


@simulated
async def test_no_screen_is_shown_in_a_room_without_pictures() -> None:
    slides = Slides()
    async with alone(pictures=False) as room:
        with pytest.raises(MissingError, match="without pictures"):
            room.share_screen(slides)

        assert slides.is_closed
        assert room._forwarded._screen is None


@simulated
async def test_a_screen_is_shown_until_it_is_put_away() -> None:
    slides = Slides()
    async with alone(pictures=True) as room:
        room.share_screen(slides)
        shown = room._forwarded._screen
        seen = room._us().shows_screen
        room.stop_screen()

        assert shown is slides
        assert seen
        assert slides.is_closed


@simulated
async def test_a_second_screen_is_closed() -> None:
    second = Slides()
    async with alone(pictures=True) as room:
        room.share_screen(Slides())
        with pytest.raises(UnexpectedEventError, match="shown already"):
            room.share_screen(second)

        assert second.is_closed


@simulated
async def test_who_goes_while_a_screen_is_shown_ends_no_room() -> None:
    async with two(*friends("alice", "bob"), pictures=True) as both:
        both.alice.share_screen(Slides())
        (companion,) = both.alice._company
        companion.hang_up()
        await companion.conversation.finished()
        both.alice._came(companion)

        assert companion not in set(both.alice._company)
