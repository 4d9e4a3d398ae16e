"""What a gateway's leg, and one who is told of legs, hold in their hands.

Carrier, for others wait on them. Both are made by `voip.gateway.joined.Joined`, which
does what is asked of them. ::

    ticket = joined.want(kind, port, mark=...)
    await ticket.joined()           all devices have shown it; its port is open
    await ticket.shown()            likewise, and nobody has shown less than all of it:
                                    what costs money or tells somebody begins after it
    ticket.change(mark=...)         weaker: shut, and told again
    ticket.end(LegReason.BUSY)
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from voip.errors import RefusedError
from voip.gateway.bridge import Port
from voip.gateway.roll import ANSWER_S
from voip.signalling.legs import (
    LegEnd,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
)

Say = Callable[[Legs | LegEnd], object]
"""Hands a message to one who is told; does not wait."""


class Keeper(Protocol):
    """Keeps the list that tickets are of; `voip.gateway.joined.Joined` is one."""

    @property
    def is_deserted(self) -> bool:
        """Whether somebody was told of legs, and nobody is any more."""

    def change(self, leg: ListedLeg) -> None:
        """List a leg as it is now."""

    def end(self, ended: LegEnd) -> None:
        """Take a leg out."""

    def acknowledge(self, peer: "PeerTicket", ack: LegsAck) -> None:
        """Take an answer of a peer."""

    def drop(self, peer: "PeerTicket") -> None:
        """Take a peer out."""


class LegTicket:
    """One leg, from wanting it to its end; made by `Joined.want`.

    Attributes:
        leg: as it is listed.
        ended: how it ended; None while it has not.
        peer: who is told of the other legs at its far end; None for a telephone.
    """

    def __init__(
        self,
        keeper: Keeper,
        leg: ListedLeg,
        port: Port,
        changed: Callable[["LegTicket"], None] | None,
        peer: "PeerTicket | None",
    ) -> None:
        self.leg = leg
        self.ended: LegEnd | None = None
        self.port = port
        self.peer = peer
        self._keeper = keeper
        self._changed = changed
        self._settled = asyncio.Event()
        self._shown = asyncio.Event()

    @property
    def may_pass(self) -> bool:
        """Whether everybody has shown it, and its far end everybody else."""
        is_joined = self.leg.stage is not LegStage.ANNOUNCED
        return is_joined and (self.peer is None or self.peer.is_open)

    async def joined(self) -> None:
        """Wait until everybody's device has shown it; its port is open then.

        Raises:
            RefusedError: somebody refuses it, or nobody answered within 30 s; or it
                ended meanwhile.
        """
        await self._settled.wait()
        if self.ended is not None:
            raise RefusedError("the leg was refused by somebody in the call, or ended")

    async def shown(self) -> None:
        """Wait until everybody who is told has shown the whole list, and this leg.

        With nobody to tell, that is at once. A telephone does not ring before: it would
        cost money, and tell the exchange of a call that somebody refuses.

        Raises:
            RefusedError: as `joined`; or somebody has not answered within 30 s, or all
                who were told have left.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._shown.wait()
        except TimeoutError:
            raise RefusedError("not everybody in the call has shown the leg") from None
        await self.joined()
        if self._keeper.is_deserted:
            raise RefusedError("everybody who was told of the leg has left")

    def change(  # noqa: PLR0913 -- what can change
        self,
        *,
        mark: Mark | None = None,
        host: str | None = None,
        suite: str | None = None,
        name: str | None = None,
        authenticated: bool | None = None,
        words_matched: bool | None = None,
        video: bool | None = None,
        held: bool | None = None,
    ) -> None:
        """Say what is different; where it is weaker, its port shuts at once.

        It is announced again then, and opens when everybody's device has shown that.
        Nothing if it is over.
        """
        given = {
            "mark": mark,
            "host": host,
            "suite": suite,
            "name": name,
            "authenticated": authenticated,
            "words_matched": words_matched,
            "video": video,
        }
        news = {key: value for key, value in given.items() if value is not None}
        leg = replace(self.leg, **news)  # type: ignore[arg-type] # each is of its field
        if held is not None and leg.stage is not LegStage.ANNOUNCED:
            leg = replace(leg, stage=LegStage.HELD if held else LegStage.JOINED)
        if self.ended is None:
            self._keeper.change(leg)

    def end(
        self,
        reason: LegReason = LegReason.NORMAL,
        *,
        status: int = 0,
        text: str = "",
    ) -> None:
        """Tell everybody that it is over; its port is closed. Twice does nothing."""
        if self.ended is None:
            self._keeper.end(LegEnd(self.leg.id, reason, status=status, text=text))

    def settle(self, leg: ListedLeg, ended: LegEnd | None = None) -> None:
        """Take what became of it, from the roll, and tell who wants to hear it."""
        self.leg, self.ended = leg, ended
        if ended is not None or leg.stage is not LegStage.ANNOUNCED:
            self._settled.set()
        else:
            self._settled.clear()
        if self._changed is not None:
            self._changed(self)

    def look(self, *, everybody: bool) -> None:
        """Take whether everybody has shown all that passes."""
        if self._settled.is_set() and (everybody or self.ended is not None):
            self._shown.set()
        else:
            self._shown.clear()


class PeerTicket:
    """One who is told of the legs; made by `Joined.add_peer`."""

    def __init__(
        self,
        keeper: Keeper,
        name: str,
        say: Say,
        port: Port | None,
        refused: Callable[[], None] | None,
    ) -> None:
        self.name = name
        self.is_open = False
        self.say = say
        self.port = port
        self.refused = refused
        self._keeper = keeper

    def acknowledge(self, ack: LegsAck) -> None:
        """Take its LEGS_ACK.

        Raises:
            MalformedError: it acknowledges what was never sent.
        """
        self._keeper.acknowledge(self, ack)

    def leave(self) -> None:
        """Take it out; its port is shut. Twice does nothing."""
        self._keeper.drop(self)
