"""Media on a path that was found before there were keys, through a real relay."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import Candidate

from tests.voip.media.connect.relays import Turn, running_turn, until
from tests.voip.people import tone_plan
from voip.leak import _watching
from voip.media.connect.config import IceConfig, IceServer
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import CandidateFound, FirstVerified, PathUp
from voip.media.streams import MediaSession

SECRET = bytes(64)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def coturn(
    anyio_backend: str,  # noqa: ARG001 -- runs beside it
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Turn]:
    async with running_turn(tmp_path_factory.mktemp("coturn")) as server:
        yield server


def relayed(server: IceServer) -> IceConfig:
    return IceConfig(servers=(server,), relay_only=True, loopback=True)


@asynccontextmanager
async def found(role: int, ice: IceConfig) -> AsyncIterator[MediaSession]:
    """Give the media of a call whose addresses were found while it rang."""
    ahead = MediaSession.ahead(role, ice)
    ahead.begin()
    first = await ahead.take()
    media = MediaSession(
        role,
        SECRET,
        tone_plan(),
        ice,
        entropy=os.urandom,
        idle_control=lambda: None,
        first=first,
    )
    try:
        yield media
    finally:
        await media.close()
        await ahead.close()


async def _up(media: MediaSession) -> str:
    """Wait for the first verified packet; give the kind of path it came by."""
    kinds = []
    while True:
        event = await media.event()
        if isinstance(event, PathUp):
            kinds.append(event.kind)
        if isinstance(event, FirstVerified):
            return kinds[0]


async def test_both_sides_connect_by_relays_that_were_asked_while_it_rang(
    coturn: Turn,
) -> None:
    ice = relayed(coturn.udp())
    async with found(CALLER, ice) as caller, found(CALLEE, ice) as callee:
        offered = await callee.gather()
        selected = await caller.gather(offered)
        async with asyncio.timeout(10):
            await asyncio.gather(caller.connect(offered), callee.connect(selected))
            kinds = {*await asyncio.gather(_up(caller), _up(callee))}

    assert kinds == {"relay"}


async def test_while_it_rings_the_configured_relay_is_reached_and_nobody_else(
    coturn: Turn,
) -> None:
    reached: set[tuple[str, int]] = set()
    ahead = MediaSession.ahead(
        CALLEE,
        relayed(coturn.udp()),
        on_datagram=lambda _, to: reached.add(to),
    )
    with _watching() as watcher:
        ahead.begin()
        await ahead.take()
        await ahead.close()
    connected = {each.to for each in watcher.reached}

    assert reached | connected == {("127.0.0.1", coturn.port)}


async def test_what_is_found_after_the_description_is_told(coturn: Turn) -> None:
    line = "1 1 udp 1 192.0.2.7 1000 typ host"
    async with found(CALLER, relayed(coturn.udp())) as media:
        await media.gather()
        report = media._ways.current._agent._on_candidate
        assert report is not None
        report(Candidate.from_sdp(line))
        async with asyncio.timeout(5):
            told = await media.event()

    assert told == CandidateFound(line)


async def test_a_relay_that_hangs_up_while_it_rings_is_asked_again(
    coturn: Turn,
) -> None:
    ahead = MediaSession.ahead(CALLEE, relayed(coturn.tcp()))
    ahead.begin()
    async with asyncio.timeout(5):
        await ahead._found.wait()
    path = ahead._path
    assert path is not None
    path._agent._protocols[0].transport.close()
    await until(lambda: not path.is_whole)
    given = await ahead.take()
    await ahead.close()

    assert given is None
