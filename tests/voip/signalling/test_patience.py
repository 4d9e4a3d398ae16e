"""A deadline that many share: who is late is told, and nobody else."""

import asyncio

import pytest

from tests.voip.simulated import simulated
from voip.signalling.patience import Patience


async def after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@simulated
async def test_what_is_done_in_time_is_handed_back() -> None:
    assert await Patience(5.0).wait(after(4.9)) == 4.9


@simulated
async def test_who_is_late_is_told_when_the_time_is_over() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        await Patience(5.0).wait(after(60.0))

    assert loop.time() == pytest.approx(5.0)


@simulated
async def test_each_has_a_deadline_of_its_own() -> None:
    patience, loop = Patience(5.0), asyncio.get_running_loop()
    ended: list[float] = []

    async def late(begins_s: float) -> None:
        await asyncio.sleep(begins_s)
        with pytest.raises(TimeoutError):
            await patience.wait(after(60.0))
        ended.append(loop.time())

    await asyncio.gather(late(0.0), late(1.0), late(3.0), patience.wait(after(4.0)))

    assert ended == pytest.approx([5.0, 6.0, 8.0])


@simulated
async def test_an_idle_one_waits_again() -> None:
    patience = Patience(5.0)
    await patience.wait(after(1.0))
    await asyncio.sleep(30.0)

    with pytest.raises(TimeoutError):
        await patience.wait(after(6.0))


@simulated
async def test_what_fails_in_time_fails_as_it_does() -> None:
    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await Patience(5.0).wait(fail())


@simulated
async def test_who_is_cancelled_by_others_is_not_late() -> None:
    task = asyncio.create_task(Patience(5.0).wait(after(60.0)))
    await asyncio.sleep(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert task.cancelled()


@simulated
async def test_who_is_cancelled_and_late_at_once_stays_cancelled() -> None:
    task = asyncio.create_task(Patience(5.0).wait(after(60.0)))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(5.0, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert task.cancelled()


@simulated
async def test_late_work_that_ends_in_its_own_way_leaves_nobody_cancelled() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            return "done all the same"
        return "in time"

    done = await Patience(5.0).wait(stubborn())
    task = asyncio.current_task()
    assert task is not None

    assert (done, task.cancelling()) == ("done all the same", 0)
