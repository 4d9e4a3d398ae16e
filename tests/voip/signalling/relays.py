"""Relays to test clients against: an honest one in a folder, and one that lies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from voip.identity.card import RelayAddress
from voip.signalling.frames import PATH


@asynccontextmanager
async def lying_relay(
    answer: Callable[[bytes], list[bytes | str]],
) -> AsyncIterator[RelayAddress]:
    """Serve a relay that answers each frame with whatever `answer` says."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            for reply in answer(message.data):
                if isinstance(reply, str):
                    await socket.send_str(reply)
                else:
                    await socket.send_bytes(reply)
        return socket

    async with plain_server(handle) as address:
        yield address


@asynccontextmanager
async def plain_server(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[RelayAddress]:
    """Serve one handler under a relay's path, on loopback."""
    application = web.Application()
    application.router.add_get(PATH, handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield RelayAddress("127.0.0.1", runner.addresses[0][1])
    finally:
        await runner.cleanup()
