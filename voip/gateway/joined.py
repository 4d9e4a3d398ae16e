"""Tells all who are in one gateway's call of its legs, and opens what they have seen.

Carrier, and thin: what must be said to whom, and what may pass, is `voip.gateway.roll`'s
to say. ::

    joined = Joined()
    ticket = joined.want(ListedLeg(...), port, ended=...)     a leg: guest or telephone
    await ticket.joined()                                     all devices have shown it
    joined.add_call(conversation, port)                       who is told, by a call
    peer = joined.add_peer("guest", say, port)                who is told otherwise
"""

from collections.abc import Callable

from voip.conversation import Conversation
from voip.gateway.bridge import Port
from voip.signalling.legs import (
    LegEnd,
    LegKind,
    LegReason,
    Legs,
    LegsAck,
    ListedLeg,
    Mark,
)

Say = Callable[[Legs | LegEnd], None]
"""Hands a message to one who is told; does not wait."""


class LegTicket:
    """One leg, from wanting it to its end; made by `Joined.want`.

    Attributes:
        id: its number in the lists, 1-255.
    """

    id: int

    @property
    def leg(self) -> ListedLeg:
        """As it is listed now."""
        raise NotImplementedError

    @property
    def end_reason(self) -> LegReason | None:
        """Why it is over; None while it is not."""
        raise NotImplementedError

    async def joined(self) -> None:
        """Wait until everybody's device has shown it; its port is open then.

        Raises:
            RefusedError: somebody refuses it, or nobody answered within 30 s.
        """
        raise NotImplementedError

    def change(
        self,
        *,
        mark: Mark | None = None,
        suite: str | None = None,
        authenticated: bool | None = None,
        words_matched: bool | None = None,
        video: bool | None = None,
        held: bool | None = None,
        name: str | None = None,
    ) -> None:
        """Say what is different; where it is weaker, its port shuts at once.

        It is announced again then, and opens when everybody's device has shown that.
        """
        raise NotImplementedError

    def end(
        self,
        reason: LegReason = LegReason.NORMAL,
        *,
        status: int = 0,
        text: str = "",
    ) -> None:
        """Tell everybody that it is over; its port is closed. Twice does nothing."""
        raise NotImplementedError


class PeerTicket:
    """One who is told of the legs; made by `Joined.add_peer`."""

    @property
    def is_open(self) -> bool:
        """Whether this one has seen every leg that passes anything."""
        raise NotImplementedError

    def acknowledge(self, ack: LegsAck) -> None:
        """Take its LEGS_ACK.

        Raises:
            MalformedError: it acknowledges what was never sent.
        """
        raise NotImplementedError

    def leave(self) -> None:
        """Take it out; its port is shut."""
        raise NotImplementedError


class Joined:
    """The legs of one gateway's call, and those who are told of them."""

    def want(
        self,
        kind: LegKind,
        port: Port,
        *,
        mark: Mark,
        host: str = "",
        suite: str = "",
        name: str = "",
        video: bool = False,
        authenticated: bool = False,
        changed: Callable[[LegTicket], None] | None = None,
    ) -> LegTicket:
        """Announce a leg to everybody; its port opens when all their devices show it.

        `changed` hears, on the loop, when it joins, is held up again, or is over: then
        `end_reason` is set.

        Raises:
            LimitError: there are 8 already, or 255 were.
        """
        raise NotImplementedError

    def add_peer(
        self,
        name: str,
        say: Say,
        port: Port | None = None,
        *,
        refused: Callable[[], None] | None = None,
    ) -> PeerTicket:
        """Tell one more of all legs; its port opens once its device shows them.

        `refused` hears, on the loop, when it refuses a leg that others hear already.
        """
        raise NotImplementedError

    async def add_call(self, conversation: Conversation, port: Port) -> None:
        """Tell the other side of a call, until it is over or this is cancelled.

        Raises:
            NotAllowedError: their device cannot be told of legs.
        """
        raise NotImplementedError
