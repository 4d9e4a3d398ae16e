"""Clients of a relay, by the thousand: what they send, and how long it takes."""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from voip.identity.card import RelayAddress
from voip.signalling.envelope import BLOB_BYTES, FETCH_BYTES, mailbox_tag
from voip.signalling.frames import (
    FRAME_BYTES,
    PATH,
    Ack,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
    Put,
    Request,
    Status,
    Stored,
    TurnGrant,
    format_request,
    parse_reply,
)
from voip.signalling.relay import MAX_PER_ADDRESS
from voip.signalling.tls import client_context

CONNECTING = 32
"""Clients that connect at once; all their TLS handshakes would time out each other."""


@dataclass(slots=True)
class Tally:
    """What the clients saw in one round, in seconds."""

    sent_at: dict[bytes, float] = field(default_factory=dict)
    stored: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How much after their time PUTs were begun: what is slow here and not there."""
    lasted: float = 0.0


class Client:
    """A device: waits for blobs, deletes them, and leaves some for others."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.tally = Tally()
        self._socket = socket
        self._fetch = os.urandom(FETCH_BYTES)
        self.tag = mailbox_tag(self._fetch)
        self._answers: deque[asyncio.Future[None]] = deque()

    async def put(self, tag: bytes, due: float, tally: Tally) -> None:
        """Leave a blob, and wait until the relay has it on disk."""
        blob = os.urandom(BLOB_BYTES)
        tally.sent_at[blob[:16]] = due
        await self._ask(Put(tag, blob))
        tally.stored.append(time.perf_counter() - due)

    async def run(self) -> None:
        """Take what comes, until cancelled."""
        await self._send(Get((self._fetch,)))
        read: list[bytes] = []
        async with asyncio.TaskGroup() as tasks:
            async for message in self._socket:
                match parse_reply(message.data):
                    case Stored(status):
                        assert status is Status.OK
                        self._answers.popleft().set_result(None)
                    case Parcel() as parcel:
                        began = self.tally.sent_at.pop(parcel.blob[:16], None)
                        if began is not None:
                            self.tally.delivered.append(time.perf_counter() - began)
                        read.append(parcel.message_id)
                    case GetDone():
                        if read:
                            tasks.create_task(self._ask(Ack(tuple(read))))
                            read = []
                        await self._send(Get((self._fetch,)))
                    case BoardSlot() | TurnGrant():
                        raise AssertionError  # nobody asked for one

    async def _ask(self, request: Put | Ack) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        await self._send(request)
        await answer

    async def _send(self, request: Request) -> None:
        await self._socket.send_bytes(format_request(request, os.urandom))


def percentile(times: list[float], part: float) -> float:
    """Give what so large a part of all is not above."""
    return sorted(times)[int(part * (len(times) - 1))]


async def flood(clients: list[Client], in_flight: int, *, seconds: float) -> Tally:
    """Keep so many PUTs without an answer."""
    tally = _begin(clients)
    began = time.perf_counter()
    until = began + seconds

    async def write(pairs: Iterator[tuple[Client, Client]]) -> None:
        for writer, reader in pairs:
            if time.perf_counter() >= until:
                return
            await writer.put(reader.tag, time.perf_counter(), tally)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(write(_pairs(clients)))
    tally.lasted = time.perf_counter() - began
    return tally


async def pace(clients: list[Client], per_s: float, *, seconds: float) -> Tally:
    """Send on a schedule that does not wait for answers, so that delays count."""
    tally = _begin(clients)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, (writer, reader) in enumerate(_pairs(clients)):
            due = began + number / per_s
            if number >= per_s * seconds:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tally.late.append(time.perf_counter() - due)
            tasks.create_task(writer.put(reader.tag, due, tally))
    return tally


def _begin(clients: list[Client]) -> Tally:
    tally = Tally()
    for client in clients:
        client.tally = tally
    return tally


def _pairs(clients: list[Client]) -> Iterator[tuple[Client, Client]]:
    while True:
        writer, reader = random.sample(clients, 2)
        yield writer, reader


@asynccontextmanager
async def open_clients(
    relay: RelayAddress, count: int, *, network: int = 0, is_plain: bool = False
) -> AsyncIterator[list[Client]]:
    """Connect clients from addresses of 127.0.`network`.0/24, which all are ours."""
    scheme = "ws" if is_plain else "wss"
    async with AsyncExitStack() as stack:
        # The relay bounds the clients of one address.
        homes = [
            await stack.enter_async_context(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(
                        limit=0, local_addr=(f"127.0.{network}.{home + 2}", 0)
                    )
                )
            )
            for home in range(-(-count // MAX_PER_ADDRESS))
        ]
        context = client_context(relay)
        room = asyncio.Semaphore(CONNECTING)

        async def connect(home: aiohttp.ClientSession) -> Client:
            async with room:
                return Client(
                    await home.ws_connect(
                        f"{scheme}://{relay.netloc}{PATH}",
                        ssl=context,
                        max_msg_size=FRAME_BYTES + 1,
                    )
                )

        clients = await asyncio.gather(
            *(connect(homes[number // MAX_PER_ADDRESS]) for number in range(count))
        )
        running = [asyncio.create_task(client.run()) for client in clients]
        try:
            yield clients
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
