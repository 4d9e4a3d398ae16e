"""A real TURN server (coturn) on loopback that shares a secret with a relay."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SECRET = b"0123456789abcdef0123"


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[int]:
    """Run it; give its port."""
    if shutil.which("turnserver") is None:
        pytest.skip("needs coturn: apt install coturn")
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
