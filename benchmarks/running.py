"""Programs of a benchmark: each on a host of its own network, telling what happens."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.io_map import CHECKOUT
from tests.lab.network import Host


def wrtc() -> tuple[str, ...] | None:
    """Give the command of `wrtc`'s side, if there is an interpreter that has it."""
    python = os.environ.get("WRTC_PYTHON")
    return None if python is None else (python, "benchmarks/stock.py", "webrtc.aiortc")


class Running:
    """A program on a host, which says what happens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, event: str) -> dict[str, Any]:
        """Wait for what it says; other events pass."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"the program ended before {event}")

    def write(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def share(self, seconds: float) -> float:
        """Give the share of a core that it takes for so long."""
        before = self._cpu_s()
        await asyncio.sleep(seconds)
        return (self._cpu_s() - before) / seconds

    def _cpu_s(self) -> float:
        text = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]  # proc_pid_stat(5)
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    async def leave(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self._process.returncode is None:
            self._process.kill()


@asynccontextmanager
async def running(host: Host, program: Sequence[str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *host.command(*program),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
        cwd=CHECKOUT,
    )
    made = Running(process)
    try:
        yield made
    finally:
        made.kill()
        await made.leave()
