"""Serves a relay: WebSockets in front of a store.

The rules are `voip.signalling.mailbox`'s; this module lets clients in, bounds what one
of them can take up, and lets them go when the process has to end. It logs neither tags
nor addresses, and nothing it stores says who a blob is for.
"""

import asyncio
import contextlib
import functools
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import WSCloseCode, web

from voip.errors import LimitError, RefusedError, StoreError, UnreachableError
from voip.identity.card import RelayAddress
from voip.signalling.address import is_loopback
from voip.signalling.arrivals import Arrival
from voip.signalling.counts import Call, RelayCounts, Turned
from voip.signalling.frames import FRAME_BYTES, PATH
from voip.signalling.mailbox import Limits
from voip.signalling.places import Places
from voip.signalling.room import Room
from voip.signalling.store import Store
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.tls import TlsFiles, make_key, server_context
from voip.signalling.turn import TurnOffer, prefix
from voip.signalling.visitor import Visitor

MAX_CONNECTIONS = 4096  # each holds tens of kilobytes
MAX_PER_ADDRESS = 64  # a household, a small office; not one client for everybody
# Also with those that have not asked for anything yet; the rest are told why not.
MAX_OPEN = MAX_CONNECTIONS + 1024
MAX_OPEN_PER_PREFIX = 2 * MAX_PER_ADDRESS
SILENCE_S = 10.0
HEARTBEAT_S = 30.0  # finds clients that went without a word
HANDSHAKE_S = 10.0  # of TLS; until it is over a connection is counted nowhere
SWEEP_S = 60.0
LAST_WORD_S = 1.0  # for the farewell of a client that does not answer ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a relay is offered.

    Attributes:
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        tls: certificate and key; None is without TLS, for a loopback address only
            (behind a proxy or an onion service).
        is_proxied: whether a proxy says where clients are (the last address of
            ``X-Forwarded-For``); without TLS only, or anybody could say so.
        is_shared: whether other processes listen on the same port.
        turn: TURN servers whose credentials clients may ask for.
        silence_s: how long a connection is kept that asks for nothing, in seconds.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsFiles | None = None
    is_proxied: bool = False
    is_shared: bool = False
    turn: TurnOffer | None = None
    silence_s: float = SILENCE_S


