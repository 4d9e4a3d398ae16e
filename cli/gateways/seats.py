"""The guests of one host: who is at the door, who is let in, and who has left.

Guests are numbered as they come. Who is let in is a leg of the call, of which everybody
is told before he is heard, and one who is told of the others' legs. ::

    seats = Seats(gateway, bridge, joined)
    tasks.create_task(seats.welcome())
    seats.obey(parse_order("accept 1"))
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cli.codes import Code
from cli.gateways import guestview
from cli.gateways.guestview import Order
from cli.gateways.saying import refuse, tell
from cli.output import escape
from voip import marks
from voip.errors import (
    MalformedError,
    MissingError,
    RefusedError,
    StoreError,
    TrustError,
    UnexpectedEventError,
)
from voip.gateway.bridge import Bridge, Port
from voip.gateway.guests.invite import host_of
from voip.gateway.guests.messages import MAX_PRESENT, Present
from voip.gateway.guests.news import GuestEnded
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.guests.visit import Guest
from voip.gateway.joined import Joined
from voip.gateway.tickets import LegTicket
from voip.signalling.legs import Digits, LegKind, LegReason, Mark
from voip.signalling.messages import HangupReason

_LOOK_S = 5.0  # a link that was revoked cannot be used meanwhile either


@dataclass(slots=True)
class _Seat:
    """One guest as the host sees him."""

    number: int
    guest: Guest
    port: Port | None = None
    leg: LegTicket | None = None
    has_matched: bool = False  # the words


def _nobody_minds(_pressed: Digits) -> None:
    """Have no telephone that keys could be for."""


def _nobody_looks() -> None:
    """Have nothing to do about guests who come and go."""


class Seats:
    """All guests of one host.

    Attributes:
        came: how many were at the door so far.
        open_links: how many can still come.
        pressed: gets the keys that a guest presses who hears the others.
        first_guest: set once somebody was let in.
        code: what became of the one who left last.
    """

    def __init__(
        self,
        gateway: BrowserGateway,
        bridge: Bridge,
        joined: Joined,
        *,
        changed: Callable[[], None] = _nobody_looks,
    ) -> None:
        """Take where guests come from, and the call that they are let into.

        `changed` hears, on the loop, when somebody came, was let in, or left.
        """
        self.came = 0
        self.pressed: Callable[[Digits], None] = _nobody_minds
        self.open_links = 1
        self.first_guest = asyncio.Event()
        self.code = Code.DONE
        self._gateway, self._bridge, self._joined = gateway, bridge, joined
        self._page = host_of(gateway.host.origin)
        self._changed = changed
        self._seats: dict[int, _Seat] = {}
        self._present: tuple[str, ...] = ()
        self._tasks = asyncio.TaskGroup()
        self._watching: list[asyncio.Task[None]] = []
        self._is_over = False

    @property
    def names(self) -> tuple[str, ...]:
        """What those call themselves who are let in; anybody's words, so escape it."""
        seats = self._seats.values()
        return tuple(seat.guest.name for seat in seats if seat.port is not None)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in, nor at the door."""
        return not self._seats

    async def welcome(self) -> None:
        """Show who comes and what becomes of them, until `leave`; once."""
        async with self._tasks:
            self._watching = [
                self._tasks.create_task(work)
                for work in (self._watch(), self._watch_links())
            ]
            if self._is_over:
                self._stop_watching()

    def leave(self) -> None:
        """Hang up on everybody, and let nobody in any more."""
        for seat in tuple(self._seats.values()):
            seat.guest.hang_up()
        self._is_over = True
        self._stop_watching()

    def present(self, names: Sequence[str]) -> None:
        """Tell all guests who is in the call, and those who come later.

        As many as a message has room for; guests are told of each other as legs.
        """
        self._present = tuple(names[:MAX_PRESENT])
        for seat in self._seats.values():
            if seat.port is not None:
                seat.guest.say(Present(self._present))

    def obey(self, order: Order) -> None:
        """Do what the host wants with one guest.

        Raises:
            MalformedError: there is no such guest; or none is named, and it could be
                about several.
            UnexpectedEventError: he is in already.
        """
        seat = self._seat(order)
        match order.act:
            case "accept":
                self._accept(seat)
            case "decline":
                seat.guest.decline()
            case "hangup":
                seat.guest.hang_up()
            case _:
                self._compare(seat, order.choice)

    def _stop_watching(self) -> None:
        for each in self._watching:
            each.cancel()

    async def _watch_links(self) -> None:
        """Note which links expire, or are revoked by another program."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._count_links()
            self._changed()

    def _count_links(self) -> None:
        # A link is spent in the store or not at all, so what cannot be read now can
        # let nobody in.
        with contextlib.suppress(StoreError, MissingError):
            self.open_links = len(self._gateway.open_links())

    async def _watch(self) -> None:
        while True:
            guest = await self._gateway.guest()
            self.came += 1
            seat = self._seats[self.came] = _Seat(self.came, guest)
            who = seat.number, guest.name, guest.label, self._page
            tell(guestview.door_facts(*who), *guestview.at_door(*who))
            self._tasks.create_task(self._follow(seat))
            self._changed()

    async def _follow(self, seat: _Seat) -> None:
        async for news in seat.guest.news():
            tell(
                guestview.facts(seat.number, news),
                guestview.sentence(seat.number, news),
            )
            if isinstance(news, GuestEnded):
                self._gone(seat, news)

    def _gone(self, seat: _Seat, ended: GuestEnded) -> None:
        del self._seats[seat.number]
        if seat.leg is not None:
            seat.leg.end(guestview.LEG_REASONS.get(ended.reason, LegReason.LOST))
        if seat.port is not None:
            seat.port.close()
        self.code = guestview.CODES.get(ended.reason, Code.UNREACHABLE)
        self._count_links()
        self._changed()

    def _seat(self, order: Order) -> _Seat:
        if order.guest:
            fit = [number for number in self._seats if number == order.guest]
        else:
            # Never the newest: another one may come in the moment before Enter.
            is_for_door = order.act in {"accept", "decline"}
            fit = [
                number
                for number, seat in self._seats.items()
                if (seat.port is None) == is_for_door
            ]
        if len(fit) > 1:
            numbers = ", ".join(map(str, fit))
            raise MalformedError(
                f"{order.act}: expected the number of a guest: {numbers}"
            )
        if not fit:
            raise MalformedError("there is no such guest")
        return self._seats[fit[0]]

    def _accept(self, seat: _Seat) -> None:
        guest = seat.guest
        port = self._bridge.port(f"guest {seat.number}")
        try:
            guest.accept(port.plan(video=guest.wants_video))
        except UnexpectedEventError:
            port.close()
            raise
        seat.port = port
        if self._present:
            guest.say(Present(self._present))
        self._tasks.create_task(self._join(seat, port))
        self.first_guest.set()
        assert guest.choices is not None
        options = guest.choices.options
        tell(
            guestview.word_facts(seat.number, options),
            *guestview.offered(seat.number, options),
        )
        self._changed()

    async def _join(self, seat: _Seat, port: Port) -> None:
        """Tell everybody of the guest, and him of everybody, before he is heard."""
        guest = seat.guest
        peer = self._joined.add_peer(
            f"guest {seat.number}",
            guest.say,
            refused=lambda: guest.hang_up(
                HangupReason.DECLINED, "does not want who is heard already"
            ),
        )
        guest.acknowledged = peer.acknowledge
        # Who has not agreed to the telephone has nothing to say to it either.
        guest.pressed = lambda digits: self.pressed(digits) if port.is_open else None
        try:
            seat.leg = self._joined.want(
                LegKind.BROWSER,
                port,
                mark=Mark.BROWSER_GUEST,
                host=self._page,
                name=guest.name,
                video=guest.wants_video,
                peer=peer,
                changed=self._show_leg,
            )
            if seat.has_matched:
                seat.leg.change(words_matched=True)
            await seat.leg.joined()
        except RefusedError as error:
            guest.hang_up(HangupReason.DECLINED, str(error))
        try:
            await guest.ended()
        finally:
            peer.leave()

    def _show_leg(self, ticket: LegTicket) -> None:
        """Show how weak the call is by its legs, and this one by itself."""
        legs, via = self._joined.legs.legs, self._gateway.host.alias
        weakest = marks.weakest(legs)
        tell(
            {
                "event": "legs",
                "code": int(weakest),
                "mark": marks.NAMES[weakest],
                "legs": [marks.leg_facts(leg, via) for leg in legs],
            },
            *([] if ticket.ended else [escape(marks.sentence(ticket.leg, via))]),
        )

    def _compare(self, seat: _Seat, choice: int | None) -> None:
        try:
            seat.guest.compare(choice)
        except TrustError as error:
            refuse(f"guest {seat.number}: {escape(str(error))}")
            return
        seat.has_matched = True
        if seat.leg is not None:
            seat.leg.change(words_matched=True)
        tell(
            {"event": "words", "guest": seat.number, "matched": True},
            f"the words of guest {seat.number} are the same",
        )
