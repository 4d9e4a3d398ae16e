"""One browser guest, from the door to the end.

Carrier: joins the rules of a guest's call (`call`), his line over its sockets (`wire`)
and his media (`medium`), and tells the host what happens.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Final

from aiohttp import web

from voip.errors import (
    CallError,
    LimitError,
    MissingError,
    RefusedError,
    StoreError,
    TrustError,
    UnreachableError,
)
from voip.gateway.guests import sdp
from voip.gateway.guests.commands import (
    AskHost,
    Command,
    End,
    Pass,
    Say,
    Spend,
    StartMedia,
    UseKeys,
    Warn,
)
from voip.gateway.guests.gazette import Gazette
from voip.gateway.guests.greeting import greet
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.host import Host
from voip.gateway.guests.invite import Invite
from voip.gateway.guests.medium import Medium
from voip.gateway.guests.messages import GuestMessage, Present
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
from voip.gateway.guests.wire import Wire
from voip.identity.words import Choices, word_choices
from voip.media.framekeys import FrameKeys
from voip.media.plan import MediaPlan
from voip.signalling.legs import Digits, LegEnd, Legs, LegsAck
from voip.signalling.messages import HangupReason, SasResult, State

if TYPE_CHECKING:
    from voip.gateway.guests.call import GuestCall

TICK_S: Final = 0.25


class Guest:
    """One guest, from the door to the end; made by `BrowserGateway`.

    Attributes:
        label: what the host called the invite.
        name: what the guest calls himself; anybody's words, so escape it.
        wants_video: he asked for pictures.
        choices: of words, one of which he reads; set once he is at the door.
        acknowledged: gets each LEGS_ACK of his.
        pressed: gets the touch tones that he presses.
        resume_id: what he names this call by on a new socket.
    """

    def __init__(
        self, host: Host, invite: Invite, knock: Callable[["Guest"], None]
    ) -> None:
        """Take the invite that is being used; `knock` lets the host know."""
        self.label = invite.label
        self.acknowledged: Callable[[LegsAck], None] = _ignore
        self.pressed: Callable[[Digits], None] = _ignore
        self.choices: Choices | None = None
        self.resume_id = b""
        self.invite = invite
        self._host = host
        self._knock = knock
        self._loop = asyncio.get_running_loop()
        self._news = Gazette()
        self._medium = Medium(host, self._media_failed)
        self._connecting: asyncio.Task[None] | None = None
        self._spending: asyncio.Task[None] | None = None
        self._equipping: asyncio.Task[None] | None = None
        self._is_over = asyncio.Event()
        self._holder = 0
        self._count_at = float("inf")
        self._call: GuestCall
        self._wire: Wire
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
        self._call.accept(self._loop.time())
        self._medium.use(plan, video=self.wants_video)
        self._equipping = self._loop.create_task(self._equip())

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

    def news(self) -> AsyncIterator[GuestNews]:
        """Give what happens, until and with `GuestEnded`."""
        return self._news.read()

    # For the server.

    def greet(self, hello: bytes) -> bytes:
        """Answer HELLO; gives REPLY.

        Raises:
            HandshakeError: not made by who has the link.
            RefusedError: the invite takes no further HELLO.
        """
        host = self._host
        greeted = greet(
            self.invite,
            hello,
            origin=host.origin,
            alias=host.alias,
            media=host.media,
            fingerprint=self._medium.fingerprint,
            now=self._loop.time(),
            entropy=host.entropy,
        )
        self._call, self._holder = greeted.call, greeted.holder
        self._wire = Wire(greeted.line, self._take)
        first = self._call.rekeying.keys()
        self._keys = FrameKeys(send=first.send, receive=first.receive)
        self.resume_id = greeted.resume_id
        return greeted.reply

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
            for task in (self._spending, self._equipping, self._connecting):
                await _stop(task)
            await self._medium.close()
            await self._wire.farewell()

    async def attend(self, socket: web.WebSocketResponse, *, again: bool) -> None:
        """Read and write one socket of his until it closes; `again`: by RESUME."""
        if again:
            self._call.resumed(self._loop.time())
        try:
            await self._wire.attend(socket, again=again)
        finally:
            if not self._wire.is_up:
                self._call.line_lost(self._loop.time())

    def opened_again(self) -> None:
        """Hear that somebody used the link once more."""
        self._do(self._call.opened_again())

    def _take(self, raw: bytes) -> None:
        if self._is_over.is_set():
            return  # HANGUP is still to leave by this socket
        with self._ending():
            message = self._wire.open(raw)
            if message is not None:
                self._do(self._call.receive(message, self._loop.time()))

    def _tick(self, now: float) -> None:
        for task in (self._connecting, self._equipping, self._spending):
            if task is not None and task.done():
                task.result()  # a bug of ours is not to be lost
        with self._ending():
            self._do(self._call.tick(now))
            if now >= self._count_at and (counts := self._medium.counts()):
                self._count_at = now + EVERY_S
                self._do(self._call.count(counts))

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """End the call where what the guest sends is wrong."""
        try:
            yield
        except (
            MissingError,
            StoreError,
        ) as error:  # not his fault
            self._do(self._call.hang_up(HangupReason.LOST, str(error)))
        except CallError as error:
            self._do(self._call.hang_up(HangupReason.SECURITY, str(error)))

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Say(message):
                    self._send(message)
                case Spend():
                    # At once in memory, where others may come with the same link.
                    self.invite.spend(self._holder, self._loop.time())
                    self._spending = self._loop.create_task(self._spend())
                case AskHost(sas):
                    self.choices = word_choices(sas, self._host.entropy)
                    self._knock(self)
                case StartMedia(text):
                    self._start_media(text)
                case UseKeys(send, receive):
                    self._keys.install(send=send, receive=receive)
                case Pass(message):
                    self._pass(message)
                case Warn():
                    self._news.tell(OpenedAgain())
                case End(reason, why, by_guest):
                    self._news.tell(GuestEnded(reason, why, by_guest))
                    self._is_over.set()

    def _send(self, message: GuestMessage) -> None:
        try:
            self._wire.send(message)
        except LimitError:
            # Nobody reads: the line is as good as lost, and time will tell.
            self._call.line_lost(self._loop.time())

    async def _spend(self) -> None:
        """Note that the link is used, before he or the host hears that it worked."""
        with self._ending():
            if self._host.book is not None:
                try:
                    await self._host.book.spend(self.invite)
                except RefusedError as error:  # the host himself revoked it meanwhile
                    self.hang_up(HangupReason.DECLINED, str(error))
            self._do(self._call.spent(self._loop.time()))

    async def _equip(self) -> None:
        async for servers in self._host.servers(self._media_failed):
            self._do(self._call.equip(servers))

    def _pass(self, message: LegsAck | State | Digits | SasResult) -> None:
        match message:
            case LegsAck():
                self.acknowledged(message)
            case State(muted=muted, video=video, screen=screen):
                self._news.tell(GuestShows(muted, video or screen))
                self._medium.expect_pictures(on=video or screen)
            case Digits(_, digits):
                self._news.tell(GuestPressed(digits))
                self.pressed(message)
            case SasResult():
                self._news.tell(GuestCompared())

    def _media_failed(self, why: str) -> None:
        self._news.tell(MediaFailed(why))

    def _start_media(self, text: str) -> None:
        offer = sdp.parse_offer(text, self._call.hello.fingerprint)
        before = self._connecting
        self._connecting = self._loop.create_task(self._connect(offer, before))

    async def _connect(
        self, offer: sdp.GuestOffer, before: asyncio.Task[None] | None
    ) -> None:
        await _stop(before)
        self._count_at = float("inf")
        with self._ending():
            try:
                await self._medium.connect(
                    offer, self._call.hello.fingerprint, self._keys, self._answered
                )
            except UnreachableError as error:
                self._media_failed(str(error))
                self._call.disconnected(self._loop.time())
                return
            self._call.connected()
            self._count_at = self._loop.time() + EVERY_S
            self._news.tell(Connected())

    def _answered(self, answer: str) -> None:
        self._do(self._call.answered(answer, self._loop.time()))


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _ignore(_message: LegsAck | Digits) -> None:
    """Have nobody who asks what he has shown or pressed."""
