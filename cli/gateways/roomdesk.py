"""A room before its user: its news are shown, its user's orders carried out."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, assert_never

from cli.codes import Code
from cli.console import read_input
from cli.gateways import guestview
from cli.gateways.roomview import (
    NOBODY,
    About,
    Act,
    Choose,
    Guests,
    Order,
    Verb,
    describe,
    lines,
    listed,
    offered,
    parse_order,
)
from cli.gateways.seats import Seats
from cli.interrupted import on_interrupt
from cli.output import complain, escape, is_for_programs, note, show
from cli.stage import Stage
from voip.conversation import Conversation
from voip.errors import CallError, TrustError, UnexpectedEventError
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.rooms.mesh import MeshRoom
from voip.gateway.rooms.news import (
    MembersChanged,
    RoomNews,
    RosterAlarm,
    format_room_json,
)
from voip.media.ends.screen import open_screen
from voip.news import LegsChanged

if TYPE_CHECKING:
    from voip.identity.words import Choices

_MAX_LINE = 4096  # bytes; a name has 48
_HELP = (
    "type a line: members, mute, hand, invite NAME, words NAME, choices NAME, leave;"
    " any other word lists all"
)
_RECENT = 6  # lines of news below the pictures


class Left(NamedTuple):
    """How somebody left a room.

    Attributes:
        code: `DISTRUST` if somebody saw other members to the end, else `DONE`.
        is_interrupted: by Ctrl-C, or a service manager.
    """

    code: Code
    is_interrupted: bool


class RoomDesk:
    """One room before its user."""

    def __init__(
        self,
        room: MeshRoom,
        stage: Stage | None = None,
        *,
        gateway: BrowserGateway | None = None,
        typed: asyncio.Queue[bytes] | None = None,
    ) -> None:
        """Take the room; pictures are drawn on `stage`, the news below them.

        Browser guests come in by `gateway`; `typed` is what the user types, if
        somebody reads it already.
        """
        self._room = room
        self._stage = stage
        self._typed = typed
        self._seats: Seats | None = None
        if gateway is not None:
            self._seats = Seats(gateway, room.bridge, room.joined)
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._shown: MembersChanged | None = None
        self._is_coming = False
        self._alarms: set[bytes] = set()  # keys of devices
        self._comparing: tuple[Conversation, Choices] | None = None

    async def hold(
        self,
        *,
        ask: Sequence[str] = (),
        invitation: Conversation | None = None,
        shown: LegsChanged | None = None,
    ) -> Left:
        """Stay in the room; an interrupt leaves it, and our guests leave with us.

        `shown` is whom who invites us carries, if our user has agreed to them.

        Raises:
            CallError: the invitation could not be taken.
        """
        async with asyncio.TaskGroup() as tasks:
            leaving = asyncio.Event()
            with on_interrupt(leaving.set):
                beside = {
                    tasks.create_task(self._leave_after(leaving)),
                    tasks.create_task(self._obey()),
                }
                if invitation is not None:
                    self._is_coming = True
                    self._room.join(invitation, shown=shown)
                if not is_for_programs():
                    note(_HELP)
                if self._seats is not None:
                    tasks.create_task(self._seats.welcome())
                for name in ask:
                    await self._try(self._room.invite(name))
                async for news in self._room.news():
                    self._show(news)
                if self._seats is not None:
                    self._seats.leave()
                for task in beside:
                    task.cancel()
        code = Code.DISTRUST if self._alarms else Code.DONE
        return Left(code, leaving.is_set())

    async def _leave_after(self, leaving: asyncio.Event) -> None:
        await leaving.wait()
        await self._room.leave()

    # News.

    def _show(self, news: RoomNews) -> None:
        told = lines(news, self._shown)
        match news:
            case MembersChanged(members) if self._is_coming and len(members) == 1:
                told = []  # who comes is not told that he is alone, for a second
            case MembersChanged(members):
                self._is_coming, self._shown = False, news
                if self._seats is not None:
                    self._seats.present([each.alias or NOBODY for each in members])
            case RosterAlarm(key, differs=differs):
                (self._alarms.add if differs else self._alarms.discard)(key)
            case _:
                pass
        if told or is_for_programs():
            self._say(format_room_json(news), *told)

    def _say(self, facts: Mapping[str, object], *said: str) -> None:
        """Show a result; below the pictures, while somebody shows some."""
        self._recent.extend(said)
        if self._stage is not None:
            members = self._shown.members if self._shown is not None else ()
            others = (each for each in members if not each.is_us)
            seen = any(each.shows_video or each.shows_screen for each in others)
            if seen and self._stage.draw([*map(describe, members), *self._recent]):
                return
            self._stage.leave()
        show(facts, *said)

    # Orders.

    async def _obey(self) -> None:
        typed, rest = self._typed or read_input(), b""
        while True:
            *whole, rest = (rest + await typed.get()).split(b"\n")
            rest = rest[-_MAX_LINE:]
            for line in whole:
                await self._try(self._do_line(line.decode(errors="replace")))

    async def _try(self, work: Coroutine[None, None, None]) -> None:
        """Carry out an order; one that cannot be is refused, and ends no room."""
        try:
            await work
        except CallError as error:
            if is_for_programs():
                self._say({"event": "error", "sentence": str(error)})
            else:
                complain(str(error))

    async def _do_line(self, line: str) -> None:
        if self._seats is not None and guestview.is_for_guests(line):
            self._seats.obey(guestview.parse_order(line))
        else:
            await self._do(parse_order(line))

    async def _do(self, order: Order) -> None:
        match order:
            case Act():
                await self._act(order)
            case About():
                await self._about(order)
            case Choose(index):
                await self._choose(index)
            case Guests(name, accept=accept):
                self._room.answer_guests(name, accept=accept)
            case _:
                assert_never(order)

    async def _act(self, act: Act) -> None:
        match act:
            case Act.MUTE | Act.UNMUTE:
                self._room.set_muted(on=act is Act.MUTE)
            case Act.HAND | Act.HAND_DOWN:
                self._room.set_hand(on=act is Act.HAND)
            case Act.VIDEO_ON | Act.VIDEO_OFF:
                self._room.set_video(on=act is Act.VIDEO_ON)
            case Act.SCREEN_ON:
                self._room.share_screen(open_screen())
            case Act.SCREEN_OFF:
                self._room.stop_screen()
            case Act.MEMBERS:
                self._members()
            case Act.STATS:
                self._stats()
            case Act.LEAVE:
                await self._room.leave()
            case _:
                assert_never(act)

    async def _about(self, order: About) -> None:
        name = order.name
        match order.verb:
            case Verb.INVITE:
                await self._room.invite(name)
            case Verb.HUSH | Verb.UNHUSH:
                self._room.set_hushed(name, on=order.verb is Verb.HUSH)
            case Verb.WORDS:
                words = " ".join(self._room.conversation(name).words or ())
                facts = {"event": "words", "alias": name, "words": words}
                self._say(facts, f"words with {escape(name)}: {words}")
            case Verb.CONTINUE:
                self._room.speak_anyway(name)
            case Verb.CHOICES:
                conversation = self._room.conversation(name)
                choices = conversation.choices()
                self._comparing = conversation, choices
                options = [" ".join(words) for words in choices.options]
                self._say(
                    {"event": "choices", "alias": name, "options": options},
                    *offered(name, choices.options),
                )
            case _:
                assert_never(order.verb)

    async def _choose(self, index: int | None) -> None:
        if self._comparing is None:
            raise UnexpectedEventError("ask for 'choices NAME' first")
        conversation, choices = self._comparing
        self._comparing = None
        alias = conversation.alias
        if self._room.conversation(alias) is not conversation:
            # Its words are others: a session that came meanwhile was never compared.
            raise UnexpectedEventError(
                f"the session with {alias!r} is a new one: ask for 'choices' again"
            )
        try:
            choices.check(index)
            matched = True
        except TrustError:
            matched = False
        await self._room.compared(alias, matched=matched)
        self._say(
            {"event": "compared", "alias": alias, "matched": matched},
            f"the words with {escape(alias)} match"
            if matched
            else f"the words with {escape(alias)} differ: somebody may be in between",
        )

    def _members(self) -> None:
        if self._shown is not None:
            self._say(format_room_json(self._shown), *listed(self._shown))

    def _stats(self) -> None:
        for alias, stats in self._room.stats().items():
            facts = {
                "event": "stats",
                "alias": alias,
                "sent": stats.sent,
                "received": stats.received,
                "dropped": stats.dropped,
                "path": stats.path,
            }
            self._say(
                facts,
                f"{escape(alias)}: {stats.sent} packets sent, {stats.received} "
                f"received, {stats.path or 'no path'}",
            )
