"""A call whose path dies goes on by another one, under the same keys' successors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.voip.people import at_home, database, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.events import PathLost
from voip.news import EpochChanged, News, StateChanged
from voip.signalling.relay import serve_relay


@asynccontextmanager
async def in_a_call(folder: Path) -> AsyncIterator[tuple[Conversation, Conversation]]:
    async with serve_relay(database(folder)) as relay:
        alice, bob = person("alice", relay.address), person("bob", relay.address)
        introduce(alice, bob)
        async with at_home(alice) as here, at_home(bob) as there:
            outgoing = await here.dial("bob")
            incoming = await anext(there.incoming())
            incoming.accept()
            await until(outgoing, StateChanged(State.ACTIVE))
            await until(incoming, StateChanged(State.ACTIVE))
            yield outgoing, incoming


async def until(call: Conversation, expected: News) -> None:
    async with asyncio.timeout(15):
        async for news in call.news():
            if news == expected:
                return
    raise AssertionError(f"the call ended without {expected}")


class _Hole:
    """A socket that sends nothing any more, and says nothing about it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def cut(call: Conversation) -> None:
    line = call._session.line
    assert line is not None
    for protocol in line.media._ways.current._agent._protocols:
        protocol.transport = _Hole(protocol.transport)  # type: ignore[assignment]


@pytest.mark.slow
async def test_a_dead_path_is_replaced_and_the_keys_with_it(tmp_path: Path) -> None:
    async with in_a_call(tmp_path) as (outgoing, incoming):
        cut(outgoing)
        cut(incoming)
        await until(outgoing, StateChanged(State.RECONNECTING))
        began = asyncio.get_running_loop().time()
        await until(outgoing, StateChanged(State.ACTIVE))
        took_s = asyncio.get_running_loop().time() - began
        await until(outgoing, EpochChanged(1))

        assert took_s < 3


async def test_both_sides_may_notice_at_once(tmp_path: Path) -> None:
    async with in_a_call(tmp_path) as (outgoing, incoming):
        outgoing._session.feed(PathLost())
        incoming._session.feed(PathLost())
        await until(outgoing, StateChanged(State.ACTIVE))
        await until(incoming, StateChanged(State.ACTIVE))

        assert outgoing.stats is not None
        assert outgoing.stats.dropped == 0


async def test_a_second_change_of_network_does_not_wait_for_the_first(
    tmp_path: Path,
) -> None:
    async with in_a_call(tmp_path) as (outgoing, incoming):
        line = outgoing._session.line
        assert line is not None
        for _ in range(3):
            outgoing._session.feed(PathLost())
        await until(outgoing, StateChanged(State.ACTIVE))
        await until(incoming, EpochChanged(1))

        assert line._generation == 3


async def test_changes_on_both_sides_that_cross_end_on_one_path(
    tmp_path: Path,
) -> None:
    async with in_a_call(tmp_path) as (outgoing, incoming):
        for _ in range(2):
            outgoing._session.feed(PathLost())
        for _ in range(3):
            incoming._session.feed(PathLost())
        await until(outgoing, StateChanged(State.ACTIVE))
        await until(incoming, StateChanged(State.ACTIVE))
        lines = outgoing._session.line, incoming._session.line

        assert [line._generation for line in lines if line is not None] == [3, 3]
