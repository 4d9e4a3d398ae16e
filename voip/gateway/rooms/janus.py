"""The one door to Janus: its VideoRoom plugin, over a WebSocket.

Carrier; what is said is in `videoroom`. One session and one handle for what we publish,
one more handle for each feed that we take. Whatever the server says that cannot be
ends the connection, with `Closed` as the last event.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

import aiohttp

from voip.errors import CallError, MalformedError, RefusedError, UnreachableError
from voip.gateway.rooms import videoroom
from voip.gateway.rooms.sfu import (
    Closed,
    Congested,
    FeedAdded,
    FeedGone,
    FeedId,
    Sdp,
    SfuEvent,
)
from voip.gateway.rooms.videoroom import Json, Reply
from voip.signalling.group import Room

ANSWER_S = 10.0
"""For one request; joining and publishing take two round trips of the server."""
KEEPALIVE_S = 25.0  # a session without a word for 60 s is over, says Janus
MAX_MESSAGE_BYTES = 256 * 1024  # 64 publishers with their streams are 60 kB
MAX_EVENTS = 256  # a room changes a few times a minute; more unread ends it
SUBPROTOCOL = "janus-protocol"
_LAST = frozenset({"success", "event", "error"})
"""What answers a request for good; `ack` only says that it came."""


class Janus:
    """A room on one server; use as ``async with Janus(...) as sfu``."""

    def __init__(
        self,
        url: str,
        *,
        entropy: Callable[[int], bytes],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Take a checked address; `trust` is whose certificate it may show."""
        self._url = url
        self._entropy = entropy
        self._trust = trust
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._events: asyncio.Queue[SfuEvent] = asyncio.Queue(MAX_EVENTS)
        self._handles: dict[FeedId, int] = {}
        self._session = self._publisher = 0
        self._ticket: Room | None = None
        self._is_over = self._is_closed = False

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession()
        try:
            await self._connect()
        except BaseException:
            await self._client.close()
            raise
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._read()),
            loop.create_task(self._keep_alive()),
        ]
        try:
            self._session = await self._make("create")
            self._publisher = await self._attach()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def create(self, ticket: Room, *, admin_key: str, secret: str) -> None:
        """Make the room; raises what every method of `Sfu` raises."""
        body = videoroom.create_room(ticket, admin_key=admin_key, secret=secret)
        await self._message(self._publisher, body, expect="created")

    async def destroy(self, ticket: Room, *, secret: str) -> None:
        """End the room for all; likewise."""
        body = videoroom.destroy_room(ticket, secret=secret)
        await self._message(self._publisher, body, expect="destroyed")

    async def join(self, ticket: Room) -> None:
        """See `Sfu`."""
        display = self._entropy(8).hex()
        body = videoroom.join_room(ticket, display=display)
        self._ticket = ticket
        await self._message(self._publisher, body, expect="joined")

    async def publish(self, offer: Sdp) -> Sdp:
        """See `Sfu`."""
        reply = await self._message(
            self._publisher,
            {"request": "publish"},
            jsep=videoroom.format_jsep("offer", offer),
        )
        return _sdp(reply)

    async def subscribe(self, feed: FeedId) -> Sdp:
        """See `Sfu`."""
        if self._ticket is None:
            raise UnreachableError("the room was not joined")
        handle = self._handles[feed] = await self._attach()
        body = videoroom.subscribe(self._ticket, feed)
        return _sdp(await self._message(handle, body, expect="attached"))

    async def answer(self, feed: FeedId, sdp: Sdp) -> None:
        """See `Sfu`."""
        handle = self._handles.get(feed)
        if handle is None:
            raise UnreachableError("the feed is gone")
        jsep = videoroom.format_jsep("answer", sdp)
        await self._message(handle, {"request": "start"}, jsep=jsep)

    async def remove(self, feed: FeedId, *, secret: str) -> None:
        """See `Sfu`."""
        if self._ticket is None:
            raise UnreachableError("the room was not joined")
        body = videoroom.remove(self._ticket, feed, secret=secret)
        await self._message(self._publisher, body, expect="success")

    async def unsubscribe(self, feed: FeedId) -> None:
        """See `Sfu`."""
        handle = self._handles.pop(feed, None)
        if handle is not None:
            await self._ask("detach", session_id=self._session, handle_id=handle)

    async def events(self) -> AsyncIterator[SfuEvent]:
        """See `Sfu`."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self) -> None:
        """Leave, whatever the server says to that; a second time does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._session:
                # A server that is not told forwards to nobody for another minute.
                with contextlib.suppress(CallError):
                    await self._ask("destroy", session_id=self._session)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._socket.close()
            await self._client.close()

    # Requests and answers.

    async def _make(self, kind: str, **fields: object) -> int:
        reply = await self._ask(kind, **fields)
        if reply.number is None:
            raise MalformedError(f"janus: {kind} was answered without a number")
        return reply.number

    async def _attach(self) -> int:
        return await self._make(
            "attach", session_id=self._session, plugin=videoroom.PLUGIN
        )

    async def _message(
        self, handle: int, body: Json, *, jsep: Json | None = None, expect: str = ""
    ) -> Reply:
        """Ask the plugin, and hold it to what it is to answer."""
        more: dict[str, object] = {} if jsep is None else {"jsep": jsep}
        reply = await self._ask(
            "message",
            session_id=self._session,
            handle_id=handle,
            body=body,
            **more,
        )
        if expect and reply.plugin != expect:
            raise MalformedError(
                f"janus: expected the answer {expect!r}, came {reply.plugin!r}"
            )
        return reply

    async def _ask(self, kind: str, **fields: object) -> Reply:
        if self._is_over or self._socket.closed:
            raise UnreachableError("the connection to the forwarding server is closed")
        transaction = self._entropy(8).hex()
        answer = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = answer
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._send(kind, transaction, **fields)
                reply: Reply = await answer
        except TimeoutError:
            raise UnreachableError(
                f"the forwarding server did not answer {kind} within {ANSWER_S:g} s"
            ) from None
        finally:
            del self._waiting[transaction]
        if reply.error is not None:
            raise RefusedError(f"the forwarding server says no: {reply.error!r}")
        return reply

    async def _send(self, kind: str, transaction: str, **fields: object) -> None:
        # A connection that breaks meanwhile is the reader's to tell.
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await self._socket.send_str(
                videoroom.format_request(kind, transaction, **fields)
            )

    # The connection.

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                self._socket = await self._client.ws_connect(
                    self._url,
                    protocols=(SUBPROTOCOL,),
                    max_msg_size=MAX_MESSAGE_BYTES,
                    ssl=self._trust or True,
                )
        except TimeoutError:
            raise UnreachableError(
                f"the forwarding server did not answer within {ANSWER_S:g} s"
            ) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise RefusedError(
                f"the certificate of the forwarding server was not accepted: {error}"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(
                f"the forwarding server cannot be reached: {error}"
            ) from error

    async def _read(self) -> None:
        """Take what comes until it ends, and say then why."""
        reason = "the forwarding server closed the connection"
        try:
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise MalformedError("janus: expected text, came something else")
                reply = videoroom.parse_reply(message.data)
                self._take(reply)
                if reply.is_over:
                    reason = "the forwarding server ended the room"
                    break
        except CallError as error:
            reason = str(error)
        self._end(reason)

    def _take(self, reply: Reply) -> None:
        answer = self._waiting.get(reply.transaction or "")
        if answer is not None and reply.kind in _LAST and not answer.done():
            answer.set_result(reply)
        if reply.kind == "slowlink":
            self._put(Congested(reply.is_ours))
        elif reply.kind == "event" and reply.handle == self._publisher:
            self._tell(reply)

    def _tell(self, reply: Reply) -> None:
        for feed in reply.feeds:
            self._put(FeedAdded(feed))
        if reply.gone is not None:
            self._put(FeedGone(reply.gone))

    def _put(self, event: SfuEvent) -> None:
        if self._events.qsize() >= MAX_EVENTS - 1:  # one place is for the last word
            raise MalformedError(f"janus: {MAX_EVENTS} events that nobody read")
        self._events.put_nowait(event)

    def _end(self, reason: str) -> None:
        self._is_over = True
        self._events.put_nowait(Closed(reason))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(UnreachableError(reason))

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            if not self._is_over:
                # Answered by an `ack` without more, which nobody waits for.
                await self._send("keepalive", "alive", session_id=self._session)


def _sdp(reply: Reply) -> Sdp:
    if reply.sdp is None:
        raise MalformedError("janus: an offer or answer is missing")
    return reply.sdp
