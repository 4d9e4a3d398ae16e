"""What coturn says to the credentials that a relay makes."""

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from voip.signalling.turn import TurnOffer, TurnServer, issue

SECRET = b"0123456789abcdef0123"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("turnserver") is None or shutil.which("turnutils_uclient") is None,
        reason="coturn is not installed",
    ),
]


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    settings = (
        *("-n", "--use-auth-secret", f"--static-auth-secret={SECRET.decode()}"),
        *("--realm=test", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"),
        *(f"--listening-port={port}", "--no-tls", "--no-dtls", "--no-cli"),
        *("--allow-loopback-peers", "--min-port=50100", "--max-port=50200"),
        *(f"--userdb={folder / 'db'}", f"--pidfile={folder / 'pid'}"),
        f"--log-file={folder / 'log'}",
    )
    process = await asyncio.create_subprocess_exec(
        "turnserver", *settings, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(port)
        yield port
    finally:
        process.kill()
        await process.wait()


async def _listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


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
