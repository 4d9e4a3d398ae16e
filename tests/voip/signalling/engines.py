"""A Redis of our own, on a socket in a folder, for one test or many."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
}
needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)


class Engine:
    """One server; it may be killed and started again on the same folder."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._socket = folder / "socket"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it listens."""
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "dir": str(self.folder),
            "save": "",
            **self._settings,
        }
        words = [word for name in settings for word in (f"--{name}", settings[name])]
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["redis-server", *words], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while not self._socket.exists():
            assert time.monotonic() < until, "redis-server did not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut would end the process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def redis_engine(settings: dict[str, str] | None = None) -> Iterator[Engine]:
    """Run a server for the length of a block."""
    # Not pytest's folder: the path of a socket has 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="rf-redis-"))
    engine = Engine(folder, DURABLE | (settings or {}))
    engine.start()
    try:
        yield engine
    finally:
        engine.kill()
        shutil.rmtree(folder)


async def forget_everything(engine: Engine) -> None:
    """Empty a server between two tests."""
    client = await asyncio.create_subprocess_exec(
        "redis-cli",
        "-s",
        engine.url.removeprefix("unix://"),
        "flushall",
        stdout=asyncio.subprocess.DEVNULL,
        env=os.environ,
    )
    await client.wait()
