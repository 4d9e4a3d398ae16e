"""Media that begins by what both sides know, before the caller's selection came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.voip.media.call_media import Pattern, Seen, Side, described
from tests.voip.media.connect.relays import until
from voip.description import Description, Kind
from voip.errors import RefusedError, UnreachableError
from voip.handshake.schedule import Opening
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import FirstVerified, Knocked, PathUp

OPENINGS = (
    Opening("alice123", "a" * 32, ssrc=0xA11CE),
    Opening("bob45678", "b" * 32, ssrc=0xB0B),
)


def _side(role: int, *, knows: bool = True, shows: bool = False) -> Side:
    mine, theirs = OPENINGS if role == CALLER else OPENINGS[::-1]
    return Side(
        role,
        camera=Pattern() if shows else None,
        window=Seen() if shows else None,
        openings=(mine, theirs) if knows else None,
    )


@asynccontextmanager
async def _calling(
    caller: Side, callee: Side
) -> AsyncIterator[tuple[Description, asyncio.Task[None]]]:
    """Let the caller look for a callee who was not told of its selection yet."""
    selection, offered = await described(caller, callee)
    connecting = asyncio.ensure_future(caller.media.connect(offered))
    try:
        yield selection, connecting
    finally:
        await asyncio.gather(caller.media.close(), callee.media.close())
        await asyncio.gather(connecting, return_exceptions=True)


async def test_both_sides_are_up_without_the_selection() -> None:
    caller, callee = _side(CALLER), _side(CALLEE)
    async with asyncio.timeout(10), _calling(caller, callee):
        await callee.until(Knocked)
        await callee.media.meet()
        for side in (caller, callee):
            await side.until(FirstVerified)
            side.media.open_sources()
        heard = [_has_sound(side) for side in (caller, callee)]
        await asyncio.gather(*heard)


async def test_a_microphone_may_open_once_there_is_a_way() -> None:
    caller, callee = _side(CALLER), _side(CALLEE)
    async with asyncio.timeout(10), _calling(caller, callee):
        await callee.until(Knocked)
        await callee.media.meet()
        await callee.until(PathUp)
        callee.media.open_sources()
        await _has_sound(caller)


async def test_pictures_come_with_the_selection() -> None:
    caller, callee = _side(CALLER, shows=True), _side(CALLEE, shows=True)
    async with asyncio.timeout(20), _calling(caller, callee) as (selection, _):
        await callee.until(Knocked)
        await callee.media.meet()
        callee.media.set_pictures(frozenset({Kind.VIDEO}))
        await callee.media.connect(selection, complete=False)
        for side in (caller, callee):
            await side.until(FirstVerified)
            side.media.open_sources()
        window = caller.window
        assert isinstance(window, Seen)
        await until(lambda: bool(window.pictures))


async def test_a_caller_that_knows_no_opening_waits_for_its_selection() -> None:
    caller, callee = _side(CALLER, knows=False), _side(CALLEE)
    async with asyncio.timeout(10), _calling(caller, callee) as (selection, _):
        await callee.media.connect(selection)
        await callee.until(FirstVerified)

    assert not any(isinstance(each, Knocked) for each in callee.events)


async def test_a_callee_that_knows_no_opening_is_connected_to() -> None:
    caller, callee = _side(CALLER), _side(CALLEE, knows=False)
    async with asyncio.timeout(10), _calling(caller, callee) as (selection, _):
        await callee.media.connect(selection)
        await callee.until(FirstVerified)
        await caller.until(FirstVerified)


@pytest.mark.parametrize("what", ["ufrag", "pwd", "ssrc"])
async def test_a_selection_of_somebody_else_is_refused(what: str) -> None:
    caller, callee = _side(CALLER), _side(CALLEE)
    async with asyncio.timeout(10), _calling(caller, callee) as (selection, _):
        (sound,) = selection.streams
        others = {
            "ufrag": replace(selection, ufrag="mallory1"),
            "pwd": replace(selection, pwd="m" * 32),
            "ssrc": replace(selection, streams=(replace(sound, ssrc=1),)),
        }
        await callee.until(Knocked)
        await callee.media.meet()
        with pytest.raises(RefusedError, match="not of the caller"):
            await callee.media.connect(others[what])


async def test_nobody_is_let_in_once_the_media_is_closed() -> None:
    callee = _side(CALLEE)
    await callee.media.close()
    with pytest.raises(UnreachableError, match="closed"):
        await callee.media.meet()


async def _has_sound(side: Side) -> None:
    await until(lambda: any(side.sink.pcm))
