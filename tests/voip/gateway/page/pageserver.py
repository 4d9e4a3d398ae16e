"""The page on loopback, with whatever at the other end of its line."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from voip.gateway.guests.pages import headers, read_pages

Answer = Callable[[web.WebSocketResponse], Awaitable[None]]
"""Plays the gateway over one socket of a guest."""


@asynccontextmanager
async def page_server(
    answer: Answer | None = None,
    *,
    changed: Mapping[str, Callable[[bytes], bytes]] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> AsyncIterator[str]:
    """Serve the page with its own headers; give its origin.

    `changed` makes something else of a file, as an attacker would; `extra` are pages of
    HTML of the test's own, by path.
    """
    pages = read_pages()
    common = headers(pages, is_secure=False)

    async def serve(request: web.Request) -> web.Response:
        page = pages[request.path]
        change = (changed or {}).get(request.path, bytes)
        return web.Response(
            body=change(page.body),
            headers=common | {"Content-Type": page.content_type},
        )

    async def serve_extra(request: web.Request) -> web.Response:
        return web.Response(
            body=(extra or {})[request.path],
            headers=common | {"Content-Type": "text/html; charset=utf-8"},
        )

    async def meet(request: web.Request) -> web.WebSocketResponse:
        assert answer is not None
        line = web.WebSocketResponse()
        await line.prepare(request)
        await answer(line)
        return line

    app = web.Application()
    app.add_routes(web.get(path, serve) for path in pages)
    app.add_routes(web.get(path, serve_extra) for path in extra or {})
    app.add_routes([web.get("/ringfence/guest/1", meet)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # sockets of guests stay open
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
