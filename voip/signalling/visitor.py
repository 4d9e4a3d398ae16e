"""One client of a relay: its frames in, the relay's answers out.

Requests are answered one after another, but a GET waits on its own for a PUT while
later requests are served. What is allowed is `voip.signalling.mailbox`'s to say.
"""

import asyncio
import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from aiohttp import WSCloseCode, WSMsgType, web

from voip.errors import LimitError, MalformedError, StoreError
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    Ack,
    BoardGet,
    BoardPut,
    BoardSlot,
    Get,
    GetDone,
    Put,
    Reply,
    Status,
    Stored,
    format_reply,
    parse_request,
)
from voip.signalling.mailbox import Limits, Visit, collect, discard, post, publish
from voip.signalling.spool import Spool

RECHECK_S = 5.0  # a waiting GET looks again: another process may have taken the PUT


class Room:
    """What the clients of one process share: the spool, and who waits for what."""

    def __init__(self, spool: Spool, limits: Limits) -> None:
        self.spool = spool
        self.limits = limits
        self._waiting: defaultdict[bytes, set[asyncio.Event]] = defaultdict(set)

    @contextlib.contextmanager
    def waiting(self, tags: list[bytes], news: asyncio.Event) -> Iterator[None]:
        """Have `news` set whenever a blob arrives under one of the tags."""
        for tag in tags:
            self._waiting[tag].add(news)
        try:
            yield
        finally:
            for tag in set(tags):
                self._waiting[tag].discard(news)
                if not self._waiting[tag]:
                    del self._waiting[tag]

    def arrived(self, tag: bytes) -> None:
        """Wake whoever waits for this tag."""
        for news in self._waiting.get(tag, ()):
            news.set()


class _Wait:
    """A GET that waits; a newer one of the same client ends it early."""

    def __init__(self, seconds: float) -> None:
        self.news = asyncio.Event()
        self._until = asyncio.get_running_loop().time() + seconds
        self._is_over = False

    def end(self) -> None:
        """Answer now with what there is."""
        self._is_over = True
        self.news.set()

    async def for_news(self) -> bool:
        """Wait until it is worth looking again; False once it is over."""
        left = self._until - asyncio.get_running_loop().time()
        if self._is_over or left <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left, RECHECK_S)):
                await self.news.wait()
        self.news.clear()
        return not self._is_over


class Visitor:
    """Serves one WebSocket."""

    def __init__(self, room: Room, socket: web.WebSocketResponse) -> None:
        self._room = room
        self._socket = socket
        self._visit = Visit(time.monotonic())
        self._wait = _Wait(0)
        self._get: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Answer until the client goes, or breaks the format."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._read(tasks)
                if self._get is not None:
                    self._get.cancel()
        except* MalformedError:
            await self._socket.close(code=WSCloseCode.PROTOCOL_ERROR)
        except* (StoreError, LimitError):
            await self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
        except* ConnectionError:
            await self._socket.close()

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                raise MalformedError("frame: expected binary, came text")
            # Not reading on is what slows a flood down: TCP tells the sender.
            await asyncio.sleep(self._visit.delay(time.monotonic()))
            request = parse_request(message.data)
            if isinstance(request, Get):
                self._wait.end()
                if self._get is not None:
                    # Replies to GETs come in their order, and who does not read them
                    # is not read from either: one task waits, however many are asked.
                    await self._get
                self._wait = _Wait(request.wait_s)
                self._get = tasks.create_task(self._serve_get(request, self._wait))
            else:
                await self._send(await self._answer(request))

    async def _answer(self, request: Put | Ack | BoardPut | BoardGet) -> Reply:
        if isinstance(request, BoardGet):
            return BoardSlot(
                await self._room.spool.run(
                    lambda shelf: shelf.slot(request.board, request.index)
                )
            )
        try:
            return Stored(await self._store(request))
        except LimitError:
            return Stored(Status.SLOW_DOWN)

    async def _store(self, request: Put | Ack | BoardPut) -> Status:
        run, limits = self._room.spool.run, self._room.limits
        now = int(time.time())
        match request:
            case Put(tag):
                status = await run(
                    partial(
                        post, put=request, now=now, limits=limits, entropy=os.urandom
                    )
                )
                self._room.arrived(tag)
                return status
            case Ack(message_ids):
                return await run(partial(discard, message_ids=message_ids))
            case BoardPut():
                return await run(partial(publish, slot=request, now=now, limits=limits))

    async def _serve_get(self, request: Get, wait: _Wait) -> None:
        tags = [mailbox_tag(fetch) for fetch in request.fetches]
        with self._room.waiting(tags, wait.news):
            while True:
                parcels = await self._room.spool.run(
                    partial(collect, tags=tags, now=int(time.time()), visit=self._visit)
                )
                for parcel in parcels:
                    await self._send(parcel)
                if parcels or not await wait.for_news():
                    break
        await self._send(GetDone())

    async def _send(self, reply: Reply) -> None:
        await self._socket.send_bytes(format_reply(reply, os.urandom))
