"""What was acknowledged is there, whatever is killed; a sync comes before each answer.

A kill does not show that anything was synced, as the kernel keeps what was written. So
the system calls are looked at as well.
"""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.voip.signalling.engines import needs_redis, redis_engine
from tests.voip.signalling.kills import Relay, run
from tests.voip.signalling.store_contract import NOW, ROOMY, leave
from voip.signalling.frames import (
    PATH,
    Put,
    Status,
    Stored,
    format_request,
    parse_reply,
)
from voip.signalling.store_redis import open_redis

PUTS = 20
needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed"
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("redis", marks=needs_redis)])
async def test_kills_lose_and_double_nothing(kind: str) -> None:
    outcome = await run(kind, 6)

    assert (outcome.lost, outcome.doubled, outcome.undead) == (0, 0, 0)
    assert outcome.acknowledged > 0


@asynccontextmanager
async def traced(pid: int, log: Path) -> AsyncIterator[None]:
    """Note the syncs of a process, and what it sends, for the length of a block."""
    calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
    tracer = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-s", "16", "-e", calls, "-o", str(log), "-p", str(pid)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert tracer.stderr is not None
    said = await tracer.stderr.readline()
    if b"attached" not in said:
        pytest.skip(f"strace may not look: {said.decode().strip()}")
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        await tracer.wait()


def answers_without_sync(log: Path, answer: str) -> tuple[int, int]:
    """Count answers, and those that no sync came before since the last one."""
    answers, bare, is_synced = 0, 0, False
    for line in log.read_text().splitlines():
        if re.search(r"(fsync|fdatasync)(\(\d+\)| resumed>\)) += 0", line):
            is_synced = True
        elif re.search(answer, line):
            answers, bare = answers + 1, bare + (not is_synced)
            is_synced = False
    return answers, bare


@pytest.mark.slow
@needs_strace
async def test_the_embedded_store_syncs_before_each_answer(tmp_path: Path) -> None:
    relay = Relay(tmp_path, f"sqlite:{tmp_path / 'store'}")
    await relay.start()
    try:
        assert relay.address is not None
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://{relay.address.netloc}{PATH}") as socket,
            traced(relay.pid, tmp_path / "log"),
        ):
            for number in range(PUTS):
                put = Put(number.to_bytes(16, "big"), bytes(4096))
                await socket.send_bytes(format_request(put, os.urandom))
                reply = parse_reply(await socket.receive_bytes(timeout=20))
                assert reply == Stored(Status.OK)
    finally:
        await relay.kill()
    # A frame of 4204 bytes has a WebSocket head of 4: 82 7e 10 6c.
    counted = answers_without_sync(tmp_path / "log", r'\\202~\\20l|"\\202~"')

    assert counted == (PUTS, 0)


@pytest.mark.slow
@needs_redis
@needs_strace
async def test_the_shared_store_syncs_before_each_answer(tmp_path: Path) -> None:
    with redis_engine() as engine:
        async with (
            open_redis(engine.url, limits=ROOMY, entropy=os.urandom) as store,
            traced(engine.pid, tmp_path / "log"),
        ):
            for number in range(PUTS):
                tag = number.to_bytes(16, "big")
                assert await leave(store, 1, tag, now=NOW) is Status.OK
    # What ends a transaction: the answers to MULTI, to what was queued, and to EXEC.
    counted = answers_without_sync(tmp_path / "log", r'"\+OK\\r\\n\+QUEUED')

    assert counted == (PUTS, 0)
