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
from voip.events import End
from voip.media.ice import IceConfig
from voip.news import Ended, StateChanged
from voip.signalling.invitation import Step
from voip.signalling.paste import PastePost

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
def people() -> tuple[MemoryKeeper, MemoryKeeper]:
    alice, bob = person("alice", None), person("bob", None)
    introduce(alice, bob)
    return alice, bob


async def until(side: Conversation, state: State) -> None:
    async for news in side.news():
        assert not isinstance(news, Ended)
        if news == StateChanged(state):
            return


async def test_three_texts_make_a_call(
    people: tuple[MemoryKeeper, MemoryKeeper],
) -> None:
    alice, bob = people
    async with at_hand(alice) as (a, caller), at_hand(bob) as (b, callee):
        announce(alice, callee, "bob")
        outgoing = await caller.dial("bob")
        b.take(await a.text(Step.INVITE), Step.INVITE)
        incoming = await anext(callee.incoming())
        incoming.accept()
        a.take(await b.text(Step.ANSWER), Step.ANSWER)
        b.take(await a.text(Step.SELECT), Step.SELECT)
        async with asyncio.timeout(20):
            await asyncio.gather(
                until(outgoing, State.ACTIVE), until(incoming, State.ACTIVE)
            )
        words = outgoing.words, incoming.words
        outgoing.hang_up()
        async with asyncio.timeout(20):
            await asyncio.gather(outgoing.finished(), incoming.finished())

    assert words[0] is not None
    assert words[0] == words[1]
    assert (outgoing.end, incoming.end) == (End.HUNG_UP, End.HUNG_UP)
