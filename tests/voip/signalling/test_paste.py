"""Two people call by three pasted texts: real handshake, real media, no relay."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.voip.people import MemoryKeeper, introduce, person, tone_plan
from voip.call import State
from voip.conversation import Conversation
from voip.dialling import with_announcement
from voip.endpoint import Endpoint, Settings
from voip.errors import MalformedError, RefusedError, UnreachableError
from voip.events import End
from voip.identity.calllog import Outcome
from voip.identity.trust import TrustState
from voip.media.connect.config import IceConfig
from voip.news import Ended, EpochChanged, News, StateChanged
from voip.signalling.address import Address
from voip.signalling.invitation import Step
from voip.signalling.paste import PastePost

People = tuple[MemoryKeeper, MemoryKeeper]

BY_HAND = Settings(plan=tone_plan, ice=IceConfig(loopback=True), by_hand=True)


@asynccontextmanager
async def at_hand(keeper: MemoryKeeper) -> AsyncIterator[tuple[PastePost, Endpoint]]:
    post = PastePost()
    async with Endpoint(keeper, post, settings=BY_HAND, entropy=os.urandom) as endpoint:
        yield post, endpoint


def announce(to: MemoryKeeper, whose: Endpoint, alias: str) -> None:
    """Hand over what a relay would be asked for."""
    contacts = to.vault.contacts
    known = with_announcement(
        contacts.find(alias), whose.announcement(), int(time.time())
    )
    to.vault = replace(to.vault, contacts=contacts.put(known))


@pytest.fixture
def people() -> People:
    alice, bob = person("alice", None), person("bob", None)
    introduce(alice, bob)
    return alice, bob


async def until(side: Conversation, wanted: News) -> None:
    """Read the news up to a piece of it."""
    async for news in side.news():
        assert not isinstance(news, Ended)
        if news == wanted:
            return


async def connected(
    one: tuple[PastePost, Endpoint], other: tuple[PastePost, Endpoint]
) -> tuple[Conversation, Conversation]:
    """Carry three texts from each to the other."""
    (a, caller), (b, callee) = one, other
    outgoing = await caller.dial("bob")
    b.take(await a.text(Step.INVITE), Step.INVITE)
    incoming = await anext(callee.incoming())
    incoming.accept()
    a.take(await b.text(Step.ANSWER), Step.ANSWER)
    b.take(await a.text(Step.SELECT), Step.SELECT)
    async with asyncio.timeout(20):
        await asyncio.gather(
            until(outgoing, StateChanged(State.ACTIVE)),
            until(incoming, StateChanged(State.ACTIVE)),
        )
    return outgoing, incoming


async def ended(*sides: Conversation) -> list[End | None]:
    sides[0].hang_up()
    async with asyncio.timeout(20):
        await asyncio.gather(*(side.finished() for side in sides))
    return [side.end for side in sides]


async def test_three_texts_make_a_call(people: People) -> None:
    alice, bob = people
    async with at_hand(alice) as caller, at_hand(bob) as callee:
        announce(alice, callee[1], "bob")
        sides = await connected(caller, callee)
        words = [side.words for side in sides]
        ends = await ended(*sides)

    assert words[0] is not None
    assert words[0] == words[1]
    assert ends == [End.HUNG_UP, End.HUNG_UP]


async def test_a_call_by_hand_is_in_the_log_of_both_sides(people: People) -> None:
    alice, bob = people
    async with at_hand(alice) as caller, at_hand(bob) as callee:
        announce(alice, callee[1], "bob")
        await ended(*await connected(caller, callee))
    outcomes = [call.outcome for person in people for call in person.vault.calls.calls]

    assert outcomes == [Outcome.ENDED, Outcome.ENDED]


async def test_a_call_by_hand_recognises_the_device_next_time(people: People) -> None:
    alice, bob = people
    async with at_hand(alice) as caller, at_hand(bob) as callee:
        announce(alice, callee[1], "bob")
        first = await connected(caller, callee)
        first[0].rekey()  # records went both ways when that is done
        async with asyncio.timeout(20):
            await asyncio.gather(*(until(side, EpochChanged(1)) for side in first))
        await ended(*first)
    async with at_hand(alice) as caller, at_hand(bob) as callee:
        second = await connected(caller, callee)
        trust = [side.trust.state for side in second if side.trust is not None]
        await ended(*second)

    assert trust == [TrustState.CONTINUOUS, TrustState.CONTINUOUS]


async def test_a_text_for_somebody_else_does_not_open(people: People) -> None:
    alice, bob = people
    eve = person("eve", None)
    async with at_hand(alice) as (a, caller), at_hand(bob) as (_, callee):
        announce(alice, callee, "bob")
        await caller.dial("bob")
        text = await a.text(Step.INVITE)
        async with at_hand(eve) as (post, endpoint):
            post.take(text, Step.INVITE)
            said = await anext(endpoint.problems())

    assert said == "the text does not open on this device, or is damaged"


async def test_of_several_devices_one_must_be_named(people: People) -> None:
    alice, bob = people
    other = person("bob", None, seed=bob.vault.signer.seed)
    async with (
        at_hand(alice) as (a, caller),
        at_hand(bob) as (_, callee),
        at_hand(other) as (_, second),
    ):
        announce(alice, callee, "bob")
        announce(alice, second, "bob")
        with pytest.raises(RefusedError, match="one device can be called, came sev"):
            await caller.dial("bob")
        await caller.dial("bob", device=other.vault.device_id)
        text = await a.text(Step.INVITE)

    assert text.startswith("ringfence call 1 step 1 of 3\n")


async def test_a_device_that_was_not_introduced_cannot_be_called(
    people: People,
) -> None:
    async with at_hand(people[0]) as (_, caller):
        with pytest.raises(UnreachableError, match="has no device that can be called"):
            await caller.dial("bob")


async def test_a_text_of_another_step_is_refused() -> None:
    post = PastePost()
    await post.send(Address(bytes(16), bytes(32), None), bytes(4096))
    text = await post.text(Step.INVITE)

    with pytest.raises(MalformedError, match="expected step 2 of 3, came step 1"):
        post.take(text, Step.ANSWER)


async def test_waiting_for_a_text_can_be_given_up_and_taken_up_again() -> None:
    post, to = PastePost(), Address(bytes(16), bytes(32), None)
    await post.send(to, bytes(4096))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await post.text(Step.ANSWER)
    await post.send(to, bytes(4096))

    assert (await post.text(Step.ANSWER)).startswith("ringfence call 1 step 2 of 3\n")
