"""A wish to stop reaches whoever it is for, whenever it comes."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from cli.interrupted import on_interrupt, on_signals


@pytest.fixture(autouse=True)
def before() -> Iterator[list[int]]:
    """Note what reaches who had the signals before."""
    came: list[int] = []
    kept = {
        each: signal.signal(each, lambda number, _frame: came.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    yield came
    for each, handler in kept.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_within_the_block_it_is_an_order(
    before: list[int], number: signal.Signals
) -> None:
    told = asyncio.Event()
    with on_interrupt(told.set):
        signal.raise_signal(number)
        await told.wait()

    assert before == []


async def test_after_the_block_it_is_what_it_was(before: list[int]) -> None:
    with on_interrupt(lambda: None):
        pass
    signal.raise_signal(signal.SIGTERM)

    assert before == [signal.SIGTERM]


async def test_what_comes_as_the_block_ends_is_passed_on(before: list[int]) -> None:
    acted: list[str] = []
    with on_interrupt(lambda: acted.append("inside")):
        signal.raise_signal(signal.SIGTERM)  # and the loop has no time to act
    await asyncio.sleep(0)

    assert (acted, before) == ([], [signal.SIGTERM])


async def test_it_is_passed_on_to_the_block_around(before: list[int]) -> None:
    told = asyncio.Event()
    with on_interrupt(told.set):
        with on_interrupt(lambda: None):
            signal.raise_signal(signal.SIGINT)
        await told.wait()

    assert before == []


async def test_each_signal_has_an_order_of_its_own(before: list[int]) -> None:
    ends, drains = asyncio.Event(), asyncio.Event()
    with on_signals({signal.SIGINT: ends.set, signal.SIGTERM: drains.set}):
        signal.raise_signal(signal.SIGTERM)
        await drains.wait()

    assert (ends.is_set(), before) == (False, [])
