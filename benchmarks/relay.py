"""A relay with two thousand clients: blobs stored, synced, acknowledged and delivered.

The relay is `ringfence relay serve` as it is, in a process of its own, with TLS; the
clients are all in this one, which therefore works as hard. Each client waits in a GET,
as devices do, deletes what came and asks again. A PUT is acknowledged once it is synced
to disk, and a blob counts when its reader has it. What takes how long at a thousand a
second is seen by a third process, of which little is asked (`relayprobe`).

The same relay as one and as two processes shares a Redis, where that is installed. What
matters there is what a blob costs the engine: the clients and the relays need more of
two cores than it does, so the blobs a second say little about more machines.

Beside it, what this disk can do in the same minute: 4096 bytes appended and synced, one
by one; and as many as the relay puts into one commit, committed by SQLite alone.
"""

import asyncio
import contextlib
import itertools
import json
import os
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, figure
from benchmarks.relayclients import (
    Client,
    Tally,
    flood,
    open_clients,
    pace,
    percentile,
)
from benchmarks.relayprobe import PER_S as PROBED_PER_S
from tests.voip.signalling.engines import Engine, redis_engine
from voip.identity.card import RelayAddress, format_relay, parse_relay
from voip.signalling.envelope import BLOB_BYTES

CLIENTS = 2000
BAR_PER_S = 1000
ROUND_S = 3.0
BAR_P99_MS = 100.0
BAR_SCALE = 1.5
BAR_IDLE_KB = 24.0
IN_FLIGHT = 256
"""PUTs without an answer while as much is sent as passes."""

FILES = 2 * CLIENTS + 256
"""Sockets that a process needs, with room."""

GROUP = 64
"""Blobs a commit of the bare SQLite, about what the relay gets together under load."""


def figures() -> list[Figure]:
    """Send as much as passes, then 1,000 blobs a second, then use the disk alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(FILES, hard)), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        appended = [_append_and_sync(folder / "log") for _ in range(ROUNDS)]
        embedded = asyncio.run(_through_relay(folder))
        full, paced = embedded.full, embedded.paced
        plain_kb = asyncio.run(_idle_without_tls(folder))
        shared = _through_shared()
        committed = [_commit_groups(folder / "bare.db") for _ in range(ROUNDS)]
    rates = [len(tally.delivered) / tally.lasted for tally in full]
    return [
        figure(
            f"stored and delivered, {CLIENTS} clients",
            rates,
            unit="/s",
            bar=BAR_PER_S,
            at_least=True,
            note=f"{IN_FLIGHT} in flight; stored within {_percentiles(full, 'stored')},"
            f" delivered within {_percentiles(full, 'delivered')} (p50, p99)",
        ),
        _latency("stored", paced, bar=BAR_P99_MS),
        _latency("delivered", paced),
        figure(
            "memory of an idle client",
            [embedded.idle_kb],
            unit="kB",
            note="with TLS, which takes more than half of it",
        ),
        figure(
            "memory of an idle client, behind a proxy that has the TLS",
            [plain_kb],
            unit="kB",
            bar=BAR_IDLE_KB,
        ),
        *shared,
        figure(
            "relay / append and sync one by one",
            [rate / alone for rate, alone in zip(rates, appended, strict=True)],
            note=f"the disk does {statistics.median(appended):.0f} a second",
        ),
        figure(
            f"relay / SQLite alone, {GROUP} a commit",
            [rate / alone for rate, alone in zip(rates, committed, strict=True)],
            note=f"SQLite does {statistics.median(committed):.0f} a second",
        ),
    ]


def _through_shared() -> list[Figure]:
    """Have one process share an engine with nobody, and then two with each other."""
    if shutil.which("redis-server") is None:
        return []
    with redis_engine() as engine:
        one = asyncio.run(_through_relay(engine.folder, 1, engine))
        two = asyncio.run(_through_relay(engine.folder, 2, engine))
    return [
        figure(
            f"stored and delivered, shared, {count} process{'es' * (count > 1)}",
            [len(tally.delivered) / tally.lasted for tally in run.full],
            unit="/s",
            note=f"{run.engine_us:.0f} us of the engine and {run.relay_us:.0f} us of"
            f" the relay a blob; stored within {_percentiles(run.full, 'stored')}",
        )
        for count, run in ((1, one), (2, two))
    ] + [
        _latency("shared: stored", one.paced, bar=BAR_P99_MS),
        figure(
            "shared: two processes / one",
            [_rate(two) / _rate(one)],
            bar=BAR_SCALE,
            at_least=True,
            note=f"engine time a blob {two.engine_us / one.engine_us:.2f} of one's",
        ),
    ]


def _latency(what: str, rounds: list[Tally], *, bar: float | None = None) -> Figure:
    return figure(
        f"{what} within, at {BAR_PER_S} a second: p99",
        [percentile(getattr(tally, _seen(what)), 0.99) * 1e3 for tally in rounds],
        unit="ms",
        bar=bar,
        note=f"{_percentiles(rounds, what)} (p50, p99 of all rounds); begun within"
        f" {_percentiles(rounds, 'late')}, at a load of {os.getloadavg()[0]:.1f}",
    )


def _rate(run: "_Run") -> float:
    return statistics.median(len(tally.delivered) / tally.lasted for tally in run.full)


def _seen(what: str) -> str:
    return what.rpartition(" ")[2]


def _percentiles(rounds: list[Tally], what: str) -> str:
    times = list(itertools.chain.from_iterable(getattr(t, _seen(what)) for t in rounds))
    return ", ".join(f"{percentile(times, part) * 1e3:.1f} ms" for part in (0.5, 0.99))


# The clients.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What a relay did, and what it took."""

    full: list[Tally]
    paced: list[Tally]
    idle_kb: float
    relay_us: float
    engine_us: float


