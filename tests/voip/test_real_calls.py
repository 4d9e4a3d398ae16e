"""Calls over a real relay with real media, where the stand-ins prove too little."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.voip.overheard import shown, stored
from tests.voip.peers import PowerCut
from tests.voip.people import at_home, database, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.events import End
from voip.handshake.schedule import Role, record, srtp
from voip.news import Ended, News, PeerChanged, StateChanged
from voip.signalling.relay import serve_relay


async def tells(call: Conversation, expected: News) -> None:
    async with asyncio.timeout(10):
        async for news in call.news():
            if news == expected:
                return
    raise AssertionError(f"the call ended without {expected}")


@asynccontextmanager
async def talking(
    folder: Path, kept: set[bytes] | None = None
) -> AsyncIterator[tuple[AsyncExitStack, Conversation, Conversation]]:
    """Put two people in a call, who leave without a word; the stack holds the relay.

    `kept` takes the secrets that are in their stores afterwards.
    """
    async with AsyncExitStack() as relays:
        relay = await relays.enter_async_context(serve_relay(database(folder)))
        alice, bob = person("alice", relay.address), person("bob", relay.address)
        introduce(alice, bob)
        try:
            async with at_home(alice) as here, at_home(bob) as there:
                theirs = await here.dial("bob")
                ours = await anext(there.incoming())
                ours.accept()
                await tells(theirs, StateChanged(State.ACTIVE))
                await tells(ours, StateChanged(State.ACTIVE))
                yield relays, theirs, ours
                raise PowerCut  # noqa: TRY301 -- saying goodbye takes seconds
        except* PowerCut:
            pass
    if kept is not None:
        kept.update(*map(stored, (alice.vault, bob.vault)))


def keys_of(call: Conversation) -> Iterator[bytes]:
    session = call._session
    assert session.leg is not None
    assert session.line is not None
    leg, epoch_secret = session.leg, session.line._rekeying._secret
    assert leg.sas is not None
    yield from (leg._send_key, leg._receive_key, leg.retained, leg.sas, epoch_secret)
    for role in Role:
        yield from (key(epoch_secret, role, 0)[:32] for key in (srtp, record))


async def test_a_call_goes_on_and_ends_when_the_relay_is_killed(tmp_path: Path) -> None:
    async with talking(tmp_path) as (relays, theirs, ours):
        await relays.aclose()
        theirs.set_muted(on=True)
        await tells(ours, PeerChanged(held=False, muted=True, video=False))
        before = theirs.state, ours.state
        theirs.hang_up()
        await tells(ours, Ended(End.HUNG_UP))

        assert before == (State.ACTIVE, State.ACTIVE)


async def test_no_library_logs_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Ours logs nothing; aiortc, aioice, aiohttp and asyncio do."""
    caplog.set_level(logging.DEBUG)
    secrets: set[bytes] = set()
    async with talking(tmp_path, secrets) as (_, theirs, ours):
        secrets |= {*keys_of(theirs), *keys_of(ours)}
        theirs.hang_up()
        await tells(ours, Ended(End.HUNG_UP))

    assert len(secrets) > 20
    assert shown(secrets, caplog.text) == []
