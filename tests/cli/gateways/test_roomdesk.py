"""A room before its user: a verdict about words is of the session that has them."""

from collections.abc import Iterator
from contextlib import AsyncExitStack

import click
import pytest

from cli.gateways.roomdesk import RoomDesk
from tests.voip.gateway.meshes import Town, coming, friends, meeting, on, until
from tests.voip.simulated import simulated
from voip.errors import RefusedError, UnexpectedEventError
from voip.identity.trust import TrustState


@pytest.fixture(autouse=True)
def _command() -> Iterator[None]:
    """Run as a command does, whose output is for people."""
    with click.Context(click.Command("room")):
        yield


@simulated
async def test_words_of_a_session_that_was_replaced_verify_nobody() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with AsyncExitStack() as stack, meeting(wire, alice) as people:
        there = await stack.enter_async_context(on(wire, bob))
        desk = RoomDesk(people[0].room)
        async with coming(people[0], there, "bob"):
            await until(lambda: people[0].heard == {"bob"})
            await desk._do_line("choices bob")
        await until(lambda: not people[0].heard)
        await stack.enter_async_context(coming(people[0], there, "bob"))
        await until(lambda: people[0].heard == {"bob"})

        with pytest.raises(UnexpectedEventError, match="is a new one"):
            await desk._do_line("choose 1")
        assert people[0].sees("bob").trust is not TrustState.VERIFIED


@simulated
async def test_words_of_who_has_left_verify_nobody() -> None:
    wire = Town()
    async with meeting(wire, *friends("alice", "bob")) as people:
        await until(lambda: people[0].heard == {"bob"})
        desk = RoomDesk(people[0].room)
        await desk._do_line("choices bob")
        await people[1].room.leave()
        await until(lambda: not people[0].heard)

        with pytest.raises(RefusedError, match="nobody called 'bob'"):
            await desk._do_line("choose 1")
