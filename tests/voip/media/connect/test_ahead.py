"""Addresses found before a call is accepted: whether they are good, who closes them."""

import asyncio
from collections.abc import Callable

import pytest

from tests.voip.simulated import simulated
from voip.description import Description
from voip.errors import MissingError, UnreachableError
from voip.media.connect.ahead import FRESH_S, Ahead
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.path import Path

SERVER = IceServer(url="stun:192.0.2.1")
GATHERS_S = 2.0


class StandInPath(Path):
    """Gathers for two seconds, from nobody."""

    is_whole = True

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.is_closed = False

    async def gather(self) -> Description:
        await asyncio.sleep(GATHERS_S)
        if self.error is not None:
            raise self.error
        return Description(ufrag="ufrag", pwd="p" * 22)

    async def close(self) -> None:
        self.is_closed = True


class Machine:
    """One with addresses that change, and servers that fail when they are told to."""

    def __init__(self, *servers: IceServer) -> None:
        self.paths: list[StandInPath] = []
        self.here = frozenset({"192.0.2.7"})
        self.error: Exception | None = None
        self.moved = asyncio.Event()
        self.ahead = Ahead(
            IceConfig(servers=servers),
            self._make,
            addresses=lambda: self.here,
            changed=self._changed,
        )

    def open(self) -> list[bool]:
        """Tell, for each path that was made, whether it is open."""
        return [not path.is_closed for path in self.paths]

    def _make(self) -> Path:
        self.paths.append(StandInPath(self.error))
        return self.paths[-1]

    async def _changed(self) -> None:
        self.moved.clear()
        await self.moved.wait()


@simulated
async def test_without_servers_nothing_is_opened() -> None:
    machine = Machine()
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S)
    path = await machine.ahead.take()
    await machine.ahead.close()

    assert (path, machine.paths) == (None, [])


@simulated
async def test_what_was_not_begun_gives_nothing() -> None:
    machine = Machine(SERVER)
    path = await machine.ahead.take()
    await machine.ahead.close()

    assert (path, machine.paths) == (None, [])


@simulated
async def test_what_was_found_is_given_at_once() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)
    began = asyncio.get_running_loop().time()
    path = await machine.ahead.take()
    took_s = asyncio.get_running_loop().time() - began

    assert (path, took_s, machine.open()) == (machine.paths[0], 0.0, [True])
    await machine.ahead.close()


@simulated
async def test_servers_that_are_being_asked_are_waited_for() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S / 2)
    began = asyncio.get_running_loop().time()
    path = await machine.ahead.take()
    took_s = asyncio.get_running_loop().time() - began

    assert (path, took_s) == (machine.paths[0], GATHERS_S / 2)
    await machine.ahead.close()


@simulated
async def test_however_many_devices_ring_there_is_one_path() -> None:
    machine = Machine(SERVER)
    for _ in range(8):
        machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)

    assert machine.open() == [True]
    await machine.ahead.close()


@simulated
async def test_what_grew_old_is_replaced_and_closed() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(2 * (GATHERS_S + FRESH_S) + GATHERS_S + 1)
    path = await machine.ahead.take()

    assert machine.open() == [False, False, True]
    assert path is machine.paths[2]
    await machine.ahead.close()


@simulated
async def test_what_the_call_took_is_replaced_no_more() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await machine.ahead.take()
    machine.ahead.begin()
    await asyncio.sleep(10 * FRESH_S)

    assert machine.open() == [True]
    await machine.ahead.close()


@simulated
async def test_another_network_is_looked_at_at_once() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)
    machine.here = frozenset({"198.51.100.7"})
    machine.moved.set()
    await asyncio.sleep(GATHERS_S + 1)
    path = await machine.ahead.take()

    assert machine.open() == [False, True]
    assert path is machine.paths[1]
    await machine.ahead.close()


def _move(machine: Machine) -> None:
    machine.here = frozenset({"198.51.100.7"})


def _lose_a_relay(machine: Machine) -> None:
    machine.paths[0].is_whole = False


@pytest.mark.parametrize("happens", [_move, _lose_a_relay])
@simulated
async def test_what_is_of_no_use_any_more_is_not_given(
    happens: Callable[[Machine], None],
) -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)
    happens(machine)
    path = await machine.ahead.take()
    await machine.ahead.close()

    assert (path, machine.open()) == (None, [False])


@simulated
async def test_what_failed_while_it_rang_is_asked_again_by_the_call() -> None:
    machine = Machine(SERVER)
    machine.error = UnreachableError("it does not answer")
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)

    assert await machine.ahead.take() is None
    await machine.ahead.close()


@simulated
async def test_what_fails_while_the_call_waits_fails_for_the_call() -> None:
    machine = Machine(SERVER)
    machine.error = UnreachableError("it does not answer")
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S / 2)
    path = await machine.ahead.take()

    assert path is machine.paths[0]
    await machine.ahead.close()


@simulated
async def test_what_failed_is_tried_again_while_it_rings() -> None:
    machine = Machine(SERVER)
    machine.error = UnreachableError("it does not answer")
    machine.ahead.begin()
    await asyncio.sleep(GATHERS_S + 1)
    machine.error = None
    await asyncio.sleep(FRESH_S + GATHERS_S)
    path = await machine.ahead.take()

    assert path is machine.paths[1]
    await machine.ahead.close()


@simulated
async def test_wishes_that_cannot_be_met_are_no_trouble_yet() -> None:
    def fail() -> Path:
        raise MissingError("relay-only calls need a TURN server, none is configured")

    ahead = Ahead(IceConfig(servers=(SERVER,)), fail)
    ahead.begin()
    await asyncio.sleep(1)
    path = await ahead.take()
    await ahead.close()

    assert path is None


@pytest.mark.parametrize("after_s", [0.0, GATHERS_S / 2, GATHERS_S + 1])
@simulated
async def test_a_call_that_nobody_accepts_leaves_nothing_open(after_s: float) -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await asyncio.sleep(after_s)
    await machine.ahead.close()

    assert True not in machine.open()


@simulated
async def test_what_was_given_is_closed_with_the_call_at_the_latest() -> None:
    machine = Machine(SERVER)
    machine.ahead.begin()
    await machine.ahead.take()
    await machine.ahead.close()
    await machine.ahead.close()

    assert machine.open() == [False]


@simulated
async def test_a_bug_is_not_silent() -> None:
    def fail() -> Path:
        raise ZeroDivisionError

    ahead = Ahead(IceConfig(servers=(SERVER,)), fail)
    ahead.begin()
    await ahead.take()

    with pytest.raises(ZeroDivisionError):
        await ahead.close()
