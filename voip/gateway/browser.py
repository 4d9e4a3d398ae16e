"""Serves the page to browser guests and carries their calls.

Carrier: HTTPS (plain HTTP on loopback, behind a proxy), one WebSocket per guest, media
through `voip.media.guestmedia`. What a message means and how far a call may go is said
by `guestcall`, `invite` and `guest`; this module only does it. ::

    async with BrowserGateway(invites, ...) as gateway:
        await gateway.listen("127.0.0.1", 8443, ssl)
        guest = await gateway.guest()          somebody is at the door
        guest.accept(port.plan())
        async for news in guest.news(): ...

A handshake that fails is told one thing, whatever it was; the codes that close a socket
are in docs/formats/guest.md.
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import WSMsgType, web

from voip.description import Kind
from voip.errors import (
    CallError,
    HandshakeError,
    LimitError,
    RefusedError,
    TrustError,
    UnreachableError,
)
from voip.gateway import guest as handshake
from voip.gateway import pages, sdp
from voip.gateway.guest import Answering, Media, Reply, Role
from voip.gateway.guestcall import (
    AskHost,
    Command,
    End,
    GuestCall,
    Pass,
    Say,
    StartMedia,
    UseKeys,
    Warn,
)
from voip.gateway.guestline import (
    MAX_MESSAGE_BYTES,
    GuestLine,
    is_resume,
    parse_resume,
)
from voip.gateway.guestmessages import Count, Direction, Happening, Server
from voip.gateway.invite import Invite, Invites, OpenedAgainError
from voip.gateway.tally import EVERY_S
from voip.identity.keys import Entropy
from voip.identity.words import Choices, word_choices
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate
from voip.media.framekeys import FrameKeys
from voip.media.guestmedia import GuestMedia
from voip.media.plan import MediaPlan
from voip.signalling.legs import Digits, LegEnd, Legs, LegsAck
from voip.signalling.messages import HangupReason, SasResult, State

PATH: Final = "/ringfence/guest/1"
FIRST_S: Final = 10.0  # for the first message of a socket; the page sends it at once
TICK_S: Final = 0.25
MAX_SOCKETS: Final = 64  # of all guests; each may cost a handshake
MAX_AT_DOOR: Final = 16
MAX_NEWS: Final = 256  # a host that leaves more unread is gone; later ones are lost
MAX_LEAVING: Final = 128  # sealed messages; the line holds back after 64

# WebSocket close codes (RFC 6455 §7.4.2: 4000 and above are private).
MALFORMED, REFUSED, EXPIRED = 4400, 4403, 4404
LATE, USED, GONE, BUSY = 4408, 4409, 4410, 4429


@dataclass(frozen=True, slots=True)
class Connected:
    """Media have a way to the guest, the first or another one."""


@dataclass(frozen=True, slots=True)
class OpenedAgain:
    """Somebody who has the link opened it once more."""


@dataclass(frozen=True, slots=True)
class GuestShows:
    """What the guest sends now."""

    muted: bool
    video: bool


@dataclass(frozen=True, slots=True)
class GuestCompared:
    """The guest says that the words are the same; for display, it proves nothing."""


@dataclass(frozen=True, slots=True)
class GuestPressed:
    """Touch tones."""

    digits: str


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """Something of the media does not work, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class GuestEnded:
    """It is over; always the last."""

    reason: HangupReason
    why: str
    by_guest: bool


GuestNews = (
    Connected
    | OpenedAgain
    | GuestShows
    | GuestCompared
    | GuestPressed
    | MediaFailed
    | GuestEnded
)


