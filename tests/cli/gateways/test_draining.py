"""A gateway that is told to stop: who is still let in, and when it leaves."""

import asyncio
import os
import signal

from cli.gateways.draining import Drain, draining
from cli.serve import Operations, Reason
from tests.voip.simulated import simulated


class Gateway:
    """One that has a call, or none."""

    def __init__(self, *, seconds: float = 30.0) -> None:
        self.is_busy = True
        self.is_shut = False
        self.left: list[float] = []
        self.operations = Operations({}, lambda _: None)
        self.drain = Drain(
            self.operations,
            leave=self.leave,
            is_busy=lambda: self.is_busy,
            seconds=seconds,
            shut=self.shut,
        )

    def shut(self) -> None:
        self.is_shut = True

    def leave(self) -> None:
        self.left.append(asyncio.get_running_loop().time())


@simulated
async def test_who_is_told_to_stop_says_so_at_once() -> None:
    gateway = Gateway()
    gateway.drain.begin()

    assert gateway.operations.reasons == (Reason.DRAINING,)
    assert (gateway.drain.is_draining, gateway.is_shut) == (True, True)
    assert gateway.left == []


@simulated
async def test_without_a_call_it_leaves_at_once() -> None:
    gateway = Gateway()
    gateway.is_busy = False
    gateway.drain.begin()

    assert gateway.left == [0.0]


@simulated
async def test_it_leaves_when_the_call_is_over() -> None:
    gateway = Gateway()
    gateway.drain.begin()
    await asyncio.sleep(7.9)
    gateway.is_busy = False
    await asyncio.sleep(60.0)

    assert gateway.left == [8.0]


@simulated
async def test_a_call_that_goes_on_is_waited_for_so_long_and_no_longer() -> None:
    gateway = Gateway(seconds=30.0)
    gateway.drain.begin()
    await asyncio.sleep(60.0)

    assert gateway.left == [30.0]


@simulated
async def test_no_time_to_drain_cuts_the_call() -> None:
    gateway = Gateway(seconds=0.0)
    gateway.drain.begin()

    assert gateway.left == [0.0]


@simulated
async def test_whoever_asks_twice_means_now() -> None:
    gateway = Gateway()
    gateway.drain.begin()
    await asyncio.sleep(1.0)
    gateway.drain.begin()
    await asyncio.sleep(60.0)

    assert gateway.left == [1.0]


async def test_a_service_manager_drains_and_ctrl_c_leaves() -> None:
    gateway, asked, left = Gateway(), asyncio.Event(), asyncio.Event()

    def is_busy() -> bool:
        asked.set()
        return True

    with draining(
        gateway.operations, leave=left.set, is_busy=is_busy, seconds=30.0
    ) as drain:
        async with asyncio.timeout(5):
            os.kill(os.getpid(), signal.SIGTERM)
            await asked.wait()
            waits = drain.is_draining and not left.is_set()
            os.kill(os.getpid(), signal.SIGINT)
            await left.wait()

    assert waits


async def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    gateway = Gateway()
    with draining(
        gateway.operations, leave=gateway.leave, is_busy=lambda: True, seconds=30.0
    ):
        pass

    assert signal.getsignal(signal.SIGTERM) is before
