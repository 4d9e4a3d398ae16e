"""Serves a relay: WebSockets in front of a spool.

The rules are `voip.signalling.mailbox`'s; this module carries frames to them, lets a
GET wait for a PUT, and bounds what a client can take up. It logs neither tags nor
addresses, and nothing it stores says who a blob is for.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import WSCloseCode, web

from voip.errors import LimitError, RefusedError, StoreError, UnreachableError
from voip.identity.card import RelayAddress
from voip.signalling.frames import FRAME_BYTES, PATH
from voip.signalling.mailbox import Limits
from voip.signalling.spool import Spool, open_spool
from voip.signalling.tls import TlsFiles, is_loopback, make_key, server_context
from voip.signalling.visitor import Room, Visitor

MAX_CONNECTIONS = 4096  # each holds tens of kilobytes
MAX_PER_ADDRESS = 64  # a household, a small office; not one client for everybody
HEARTBEAT_S = 30.0  # finds clients that went without a word
HANDSHAKE_S = 10.0
SWEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class RunningRelay:
    """A relay that accepts connections; `address` is what a card would hold."""

    address: RelayAddress


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
    """Serve a relay for the length of a block.

    Args:
        database: the spool; its key and certificate lie beside it unless `tls` is set.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        tls: certificate and key of the operator's own.
        plain: without TLS, for a loopback address only (behind a proxy or an onion
            service).
        limits: what the operator grants.

    Raises:
        RefusedError: `plain` on an address that others can reach.
        StoreError: the spool or the key cannot be opened.
        UnreachableError: the address is taken or not ours.
    """
    if plain and not is_loopback(host):
        raise RefusedError(
            f"relay without tls: expected a loopback address, came {host!r}"
        )
    context, pin = None, None
    if not plain:
        if tls is None:
            tls = TlsFiles(
                certificate=database.with_suffix(".cert.pem"),
                key=database.with_suffix(".key.pem"),
            )
            make_key(tls)
        context, pin = server_context(tls)
    async with open_spool(database) as spool:
        door = _Door(Room(spool, limits or Limits()))
        async with _listen(door, host, port, context) as bound:
            # Owned by this block: a task group would wrap what the caller raises.
            sweeper = asyncio.create_task(_sweep(spool))
            try:
                yield RunningRelay(RelayAddress(host, bound, pin=pin))
            finally:
                sweeper.cancel()
                await asyncio.wait([sweeper])


@asynccontextmanager
async def _listen(
    door: "_Door", host: str, port: int, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Accept connections for the length of a block; give the port."""
    application = web.Application()
    application.router.add_get(PATH, door.handle)
    runner = web.AppRunner(application, access_log=None, logger=_silent())
    await runner.setup()
    assert runner.server is not None  # made by setup
    try:
        server = await _bind(runner.server, host, port, context)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await door.close()
    finally:
        await runner.cleanup()


async def _bind(
    protocol: web.Server, host: str, port: int, context: ssl.SSLContext | None
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(
            protocol,
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S if context else None,
        )
    except OSError as error:
        raise UnreachableError(
            f"cannot listen on {host}:{port}: {error.strerror}"
        ) from error


def _silent() -> logging.Logger:
    """Give aiohttp a log that goes nowhere: its error lines name client addresses."""
    logger = logging.Logger("relay")  # noqa: LOG001 - outside the tree, so nobody listens
    logger.addHandler(logging.NullHandler())
    return logger


class _Door:
    """Lets clients in, no more than there is room for."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._sockets: set[web.WebSocketResponse] = set()
        self._addresses: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it goes."""
        address = request.remote or ""
        if (
            len(self._sockets) >= MAX_CONNECTIONS
            or self._addresses[address] >= MAX_PER_ADDRESS
        ):
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S,
            max_msg_size=FRAME_BYTES + 1,  # aiohttp's bound is exclusive
            compress=False,
        )
        self._sockets.add(socket)
        self._addresses[address] += 1
        try:
            await socket.prepare(request)
            await Visitor(self._room, socket).serve()
        finally:
            self._sockets.discard(socket)
            self._addresses -= Counter([address])  # drops an address that fell to 0
        return socket

    async def close(self) -> None:
        """Tell every client that we go."""
        for socket in [*self._sockets]:
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _sweep(spool: Spool) -> None:
    """Drop what expired, for ever."""
    while True:
        # A disk that is full or locked for a while is tried again next time.
        with contextlib.suppress(StoreError, LimitError):
            await spool.run(lambda shelf: shelf.sweep(int(time.time())))
        await asyncio.sleep(SWEEP_S)