async def _through_relay(
    folder: Path, workers: int = 1, engine: Engine | None = None
) -> _Run:
    async with _relay(folder, workers, engine) as (address, pid):
        before_kb = _memory_kb(pid)
        async with open_clients(address, CLIENTS) as clients:
            await asyncio.sleep(1.0)  # all wait in a GET
            idle_kb = (_memory_kb(pid) - before_kb) / CLIENTS
            # The first round warms up and does not count.
            await flood(clients, IN_FLIGHT, seconds=ROUND_S)
            used = _seconds(pid), _seconds(engine.pid) if engine else 0.0
            full = [
                await flood(clients, IN_FLIGHT, seconds=ROUND_S) for _ in range(ROUNDS)
            ]
            relay_s = _seconds(pid) - used[0]
            engine_s = (_seconds(engine.pid) if engine else 0.0) - used[1]
            paced = await _probed(address, clients)
    blobs = sum(len(tally.delivered) for tally in full)
    return _Run(
        full=full,
        paced=paced,
        idle_kb=idle_kb,
        relay_us=relay_s / blobs * 1e6,
        engine_us=engine_s / blobs * 1e6,
    )


async def _idle_without_tls(folder: Path) -> float:
    async with _relay(folder, 1, None, "--plain") as (address, pid):
        before_kb = _memory_kb(pid)
        async with open_clients(address, CLIENTS, is_plain=True):
            await asyncio.sleep(1.0)  # all wait in a GET
            return (_memory_kb(pid) - before_kb) / CLIENTS


async def _probed(address: RelayAddress, clients: list[Client]) -> list[Tally]:
    """Keep the relay busy, and have a process that is not see how it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.relayprobe"),
        *(format_relay(address), str(ROUND_S)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    rounds = []
    try:
        await process.stdout.readline()  # it is connected
        for _ in range(ROUNDS):
            process.stdin.write(b"go\n")
            await pace(clients, BAR_PER_S - PROBED_PER_S, seconds=ROUND_S)
            rounds.append(Tally(**json.loads(await process.stdout.readline())))
    finally:
        process.stdin.close()
        await process.wait()
    return rounds


def _family(pid: int) -> list[int]:
    """Give a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _seconds(pid: int) -> float:
    """Give the processor time of a process and its children."""
    ticks = 0
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_kb(pid: int) -> float:
    """Give the memory of a process and its children."""
    pages = sum(
        int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in _family(pid)
    )
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


@asynccontextmanager
async def _relay(
    folder: Path, workers: int, engine: Engine | None, *options: str
) -> AsyncIterator[tuple[RelayAddress, int]]:
    store = engine.url if engine else f"sqlite:{folder / 'relay.db'}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "--home", str(folder), "relay", "serve"),
        *("--port", "0", "--json", "--drain", "0", "--store", store),
        *("--workers", str(workers), "--quota", "1024", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        line = json.loads(await process.stdout.readline())["relay"]
        yield parse_relay(line), process.pid
    finally:
        process.terminate()
        await process.wait()


# The disk alone.


def _append_and_sync(path: Path) -> float:
    """Give the blobs a second that a plain file takes, each synced."""
    blob = os.urandom(BLOB_BYTES)
    with path.open("ab", buffering=0) as log:
        began = time.perf_counter()
        for count in itertools.count(1):
            log.write(blob)
            os.fsync(log.fileno())
            if (seconds := time.perf_counter() - began) >= 1.0:
                return count / seconds
    raise AssertionError


def _commit_groups(path: Path) -> float:
    """Give the blobs a second that SQLite takes with the relay's settings."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE IF NOT EXISTS blob (tag BLOB, blob BLOB)")
        rows = [(os.urandom(16), os.urandom(BLOB_BYTES)) for _ in range(GROUP)]
        began = time.perf_counter()
        for count in itertools.count(1):
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO blob VALUES (?, ?)", rows)
            database.execute("COMMIT")
            if (seconds := time.perf_counter() - began) >= 1.0:
                return count * GROUP / seconds
    raise AssertionError
