"""Guests whom a member carries into a room over a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.voip.gateway.meshes import friends
from tests.voip.gateway.rooms.test_larger_trust import SAID_S, Two, two
from tests.voip.simulated import simulated
from voip.gateway.bridge import Port
from voip.gateway.rooms.larger import LargerRoom
from voip.media.pattern import Tone
from voip.media.sources import SILENCE
from voip.signalling.legs import LegKind, Mark

SHOWN_S = 3 * SAID_S  # the list, its acknowledgement, and then the key, by mailbox


@dataclass(slots=True)
class Carrying:
    """A room in which alice carries a guest."""

    both: Two
    guest: Port

    def heard(self) -> bool:
        """Whether what the guest says now goes to the server."""
        alice = self.both.alice
        alice.set_muted(on=True)  # her own voice would hide it
        while alice._published.listen() != SILENCE:
            pass
        tone = Tone()
        tone.read()
        self.guest.say(tone.read())
        return alice._published.listen() != SILENCE


def let_in(room: LargerRoom) -> Port:
    """Let a guest in, as far as the others agree."""
    port = room.bridge.port("guest 1")
    room.joined.want(
        LegKind.BROWSER, port, mark=Mark.BROWSER_GUEST, host="talk.example"
    )
    return port


@asynccontextmanager
async def carrying(*, agrees: bool) -> AsyncIterator[Carrying]:
    """Let a guest in where alice and bob are."""
    async with two(*friends("alice", "bob"), guests=True) as both:
        guest = let_in(both.alice)
        await asyncio.sleep(SAID_S)
        if agrees:
            both.bob.answer_guests("alice", accept=True)
            await asyncio.sleep(SHOWN_S)
        yield Carrying(both, guest)


@asynccontextmanager
async def coming_late(*, agrees: bool) -> AsyncIterator[Carrying]:
    """Have bob come where alice has a guest already."""
    async with two(*friends("alice", "bob"), guests=True, first=let_in) as both:
        if agrees:
            both.bob.answer_guests("alice", accept=True)
        await asyncio.sleep(SHOWN_S)
        yield Carrying(both, both.alice.bridge._ports["guest 1"])


@simulated
async def test_a_guest_is_not_heard_before_all_have_agreed() -> None:
    async with carrying(agrees=False) as room:
        assert room.both.bob_opens_alice
        assert not room.heard()


@simulated
async def test_who_comes_and_has_not_agreed_gets_no_key() -> None:
    async with coming_late(agrees=False) as room:
        assert not room.both.bob_opens_alice
        assert room.heard()


@simulated
async def test_who_comes_and_agrees_gets_the_key() -> None:
    async with coming_late(agrees=True) as room:
        assert room.both.bob_opens_alice


@simulated
async def test_who_agreed_hears_the_guest_in_what_his_host_sends() -> None:
    async with carrying(agrees=True) as room:
        assert room.both.bob_opens_alice
        assert room.heard()


@simulated
async def test_a_guest_is_heard_while_his_host_is_muted() -> None:
    async with carrying(agrees=True) as room:
        room.both.alice.set_muted(on=True)

        assert not room.both.alice._forwarded._is_muted


@simulated
async def test_who_is_muted_without_guests_sends_silence() -> None:
    async with two(*friends("alice", "bob")) as both:
        both.alice.set_muted(on=True)

        assert both.alice._forwarded._is_muted
