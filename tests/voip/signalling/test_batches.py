import asyncio
from collections.abc import Sequence

import pytest

from voip.errors import LimitError, StoreError
from voip.signalling.batches import MAX_BATCH, MAX_WAITING, Batches, open_batches, stop


class Engine:
    """Doubles numbers, a batch at a time, once it is let."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = asyncio.Event()

    async def work(self, requests: Sequence[int]) -> Sequence[int]:
        await self.gate.wait()
        self.sizes.append(len(requests))
        if 13 in requests:
            raise StoreError("thirteen")
        return [2 * request for request in requests]


async def test_each_gets_its_own_answer() -> None:
    engine = Engine()
    engine.gate.set()
    async with open_batches(engine.work) as batches:
        answers = await asyncio.gather(*(batches.ask(number) for number in range(9)))

    assert answers == [2 * number for number in range(9)]


async def test_what_arrives_meanwhile_goes_together() -> None:
    engine = Engine()
    async with open_batches(engine.work) as batches, asyncio.TaskGroup() as tasks:
        tasks.create_task(batches.ask(0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(100, 150):
            tasks.create_task(batches.ask(number))
        await asyncio.sleep(0)
        engine.gate.set()

    assert engine.sizes == [1, 50]


async def test_a_batch_is_bounded() -> None:
    engine = Engine()
    engine.gate.set()
    async with open_batches(engine.work) as batches:
        await asyncio.gather(*(batches.ask(0) for _ in range(MAX_BATCH + 1)))

    assert engine.sizes == [MAX_BATCH, 1]


async def test_a_batch_that_fails_fails_for_all_in_it_and_no_others() -> None:
    engine = Engine()
    engine.gate.set()
    async with open_batches(engine.work) as batches:
        failed = await asyncio.gather(
            batches.ask(13), batches.ask(1), return_exceptions=True
        )
        later = await batches.ask(1)

    assert ([type(each) for each in failed], later) == ([StoreError, StoreError], 2)


async def test_whose_asker_has_gone_makes_no_trip() -> None:
    engine = Engine()
    batches = Batches(engine.work)
    gone = asyncio.create_task(batches.ask(1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    running = asyncio.create_task(batches.run())
    engine.gate.set()
    answer = await batches.ask(2)
    await stop(running)

    assert (answer, engine.sizes) == (4, [1])


async def test_too_many_are_refused() -> None:
    batches = Batches(Engine().work)
    waiting = [asyncio.create_task(batches.ask(0)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(LimitError, match="2048 requests wait for the store"):
        await batches.ask(0)
    batches.close()
    ends = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(end) for end in ends} == {StoreError}


async def test_a_task_that_takes_cancellation_for_something_else_is_ended() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await stop(task)

    assert task.done()
