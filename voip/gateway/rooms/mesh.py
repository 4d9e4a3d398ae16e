"""One member's place in a room without a server: a call with each of the others.

Carrier. Who is a member and who is introduced to whom is `roster`'s to say; the calls
are a `Company`. All share one microphone, speaker and camera, through a bridge in which
the members do not hear each other: they have calls of their own. ::

    async with MeshRoom(endpoint, store, plan=plan, group_id=group_id) as room:
        await room.invite("bob")            # or: room.join(conversation)
        async for news in room.news():
            ...

Nobody is more than anybody else: there is no word in the protocol by which one member
could remove, silence or hide another. Leaving ends our calls, so no key outlives it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from types import TracebackType
from typing import ClassVar, Self

from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.errors import (
    MissingError,
    RefusedError,
    TrustError,
    UnexpectedEventError,
)
from voip.gateway.bridge import Bridge
from voip.gateway.counts import GatewayCounts
from voip.gateway.joined import Joined
from voip.gateway.rooms.acquaintances import Acquaintances
from voip.gateway.rooms.attendance import Attendance
from voip.gateway.rooms.carried import Carried
from voip.gateway.rooms.companion import Companion, Said, trust_of
from voip.gateway.rooms.company import Company
from voip.gateway.rooms.introducing import Introductions
from voip.gateway.rooms.news import (
    Invited,
    MemberSeen,
    RoomClosed,
    RoomNews,
    RoomWarned,
)
from voip.gateway.rooms.ourselves import Ourselves
from voip.gateway.rooms.roomlegs import GUEST
from voip.gateway.rooms.roster import IDENTITY_BYTES, MAX_MEMBERS, Membership
from voip.gateway.rooms.screens import Screens
from voip.identity.trust import TrustState
from voip.media.plan import MediaPlan
from voip.media.quality.figures import MediaStats
from voip.media.sources import VideoSource
from voip.news import LegsChanged
from voip.signalling.group import Introduce, Members, Room, Roster, SenderKey
from voip.upkeep import VaultKeeper

TICK_S = 0.25
MAX_NEWS = 256  # unread; then the oldest goes, and the newest list says all again
_US = "us"


class MeshRoom:
    """Use as ``async with MeshRoom(...) as room``; at its end we are out of it.

    Attributes:
        limit: how many may be in the room.
        is_silent: the calls carry no media, which goes by another way.
        bridge: where all who are heard here meet; a guest's port is `GUEST` and more.
    """

    limit: ClassVar[int] = MAX_MEMBERS
    is_silent: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913 -- where, as whom, with what
        self,
        endpoint: Endpoint,
        store: VaultKeeper,
        *,
        plan: MediaPlan,
        group_id: bytes,
        is_opener: bool = False,
        video: bool = False,
        muted: bool = False,
        guests: bool = False,
        counted: GatewayCounts | None = None,
    ) -> None:
        """Take what the room stands on; nobody is called yet.

        Args:
            endpoint: our place on the network; while we are in a room all calls that
                come are the room's to judge.
            store: its address book.
            plan: microphone, speaker, camera, window; closed at the end.
            group_id: 16 random bytes that name the room.
            is_opener: nobody was there before us.
            video: show our picture from the start.
            muted: begin in silence.
            guests: we may let browser guests in; see `joined`.
            counted: where its sessions are counted, if anybody looks at such figures.
        """
        self._endpoint = endpoint
        self._plan = plan
        self._group_id = group_id
        self._book = Acquaintances(store)
        self._membership = Membership(
            group_id, self._book.own, is_opener=is_opener, limit=self.limit
        )
        counted = counted or GatewayCounts()
        self.bridge = self._bridge = Bridge(self._hears)
        self._carried = Carried(self.bridge, counted, hosts=guests, tell=self._tell)
        self._local = self.bridge.port(_US)
        self._company = Company(
            endpoint,
            self._membership,
            self._book,
            self.bridge,
            self._carried,
            group_id=group_id,
            pictures=plan.has_pictures or guests,
            is_silent=self.is_silent,
            counted=counted,
            came=self._came,
            went=self._went,
            said=self._take,
            tell=self._tell,
            spawn=self._spawn,
        )
        us = MemberSeen(self._membership.own, self._book.alias, is_us=True)
        self._ours = Ourselves(us, self._local, plan, self._company, self._carried)
        self._ours.set_muted(on=muted)
        self._ours.set_video(on=video)
        self._introductions = Introductions(
            self._membership,
            self._company,
            self._book,
            group_id=group_id,
            tell=self._tell,
        )
        self._screens = Screens()
        self._sharing: asyncio.Task[None] | None = None
        self._attendance = Attendance(
            self._membership,
            self._company,
            self._book,
            us=self._us,
            watched=lambda: self._local.watched,
            tell=self._tell,
        )
        self._news: asyncio.Queue[RoomNews] = asyncio.Queue(MAX_NEWS)
        self._is_over = False
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    @staticmethod
    def hears(one: str, other: str) -> bool:
        """Let the members hear us and us them; each other they hear by their calls."""
        return _US in (one, other) and one != other

    def _hears(self, one: str, other: str) -> bool:
        """Let guests hear all, and all hear them, as far as they know of each other."""
        if one.startswith(GUEST) or other.startswith(GUEST):
            return one != other and self._carried.may_hear(one, other)
        return self.hears(one, other)

    @property
    def joined(self) -> Joined:
        """The list of our guests, of which everybody here is told.

        Raises:
            MissingError: we carry none.
        """
        if self._carried.legs is None:
            raise MissingError("the room was entered without guests")
        return self._carried.legs

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._endpoint.rooms.add(self._group_id)
        self._local.open()
        self._spawn(self.bridge.attach(self._local, self._ours.plan))
        self._admitting = self._tasks.create_task(self._company.admit())
        self._running.add(self._admitting)
        self._spawn(self._keep_time())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            await self.leave()
        self._endpoint.rooms.discard(self._group_id)
        for task in tuple(self._running):
            task.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    # For the user.

    async def news(self) -> AsyncIterator[RoomNews]:
        """Give what happens, one after the other; that we are out is the last."""
        while True:
            news = await self._news.get()
            yield news
            if isinstance(news, RoomClosed):
                return

    async def invite(self, name: str) -> None:
        """Ask a contact to come.

        Raises:
            LimitError: the room is full, or a call with them is under way.
            RefusedError: there is no such contact, or they are in the room.
            UnreachableError: the relay does not answer, or has no device of theirs.
        """
        self._membership.check_room()
        identity = self._book.identity(name)
        if any(key[:IDENTITY_BYTES] == identity for key in self._membership.members):
            raise RefusedError(f"{name!r} is in the room already")
        await self._company.call(name)
        self._tell(Invited(self._book.name(identity)))

    def join(
        self, invitation: Conversation, *, shown: LegsChanged | None = None
    ) -> None:
        """Come, since somebody asked us to; while it rings.

        `shown` is whom who asks carries, if our user saw it and agrees by coming.

        Raises:
            RefusedError: it is a call of another kind of room.
            TrustError: who asks may not be who he was.
            UnexpectedEventError: it is not ringing any more.
        """
        if trust_of(invitation) is TrustState.BROKEN:
            raise TrustError(f"the trust in {invitation.alias!r}, who asks, is broken")
        self._company.accept(invitation, shown=shown)

    async def leave(self, why: str = "you left") -> None:
        """End all our calls at once, and wait until the others know, or 5 s."""
        if not self._is_over:
            self._is_over = True
            self._admitting.cancel()  # calls that come from now on are not ours
            self._endpoint.rooms.discard(self._group_id)
            self._membership.leave()
            ended = self._company.end()
            self._tell(RoomClosed(why))
            for companion in ended:
                await companion.conversation.finished()

    def set_hand(self, *, on: bool) -> None:
        """Say that we would like to speak, or no longer."""
        self._membership.hand = on

    def set_muted(self, *, on: bool) -> None:
        """Send silence to all, or what the microphone hears; guests are heard on."""
        self._ours.set_muted(on=on)

    def set_video(self, *, on: bool) -> None:
        """Show our picture to all, or stop; nothing while there is no camera."""
        self._ours.set_video(on=on)

    def share_screen(self, source: VideoSource) -> None:
        """Show a screen to all, also to those who come; closed at the end.

        Raises:
            UnexpectedEventError: one is shown already.
        """
        if self._sharing is not None:
            raise UnexpectedEventError("a screen is shown already")
        self._sharing = self._tasks.create_task(self._screens.show(source))
        self._running.add(self._sharing)
        for companion in self._company:
            self._show_screen(companion)

    def stop_screen(self) -> None:
        """Show our screen no longer, if we did."""
        if self._sharing is not None:
            self._sharing.cancel()
            self._sharing = None
            self._company.each(lambda conversation: conversation.set_screen(on=False))

    def set_hushed(self, name: str, *, on: bool) -> None:
        """Do not hear a member, or hear them again; nobody is told.

        Raises:
            RefusedError: no member of that name is heard.
        """
        self._named(name).port.is_muted = on

    def conversation(self, name: str) -> Conversation:
        """Find our call with a member, to compare words.

        Raises:
            RefusedError: no member of that name is heard.
        """
        return self._named(name).conversation

    def speak_anyway(self, name: str) -> None:
        """Let a member hear us although the trust is in doubt, in this call only.

        Raises:
            RefusedError: no member of that name is heard.
        """
        companion = self._named(name)
        companion.speak_anyway()
        self._weigh(companion)

    async def compared(self, name: str, *, matched: bool) -> None:
        """Say whether a member reads our words: verified, or broken.

        Raises:
            RefusedError: no member of that name is heard.
            UnexpectedEventError: there are no words yet.
        """
        companion = self._named(name)
        companion.note_compared(matched=matched)
        self._weigh(companion)  # first: a full disk must not let them hear us
        await companion.conversation.compared(matched=matched)

    def answer_guests(self, name: str | None, *, accept: bool) -> None:
        """Agree to the guests of a member, or refuse them; of all who ask, if no name.

        Raises:
            UnexpectedEventError: nobody of that name asks.
        """
        self._carried.answer(name, accept=accept)

    def stats(self) -> Mapping[str, MediaStats]:
        """Give the counts of the media, by our name for the other side."""
        return {
            companion.conversation.alias: stats
            for companion in self._company
            if (stats := companion.conversation.stats) is not None
        }

    def _named(self, name: str) -> Companion:
        for companion in self._company:
            if companion.conversation.alias == name:
                return companion
        raise RefusedError(f"nobody called {name!r} is heard in this room")

    # What the others do and say.

    def _came(self, companion: Companion) -> None:
        """Hear that a session works; another kind of room does more."""
        if self._sharing is not None:
            self._show_screen(companion)

    def _went(self, companion: Companion) -> None:
        """Hear that a session is over; likewise."""
        self._screens.remove(companion)

    def _weigh(self, companion: Companion) -> None:
        """Hear that the user settled whether a member may hear us; likewise."""

    def _may_hear(self, companion: Companion) -> bool:
        """Whether a member may hear us, and our guests."""
        trusted = companion.may_hear(strict=self._book.is_strict)
        return trusted and self._carried.is_shown(companion)

    def _each_turn(self, now: float) -> None:
        """Do what another kind of room does some times a second."""

    def _show_screen(self, companion: Companion) -> None:
        with contextlib.suppress(MissingError):  # they take no part in pictures
            self._screens.add(companion)

    def _take(self, companion: Companion, message: Said) -> None:
        match message:
            case Members():
                self._membership.take(companion.key, message, _now())
            case Roster():
                self._membership.take_roster(companion.key, message, _now())
            case Introduce(card=card):
                self._spawn(self._introductions.learn(companion, card))
            case SenderKey() | Room():
                pass  # of rooms over a server

    # Time.

    async def _keep_time(self) -> None:
        while not self._is_over:
            now = _now()
            self._membership.tick(now)
            self._introductions.look(now)
            self._company.tick(now)
            self._ours.settle()
            self._company.tell(now)
            self._attendance.look(now)
            self._each_turn(now)
            if self._membership.must_go():
                await self.leave("the room is full")
            await asyncio.sleep(TICK_S)

    # What is shown.

    def _us(self) -> MemberSeen:
        return self._ours.seen(
            has_hand_up=self._membership.hand,
            shows_screen=self._shows_screen,
        )

    @property
    def _shows_screen(self) -> bool:
        """Whether we show one; another kind of room does so by another way."""
        return self._sharing is not None

    def _warn(self, sentence: str) -> None:
        self._tell(RoomWarned(sentence))

    def _tell(self, news: RoomNews) -> None:
        if self._news.full():
            self._news.get_nowait()
        self._news.put_nowait(news)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
