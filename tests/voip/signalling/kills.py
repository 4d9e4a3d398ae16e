"""Kills a relay, or its engine, again and again under load, and counts what is left.

A writer leaves blobs and notes each that was acknowledged; now and then it deletes some
and notes that, too. In the end everything acknowledged and not deleted must be there,
once, and nothing whose deletion was acknowledged.

By hand: ``python -m tests.voip.signalling.kills redis 100``.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.voip.signalling.engines import Engine, redis_engine
from voip.identity.card import RelayAddress, parse_relay
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    PATH,
    Ack,
    Get,
    GetDone,
    Parcel,
    Put,
    Request,
    Status,
    Stored,
    format_request,
    parse_reply,
)

WRITERS = 8


@dataclass
class Ledger:
    """What was acknowledged, by blob; and what may have happened or not."""

    stored: dict[bytes, bytes] = field(default_factory=dict)
    deleted: set[bytes] = field(default_factory=set)
    unsure: set[bytes] = field(default_factory=set)
    fetches: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """How many blobs were acknowledged, and what became of them."""

    acknowledged: int
    deleted: int
    lost: int
    doubled: int
    undead: int


class Relay:
    """One `ringfence relay serve` in a process of its own."""

    def __init__(self, folder: Path, store: str) -> None:
        self._command = (
            *(sys.executable, "-m", "cli", "--home", str(folder)),
            *("relay", "serve", "--plain", "--port", "0", "--json", "--drain", "0"),
            *("--store", store),
        )
        self._process: asyncio.subprocess.Process | None = None
        self.address: RelayAddress | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it, on whatever port the system gives."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        self.address = parse_relay(json.loads(line)["relay"])

    async def kill(self) -> None:
        """End it as a power cut would end the process."""
        self.address = None
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


async def sweep(relays: list[Relay], engine: Engine | None, kills: int) -> Outcome:
    """Run the writers while this many processes are killed, then look."""
    ledger = Ledger()
    await asyncio.gather(*(relay.start() for relay in relays))
    writers = [
        asyncio.create_task(_write(relays, ledger, random.Random(number)))
        for number in range(WRITERS)
    ]
    luck = random.Random(1)
    try:
        for _ in range(kills):
            await asyncio.sleep(luck.uniform(0.05, 0.4))
            if engine is not None and luck.random() < 0.5:
                engine.kill()
                await asyncio.to_thread(engine.start)
            else:
                relay = luck.choice(relays)
                await relay.kill()
                await relay.start()
    finally:
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
    try:
        return await _look(relays[0], ledger)
    finally:
        for relay in relays:
            await relay.kill()


async def _write(relays: list[Relay], ledger: Ledger, luck: random.Random) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            address = luck.choice(relays).address
            with contextlib.suppress(
                aiohttp.ClientError, OSError, TimeoutError, _LostError
            ):
                if address is not None:
                    async with session.ws_connect(_url(address)) as socket:
                        await _write_on(socket, ledger, luck)
            await asyncio.sleep(0.02)


class _LostError(Exception):
    pass


_GOES = (aiohttp.ClientError, OSError, TimeoutError, _LostError)
"""How a connection ends when its relay is killed."""


async def _write_on(
    socket: aiohttp.ClientWebSocketResponse, ledger: Ledger, luck: random.Random
) -> None:
    while True:
        fetch, blob = os.urandom(32), os.urandom(4096)
        ledger.fetches.append(fetch)
        ledger.unsure.add(blob)
        if await _ask(socket, Put(mailbox_tag(fetch), blob)) == Stored(Status.OK):
            ledger.unsure.discard(blob)
            ledger.stored[blob] = fetch
            if luck.random() < 0.3:
                await _delete(socket, ledger, fetch, blob)


async def _delete(
    socket: aiohttp.ClientWebSocketResponse, ledger: Ledger, fetch: bytes, blob: bytes
) -> None:
    parcels = await _read(socket, [fetch])
    del ledger.stored[blob]
    ledger.unsure.add(blob)
    if await _ask(socket, Ack((parcels[0].message_id,))) == Stored(Status.OK):
        ledger.unsure.discard(blob)
        ledger.deleted.add(blob)


async def _look(relay: Relay, ledger: Ledger) -> Outcome:
    assert relay.address is not None
    found: Counter[bytes] = Counter()
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(ledger.fetches), 32):
            fetches = ledger.fetches[start : start + 32]
            parcels = await _read_again(session, _url(relay.address), fetches)
            found.update(parcel.blob for parcel in parcels)
    return Outcome(
        acknowledged=len(ledger.stored) + len(ledger.deleted),
        deleted=len(ledger.deleted),
        lost=sum(blob not in found for blob in ledger.stored),
        doubled=sum(count > 1 for count in found.values()),
        undead=sum(blob in found for blob in ledger.deleted),
    )


async def _read_again(
    session: aiohttp.ClientSession, url: str, fetches: list[bytes]
) -> list[Parcel]:
    """Read on a new connection until one is not closed, as clients do."""
    for _ in range(20):
        with contextlib.suppress(*_GOES):
            async with session.ws_connect(url) as socket:
                return await _read(socket, fetches)
        await asyncio.sleep(0.2)
    raise AssertionError("a relay does not come back")


async def _read(
    socket: aiohttp.ClientWebSocketResponse, fetches: list[bytes]
) -> list[Parcel]:
    await _send(socket, Get(tuple(fetches), 0))
    parcels = []
    while not isinstance(reply := await _reply(socket), GetDone):
        assert isinstance(reply, Parcel)
        parcels.append(reply)
    return parcels


async def _ask(socket: aiohttp.ClientWebSocketResponse, request: Request) -> object:
    await _send(socket, request)
    return await _reply(socket)


async def _send(socket: aiohttp.ClientWebSocketResponse, request: Request) -> None:
    await socket.send_bytes(format_request(request, os.urandom))


async def _reply(socket: aiohttp.ClientWebSocketResponse) -> object:
    message = await socket.receive(timeout=20)
    if message.type is not aiohttp.WSMsgType.BINARY:
        raise _LostError
    return parse_reply(message.data)


def _url(address: RelayAddress) -> str:
    return f"ws://{address.netloc}{PATH}"


@asynccontextmanager
async def pieces(kind: str) -> AsyncIterator[tuple[list[Relay], Engine | None]]:
    """Give one relay on a file, or two on an engine."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        if kind == "sqlite":
            yield [Relay(folder, f"sqlite:{folder / 'store'}")], None
        else:
            engine = stack.enter_context(redis_engine())
            yield [Relay(folder / str(number), engine.url) for number in (1, 2)], engine


async def run(kind: str, kills: int) -> Outcome:
    """Sweep one kind of store."""
    async with pieces(kind) as (relays, engine):
        return await sweep(relays, engine, kills)


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(run(sys.argv[1], int(sys.argv[2])))}\n")
