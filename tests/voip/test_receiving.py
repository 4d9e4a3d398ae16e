"""What an authenticated other side may say, and what comes of what it may not."""

import asyncio

import pytest

from tests.voip.peers import Wire, at, media_of, over, people, talk
from tests.voip.simulated import simulated
from voip.events import End
from voip.media.events import ControlReceived
from voip.signalling.messages import (
    Candidates,
    Confirm,
    Message,
    RekeyAck,
    Restart,
)


async def end_after_message(message: Message) -> tuple[End | None, End | None]:
    """Let the callee say something; how does the call end for each?"""
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        assert ours._session.leg is not None
        ours._session.leg.delivery.send(message)
        ours._session.wake()
        await asyncio.sleep(20)
        return theirs.end, ours.end


@pytest.mark.parametrize(
    "message",
    [
        RekeyAck(bytes(1124)),
        Restart(1, "abcd", pwd="p" * 22, candidates=("no candidate",)),
    ],
)
@simulated
async def test_messages_that_cannot_be_end_the_call_for_security(
    message: Message,
) -> None:
    assert await end_after_message(message) == (End.SECURITY, End.SECURITY)


@pytest.mark.parametrize(
    "message", [Confirm(bytes(32)), Candidates(7, last=True, candidates=())]
)
@simulated
async def test_messages_out_of_place_mean_nothing(message: Message) -> None:
    assert await end_after_message(message) == (None, None)


@simulated
async def test_a_verified_message_that_cannot_be_read_ends_the_call() -> None:
    """Only the other side can have sealed it, and nobody honest sends it."""
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        media_of(ours).happen(ControlReceived(b"no message"))
        await over(ours)

        assert (theirs.end, ours.end) == (End.SECURITY, End.SECURITY)
