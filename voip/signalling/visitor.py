"""One client of a relay: its frames in, the relay's answers out.

Requests are answered one after another, but a GET waits on its own for a PUT while
later requests are served. What is allowed is `voip.signalling.mailbox`'s to say.
"""

import asyncio
import contextlib
import os
import time

from aiohttp import WSCloseCode, WSMsgType, web

from voip.errors import (
    LimitError,
    MalformedError,
    StoreError,
    UnreachableError,
)
from voip.signalling.counts import Call, Op
from voip.signalling.frames import (
    MAX_PARCELS,
    Ack,
    BoardGet,
    BoardPut,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
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
from voip.signalling.room import Room, Watch
from voip.signalling.turn import (
    PER_CONNECTION,
    PER_CONNECTION_S,
    Meter,
    issue,
    prefix,
)


class _Wait:
    """A GET that waits; a newer one of the same client ends it early."""

    def __init__(self, seconds: float, watch: Watch) -> None:
        self._watch = watch
        self._until = asyncio.get_running_loop().time() + seconds
        self._is_over = False

    def end(self) -> None:
        """Answer now with what there is."""
        self._is_over = True
        self._watch.news.set()

    async def for_news(self) -> bool:
        """Wait until it may be worth looking again; False once it is over."""
        left = self._until - asyncio.get_running_loop().time()
        if self._is_over or left <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left, self._watch.due_s)):
                await self._watch.news.wait()
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
        self._watch = Watch(())
        self._wait = _Wait(0, self._watch)
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
        finally:
            self._room.forget(self._watch)

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                raise MalformedError("frame: expected binary, came text")
            # Not reading on is what slows a flood down: TCP tells the sender.
            if (delay_s := self._visit.delay(time.monotonic())) > 0:
                await asyncio.sleep(delay_s)
            request = parse_request(message.data)
            del message  # not kept until the next one: clients are idle for hours
            if isinstance(request, Get):
                await self._end_get()
                self._look_after(request.fetches)
                self._wait = _Wait(request.wait_s, self._watch)
                self._get = tasks.create_task(self._serve_get(self._wait))
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

    async def _end_get(self) -> None:
        """Have the GET that waits answered, if there is one.

        Replies to GETs come in their order, and who does not read them is not read from
        either: one task waits, however many are asked.
        """
        if self._get is not None and not self._get.done():
            self._wait.end()
            await self._get

    def _look_after(self, fetches: tuple[bytes, ...]) -> None:
        """Hear of what arrives for these from now on, and of nothing else."""
        if fetches != self._watch.fetches:
            self._room.forget(self._watch)
            self._watch = Watch(fetches)
            self._room.watch(self._watch)

    async def _serve_get(self, wait: _Wait) -> None:
        watch = self._watch
        while True:
            parcels = await self._collect(watch) if watch.due_s == 0 else []
            for parcel in parcels:
                await self._send(parcel)
            if parcels or not await wait.for_news():
                break
        self._count(Op.GET, Status.OK)
        await self._send(GetDone())

    async def _collect(self, watch: Watch) -> list[Parcel]:
        watch.begin()
        parcels = await self._room.ask(
            Call.COLLECT,
            self._room.store.collect(
                watch.tags, now=int(time.time()), choose=self._visit.fresh
            ),
        )
        if len(parcels) < MAX_PARCELS:
            watch.was_empty()
        return parcels

    def _count(self, op: Op, status: Status) -> None:
        self._room.counts.frames[op, status] += 1

    async def _send(self, reply: Reply) -> None:
        await self._socket.send_bytes(format_reply(reply, self._room.filler))


_OPS: dict[type[Put | Ack | BoardPut], Op] = {
    Put: Op.PUT,
    Ack: Op.ACK,
    BoardPut: Op.BOARD_PUT,
}
