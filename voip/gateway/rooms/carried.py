"""Guests in a room: those whom we carry, and those whom other members do.

Carrier. A guest is no member: he has a browser and no identity, so one member lets him
in, hears him and passes on what he says, and each other member is told so in its own
call before a sound of his passes. What one refuses nobody gets: in a room all hear all.
Who comes later and refuses hears nothing of that member, nor it of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from voip.errors import UnexpectedEventError
from voip.gateway.bridge import Bridge
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.companion import Companion
from voip.gateway.rooms.guestlist import MemberLegs
from voip.gateway.rooms.news import GuestsChanged, RoomNews, RoomWarned
from voip.gateway.rooms.roomlegs import GUEST, RoomLegs
from voip.news import LegsChanged
from voip.signalling.legs import LegEnd, Legs, LegsAck, LegStage

if TYPE_CHECKING:
    from voip.gateway.tickets import PeerTicket


class _Telling:
    """Tells one member of our guests, from before it takes the call."""

    def __init__(self, companion: Companion) -> None:
        self._companion = companion
        self._said: Legs | None = None

    def say(self, message: Legs | LegEnd) -> None:
        """Say something that was not said before."""
        if message != self._said:
            self._companion.conversation.say(message)
        if isinstance(message, Legs):
            self._said = message


class Carried:
    """The guests of one room, as one of its members sees to them.

    Attributes:
        legs: of our own guests; None where we carry nobody.
    """

    def __init__(
        self,
        bridge: Bridge,
        counted: GatewayCounts,
        *,
        hosts: bool,
        tell: Callable[[RoomNews], None],
    ) -> None:
        """`hosts`, we may let guests in; `tell` hears of all changes."""
        self.legs = RoomLegs(counted, bridge.rewire) if hosts else None
        self._tell = tell
        self._telling: dict[Companion, _Telling] = {}
        self._told: dict[Companion, PeerTicket] = {}
        self._theirs: dict[Companion, LegsChanged] = {}

    @property
    def is_hosting(self) -> bool:
        """Whether a guest of ours is in, or about to be."""
        return self.legs is not None and bool(self.legs.legs.legs)

    @property
    def shows_pictures(self) -> bool:
        """Whether a guest who is in may show some."""
        return self.legs is not None and any(
            leg.video and leg.stage is not LegStage.ANNOUNCED
            for leg in self.legs.legs.legs
        )

    # Who may hear whom.

    def may_hear(self, one: str, other: str) -> bool:
        """Whether two ports hear each other, of which one at least is a guest's."""
        guest, beside = (one, other) if one.startswith(GUEST) else (other, one)
        return self.legs is None or self.legs.may_hear(guest, beside)

    def is_shown(self, companion: Companion) -> bool:
        """Whether a member has shown all guests of ours who are heard."""
        told = self._told.get(companion)
        return self.legs is None or (told is not None and told.is_open)

    # What happens in the sessions.

    def began(self, companion: Companion) -> None:
        """Tell who is being called, or calls us; nobody waits for their answer."""
        if self.legs is not None:
            telling = self._telling[companion] = _Telling(companion)
            if self.is_hosting:
                telling.say(self.legs.legs)

    def came(self, companion: Companion) -> None:
        """Let sound pass to and from a member, once it has shown our guests."""
        if self.legs is None:
            companion.port.open()
            return
        self._told[companion] = self.legs.add_peer(
            companion.port.name,
            self._telling[companion].say,
            companion.port,
            refused=lambda: self._refused(companion),
        )

    def went(self, companion: Companion) -> None:
        """Forget a call that is over."""
        self._telling.pop(companion, None)
        if (told := self._told.pop(companion, None)) is not None:
            told.leave()
        if self._theirs.pop(companion, None) is not None:
            self._changed()

    def acknowledged(self, companion: Companion, ack: LegsAck) -> None:
        """Take what a member's device says to our guests.

        Raises:
            MalformedError: it speaks of a list that was never sent.
        """
        if (told := self._told.get(companion)) is not None:
            told.acknowledge(ack)

    def heard_of(self, companion: Companion, news: LegsChanged) -> None:
        """Take whom a member says that it carries."""
        if news.legs.legs:
            self._theirs[companion] = news
        else:
            self._theirs.pop(companion, None)
        self._changed()

    # For the user.

    def answer(self, name: str | None, *, accept: bool) -> None:
        """Agree to the guests of a member, or refuse them; of all who ask, if no name.

        Raises:
            UnexpectedEventError: nobody of that name asks.
        """
        asking = {
            each: news
            for each, news in self._theirs.items()
            if news.asks and name in (None, each.conversation.alias)
        }
        if not asking:
            raise UnexpectedEventError("nobody asks about guests")
        for companion, news in asking.items():
            companion.conversation.answer_legs(accept=accept)
            is_here = any(leg.stage is not LegStage.ANNOUNCED for leg in news.legs.legs)
            if is_here and not accept:
                self._tell(
                    RoomWarned(_apart("you do not take the guests of", news.via))
                )

    def _refused(self, companion: Companion) -> None:
        if companion.conversation.end is not None:
            return  # they could not be told, for they are gone
        alias = companion.conversation.alias
        self._tell(RoomWarned(_apart("your guests are not taken by", alias)))

    def _changed(self) -> None:
        if self.legs is not None:
            self.legs.hear_of(
                {
                    each.port.name: MemberLegs(news.via, news.legs.legs)
                    for each, news in self._theirs.items()
                }
            )
        self._tell(GuestsChanged(tuple(self._theirs.values())))


def _apart(why: str, alias: str) -> str:
    """Say who is kept apart from us as long as guests are here."""
    return f"{why} {alias}: until these are gone, you do not hear each other"
