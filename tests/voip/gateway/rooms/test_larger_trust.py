"""Rooms over a server: whom we give no key to, so that they hear nothing of us."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from tests.voip.gateway.larger_rooms import Camera
from tests.voip.gateway.meshes import GROUP, Town, friends, on, until
from tests.voip.pairs import Party
from tests.voip.peers import Home
from tests.voip.people import tone_plan
from tests.voip.simulated import simulated
from voip.errors import RefusedError, UnreachableError
from voip.gateway.rooms.larger import LargerRoom
from voip.gateway.rooms.news import RoomNews, RoomWarned, TurnedAway
from voip.gateway.rooms.sfu import Sfu
from voip.identity.trust import Reason, broken
from voip.signalling.group import Room

TICKET = Room(GROUP, "wss://sfu.example", room=7, pin="a" * 26)
SAID_S = 5.0  # records carry what was said


class Down(AbstractAsyncContextManager[Sfu]):
    """A server that does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Sfu:
        raise UnreachableError(f"{self._url} does not answer")

    async def __aexit__(self, *_: object) -> None:
        pass


def told(room: LargerRoom) -> list[RoomNews]:
    """Say what waits for the user of a room."""
    return list(room._news._queue)  # type: ignore[attr-defined]


def larger(
    home: Home,
    ticket: Room | None = TICKET,
    *,
    pictures: bool = False,
    guests: bool = False,
) -> LargerRoom:
    """Make a room whose server does not answer."""
    video = Camera(0) if pictures else None
    return LargerRoom(
        home.endpoint,
        home.keeper,
        plan=replace(tone_plan(), video_source=video),
        group_id=GROUP,
        open_sfu=Down,
        entropy=os.urandom,
        ticket=ticket,
        guests=guests,
    )


@dataclass(slots=True)
class Two:
    """Alice, who opened a room, and bob, whom she asked in."""

    alice: LargerRoom
    bob: LargerRoom

    @property
    def bob_opens_alice(self) -> bool:
        """Whether bob has the key that alice seals with."""
        chain = self.bob._keyring.heard._chains.get(self.alice._membership.own)
        in_use = self.alice._keyring._own.in_use
        return chain is not None and chain.newest.key == in_use.key

    @property
    def warnings(self) -> list[str]:
        """What alice was told."""
        news = told(self.alice)
        return [each.sentence for each in news if isinstance(each, RoomWarned)]

    async def stand(self) -> None:
        """Wait until the call works and its first words have arrived."""
        await until(lambda: any(True for _ in self.alice._company))
        await until(lambda: self.alice._membership.own in self.bob._membership.heard)
        await asyncio.sleep(SAID_S)


@asynccontextmanager
async def two(
    alice: Party,
    bob: Party,
    *,
    pictures: bool = False,
    guests: bool = False,
    first: Callable[[LargerRoom], object] | None = None,
) -> AsyncIterator[Two]:
    """Have two in a room whose server does not answer; alice does something first."""
    town = Town()
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(on(town, alice))
        there = await stack.enter_async_context(on(town, bob))
        one = await stack.enter_async_context(
            larger(here, pictures=pictures, guests=guests)
        )
        if first is not None:
            first(one)
        await one.invite("bob")
        invitation = await there.rung()
        other = await stack.enter_async_context(larger(there, None))
        other.join(invitation)
        both = Two(one, other)
        await both.stand()
        yield both


def doubting(alice: Party, bob: Party) -> None:
    """Have alice know that somebody was in between."""
    device = alice.device(bob)
    trust = broken(device.trust, Reason.WORDS_DIFFER, int(time.time()))
    alice.keep(bob, replace(device, trust=trust))


@simulated
async def test_a_member_gets_our_key_and_the_place() -> None:
    async with two(*friends("alice", "bob")) as both:
        assert both.bob_opens_alice
        assert both.bob._where.ticket == TICKET


@simulated
async def test_who_is_broken_gets_neither_key_nor_place() -> None:
    alice, bob = friends("alice", "bob")
    doubting(alice, bob)
    async with two(alice, bob) as both:
        assert both.bob._keyring.heard._chains == {}
        assert both.bob._where.ticket is None
        assert [each for each in both.warnings if each.startswith("bob hears nothing")]


@simulated
async def test_who_is_new_gets_no_key_of_a_strict_user() -> None:
    alice, bob = friends("alice", "bob")
    alice.vault = replace(
        alice.vault, settings=replace(alice.vault.settings, strict=True)
    )
    async with two(alice, bob) as both:
        assert both.bob._keyring.heard._chains == {}


@simulated
async def test_who_is_broken_gets_the_key_if_the_user_says_so() -> None:
    alice, bob = friends("alice", "bob")
    doubting(alice, bob)
    async with two(alice, bob) as both:
        both.alice.speak_anyway("bob")
        await asyncio.sleep(SAID_S)

        assert both.bob_opens_alice
        assert both.bob._where.ticket == TICKET


@simulated
async def test_who_is_verified_gets_the_key_of_a_strict_user() -> None:
    alice, bob = friends("alice", "bob")
    alice.vault = replace(
        alice.vault, settings=replace(alice.vault.settings, strict=True)
    )
    async with two(alice, bob) as both:
        await both.alice.compared("bob", matched=True)
        await asyncio.sleep(SAID_S)

        assert both.bob_opens_alice


@simulated
async def test_when_the_words_differ_we_seal_with_another_key_at_once() -> None:
    async with two(*friends("alice", "bob")) as both:
        had = both.bob_opens_alice
        await both.alice.compared("bob", matched=False)

        assert had
        assert not both.bob_opens_alice


@simulated
async def test_who_was_spoken_to_anyway_gets_no_more_keys_when_the_words_differ() -> (
    None
):
    alice, bob = friends("alice", "bob")
    doubting(alice, bob)
    async with two(alice, bob) as both:
        both.alice.speak_anyway("bob")
        await asyncio.sleep(SAID_S)
        await both.alice.compared("bob", matched=False)
        await asyncio.sleep(SAID_S)

        assert not both.bob_opens_alice


@simulated
async def test_a_call_with_sound_has_no_place_in_a_room_over_a_server() -> None:
    alice, bob = friends("alice", "bob")
    town = Town()
    async with on(town, alice) as here, on(town, bob) as there, larger(here) as room:
        call = await there.endpoint.dial("alice", group=GROUP)
        await call.finished()

        assert TurnedAway("bob", "it is a call of another kind of room") in told(room)


@simulated
async def test_who_asks_for_sound_is_not_followed_into_a_room_over_a_server() -> None:
    alice, bob = friends("alice", "bob")
    town = Town()
    async with on(town, alice) as here, on(town, bob) as there:
        await there.endpoint.dial("alice", group=GROUP)
        invitation = await here.rung()
        async with larger(here) as room:
            with pytest.raises(RefusedError, match="another kind of room"):
                room.join(invitation)
