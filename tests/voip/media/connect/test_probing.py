"""Doctor's look at the servers, with a real one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.voip.media.connect.relays import Turn, running_turn
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.findings import Mapping
from voip.media.connect.probing import probe

DEAD = IceServer(url="turn:127.0.0.1:9", username="u", password="p")


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


async def test_without_servers_nobody_is_asked() -> None:
    found = await probe(IceConfig(loopback=True))

    assert (found.families, found.servers) == (("IPv4",), ())
    assert found.mapping is Mapping.UNKNOWN


async def test_relays_are_tried_out(coturn: Turn) -> None:
    servers = (coturn.udp(), coturn.tls(pin=coturn.pin), coturn.udp(password="wrong"))
    found = await probe(IceConfig(servers=servers, loopback=True))
    losses = [server.relay and server.relay.loss for server in found.servers]

    assert losses == [0.0, 0.0, None]
    assert found.servers[0].mapped is not None
    assert (found.mapping, found.advice) == (Mapping.NONE, "calls find their way")
    assert "user or password" in (found.servers[2].problem or "")


async def test_relay_only_shows_itself_to_no_stun_server(coturn: Turn) -> None:
    stun = IceServer(url=f"stun:127.0.0.1:{coturn.port}")
    config = IceConfig(servers=(stun, coturn.udp()), relay_only=True, loopback=True)
    found = await probe(config)

    assert [server.mapped for server in found.servers] == [None, None]
    assert found.servers[0].round_trip_ms is None


@pytest.mark.slow
async def test_a_dead_server_is_named() -> None:
    async with asyncio.timeout(10):
        found = await probe(IceConfig(servers=(DEAD,), loopback=True))

    assert found.servers[0].problem == f"ice server {DEAD.url}: it does not answer"
    assert "no server works" in found.advice