class Guest:
    """One guest, from the door to the end; made by `BrowserGateway`.

    Attributes:
        label: what the host called the invite.
        name: what the guest calls himself; anybody's words, so escape it.
        wants_video: he asked for pictures.
        choices: of words, one of which he reads; set once he is at the door.
        acknowledged: gets each LEGS_ACK of his.
    """

    def __init__(
        self, gateway: "BrowserGateway", invite: Invite, certificate: Certificate
    ) -> None:
        """Take the invite that is being used."""
        self.label = invite.label
        self.acknowledged: Callable[[LegsAck], None] = _ignore
        self.choices: Choices | None = None
        self.invite = invite
        self._gateway = gateway
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[GuestNews] = asyncio.Queue(MAX_NEWS)
        self._leaving: asyncio.Queue[bytes] = asyncio.Queue(MAX_LEAVING)
        self._socket: web.WebSocketResponse | None = None
        self._media: GuestMedia | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._plan: MediaPlan | None = None
        self._is_over = asyncio.Event()
        self._resume_id = b""
        self._holder = 0
        self._count_at = float("inf")
        self._call: GuestCall
        self._line: GuestLine
        self._keys: FrameKeys

    # For the host.

    @property
    def name(self) -> str:
        """What the guest calls himself."""
        return self._call.hello.name

    @property
    def wants_video(self) -> bool:
        """Whether he asked for pictures, and the gateway lets them be."""
        return bool(self._call.hello.media & self._gateway.media & Media.VIDEO)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._is_over.is_set()

    def accept(self, plan: MediaPlan) -> None:
        """Let him in; he is sent what this plan gives, which is closed at the end.

        Raises:
            UnexpectedEventError: he is not at the door, or any more.
        """
        servers = self._gateway.servers
        commands = self._call.accept(servers, self._loop.time())
        self._plan = plan
        self._do(commands)

    def decline(self) -> None:
        """Leave him outside."""
        self.hang_up(HangupReason.DECLINED, "declined")

    def hang_up(
        self, reason: HangupReason = HangupReason.NORMAL, why: str = "hung up"
    ) -> None:
        """End his call; a second time does nothing."""
        self._do(self._call.hang_up(reason, why))

    def compare(self, index: int | None) -> None:
        """Say which of `choices` he reads; None is "none of these".

        Raises:
            TrustError: another one: somebody is in between, and his call has ended.
        """
        assert self.choices is not None
        try:
            self.choices.check(index)
        except TrustError:
            self._do(self._call.compared(matched=False))
            raise
        self._do(self._call.compared(matched=True))

    def say(self, message: Legs | LegEnd | State) -> None:
        """Tell him something; one of them is at most some hundred bytes."""
        self._do(self._call.tell(message))

    async def news(self) -> AsyncIterator[GuestNews]:
        """Give what happens, until and with `GuestEnded`."""
        while True:
            news = await self._news.get()
            yield news
            if isinstance(news, GuestEnded):
                return

    # For the gateway.

    async def greet(self, hello: bytes) -> bytes:
        """Answer HELLO; gives REPLY.

        Raises:
            HandshakeError: not made by who has the link.
            RefusedError: the invite takes no further HELLO.
        """
        gateway, now = self._gateway, self._loop.time()
        self.invite.check_open(now)
        answering = Answering(self.invite.psk, gateway.origin, self.invite.id)
        try:
            said = answering.read(hello)
        except HandshakeError:
            self.invite.failed()
            raise
        self._holder = self.invite.hold(answering.e, now)
        entropy = gateway.entropy
        reply, keys = answering.reply(
            Reply(
                entropy(handshake.NONCE_BYTES),
                self._certificate.fingerprint,
                media=gateway.media,
                alias=gateway.alias,
            ),
            entropy,
        )
        self._call = GuestCall(said, answering.e, keys, now=now, entropy=entropy)
        self._line = GuestLine(keys, Role.GATEWAY, entropy)
        first = self._call.first_keys()
        self._keys = FrameKeys(send=first.send, receive=first.receive)
        self._resume_id = keys.resume_id
        return reply

    @property
    def resume_id(self) -> bytes:
        """What he names this call by on a new socket."""
        return self._resume_id

    async def run(self) -> None:
        """Keep time for him until it is over, then let go of everything."""
        try:
            while not self._is_over.is_set():
                self._tick(self._loop.time())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._is_over.wait()
        finally:
            await self._stop_media()
            if self._plan is not None:
                self._plan.close()
            await self._farewell()

    async def attend(self, socket: web.WebSocketResponse, *, again: bool) -> None:
        """Read and write one socket of his until it closes; `again`: by RESUME."""
        before, self._socket = self._socket, socket
        if before is not None:
            await before.close()
        if again:
            while not self._leaving.empty():
                self._leaving.get_nowait()  # of before; it is all sealed once more
            self._call.resumed(self._loop.time())
            for sealed in self._line.resume():
                self._leaving.put_nowait(sealed)
        writing = self._loop.create_task(self._write(socket))
        try:
            await self._read(socket)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            if self._socket is socket:
                self._socket = None
                self._call.line_lost(self._loop.time())

    def opened_again(self) -> None:
        """Hear that somebody used the link once more."""
        self._do(self._call.opened_again())

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY or self._is_over.is_set():
                return
            self._take(message.data)

    async def _write(self, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await socket.send_bytes(await self._leaving.get())

    async def _farewell(self) -> None:
        """Send what waits, HANGUP among it, and close."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(FIRST_S):
                while not self._leaving.empty():
                    await socket.send_bytes(self._leaving.get_nowait())
                await socket.close()

    def _take(self, raw: bytes) -> None:
        with self._ending():
            message = self._line.open(raw)
            if message is not None:
                self._do(self._call.receive(message, self._loop.time()))

    def _tick(self, now: float) -> None:
        with self._ending():
            self._do(self._call.tick(now))
            if now >= self._count_at and self._media is not None:
                self._count_at = now + EVERY_S
                self._do(self._call.count(self._counts(self._media), now))

    def _counts(self, media: GuestMedia) -> list[Count]:
        kinds = (Kind.AUDIO, Kind.VIDEO) if self.wants_video else (Kind.AUDIO,)
        return [
            Count(kind, way, *media.tallied(kind, sent=way is Direction.SENT))
            for kind in kinds
            for way in Direction
        ]

    @contextlib.contextmanager
    def _ending(self) -> Any:
        """End the call where something is wrong with what the guest sends."""
        try:
            yield
        except CallError as error:
            self._do(self._call.hang_up(HangupReason.SECURITY, str(error)))

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Say(message):
                    self._send(message)
                case AskHost(sas):
                    self._ask(sas)
                case StartMedia(text):
                    self._start_media(text)
                case UseKeys(send, receive):
                    self._keys.install(send=send, receive=receive)
                case Pass(message):
                    self._pass(message)
                case Warn(Happening.OPENED_AGAIN):
                    self._tell(OpenedAgain())
                case End(reason, why, by_guest):
                    self._tell(GuestEnded(reason, why, by_guest))
                    self._is_over.set()

    def _send(self, message: Any) -> None:
        try:
            self._leaving.put_nowait(self._line.seal(message))
        except (LimitError, asyncio.QueueFull):
            # Nobody reads: the line is as good as lost, and time will tell.
            self._call.line_lost(self._loop.time())

    def _ask(self, sas: bytes) -> None:
        self.invite.spend(self._holder, self._loop.time())
        self.choices = word_choices(sas, self._gateway.entropy)
        self._gateway.at_door(self)

    def _pass(self, message: LegsAck | State | Digits | SasResult) -> None:
        match message:
            case LegsAck():
                self.acknowledged(message)
            case State(muted=muted, video=video, screen=screen):
                self._tell(GuestShows(muted, video or screen))
                if self._media is not None:
                    shown = frozenset({Kind.VIDEO} if video or screen else ())
                    self._media.expect_pictures(shown)
            case Digits(_, digits):
                self._tell(GuestPressed(digits))
            case SasResult():
                self._tell(GuestCompared())

    def _tell(self, news: GuestNews) -> None:
        if isinstance(news, GuestEnded) and self._news.full():
            self._news.get_nowait()  # the end is always told
        if not self._news.full():
            self._news.put_nowait(news)

    # Media.

    def _start_media(self, text: str) -> None:
        offer = sdp.parse_offer(text, self._call.hello.fingerprint)
        before = self._connecting
        self._connecting = self._loop.create_task(self._connect(offer, before))

    async def _connect(
        self, offer: sdp.GuestOffer, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        with self._ending():
            try:
                await self._connect_media(offer)
            except UnreachableError as error:
                self._tell(MediaFailed(str(error)))
                self._call.disconnected(self._loop.time())

    async def _connect_media(self, offer: sdp.GuestOffer) -> None:
        await self._close_media()
        gateway = self._gateway
        plan = self._plan
        assert plan is not None
        media = self._media = GuestMedia(
            plan,
            self._certificate,
            gateway.ice,
            self._keys,
            entropy=gateway.entropy,
            failed=lambda why: self._tell(MediaFailed(why)),
        )
        kinds = {Kind.AUDIO, Kind.VIDEO} if self.wants_video else {Kind.AUDIO}
        ours = offer.ours(_ssrcs(gateway.entropy), kinds)
        own = await media.gather(ours)
        answer = sdp.format_answer(
            offer, own, fingerprint=self._certificate.fingerprint, takes=kinds
        )
        self._do(self._call.answered(answer, self._loop.time()))
        await media.connect(offer.guest, ours, self._call.hello.fingerprint)
        self._call.connected()
        self._count_at = self._loop.time() + EVERY_S
        self._tell(Connected())

    async def _stop_media(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await self._close_media()

    async def _close_media(self) -> None:
        self._count_at = float("inf")
        media, self._media = self._media, None
        if media is not None:
            await media.close()


class BrowserGateway:
    """The page, its sockets and the guests behind them.

    Attributes:
        origin: as browsers see it.
        alias: what guests are told that the host is called.
        media: what guests may send and see.
        ice: how we want to be found; `servers` is what guests are told.
    """

    def __init__(  # noqa: PLR0913 -- who invites, to what, and how he is reached
        self,
        invites: Invites,
        *,
        alias: str,
        media: Media = Media.AUDIO | Media.VIDEO,
        ice: IceConfig | None = None,
        servers: tuple[Server, ...] = (),
        entropy: Entropy = os.urandom,
    ) -> None:
        """Take the invites and who invites."""
        self.origin = invites.origin
        self.alias, self.media = alias, media
        self.ice = ice or IceConfig()
        self.servers = servers
        self.entropy = entropy
        self.pages = pages.read_pages()
        self._invites = invites
        self._headers = pages.headers(
            self.pages, is_secure=self.origin.startswith("https:")
        )
        self._door: asyncio.Queue[Guest] = asyncio.Queue(MAX_AT_DOOR)
        self._guests: dict[bytes, Guest] = {}  # by what RESUME names
        self._sockets = 0
        self._tasks = asyncio.TaskGroup()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Be ready for guests."""
        await self._tasks.__aenter__()
        application = web.Application()
        application.router.add_get(PATH, self._socket)
        for path in self.pages:
            application.router.add_get(path, self._page)
        application.on_response_prepare.append(self._dress)
        # Addresses and links of guests are no log's business.
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everybody and close."""
        for each in list(self._guests.values()):
            each.hang_up()
        await self._tasks.__aexit__(kind, error, trace)
        if self._runner is not None:
            await self._runner.cleanup()

    async def listen(
        self, host: str, port: int, context: ssl.SSLContext | None = None
    ) -> int:
        """Serve the page; gives the port, which the system chose if it was 0.

        Raises:
            OSError: the address is not ours, or taken.
        """
        assert self._runner is not None
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        bound: int = self._runner.addresses[-1][1]
        return bound

    async def guest(self) -> Guest:
        """Wait for somebody at the door."""
        while True:
            guest = await self._door.get()
            if not guest.is_over:
                return guest

    def at_door(self, guest: Guest) -> None:
        """Let the host know; where too many wait, the newest is told so."""
        if self._door.full():
            guest.hang_up(HangupReason.BUSY, "too many are at the door")
        else:
            self._door.put_nowait(guest)

    async def _dress(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the page's headers on every answer, errors included."""
        response.headers.update(self._headers)
        response.headers["Server"] = "ringfence"

    async def _page(self, request: web.Request) -> web.Response:
        page = self.pages[request.path]
        return web.Response(body=page.body, headers={"Content-Type": page.content_type})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        # Another page's script could else speak for a guest who is visiting it.
        if request.headers.get("Origin") != self.origin:
            raise web.HTTPForbidden(text="wrong origin")
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await socket.prepare(request)
        if self._sockets >= MAX_SOCKETS:
            await socket.close(code=BUSY)
            return socket
        self._sockets += 1
        try:
            code = await self._welcome(socket)
        finally:
            self._sockets -= 1
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
            return USED
        except RefusedError:
            return REFUSED

    async def _resume(self, socket: web.WebSocketResponse, first: bytes) -> int:
        guest = self._guests.get(parse_resume(first))
        if guest is None or guest.is_over:
            return GONE
        await guest.attend(socket, again=True)
        return 1000

    async def _greet(self, socket: web.WebSocketResponse, hello: bytes) -> int:
        wanted = handshake.parse_invite_id(hello)
        try:
            invite = self._invites.find(wanted)
            invite.check_open(asyncio.get_running_loop().time())
        except RefusedError:
            return EXPIRED
        guest = Guest(self, invite, Certificate())
        try:
            reply = await guest.greet(hello)
        except OpenedAgainError:
            self._warn(invite)
            raise
        self._guests[guest.resume_id] = guest
        self._tasks.create_task(self._keep(guest))
        await socket.send_bytes(reply)
        await guest.attend(socket, again=False)
        return 1000

    async def _keep(self, guest: Guest) -> None:
        try:
            await guest.run()
        finally:
            del self._guests[guest.resume_id]

    def _warn(self, invite: Invite) -> None:
        for each in self._guests.values():
            if each.invite is invite:
                each.opened_again()


def _ssrcs(entropy: Entropy) -> Callable[[], int]:
    """Give SSRCs, each another one and not 0."""
    taken = {0}

    def fresh() -> int:
        while (ssrc := int.from_bytes(entropy(4))) in taken:
            pass
        taken.add(ssrc)
        return ssrc

    return fresh


def _ignore(_ack: LegsAck) -> None:
    """Nobody asks what he has shown."""
