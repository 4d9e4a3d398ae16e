"""What a room of six without a server costs each member, against a call of two.

All members run in one process on loopback, each with an endpoint and sockets of its
own; its processor time is divided by the number of members. A call of two has no bridge
between microphone and media, a room has one.
"""

import asyncio
import itertools
import os
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios
from tests.voip.people import LOOPBACK, MemoryKeeper, at_home, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.gateway.mesh import MeshRoom
from voip.handshake.payload import ID_BYTES
from voip.identity.card import RelayAddress
from voip.media.pattern import Discard, Sweep
from voip.media.plan import MediaPlan
from voip.news import StateChanged
from voip.signalling.relay import serve_relay

TURNS = 3
MEASURED_S = 8.0
SETTLE_S = 2.0
"""Lists have been told, and the first state of redundancy is chosen."""
PEOPLE = 6
PATIENCE_S = 60.0
BAR = 5.5
"""Five calls, and a tenth of that for the bridge and the list of members."""

_FRAMES = [frame.read() for frame in [Sweep()] * 100]
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


At = tuple[MemoryKeeper, Endpoint]


def figures() -> list[Figure]:
    """Hold a call of two and a room of six, in turns."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    pairs, rooms = [], []
    for _ in range(TURNS):
        pairs.append(await _pair())
        rooms.append(await _room())
    return [
        figure(
            "a member of a room of six / a side of a call",
            ratios(rooms, pairs),
            bar=BAR,
            note=f"{_percent(rooms)} of a core against {_percent(pairs)}",
        )
    ]


async def _pair() -> float:
    async with AsyncExitStack() as stack:
        (_, caller), (_, callee) = await _homes(stack, 2)
        theirs = await caller.dial("member 1")
        ours = await anext(callee.incoming())
        ours.accept()
        for each in (theirs, ours):
            await _active(each)
        return await _share(2)


async def _room() -> float:
    async with AsyncExitStack() as stack:
        homes = await _homes(stack, PEOPLE)
        group = os.urandom(ID_BYTES)
        rooms: list[MeshRoom] = []
        for number, (keeper, endpoint) in enumerate(homes):
            if rooms:
                await rooms[0].invite(f"member {number}")
                invitation = await anext(endpoint.incoming())
            room = await stack.enter_async_context(
                MeshRoom(
                    endpoint,
                    keeper,
                    plan=_plan(),
                    group_id=group,
                    is_opener=not rooms,
                )
            )
            if rooms:
                room.join(invitation)
            rooms.append(room)
        async with asyncio.timeout(PATIENCE_S):
            while any(  # noqa: ASYNC110 - rooms are asked, they do not call
                len(room.stats()) < PEOPLE - 1 for room in rooms
            ):
                await asyncio.sleep(0.1)
        return await _share(PEOPLE)


async def _homes(stack: AsyncExitStack, count: int) -> list[At]:
    """Put people on the network who know each other."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    relay = await stack.enter_async_context(serve_relay(Path(folder, "relay.db")))
    keepers = _people(count, relay.address)
    settings = replace(LOOPBACK, plan=_plan)
    return [
        (keeper, await stack.enter_async_context(at_home(keeper, settings)))
        for keeper in keepers
    ]


def _people(count: int, relay: RelayAddress) -> list[MemoryKeeper]:
    keepers = [person(f"member {number}", relay) for number in range(count)]
    for number, keeper in enumerate(keepers):
        for other in keepers[:number]:
            introduce(keeper, other)
    return keepers


async def _active(conversation: Conversation) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for news in conversation.news():
            if news == StateChanged(State.ACTIVE):
                return


async def _share(people: int) -> float:
    """Give the share of a core that each of so many takes."""
    await asyncio.sleep(SETTLE_S)
    began, used = time.perf_counter(), time.process_time()
    await asyncio.sleep(MEASURED_S)
    return (time.process_time() - used) / (time.perf_counter() - began) / people


def _percent(shares: list[float]) -> str:
    return f"{sorted(shares)[len(shares) // 2]:.1%}"
