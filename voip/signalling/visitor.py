"""One client of a relay: its frames in, the relay's answers out.

Requests are answered one after another, but a GET waits on its own for a PUT while
later requests are served. What is allowed is `voip.signalling.mailbox`'s to say.
"""

import asyncio
import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from typing import TypeVar

from aiohttp import WSCloseCode, WSMsgType, web

from voip.errors import (
    CallError,
    LimitError,
    MalformedError,
    StoreError,
    UnreachableError,
)
from voip.signalling.counts import Call, Op, RelayCounts
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
    Turn,
    TurnGrant,
    TurnStatus,
    format_reply,
    parse_request,
)
from voip.signalling.mailbox import Visit
from voip.signalling.store import STORE_S, Store
from voip.signalling.turn import (
    PER_CONNECTION,
    PER_CONNECTION_S,
    PER_PREFIX,
    PER_PREFIX_S,
    Meter,
    TurnOffer,
    issue,
    prefix,
)

_R = TypeVar("_R")

RECHECK_S = 5.0  # a waiting GET looks again: a hint of the store may be lost


class Room:
    """What the clients of one process share: the store, and who waits for what."""

    def __init__(
        self,
        store: Store,
        *,
        counts: RelayCounts | None = None,
        turn: TurnOffer | None = None,
    ) -> None:
        self.store = store
        self.counts = counts or RelayCounts()
        self.turn = turn
        self.turn_meter = Meter(PER_PREFIX, PER_PREFIX_S)
        self._waiting: defaultdict[bytes, set[asyncio.Event]] = defaultdict(set)
        store.listen(self._arrived)

    async def ask(self, call: Call, work: Coroutine[None, None, _R]) -> _R:
        """Let the store do something, and count how long it took.

        Raises:
            UnreachableError: it took more than five seconds, and may yet happen.
            StoreError: the store cannot.
            LimitError: too much waits for it.
        """
        began = time.perf_counter()
        try:
            async with asyncio.timeout(STORE_S):
                return await work
        except TimeoutError:
            self.counts.store_errors[call] += 1
            raise UnreachableError(f"store: no answer within {STORE_S:g} s") from None
        except CallError:
            self.counts.store_errors[call] += 1
            raise
        finally:
            self.counts.store_s[call].add(time.perf_counter() - began)

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

    def _arrived(self, tag: bytes) -> None:
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

    def __init__(
        self, room: Room, socket: web.WebSocketResponse, *, address: str = ""
    ) -> None:
        """`address` is where the client is, for what is granted per household."""
        self._room = room
        self._socket = socket
        self._prefix = prefix(address)
        self._visit = Visit(time.monotonic())
        self._turn_meter = Meter(PER_CONNECTION, PER_CONNECTION_S)
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
        except* (StoreError, LimitError, UnreachableError):
            # The client comes back, perhaps to a process that is better off, and asks
            # again for what was not answered.
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

    async def _answer(self, request: Put | Ack | BoardPut | BoardGet | Turn) -> Reply:
        match request:
            case BoardGet(board, index):
                slot = self._room.store.slot(board, index)
                reply = BoardSlot(await self._room.ask(Call.SLOT, slot))
                self._count(Op.BOARD_GET, Status.OK)
                return reply
            case Turn(wanted_s):
                return self._grant(wanted_s)
            case _:
                status = await self._store(request)
                self._count(_OPS[type(request)], status)
                return Stored(status)

    async def _store(self, request: Put | Ack | BoardPut) -> Status:
        ask, store = self._room.ask, self._room.store
        now = int(time.time())
        if isinstance(request, Ack):
            # Not "slow down" where this fails: who deletes does not try again then.
            await ask(Call.DISCARD, store.discard(request.message_ids))
            return Status.OK
        try:
            if isinstance(request, Put):
                return await ask(Call.PUT, store.put(request, now=now))
            return await ask(Call.PUBLISH, store.publish(request, now=now))
        except (LimitError, UnreachableError):
            return Status.SLOW_DOWN

    def _grant(self, wanted_s: int) -> TurnGrant:
        room, now = self._room, time.monotonic()
        if room.turn is None:
            self._count(Op.TURN, Status.REFUSED)
            return TurnGrant(TurnStatus.NOT_OFFERED)
        try:
            self._turn_meter.count(None, now)
            room.turn_meter.count(self._prefix, now)
        except LimitError:
            self._count(Op.TURN, Status.SLOW_DOWN)
            return TurnGrant(TurnStatus.SLOW_DOWN)
        expires, servers = issue(
            room.turn, wanted_s=wanted_s, now=int(time.time()), entropy=os.urandom
        )
        room.counts.turn_issued += 1
        self._count(Op.TURN, Status.OK)
        return TurnGrant(TurnStatus.OK, expires, servers=servers)

    async def _serve_get(self, request: Get, wait: _Wait) -> None:
        tags = [mailbox_tag(fetch) for fetch in request.fetches]
        ask, store, choose = self._room.ask, self._room.store, self._visit.fresh
        with self._room.waiting(tags, wait.news):
            while True:
                parcels = await ask(
                    Call.COLLECT,
                    store.collect(tags, now=int(time.time()), choose=choose),
                )
                for parcel in parcels:
                    await self._send(parcel)
                if parcels or not await wait.for_news():
                    break
        self._count(Op.GET, Status.OK)
        await self._send(GetDone())

    def _count(self, op: Op, status: Status) -> None:
        self._room.counts.frames[op, status] += 1

    async def _send(self, reply: Reply) -> None:
        await self._socket.send_bytes(format_reply(reply, os.urandom))


_OPS: dict[type[Put | Ack | BoardPut], Op] = {
    Put: Op.PUT,
    Ack: Op.ACK,
    BoardPut: Op.BOARD_PUT,
}