class RunningRelay:
    """A relay that accepts connections.

    Attributes:
        address: what a card would hold.
        counts: what it counted.
    """

    def __init__(self, address: RelayAddress, door: "_Door", room: Room) -> None:
        self.address = address
        self.counts = room.counts
        self._door = door
        self._room = room

    @property
    def is_draining(self) -> bool:
        """Whether it is on its way out."""
        return self._door.is_draining

    async def check(self) -> None:
        """Have the store write something and make it durable.

        Raises:
            UnreachableError: it did not within five seconds.
            StoreError: it cannot: a disk is full, or broken.
        """
        await self._room.ask(Call.CHECK, self._room.store.check(int(time.time())))

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more, and send away who is there, one after another.

        Spread over the time, so that who is sent away does not storm the next relay.
        """
        await self._door.drain(seconds)


@asynccontextmanager
async def serve_relay(  # noqa: PLR0913 - what an operator may choose
    database: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: TlsFiles | None = None,
    plain: bool = False,
    limits: Limits | None = None,
) -> AsyncIterator[RunningRelay]:
    """Serve a relay with a store of its own for the length of a block.

    Args:
        database: the file; its key and certificate lie beside it unless `tls` is set.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        tls: certificate and key of the operator's own.
        plain: without TLS, for a loopback address only (behind a proxy or an onion
            service).
        limits: what the operator grants.

    Raises:
        RefusedError: `plain` on an address that others can reach.
        StoreError: the store or the key cannot be opened.
        UnreachableError: the address is taken or not ours.
    """
    if not plain and tls is None:
        tls = own_key(database)
    service = Service(host=host, port=port, tls=None if plain else tls)
    check_service(service)
    async with (
        open_sqlite(database, limits=limits or Limits(), entropy=os.urandom) as store,
        serve_store(store, service) as running,
    ):
        yield running


def own_key(beside: Path) -> TlsFiles:
    """Give a relay's own key and certificate, which are made if they are not there.

    Raises:
        StoreError: they cannot be written.
    """
    files = TlsFiles(
        certificate=beside.with_suffix(".cert.pem"), key=beside.with_suffix(".key.pem")
    )
    make_key(files)
    return files


def check_service(service: Service) -> None:
    """Check that nothing is offered that would be heard or told by strangers.

    Raises:
        RefusedError: without TLS on an address that others can reach; or a proxy is
            believed where clients reach us without it.
    """
    if service.tls is None and not is_loopback(service.host):
        raise RefusedError(
            f"relay without tls: expected a loopback address, came {service.host!r}"
        )
    if service.is_proxied and service.tls is not None:
        raise RefusedError("relay behind a proxy: expected no tls, the proxy has it")


@asynccontextmanager
async def serve_store(
    store: Store, service: Service, *, counts: RelayCounts | None = None
) -> AsyncIterator[RunningRelay]:
    """Serve a relay in front of any store for the length of a block.

    Raises:
        RefusedError: see `check_service`.
        StoreError: the key cannot be read.
        UnreachableError: the address is taken or not ours.
    """
    check_service(service)
    context, pin = None, None
    if service.tls is not None:
        context, pin = server_context(service.tls)
    room = Room(store, counts=counts, turn=service.turn)
    door = _Door(room, is_proxied=service.is_proxied)
    async with _listen(door, service, context) as bound:
        # Owned by this block: a task group would wrap what the caller raises.
        sweeper = asyncio.create_task(_sweep(room))
        try:
            address = RelayAddress(service.host, bound, pin=pin)
            yield RunningRelay(address, door, room)
        finally:
            sweeper.cancel()
            await asyncio.wait([sweeper])


@asynccontextmanager
async def _listen(
    door: "_Door", service: Service, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Accept connections for the length of a block; give the port."""
    application = web.Application()
    application.router.add_get(PATH, door.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    assert runner.server is not None  # made by setup
    connection = functools.partial(
        Arrival, runner.server, door, silence_s=service.silence_s
    )
    try:
        door.server = await _bind(connection, service, context)
        try:
            yield int(door.server.sockets[0].getsockname()[1])
        finally:
            await door.drain(0.0)
    finally:
        await runner.cleanup()


async def _bind(
    protocol: Callable[[], asyncio.Protocol],
    service: Service,
    context: ssl.SSLContext | None,
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(
            protocol,
            service.host,
            service.port,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S if context else None,
            reuse_port=service.is_shared or None,
        )
    except OSError as error:
        raise UnreachableError(
            f"cannot listen on {service.host}:{service.port}: {error.strerror}"
        ) from error


class _Door:
    """Lets clients in, no more than there is room for, and out again."""

    def __init__(self, room: Room, *, is_proxied: bool) -> None:
        self.server: asyncio.Server | None = None
        self.is_draining = False
        self._room = room
        self._is_proxied = is_proxied
        self._sockets: set[web.WebSocketResponse] = set()
        self._clients = Places(MAX_CONNECTIONS, MAX_PER_ADDRESS)
        self._open = Places(MAX_OPEN, MAX_OPEN_PER_PREFIX)

    def household(self, transport: asyncio.BaseTransport) -> str | None:
        """Say whose a connection is; a proxy's are everybody's."""
        if self._is_proxied:
            return None
        peer = transport.get_extra_info("peername")
        return prefix(peer[0] if peer else "")

    def opened(self, household: str | None) -> bool:
        """Count a connection in, before it asks for anything; False if it must go."""
        if (turned := self._open.refusal(household)) is not None:
            self._room.counts.turned_away[turned] += 1
            return False
        self._open.enter(household)
        return True

    def closed(self, household: str | None) -> None:
        """Count a connection out that was counted in."""
        self._open.leave(household)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it goes."""
        address = _address(request, is_proxied=self._is_proxied)
        household = prefix(address)
        if (turned := self._turned(household)) is not None:
            self._room.counts.turned_away[turned] += 1
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S,
            max_msg_size=FRAME_BYTES + 1,  # aiohttp's bound is exclusive
            compress=False,
        )
        self._sockets.add(socket)
        self._clients.enter(household)
        self._room.counts.connections += 1
        try:
            await socket.prepare(request)
            await Visitor(self._room, socket, address=address).serve()
        finally:
            self._room.counts.connections -= 1
            self._sockets.discard(socket)
            self._clients.leave(household)
        return socket

    async def drain(self, seconds: float) -> None:
        """Let nobody in, and tell every client that we go."""
        self.is_draining = True
        if self.server is not None:
            self.server.close()
        loop = asyncio.get_running_loop()
        began = loop.time()
        leaving = [*self._sockets]
        async with asyncio.TaskGroup() as tasks:
            for number, socket in enumerate(leaving):
                due = began + seconds * number / len(leaving)
                await asyncio.sleep(due - loop.time())
                # A client that does not say goodbye holds up none of the others.
                tasks.create_task(_send_away(socket))

    def _turned(self, household: str) -> Turned | None:
        if self.is_draining:
            return Turned.DRAINING
        return self._clients.refusal(household)


async def _send_away(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORD_S):
            await socket.close(code=WSCloseCode.GOING_AWAY)


def _address(request: web.Request, *, is_proxied: bool) -> str:
    """Say where a client is; the last of a proxy's list is what the proxy saw."""
    if is_proxied:
        lines = request.headers.getall("X-Forwarded-For", [""])
        return lines[-1].rpartition(",")[2].strip()
    return request.remote or ""


async def _sweep(room: Room) -> None:
    """Drop what expired, for ever."""
    while True:
        # A store that is full or away for a while is tried again next time.
        with contextlib.suppress(StoreError, LimitError, UnreachableError):
            await room.ask(Call.SWEEP, room.store.sweep(int(time.time())))
        await asyncio.sleep(SWEEP_S)
