"""What a room of six without a server costs a member, against a side of a call of two.

The one who is measured is a process of its own (this module, run by itself), the
others are in one beside it; all are on loopback. A call of two has no bridge between
microphone and media, a room has one.
"""

import asyncio
import itertools
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios
from tests.voip.people import LOOPBACK, MemoryKeeper, at_home, introduce, person
from voip.call import State
from voip.endpoint import Endpoint
from voip.gateway.rooms.mesh import MeshRoom
from voip.handshake.payload import ID_BYTES
from voip.identity.vault import format_vault, parse_vault
from voip.media.pattern import Discard, Sweep
from voip.media.plan import MediaPlan
from voip.signalling.relay import serve_relay

TURNS = 3
MEASURED_S = 8.0
SETTLE_S = 3.0
"""Lists have been told, and the first state of redundancy is chosen."""
PEOPLE = 6
PATIENCE_S = 60.0
BAR = 5.5
"""Five calls, and a tenth of that for the bridge and the list of members."""
_MEASURED = "measured"

_SWEEP = Sweep()
_FRAMES = [_SWEEP.read() for _ in range(100)]
"""Two seconds of sound; made beforehand, as making it costs more than sending it."""


class _Replayed:
    """Gives the same sound again and again."""

    def __init__(self) -> None:
        self._frames = itertools.cycle(_FRAMES)

    def read(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        pass


def _plan() -> MediaPlan:
    return MediaPlan(audio_source=_Replayed(), audio_sink=Discard())


_SETTINGS = replace(LOOPBACK, plan=_plan)


def figures() -> list[Figure]:
    """Hold a call of two and a room of six, in turns."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    calls, rooms = [], []
    for _ in range(TURNS):
        calls.append(await _call())
        rooms.append(await _room())
    return [
        figure(
            "a member of a room of six / a side of a call",
            ratios(rooms, calls),
            bar=BAR,
            note=f"{_percent(rooms)} of a core against {_percent(calls)}",
        )
    ]


async def _call() -> float:
    async with AsyncExitStack() as stack:
        (keeper,), measured = await _people(stack, 2)
        endpoint = await stack.enter_async_context(at_home(keeper, _SETTINGS))
        await endpoint.dial(_MEASURED)
        return await _said(measured)


async def _room() -> float:
    async with AsyncExitStack() as stack:
        (opener, *guests), measured = await _people(stack, PEOPLE)
        group = os.urandom(ID_BYTES)
        endpoint = await stack.enter_async_context(at_home(opener, _SETTINGS))
        room = await stack.enter_async_context(
            MeshRoom(endpoint, opener, plan=_plan(), group_id=group, is_opener=True)
        )
        await room.invite(_MEASURED)
        for keeper in guests:
            there = await stack.enter_async_context(at_home(keeper, _SETTINGS))
            await room.invite(keeper.vault.alias)
            await _join(stack, there, keeper)
        return await _said(measured)


async def _join(
    stack: AsyncExitStack, endpoint: Endpoint, keeper: MemoryKeeper
) -> MeshRoom:
    invitation = await anext(endpoint.incoming())
    assert invitation.group is not None
    room = await stack.enter_async_context(
        MeshRoom(endpoint, keeper, plan=_plan(), group_id=invitation.group)
    )
    room.join(invitation)
    return room


async def _people(
    stack: AsyncExitStack, count: int
) -> tuple[list[MemoryKeeper], Process]:
    """Make people who know each other, the last of them a process of its own."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    relay = await stack.enter_async_context(serve_relay(Path(folder, "relay.db")))
    names = [*(f"member {number}" for number in range(count - 1)), _MEASURED]
    keepers = [person(name, relay.address) for name in names]
    for number, keeper in enumerate(keepers):
        for other in keepers[:number]:
            introduce(keeper, other)
    *others, measured = keepers
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.room", str(count), stdin=PIPE, stdout=PIPE
    )
    stack.push_async_callback(process.wait)
    stack.callback(process.kill)
    assert process.stdin is not None
    process.stdin.write(format_vault(measured.vault).hex().encode() + b"\n")
    assert await _line(process) == "listening"
    return others, process


async def _said(process: Process) -> float:
    return float(await _line(process))


async def _line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return (await process.stdout.readline()).decode().strip()


def _percent(shares: list[float]) -> str:
    return f"{sorted(shares)[len(shares) // 2]:.1%}"


# The process that is measured.


async def _be_measured(count: int) -> None:
    """Take a call, or come into a room of so many, and say what that takes."""
    keeper = MemoryKeeper(parse_vault(bytes.fromhex(sys.stdin.readline())))
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(at_home(keeper, _SETTINGS))
        print("listening", flush=True)
        if count > 2:
            room = await _join(stack, endpoint, keeper)
            await _until(lambda: len(room.stats()) == count - 1)
        else:
            call = await anext(endpoint.incoming())
            call.accept()
            await _until(lambda: call.state is State.ACTIVE)
        await asyncio.sleep(SETTLE_S)
        began, used = time.perf_counter(), time.process_time()
        await asyncio.sleep(MEASURED_S)
        share = (time.process_time() - used) / (time.perf_counter() - began)
        print(share, flush=True)
        await asyncio.sleep(PATIENCE_S)  # until the bench ends it


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - rooms are asked, they do not call
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(_be_measured(int(sys.argv[1])))
