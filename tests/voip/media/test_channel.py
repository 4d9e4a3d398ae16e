"""Text and files over SCTP in records, on a wire without sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.voip.media.memory import End, settle, start
from voip.errors import LimitError, MissingError
from voip.media.channel import MAX_WAITING_BYTES, DataChannel
from voip.media.events import ChannelRefused, FileReceived, TextReceived
from voip.media.transfer import MAX_FILE_BYTES


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    caller, callee = await start()
    yield caller, callee
    for end in (caller, callee):
        await end.transport.stop()


async def _carry(a: End, b: End) -> None:
    """Carry everything both ways until nobody has more to say."""
    while (at_b := a.take()) + (at_a := b.take()):
        await b.hear(*at_b)
        await a.hear(*at_a)
        await settle()


async def _open(caller: End, callee: End) -> tuple[DataChannel, DataChannel]:
    channels = tuple(
        DataChannel(end.transport, end.events.append) for end in (caller, callee)
    )
    for channel in channels:
        await channel.start()
    async with asyncio.timeout(5):
        while not all(channel.is_open for channel in channels):
            await _carry(caller, callee)
    return channels[0], channels[1]


async def test_a_text_arrives(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    ours.send_text("hello")
    await settle()
    await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert callee.events[-1] == TextReceived("hello")


async def test_a_file_arrives(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    theirs.send_file("a.bin", bytes(100_000))
    async with asyncio.timeout(5):
        while not isinstance(caller.events[-1], FileReceived):
            await settle()
            await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert caller.events[-1] == FileReceived("a.bin", bytes(100_000))


async def test_nothing_is_sent_before_the_channel_is_open(
    ends: tuple[End, End],
) -> None:
    channel = DataChannel(ends[0].transport, ends[0].events.append)
    with pytest.raises(MissingError, match="not open"):
        channel.send_text("hello")

    assert not channel.is_open


async def test_more_than_can_wait_is_refused(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    for _ in range(MAX_WAITING_BYTES // MAX_FILE_BYTES - 1):
        ours.send_file("a", bytes(MAX_FILE_BYTES))
    ours.send_file("a", bytes(MAX_FILE_BYTES - 10_000))
    with pytest.raises(LimitError, match="would wait"):
        ours.send_file("a", bytes(MAX_FILE_BYTES))
    await ours.stop()
    await theirs.stop()


async def test_a_peer_who_breaks_the_rules_is_not_listened_to(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    assert ours._channel is not None
    ours._channel.send("not bytes")
    ours.send_text("hello")
    await settle()
    await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert [type(event) for event in callee.events[1:]] == [ChannelRefused]
