"""Frames of the programs around a call: in order, one at a time, and only if wanted."""

import asyncio

import pytest

from tests.voip.peers import Wire, at, media_of, over, people, settle, talk, until
from tests.voip.simulated import simulated
from voip.call import State
from voip.errors import (
    LimitError,
    MalformedError,
    MissingError,
    UnreachableError,
)
from voip.frames import MAX_UNREAD, MAX_UNSENT, Frames
from voip.handshake.schedule import Role
from voip.media.events import HeardAgain, Quiet
from voip.signalling.control import Control, format_control, parse_control
from voip.signalling.delivery import Delivery, Path
from voip.signalling.messages import Gossip, Ping

# The frames of one side ---------------------------


def sent(delivery: Delivery) -> list[bytes]:
    """Let leave what is due for the first time."""
    messages = [parse_control(ctl).message for ctl in delivery.due(0.0, Path.RECORD)]
    return [each.frame for each in messages if isinstance(each, Gossip)]


def acknowledge(delivery: Delivery, through: int) -> None:
    delivery.receive(format_control(Control(0, through, message=Ping())), 0.0)


def test_a_frame_waits_until_the_one_before_has_arrived() -> None:
    frames, delivery = Frames(), Delivery()
    for frame in (b"one", b"two"):
        frames.put(frame)
    leaving = []
    for through in (0, 0, 1):
        acknowledge(delivery, through)
        frames.send_next(delivery)
        leaving.append(sent(delivery))

    assert leaving == [[b"one"], [], [b"two"]]


def test_a_window_that_is_full_loses_no_frame() -> None:
    frames, delivery = Frames(), Delivery()
    frames.put(b"one")
    for _ in range(64):
        delivery.send(Gossip(b"other"))
    sent(delivery)
    frames.send_next(delivery)
    acknowledge(delivery, 64)
    frames.send_next(delivery)

    assert sent(delivery) == [b"one"]


def test_frames_that_nobody_can_send_any_more_are_refused() -> None:
    frames = Frames()
    for _ in range(MAX_UNSENT):
        frames.put(b"frame")

    with pytest.raises(LimitError, match="32 frames wait"):
        frames.put(b"frame")


@pytest.mark.parametrize("size", [0, 4001])
def test_a_frame_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="expected 1-4000 bytes"):
        Frames().put(bytes(size))


async def test_what_comes_before_anybody_reads_is_gone() -> None:
    frames = Frames()
    frames.take(b"early")
    reader = frames.read()
    frames.take(b"late")
    frames.close()

    assert [frame async for frame in reader] == [b"late"]


async def test_a_reader_outlives_its_own_impatience() -> None:
    frames = Frames()
    reader = frames.read()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(reader)
    frames.take(b"late")

    assert await anext(reader) == b"late"


async def test_one_frame_too_many_ends_the_reading_and_not_the_sending() -> None:
    frames, delivery = Frames(), Delivery()
    reader = frames.read()
    for number in range(MAX_UNREAD + 2):
        frames.take(bytes([number]))
    frames.put(b"ours")
    frames.send_next(delivery)

    assert [frame async for frame in reader] == [bytes([n]) for n in range(MAX_UNREAD)]
    assert sent(delivery) == [b"ours"]


async def test_reading_is_over_for_good_after_the_end() -> None:
    frames = Frames()
    reader = frames.read()
    frames.close()
    frames.close()
    frames.take(b"late")

    assert [frame async for frame in reader] == []
    assert [frame async for frame in reader] == []
    assert [frame async for frame in frames.read()] == []


async def test_who_reads_after_the_end_reads_nothing() -> None:
    frames = Frames()
    frames.close()

    assert [frame async for frame in frames.read()] == []


def test_nothing_is_sent_after_the_end() -> None:
    frames, delivery = Frames(), Delivery()
    frames.put(b"one")
    frames.close()
    frames.send_next(delivery)

    assert sent(delivery) == []


# In a call ---------------------------


@simulated
async def test_frames_arrive_whole_and_in_order() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        reader = ours.frames()
        for frame in (b"one", bytes(4000), b"three"):
            theirs.send_frame(frame)
        came = []
        for _ in range(3):
            came.append(await anext(reader))
            ours.set_muted(on=True)  # what it says carries the acknowledgement

        assert came == [b"one", bytes(4000), b"three"]


@simulated
async def test_frames_that_nobody_asked_for_are_gone() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        theirs.send_frame(b"unasked")
        await asyncio.sleep(5)
        reader = ours.frames()
        ours.hang_up()
        await over(theirs, ours)

        assert [frame async for frame in reader] == []


@simulated
async def test_before_the_call_stands_no_frame_passes() -> None:
    async with at(Wire(), *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        reader = ours.frames()
        with pytest.raises(MissingError, match="not connected"):
            theirs.send_frame(b"early")
        leg = theirs._session.leg
        assert leg is not None
        leg.delivery.send(Gossip(b"early"))  # as a program that is not ours may
        theirs._session.wake()
        await asyncio.sleep(5)
        ours.decline()
        await over(theirs, ours)

        assert [frame async for frame in reader] == []


@simulated
async def test_while_the_path_is_lost_frames_wait_and_no_relay_sees_them() -> None:
    wire = Wire()
    async with at(wire, *people()) as homes:
        theirs, ours = await talk(*homes)
        reader = ours.frames()
        wire.rooms.fails[Role.CALLER, "restart"] = UnreachableError("no address")
        media_of(theirs).happen(Quiet(3.0))
        await until(theirs, State.RECONNECTING)
        await settle(wire)
        carried = len(wire.carried)
        theirs.send_frame(b"later")
        await settle(wire)
        seen_by_relay = len(wire.carried) - carried
        media_of(theirs).happen(HeardAgain())

        assert await anext(reader) == b"later"
        assert seen_by_relay == 0


@simulated
async def test_the_end_of_the_call_ends_the_reading() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        reader = theirs.frames()
        ours.hang_up()

        assert [frame async for frame in reader] == []
        with pytest.raises(MissingError):
            theirs.send_frame(b"late")
