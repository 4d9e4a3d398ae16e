"""Tells all who are in one gateway's call of its legs, and opens what they have seen.

Carrier, and thin: what must be said to whom, and what may pass, is for
`voip.gateway.roll` to say. ::

    joined = Joined()
    ticket = joined.want(kind, port, mark=...)        a leg: a guest or a telephone
    await ticket.joined()                             all devices have shown it
    tasks.create_task(joined.add_call(conversation, port))    who is told, in a call
    peer = joined.add_peer("phone", say, port)        who is told by other means

A browser guest is both: a leg that others are told of, and one who is told of others.
Its one port opens when both may: ``joined.want(..., peer=peer)``.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from voip.asides import Aside
from voip.conversation import Conversation
from voip.errors import CallError, NotAllowedError
from voip.gateway.bridge import Port
from voip.gateway.counts import GatewayCounts, LegCounts
from voip.gateway.roll import (
    Command,
    DropLeg,
    LosePeer,
    OpenLeg,
    OpenPeer,
    Roll,
    ShutLeg,
    ShutPeer,
    Tell,
)
from voip.gateway.tickets import LegTicket, PeerTicket, Say
from voip.signalling.legs import (
    LegEnd,
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
)


class Joined:
    """The legs of one gateway's call, and those who are told of them."""

    def __init__(self, counted: GatewayCounts | None = None) -> None:
        """`counted` is where legs are counted, if anybody looks at such figures."""
        self._roll = Roll()
        self._counted = LegCounts(counted)
        self._tickets: dict[int, LegTicket] = {}
        self._peers: dict[str, PeerTicket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due: deque[Command] = deque()
        self._is_busy = False
        self._was_told = False

    @property
    def legs(self) -> Legs:
        """The list as everybody was told it last."""
        return self._roll.legs

    @property
    def is_deserted(self) -> bool:
        """Whether somebody was told of legs, and nobody is any more."""
        return self._was_told and not self._peers

    def want(  # noqa: PLR0913 -- what everybody is told
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
        peer: PeerTicket | None = None,
        changed: Callable[[LegTicket], None] | None = None,
    ) -> LegTicket:
        """Announce a leg to everybody; its port opens when all their devices show it.

        With nobody to tell, that is at once: who comes later is told then, and hears
        nothing before. Where a `peer` is at its far end, its port is shut also while
        that peer may hear nobody, or has left. `changed` hears, on the loop, when it
        joins, is held up again, or is over: then `ended` is set.

        Raises:
            LimitError: there are 8 already, or 255 were.
            MalformedError: a text that is too long.
        """
        leg = ListedLeg(
            1,
            kind,
            mark=mark,
            host=host,
            suite=suite,
            name=name,
            video=video,
            authenticated=authenticated,
        )
        leg_id, commands = self._roll.want(leg, _now())
        listed = self._roll.leg(leg_id)
        assert listed is not None
        announced = replace(listed, stage=LegStage.ANNOUNCED)
        ticket = LegTicket(self, announced, port, changed, peer)
        self._tickets[leg_id] = ticket
        self._obey(commands)
        return ticket

    def add_peer(
        self,
        name: str,
        say: Say,
        port: Port | None = None,
        *,
        refused: Callable[[], None] | None = None,
    ) -> PeerTicket:
        """Tell one more of all legs; its port opens once its device shows them.

        `refused` hears, on the loop, when it refuses a leg that others hear already, or
        cannot be told any more: nothing passes to it, and its call had better end.

        Raises:
            UnexpectedEventError: the name is taken.
        """
        commands = self._roll.add_peer(name)
        self._was_told = True
        ticket = self._peers[name] = PeerTicket(self, name, say, port, refused)
        self._obey(commands)
        return ticket

    async def add_call(
        self,
        conversation: Conversation,
        port: Port,
        *,
        heard: Callable[[Aside], None] | None = None,
    ) -> None:
        """Tell the other side of a call, until it is over or this is cancelled.

        To be begun right after `Endpoint.dial` with ``legs_follow``, or before
        `Conversation.accept`. Who refuses, or cannot be told, is hung up on. `heard`
        gets all else that the program at the other side says.

        Raises:
            NotAllowedError: their device cannot be told of legs.
            LimitError: they say more than anybody reads.
        """
        if not (conversation.is_outgoing or conversation.can_be_told):
            raise NotAllowedError(
                f"the device of {conversation.alias!r} cannot be told of legs: "
                "it runs an older version"
            )
        peer = self.add_peer(
            conversation.call_id.hex(),
            conversation.say,
            port,
            refused=conversation.hang_up,
        )
        try:
            async for message in conversation.heard():
                if isinstance(message, LegsAck):
                    peer.acknowledge(message)
                elif heard is not None:
                    heard(message)
        finally:
            peer.leave()

    # For tickets.

    def change(self, leg: ListedLeg) -> None:
        """List a leg as it is now."""
        ticket = self._tickets[leg.id]
        commands = self._roll.change(leg, _now())
        listed = self._roll.leg(leg.id)
        assert listed is not None
        ticket.leg = listed
        self._obey(commands)
        self._count(ticket)

    def end(self, ended: LegEnd) -> None:
        """Take a leg out."""
        commands = self._roll.end(ended)
        self._over(ended)
        self._obey(commands)

    def acknowledge(self, peer: PeerTicket, ack: LegsAck) -> None:
        """Take an answer of a peer."""
        self._obey(self._roll.acknowledged(peer.name, ack))

    def drop(self, peer: PeerTicket) -> None:
        """Take a peer out."""
        if self._peers.pop(peer.name, None) is None:
            return
        self._set(peer, is_open=False)
        self._obey(self._roll.drop_peer(peer.name))

    # What the roll wants done.

    def _obey(self, commands: Iterable[Command]) -> None:
        """Do what is due, in order, even where somebody who hears of it wants more."""
        self._due.extend(commands)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._due:
                self._do(self._due.popleft())
        finally:
            self._is_busy = False
        self._look()
        self._set_timer()

    def _look(self) -> None:
        everybody = all(peer.is_open for peer in self._peers.values())
        for ticket in tuple(self._tickets.values()):
            ticket.look(everybody=everybody)

    def _do(self, command: Command) -> None:
        match command:
            case ShutLeg(leg_id):
                self._shut(leg_id)
            case OpenLeg(leg_id):
                self._open(leg_id)
            case DropLeg(leg_id, reason):
                self._over(LegEnd(leg_id, reason))
            case _ if (peer := self._peers.get(command.name)) is not None:
                self._do_to(peer, command)
            case _:
                pass  # the peer left meanwhile

    def _do_to(
        self, peer: PeerTicket, command: ShutPeer | OpenPeer | LosePeer | Tell
    ) -> None:
        match command:
            case ShutPeer() | OpenPeer():
                self._set(peer, is_open=isinstance(command, OpenPeer))
            case LosePeer():
                _lose(peer)
            case Tell():
                try:
                    peer.say(command.message)
                except CallError:
                    # Who cannot be told hears nothing.
                    self.drop(peer)
                    _lose(peer)
            case _:
                assert_never(command)

    def _set(self, peer: PeerTicket, *, is_open: bool) -> None:
        peer.is_open = is_open
        ports = [] if peer.port is None else [peer.port]
        legs = [each for each in self._tickets.values() if each.peer is peer]
        ports += [each.port for each in legs if each.may_pass or not is_open]
        for port in ports:
            if is_open:
                port.open()
            else:
                port.shut()

    def _shut(self, leg_id: int) -> None:
        if (ticket := self._tickets.get(leg_id)) is not None:
            ticket.port.shut()
            ticket.settle(replace(ticket.leg, stage=LegStage.ANNOUNCED))

    def _open(self, leg_id: int) -> None:
        ticket, listed = self._tickets.get(leg_id), self._roll.leg(leg_id)
        if ticket is not None and listed is not None:
            ticket.leg = listed
            if ticket.may_pass:
                ticket.port.open()
            ticket.settle(listed)
            self._count(ticket)

    def _over(self, ended: LegEnd) -> None:
        ticket = self._tickets.pop(ended.id, None)
        if ticket is None:
            return
        ticket.port.close()
        self._counted.ended(ended.id, ticket.leg.kind, ended.reason)
        ticket.settle(ticket.leg, ended)
        ticket.look(everybody=False)

    def _count(self, ticket: LegTicket) -> None:
        leg = ticket.leg
        has_joined = leg.stage is not LegStage.ANNOUNCED
        self._counted.listed(leg.id, leg.kind, leg.mark, has_joined=has_joined)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (at := self._roll.deadline) is not None:
            self._timer = asyncio.get_running_loop().call_at(at, self._pass_time)

    def _pass_time(self) -> None:
        self._obey(self._roll.pass_time(_now()))


def _lose(peer: PeerTicket) -> None:
    if peer.refused is not None:
        peer.refused()


def _now() -> float:
    return asyncio.get_running_loop().time()
