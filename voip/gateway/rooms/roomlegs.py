"""The guests that we carry into a room, and who is told of them.

Carrier, and thin: what may pass is for `voip.gateway.roll` to say, what a guest is told
beside our own legs for `guestlist`. A member is told in its call, a guest by the page
that he has open; guests are told of those of other members, too, for they hear them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from voip.errors import CallError
from voip.gateway.bridge import Port
from voip.gateway.counts import GatewayCounts
from voip.gateway.joined import Joined
from voip.gateway.rooms.guestlist import GuestList, MemberLegs
from voip.gateway.tickets import PeerTicket, Say
from voip.signalling.legs import LegEnd, Legs, LegsAck

GUEST: Final = "guest "
"""How the name of a guest's port begins, and his own among those who are told."""


@dataclass(slots=True)
class _Guest:
    """One guest of ours, as somebody who is told."""

    say: Say
    listed: GuestList = field(default_factory=GuestList)
    ticket: PeerTicket | None = None  # None while he is told for the first time

    def tell(self, message: Legs | LegEnd) -> None:
        """Say our own list, with those of others beside it; or that a leg is over."""
        if isinstance(message, Legs):
            message = self.listed.ours(message)
        self.say(message)


class RoomLegs(Joined):
    """The legs of one member of a room, and all who are told of them."""

    def __init__(self, counted: GatewayCounts, changed: Callable[[], None]) -> None:
        """`changed` hears that guests and members may hear each other, or no more."""
        super().__init__(counted)
        self._changed = changed
        self._guests: dict[str, _Guest] = {}
        self._others: Mapping[str, MemberLegs] = {}

    def add_peer(
        self,
        name: str,
        say: Say,
        port: Port | None = None,
        *,
        refused: Callable[[], None] | None = None,
    ) -> PeerTicket:
        """See `Joined`; who is a guest is told of other members' guests, too."""
        if not name.startswith(GUEST):
            return super().add_peer(name, say, port, refused=refused)
        guest = self._guests[name] = _Guest(say)
        guest.listed.beside(self._others)
        guest.ticket = super().add_peer(name, guest.tell, port, refused=refused)
        return guest.ticket

    def acknowledge(self, peer: PeerTicket, ack: LegsAck) -> None:
        """See `Joined`."""
        guest = self._guests.get(peer.name)
        answer = ack if guest is None else guest.listed.answer(ack)
        if answer is not None:
            super().acknowledge(peer, answer)
            self._changed()

    def drop(self, peer: PeerTicket) -> None:
        """See `Joined`."""
        self._guests.pop(peer.name, None)
        super().drop(peer)

    def hear_of(self, others: Mapping[str, MemberLegs]) -> None:
        """Take whom other members carry, by the name of that member's port."""
        self._others = dict(others)
        for guest in tuple(self._guests.values()):
            legs = guest.listed.beside(others)
            if legs is not None and guest.ticket is not None:
                try:
                    guest.say(legs)
                except CallError:
                    self.drop(guest.ticket)  # who cannot be told hears nothing
        self._changed()

    def may_hear(self, guest: str, other: str) -> bool:
        """Whether a guest and another port hear each other, by their names."""
        known = self._guests.get(guest)
        return known is None or known.listed.knows(other)
