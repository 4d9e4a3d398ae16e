"""One browser guest, from the door to the end.

Carrier: joins the rules of a guest's call (`guestcall`), the sealed line (`guestline`)
and the media (`voip.media.guestmedia`) to a WebSocket, and tells the host what happens.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from voip.description import Kind
from voip.errors import (
    CallError,
    HandshakeError,
    LimitError,
    MissingError,
    TrustError,
    UnreachableError,
)
from voip.gateway import counts
from voip.gateway.counts import GatewayCounts
from voip.gateway.guests import handshake, sdp
from voip.gateway.guests.call import (
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
from voip.gateway.guests.handshake import Answering, Media, Reply, Role
from voip.gateway.guests.invite import Invite
from voip.gateway.guests.line import GuestLine
from voip.gateway.guests.messages import (
    Count,
    Direction,
    GuestMessage,
    Present,
    Server,
)
from voip.gateway.guests.news import (
    Connected,
    GuestCompared,
    GuestEnded,
    GuestNews,
    GuestPressed,
    GuestShows,
    MediaFailed,
    OpenedAgain,
)
from voip.gateway.guests.tally import EVERY_S
from voip.identity.keys import Entropy
from voip.identity.words import Choices, word_choices
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate
from voip.media.framekeys import FrameKeys
from voip.media.guestmedia import GuestMedia
from voip.media.plan import MediaPlan
from voip.signalling.legs import Digits, LegEnd, Legs, LegsAck
from voip.signalling.messages import HangupReason, SasResult, State

TICK_S: Final = 0.25
FAREWELL_S: Final = 5.0  # for HANGUP to leave; a socket that takes longer is dead
MAX_NEWS: Final = 256  # a host that leaves more unread is gone; later ones are lost
MAX_LEAVING: Final = 128  # sealed messages; the line holds back after 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Who invites, and to what.

    Attributes:
        origin: of the page, as browsers see it.
        alias: what guests are told that the host is called.
        media: what guests may send and see.
        ice: how we want to be found.
        servers: what guests are told to use.
        counted: figures about all legs of this process.
        entropy: gives random bytes.
    """

    origin: str
    alias: str
    media: Media = Media.AUDIO | Media.VIDEO
    ice: IceConfig = field(default_factory=IceConfig)
    servers: tuple[Server, ...] = ()
    counted: GatewayCounts = field(default_factory=GatewayCounts)
    entropy: Entropy = os.urandom


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
        self, host: Host, invite: Invite, knock: Callable[["Guest"], None]
    ) -> None:
        """Take the invite that is being used; `knock` lets the host know."""
        self.label = invite.label
        self.acknowledged: Callable[[LegsAck], None] = _ignore
        self.choices: Choices | None = None
        self.invite = invite
        self._host = host
        self._knock = knock
        self._certificate = Certificate()
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
        return bool(self._call.hello.media & self._host.media & Media.VIDEO)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._is_over.is_set()

    def accept(self, plan: MediaPlan) -> None:
        """Let him in; he is sent what this plan gives, which is closed at the end.

        Raises:
            UnexpectedEventError: he is not at the door, or any more.
        """
        servers = self._host.servers
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

    def say(self, message: Legs | LegEnd | State | Present) -> None:
        """Tell him something; one of them is at most some hundred bytes."""
        self._do(self._call.tell(message))

    async def ended(self) -> None:
        """Wait until it is over."""
        await self._is_over.wait()

    async def news(self) -> AsyncIterator[GuestNews]:
        """Give what happens, until and with `GuestEnded`."""
        while True:
            news = await self._news.get()
            yield news
            if isinstance(news, GuestEnded):
                return

    # For the host.

    async def greet(self, hello: bytes) -> bytes:
        """Answer HELLO; gives REPLY.

        Raises:
            HandshakeError: not made by who has the link.
            RefusedError: the invite takes no further HELLO.
        """
        host, now = self._host, self._loop.time()
        self.invite.check_open(now)
        answering = Answering(self.invite.psk, host.origin, self.invite.id)
        try:
            said = answering.read(hello)
        except HandshakeError:
            self.invite.failed()
            raise
        self._holder = self.invite.hold(answering.e, now)
        entropy = host.entropy
        reply, keys = answering.reply(
            Reply(
                entropy(handshake.NONCE_BYTES),
                self._certificate.fingerprint,
                media=host.media,
                alias=host.alias,
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
        except Exception as error:  # noqa: BLE001 - one guest must not end the others
            why = f"this gateway failed: {type(error).__name__}"
            self._do(self._call.hang_up(HangupReason.LOST, why))
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
            if message.type is not WSMsgType.BINARY:
                return
            # Once it is over, HANGUP is still to leave by this socket.
            if not self._is_over.is_set():
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
            async with asyncio.timeout(FAREWELL_S):
                while not self._leaving.empty():
                    await socket.send_bytes(self._leaving.get_nowait())
                await socket.close()

    def _take(self, raw: bytes) -> None:
        with self._ending():
            message = self._line.open(raw)
            if message is not None:
                self._do(self._call.receive(message, self._loop.time()))

    def _tick(self, now: float) -> None:
        if self._connecting is not None and self._connecting.done():
            self._connecting.result()  # a bug of ours is not to be lost
        with self._ending():
            self._do(self._call.tick(now))
            if now >= self._count_at and self._media is not None:
                self._count_at = now + EVERY_S
                self._do(self._call.count(self._counts(self._media)))

    def _counts(self, media: GuestMedia) -> list[Count]:
        kinds = (Kind.AUDIO, Kind.VIDEO) if self.wants_video else (Kind.AUDIO,)
        return [
            Count(kind, way, *media.tallied(kind, sent=way is Direction.SENT))
            for kind in kinds
            for way in Direction
        ]

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """End the call where what the guest sends is wrong."""
        try:
            yield
        except MissingError as error:  # of this machine, and no fault of the guest's
            self._do(self._call.hang_up(HangupReason.LOST, str(error)))
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
                case Warn():
                    self._tell(OpenedAgain())
                case End(reason, why, by_guest):
                    self._tell(GuestEnded(reason, why, by_guest))
                    self._is_over.set()

    def _send(self, message: GuestMessage) -> None:
        try:
            self._leaving.put_nowait(self._line.seal(message))
        except (LimitError, asyncio.QueueFull):
            # Nobody reads: the line is as good as lost, and time will tell.
            self._call.line_lost(self._loop.time())

    def _ask(self, sas: bytes) -> None:
        self.invite.spend(self._holder, self._loop.time())
        self.choices = word_choices(sas, self._host.entropy)
        self._knock(self)

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
        host = self._host
        plan = self._plan
        assert plan is not None
        media = self._media = GuestMedia(
            plan,
            self._certificate,
            host.ice,
            self._keys,
            entropy=host.entropy,
            failed=lambda why: self._tell(MediaFailed(why)),
        )
        kinds = {Kind.AUDIO, Kind.VIDEO} if self.wants_video else {Kind.AUDIO}
        ours = offer.ours(_ssrcs(host.entropy), kinds)
        own = await media.gather(ours)
        answer = sdp.format_answer(
            offer, own, fingerprint=self._certificate.fingerprint, takes=kinds
        )
        self._do(self._call.answered(answer, self._loop.time()))
        # What the answer does not take is not played either: nobody counts it.
        await media.connect(offer.theirs(kinds), ours, self._call.hello.fingerprint)
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
            self._note(media)

    def _note(self, media: GuestMedia) -> None:
        """Add what went and came to the figures of the process."""
        for sent, way in ((True, counts.Direction.OUT), (False, counts.Direction.IN)):
            frames = self._host.counted.frames(counts.Kind.BROWSER, way)
            for kind in Kind:
                passed, failed, _ = media.tallied(kind, sent=sent)
                frames.passed += passed
                frames.failed += failed


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
