"""What coturn says to the credentials that a relay makes."""

import asyncio
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.voip.signalling.turnservers import SECRET, coturn
from voip.signalling.turn import TurnOffer, TurnServer, issue

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("turnserver") is None or shutil.which("turnutils_uclient") is None,
        reason="coturn is not installed",
    ),
]


async def is_let_in(port: int, server: TurnServer) -> bool:
    """Have coturn's own client allocate, and send a packet through."""
    client = await asyncio.create_subprocess_exec(
        *("turnutils_uclient", "-y", "-n", "1", "-c", "-p", str(port)),
        *("-u", server.username, "-w", server.credential, "127.0.0.1"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            return await client.wait() == 0
    except TimeoutError:
        client.kill()
        await client.wait()
        return False


def made(now: float, *, secret: bytes = SECRET) -> TurnServer:
    offer = TurnOffer(("turn:127.0.0.1",), secret)
    return issue(offer, wanted_s=300, now=int(now), entropy=os.urandom)[1][0]


async def test_a_server_with_the_secret_lets_them_in(tmp_path: Path) -> None:
    async with coturn(tmp_path) as port:
        assert await is_let_in(port, made(time.time()))


async def test_a_server_refuses_what_expired(tmp_path: Path) -> None:
    async with coturn(tmp_path) as port:
        assert not await is_let_in(port, made(time.time() - 301))


async def test_a_server_refuses_a_longer_life_than_was_granted(tmp_path: Path) -> None:
    good = made(time.time() - 301)
    longer = str(int(time.time()) + 3600) + good.username[10:]
    async with coturn(tmp_path) as port:
        assert not await is_let_in(port, replace(good, username=longer))
