"""Somebody asks the user of `ringfence answer` into a room: it rings, they may come.

Who is in the room is told while it rings, by who asks; names are our own for them.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cli.calling import Desk
from cli.codes import Code
from cli.console import is_screen, line_by_line
from cli.ends import code_of
from cli.gateways.larger import Server
from cli.gateways.roomdesk import Left
from cli.gateways.roomplace import Place
from cli.gateways.roomtalk import enter
from cli.gateways.roomview import guests, named
from cli.interrupted import on_interrupt
from cli.output import complain, escape, is_for_programs, show
from cli.wishes import Wishes
from voip.call import State
from voip.conversation import Conversation
from voip.errors import CallError, UnexpectedEventError
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.news import GuestsChanged
from voip.gateway.rooms.roster import IDENTITY_BYTES
from voip.handshake.payload import Media
from voip.identity.contact import AddressBook
from voip.identity.keys import format_identity
from voip.identity.trust import TrustState
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.news import Ended, Json, LegsChanged
from voip.signalling.group import Members
from voip.upkeep import VaultKeeper

_KEYS: Final = {b"a": True, b"d": False}
_LINES: Final = {b"accept": True, b"decline": False}


async def answer_invitation(  # noqa: PLR0913 -- what a room is held with
    invitation: Conversation,
    desk: Desk,
    store: VaultKeeper,
    open_plan: Callable[[], MediaPlan],
    *,
    ice: IceConfig,
    wishes: Wishes,
    auto: bool,
) -> Left:
    """Ask the user to come to a room; there they stay until they leave it.

    `auto`, come where nothing speaks against it.
    """
    typed = desk.console.typed
    ring = Ring(invitation, typed, book=store.read().contacts, auto=auto)
    if not await ring.is_taken():
        await invitation.finished()
        assert invitation.end is not None
        return Left(code_of(invitation.end, is_broken=False), ring.is_interrupted)
    place = Place(
        desk.endpoint,
        store,
        open_plan(),
        ice=ice,
        video=wishes.video,
        stage=None,
        counted=GatewayCounts(),
    )
    try:
        with line_by_line():
            return await enter(
                place, invitation, Server(), shown=ring.shown, typed=typed
            )
    except UnexpectedEventError:  # nobody asks any more, since a moment
        return Left(Code.NO_ANSWER, is_interrupted=False)


class Ring:
    """One invitation, until it is taken, declined or withdrawn.

    Attributes:
        shown: whom the inviter carries, as the screen has it; None: nobody.
        is_interrupted: the user wants to take no call any more.
    """

    def __init__(
        self,
        invitation: Conversation,
        typed: asyncio.Queue[bytes],
        *,
        book: AddressBook,
        auto: bool,
    ) -> None:
        """Take who asks; `auto`, say yes where nothing speaks against it."""
        self.shown: LegsChanged | None = None
        self.is_interrupted = False
        self._invitation = invitation
        self._typed = typed
        self._book = book
        self._auto = auto
        self._rest = b""
        self._members: Members | None = None

    async def is_taken(self) -> bool:
        """Ask the user whether they come; False also if nobody asks any more."""
        with on_interrupt(self._interrupted):
            self._show(None)
            return self._takes_itself or await self._ask()

    @property
    def _takes_itself(self) -> bool:
        """Whether it is taken without a question: only what says nothing new."""
        invitation = self._invitation
        trust = invitation.trust
        is_broken = trust is None or trust.state is TrustState.BROKEN
        return self._auto and not is_broken and not invitation.asks_about_legs

    async def _ask(self) -> bool:
        async with asyncio.TaskGroup() as tasks:
            asked = {
                tasks.create_task(self._listen()),
                tasks.create_task(self._answer()),
            }
            telling = tasks.create_task(self._tell_members())
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            taken = any(each.done() and each.result() for each in asked)
            for each in (*asked, telling):
                each.cancel()
        return taken

    def _interrupted(self) -> None:
        self.is_interrupted = True
        self._decline()

    def _decline(self) -> None:
        if self._invitation.state is State.RINGING:
            self._invitation.decline()

    async def _listen(self) -> bool:
        """Follow the call until it is over; False, for nobody comes then."""
        async for news in self._invitation.news():
            match news:
                case LegsChanged():
                    self.shown = news
                    self._say(
                        {"event": "legs", "asks": news.asks},
                        *guests(GuestsChanged((news,))),
                    )
                case Ended(end):
                    name = escape(self._invitation.alias)
                    self._say(
                        {"event": "ended", "end": end.value},
                        f"not in the room of {name}: {end.value}",
                    )
                case _:
                    pass
        return False

    async def _tell_members(self) -> None:
        with contextlib.suppress(CallError):  # more than anybody reads: the room judges
            async for message in self._invitation.heard():
                if isinstance(message, Members):
                    self._show(message)

    async def _answer(self) -> bool:
        """Wait until the user wants to come; who does not ends the call."""
        while True:
            answer = self._read(await self._typed.get())
            if answer is True:
                return True
            if answer is False:
                self._decline()  # its end is told then

    def _read(self, chunk: bytes) -> bool | None:
        """Read yes or no; None if it is neither."""
        if is_screen():
            return _KEYS.get(chunk[:1].lower())
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            answer = _LINES.get(line.strip())
            if answer is not None:
                return answer
            said = escape(line.decode(errors="replace"))
            self._refuse(f"expected accept or decline, came {said!r}")
        return None

    def _show(self, members: Members | None) -> None:
        """Say who asks, and who is there as far as that is known."""
        if members is not None and members == self._members:
            return
        self._members = members
        invitation = self._invitation
        trust = invitation.trust
        there = {} if members is None else _inside(members, self._book)
        facts: Json = {
            "event": "invitation",
            "alias": invitation.alias,
            "identity": format_identity(invitation.identity),
            "trust": None if trust is None else trust.state.value,
            "server": Media.AUDIO not in invitation.media_asked,
            "members": None if members is None else list(there.values()),
        }
        if members is None:
            how = "'a' comes, 'd' declines" if is_screen() else "'accept' or 'decline'"
            self._say(facts, f"{escape(invitation.alias)} asks you into a room; {how}")
        else:
            names = ", ".join(named(alias, key) for key, alias in there.items())
            self._say(facts, f"a room of {len(there)}: {names}")

    def _say(self, facts: Json, *lines: str) -> None:
        show({"call_id": self._invitation.call_id.hex(), **facts}, *lines)

    def _refuse(self, sentence: str) -> None:
        if is_for_programs():
            self._say({"event": "error", "sentence": sentence})
        else:
            complain(sentence)


def _inside(members: Members, book: AddressBook) -> dict[bytes, str]:
    """Name who is in a room, by our own names; empty for who has none."""
    found = {}
    for seat in members.seats:
        if seat.count % 2:  # odd: in, as docs/formats/rooms.md has it
            contact = book.by_identity(seat.key[:IDENTITY_BYTES])
            found[seat.key] = "" if contact is None else contact.alias
    return found
