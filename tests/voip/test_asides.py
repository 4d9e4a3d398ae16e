"""What the program at the other side says: in order, from one device, or not at all."""

import asyncio

import pytest

from voip.asides import MAX_UNREAD, Asides
from voip.errors import LimitError
from voip.signalling.group import Roster

PHONE, LAPTOP = b"p" * 16, b"l" * 16


def roster(epoch: int) -> Roster:
    return Roster(bytes(16), epoch, digest=bytes(32))


def fill(asides: Asides, count: int, *, in_view: bool = True) -> None:
    for epoch in range(count):
        asides.take(PHONE, roster(epoch), in_view=in_view)


async def test_what_came_before_the_reader_is_read() -> None:
    asides = Asides()
    fill(asides, 2)
    asides.close()

    assert [each async for each in asides.read()] == [roster(0), roster(1)]


async def test_a_reader_outlives_a_timeout() -> None:
    asides = Asides()
    reader = asides.read()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(reader), 0.001)
    fill(asides, 1)

    assert await anext(reader) == roster(0)


async def test_a_device_is_heard_once_it_is_chosen() -> None:
    asides = Asides()
    fill(asides, 2, in_view=False)
    asides.take(LAPTOP, roster(9), in_view=False)
    asides.choose(PHONE)
    asides.close()

    assert [each async for each in asides.read()] == [roster(0), roster(1)]


async def test_a_device_that_said_nothing_can_be_chosen() -> None:
    asides = Asides()
    asides.choose(PHONE)
    asides.close()

    assert [each async for each in asides.read()] == []


async def test_what_fits_is_read_before_the_reading_ends_with_a_sentence() -> None:
    asides = Asides()
    fill(asides, MAX_UNREAD + 1)
    reader = asides.read()
    read = [await anext(reader) for _ in range(MAX_UNREAD)]

    assert len(read) == MAX_UNREAD
    with pytest.raises(LimitError, match="more than 64 things unread"):
        await anext(reader)


async def test_one_too_many_counts_before_a_device_is_chosen_too() -> None:
    asides = Asides()
    fill(asides, 3 * MAX_UNREAD, in_view=False)
    asides.choose(PHONE)
    reader = asides.read()
    for _ in range(MAX_UNREAD):
        await anext(reader)

    with pytest.raises(LimitError):
        await anext(reader)


async def test_after_the_end_nothing_is_taken() -> None:
    asides = Asides()
    asides.close()
    asides.close()
    fill(asides, 1)

    assert [each async for each in asides.read()] == []
    assert [each async for each in asides.read()] == []
