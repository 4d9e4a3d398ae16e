"""Serves the page to browser guests and carries their calls.

Carrier: HTTPS (plain HTTP on loopback, behind a proxy), and one WebSocket per guest.
What a message means and how far a call may go is said by rules: `invite`, `greeting`,
`call`. ::

    async with BrowserGateway(invites, alias="alice") as gateway:
        await gateway.listen("127.0.0.1", 8443, context)
        guest = await gateway.guest()          somebody is at the door
        guest.accept(port.plan())
        async for news in guest.news(): ...

A handshake that fails is told one thing, whatever it was; the codes that close a socket
are in docs/formats/guest.md.
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from aiohttp import WSMsgType, web

from voip.errors import LimitError, RefusedError
from voip.gateway.counts import GatewayCounts, Invited
from voip.gateway.guests import handshake
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.host import Host
from voip.gateway.guests.invite import DEFAULT_S, Invite, Invites, OpenedAgainError
from voip.gateway.guests.line import MAX_MESSAGE_BYTES, is_resume, parse_resume
from voip.gateway.guests.linkbook import LinkBook
from voip.gateway.guests.site import Site
from voip.gateway.guests.threshold import Threshold
from voip.gateway.guests.visit import Guest
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.signalling.address import is_loopback
from voip.signalling.arrivals import Arrival
from voip.signalling.messages import HangupReason

PATH: Final = "/ringfence/guest/1"
FIRST_S: Final = 10.0  # for the first message of a socket; the page sends it at once
SILENCE_S: Final = 10.0  # then a connection that asks for nothing is closed
HANDSHAKE_S: Final = 10.0  # of TLS
MAX_AT_DOOR: Final = 16

# WebSocket close codes (RFC 6455 §7.4.2: 4000 and above are private).
DONE, MALFORMED, REFUSED, EXPIRED = 1000, 4400, 4403, 4404
LATE, USED, GONE, BUSY = 4408, 4409, 4410, 4429


class BrowserGateway:
    """The page, its sockets and the guests behind them.

    Attributes:
        host: who invites, and to what.
        site: the page, as it is served.
        is_shut: nobody new gets in, and keeps a link that is open; who was here may
            come back.
    """

    def __init__(  # noqa: PLR0913 -- who invites, to what, and how he is reached
        self,
        invites: Invites,
        *,
        alias: str,
        media: Media = Media.AUDIO | Media.VIDEO,
        ice: IceConfig | None = None,
        counted: GatewayCounts | None = None,
        reopened: Callable[[str], None] | None = None,
        entropy: Entropy = os.urandom,
        book: LinkBook | None = None,
    ) -> None:
        """Take the invites, and what `Host` is made of.

        With a `book`, links live on in it: those of before are served, too.

        `reopened` hears the label of a link that somebody opens after its guest left;
        while he is there, his own news tell it.

        Raises:
            RefusedError: the page is not the one of this version.
        """
        self.host = Host(
            origin=invites.origin,
            alias=alias,
            media=media,
            ice=ice or IceConfig(),
            book=book,
            counted=counted or GatewayCounts(),
            entropy=entropy,
        )
        self.site = Site(is_secure=self.host.origin.startswith("https:"))
        self._invites, self._reopened = invites, reopened
        self.is_shut = False
        self._door: asyncio.Queue[Guest] = asyncio.Queue(MAX_AT_DOOR)
        self._guests: dict[bytes, Guest] = {}  # by what RESUME names
        self._threshold = Threshold(is_proxied=False)
        self._servers: list[asyncio.Server] = []
        self._made = 0
        self._tasks = asyncio.TaskGroup()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Be ready for guests, those with links of before among them.

        Raises:
            StoreError: the links of before cannot be read.
        """
        if self.host.book is not None:
            for invite in self.host.book.invites(_now()):
                self._invites.add(invite)
        await self._tasks.__aenter__()
        application = web.Application()
        application.router.add_get(PATH, self._socket)
        self.site.serve(application)
        self._runner = web.AppRunner(
            application,
            shutdown_timeout=1.0,  # seconds; who still loads the page has lost nothing
        )
        await self._runner.setup()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everybody and close."""
        for server in self._servers:
            server.close()
        for each in list(self._guests.values()):
            each.hang_up()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            assert self._runner is not None
            await self._runner.cleanup()

    async def listen(
        self, host: str, port: int, context: ssl.SSLContext | None = None
    ) -> int:
        """Serve the page; gives the port, which the system chose if it was 0.

        Raises:
            RefusedError: without `context`, where others than this machine's programs
                could come: whoever carries plain HTTP could change the page.
            OSError: the address is not ours, or taken.
        """
        if context is None and not is_loopback(host):
            raise RefusedError(
                f"page for guests: expected a certificate, or a loopback address such"
                f" as 127.0.0.1 for a proxy that has one, came {host}"
            )
        assert self._runner is not None
        assert self._runner.server is not None  # made when we began
        is_secure = self.host.origin.startswith("https:")
        self._threshold = Threshold(is_proxied=is_secure and context is None)
        server = await asyncio.get_running_loop().create_server(
            partial(Arrival, self._runner.server, self._threshold, silence_s=SILENCE_S),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=None if context is None else HANDSHAKE_S,
        )
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def invite(self, *, lifetime_s: float = DEFAULT_S) -> str:
        """Make an invite; gives its link, which is not kept.

        Raises:
            LimitError: there are too many, or it would live too long.
            StoreError: it could not outlive the program.
        """
        book = self.host.book
        self._made += 1
        link, invite = self._invites.make(
            self._made if book is None else book.next_number(),
            _now(),
            entropy=self.host.entropy,
            lifetime_s=lifetime_s,
        )
        if book is not None:
            book.add(invite, lifetime_s)
        self.host.counted.invited(Invited.MADE)
        return link

    def open_links(self) -> list[str]:
        """Name the links that somebody can still come with.

        Raises:
            StoreError: whether the host revoked one cannot be read.
        """
        if self.host.book is not None:
            unused = self.host.book.unused()
            for invite in self._invites.open(_now()):
                if invite.id not in unused:
                    invite.revoke()
        return [invite.label for invite in self._invites.open(_now())]

    async def guest(self) -> Guest:
        """Wait for somebody at the door."""
        while True:
            guest = await self._door.get()
            if not guest.is_over:
                return guest

    def _at_door(self, guest: Guest) -> None:
        """Let the host know; where too many wait, the newest is told so."""
        self.host.counted.invited(Invited.SPENT)
        if self._door.full():
            guest.hang_up(HangupReason.BUSY, "too many are at the door")
        else:
            self._door.put_nowait(guest)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        # Another page's script could else speak for a guest who is visiting it.
        if request.headers.get("Origin") != self.host.origin:
            raise web.HTTPForbidden(text="wrong origin")
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await socket.prepare(request)
        try:
            with self._threshold.socket(request):
                code = await self._welcome(socket)
        except LimitError:
            code = BUSY
        await socket.close(code=code)
        return socket

    async def _welcome(self, socket: web.WebSocketResponse) -> int:
        """Take a socket from its first message to its end; gives how to close it."""
        try:
            async with asyncio.timeout(FIRST_S):
                message = await socket.receive()
        except TimeoutError:
            return LATE
        if message.type is not WSMsgType.BINARY:
            return MALFORMED
        try:
            if is_resume(message.data):
                return await self._resume(socket, message.data)
            return await self._greet(socket, message.data)
        except OpenedAgainError:
            self.host.counted.invited(Invited.REOPENED)
            return USED
        except RefusedError:
            self.host.counted.invited(Invited.REFUSED)
            return REFUSED

    async def _resume(self, socket: web.WebSocketResponse, first: bytes) -> int:
        guest = self._guests.get(parse_resume(first))
        if guest is None or guest.is_over:
            return GONE
        await guest.attend(socket, again=True)
        return DONE

    async def _greet(self, socket: web.WebSocketResponse, hello: bytes) -> int:
        if self.is_shut:
            return BUSY
        wanted = handshake.parse_invite_id(hello)
        try:
            invite = self._invites.find(wanted)
            invite.check_open(_now())
        except RefusedError:
            self.host.counted.invited(Invited.EXPIRED)
            return EXPIRED
        guest = Guest(self.host, invite, self._at_door)
        try:
            reply = guest.greet(hello)
        except OpenedAgainError:
            self._warn(invite)
            raise
        self._guests[guest.resume_id] = guest
        self._tasks.create_task(self._keep(guest))
        await socket.send_bytes(reply)
        await guest.attend(socket, again=False)
        return DONE

    async def _keep(self, guest: Guest) -> None:
        try:
            await guest.run()
        finally:
            del self._guests[guest.resume_id]

    def _warn(self, invite: Invite) -> None:
        guests = [
            each
            for each in self._guests.values()
            if each.invite is invite and not each.is_over
        ]
        for each in guests:
            each.opened_again()
        if not guests and self._reopened is not None:
            self._reopened(invite.label)


def _now() -> float:
    return asyncio.get_running_loop().time()
