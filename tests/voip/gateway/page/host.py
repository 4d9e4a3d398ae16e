"""The other end of a guest's line, played by a test: all messages, no media."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import WSMsgType, web

from tests.voip.gateway.page.pageserver import page_server
from voip.gateway.guests import handshake as guest
from voip.gateway.guests.handshake import (
    Answering,
    GuestKeys,
    Hello,
    Media,
    Reply,
    Role,
)
from voip.gateway.guests.line import GuestLine, is_resume
from voip.gateway.guests.messages import GuestMessage
from voip.identity.keys import format_base32
from voip.identity.words import words
from voip.signalling.messages import Confirm, Ping

SECRET = bytes(range(32))
WITHIN_S = 20.0

T = TypeVar("T")


class Host:
    """One gateway that knows one link, and does what the test says.

    Attributes:
        origin: where the page is.
        alias: what the guest is told; anybody's words.
        media: what the guest is let carry.
        refusal: the close code that HELLO is answered with, if any.
        hello: what the guest said first.
        keys: of this call.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.alias = "alice"
        self.media = Media.AUDIO | Media.VIDEO
        self.refusal: int | None = None
        self.hello: Hello | None = None
        self.keys: GuestKeys | None = None
        self.resumed = asyncio.Event()
        self._line: GuestLine | None = None
        self._socket: web.WebSocketResponse | None = None
        self._heard: asyncio.Queue[GuestMessage] = asyncio.Queue()

    @property
    def link(self) -> str:
        """What the guest opens."""
        return f"{self.origin}/#1{format_base32(SECRET)}"

    async def answer(self, socket: web.WebSocketResponse) -> None:
        """Serve one socket of the guest."""
        first = await socket.receive_bytes()
        if self.refusal is not None:
            await socket.close(code=self.refusal)
            return
        self._socket = socket
        if is_resume(first):
            assert self._line is not None
            for sealed in self._line.resume():
                await socket.send_bytes(sealed)
            self.resumed.set()
        else:
            await socket.send_bytes(self._greet(first))
        async for frame in socket:
            if frame.type is WSMsgType.BINARY and self._line is not None:
                message = self._line.open(frame.data)
                if message is not None and not isinstance(message, Ping):
                    self._heard.put_nowait(message)

    def _greet(self, hello: bytes) -> bytes:
        answering = Answering(
            guest.invite_psk(SECRET), self.origin, guest.invite_id(SECRET)
        )
        self.hello = answering.read(hello)
        said = Reply(os.urandom(32), bytes(32), media=self.media, alias=self.alias)
        reply, self.keys = answering.reply(said, os.urandom)
        self._line = GuestLine(self.keys, Role.GATEWAY, os.urandom)
        return reply

    async def say(self, message: GuestMessage) -> None:
        """Send a message."""
        assert self._line is not None
        assert self._socket is not None
        await self._socket.send_bytes(self._line.seal(message))

    async def hear(self, kind: type[T]) -> T:
        """Give the next message of a kind; others before it are passed over."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                message = await self._heard.get()
                if isinstance(message, kind):
                    return message

    async def drop(self) -> None:
        """Let the line break, as a network does."""
        assert self._socket is not None
        await self._socket.close(code=1001)

    def words(self, confirm: Confirm) -> str:
        """Give the words that the guest must be shown."""
        assert self.keys is not None
        return " ".join(words(self.keys.sas(confirm.nonce_a)))


@asynccontextmanager
async def hosting(
    changed: Mapping[str, Callable[[bytes], bytes]] | None = None,
) -> AsyncIterator[Host]:
    """Serve the page, and be its gateway."""
    host = Host()
    async with page_server(host.answer, changed=changed) as origin:
        host.origin = origin
        yield host
