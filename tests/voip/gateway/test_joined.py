"""Everybody is told of a leg before it is heard: ports, tickets and figures."""

import asyncio
from collections.abc import Callable

import pytest

from tests.voip.simulated import simulated
from voip.errors import LimitError, MissingError, RefusedError
from voip.gateway.bridge import Bridge
from voip.gateway.counts import End, GatewayCounts, Kind
from voip.gateway.counts import Mark as CountedMark
from voip.gateway.joined import Joined
from voip.gateway.roll import ANSWER_S
from voip.gateway.tickets import LegTicket, PeerTicket
from voip.signalling.legs import (
    LegEnd,
    LegKind,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    Mark,
    Shown,
)


class Room:
    """A gateway's call: the phone's port, and bob, who is told."""

    def __init__(self, counted: GatewayCounts | None = None) -> None:
        self.bridge = Bridge()
        self.joined = Joined(counted)
        self.phone = self.bridge.port("phone")
        self.bob = self.bridge.port("bob")
        self.guest = self.bridge.port("guest")
        self.told: list[Legs | LegEnd] = []
        self.refused = 0
        self.changes: list[LegStage | LegReason] = []

    def add_bob(self, say: Callable[[Legs | LegEnd], None] | None = None) -> PeerTicket:
        return self.joined.add_peer(
            "bob", say or self.told.append, self.bob, refused=self.lost
        )

    def add_guest(self) -> tuple[PeerTicket, LegTicket]:
        """Somebody who is told of legs and is one."""
        peer = self.joined.add_peer("guest", self.told.append, refused=self.lost)
        return peer, self.joined.want(
            LegKind.BROWSER, self.guest, mark=Mark.BROWSER_GUEST, peer=peer
        )

    def lost(self) -> None:
        self.refused += 1

    def want(self) -> LegTicket:
        return self.joined.want(
            LegKind.SIP,
            self.phone,
            mark=Mark.TO_PBX,
            host="pbx.example",
            suite="AES_CM_128_HMAC_SHA1_80",
            authenticated=True,
            changed=self.changed,
        )

    def changed(self, ticket: LegTicket) -> None:
        ended = ticket.ended
        self.changes.append(ticket.leg.stage if ended is None else ended.reason)

    def answer(self, peer: PeerTicket, answer: Shown = Shown.SHOWN) -> None:
        peer.acknowledge(LegsAck(self.joined.legs.version, answer))


@simulated
async def test_a_port_opens_when_the_peer_has_shown_the_leg() -> None:
    room = Room()
    bob = room.add_bob()
    ticket = room.want()
    before = room.phone.is_open
    room.answer(bob)
    await ticket.joined()

    assert (before, room.phone.is_open) == (False, True)
    assert room.changes == [LegStage.JOINED]


@simulated
async def test_who_comes_later_is_shut_until_it_has_shown_the_leg() -> None:
    room = Room()
    await room.want().joined()
    bob = room.add_bob()
    before = bob.is_open, room.bob.is_open
    room.answer(bob)

    assert before == (False, False)
    assert (bob.is_open, room.bob.is_open) == (True, True)


@simulated
async def test_a_leg_that_gets_weaker_is_shut_at_once() -> None:
    room = Room()
    bob = room.add_bob()
    ticket = room.want()
    room.answer(bob)
    ticket.change(mark=Mark.NOT_ENCRYPTED, suite="")
    shut = room.phone.is_open
    waiting = asyncio.create_task(ticket.joined())
    await asyncio.sleep(0)
    waits = not waiting.done()
    room.answer(bob)
    await waiting

    assert (shut, waits, room.phone.is_open) == (False, True, True)
    assert ticket.leg.mark is Mark.NOT_ENCRYPTED
    assert room.changes == [LegStage.JOINED, LegStage.ANNOUNCED, LegStage.JOINED]


@simulated
async def test_a_leg_is_held_and_taken_off_hold() -> None:
    room = Room()
    ticket = room.want()
    ticket.change(held=True)
    held = ticket.leg.stage
    ticket.change(held=False)

    assert (held, ticket.leg.stage) == (LegStage.HELD, LegStage.JOINED)
    assert room.phone.is_open


@simulated
async def test_a_leg_that_is_refused_is_over() -> None:
    room = Room()
    bob = room.add_bob()
    ticket = room.want()
    room.answer(bob, Shown.REFUSED)

    with pytest.raises(RefusedError, match="refused by somebody"):
        await ticket.joined()
    assert room.changes == [LegReason.REFUSED_BY_PEER]
    assert LegEnd(1, LegReason.REFUSED_BY_PEER) in room.told


@simulated
async def test_a_leg_that_nobody_answers_to_is_over_after_30_s() -> None:
    room = Room()
    room.add_bob()
    ticket = room.want()
    await asyncio.sleep(ANSWER_S + 1)

    assert ticket.ended == LegEnd(1, LegReason.REFUSED_BY_PEER)


@simulated
async def test_an_end_is_told_and_final() -> None:
    room = Room()
    room.add_bob()
    ticket = room.want()
    ticket.end(LegReason.BUSY, status=486, text="Busy Here")
    ticket.end(LegReason.LOST)
    ticket.change(mark=Mark.NOT_ENCRYPTED)

    ended = LegEnd(1, LegReason.BUSY, status=486, text="Busy Here")
    assert ticket.ended == ended
    assert room.told[-2:] == [ended, Legs(3)]


@simulated
async def test_who_refuses_what_others_hear_is_lost() -> None:
    room = Room()
    await room.want().joined()
    bob = room.add_bob()
    room.answer(bob, Shown.REFUSED)

    assert (room.refused, room.bob.is_open) == (1, False)


@simulated
async def test_who_cannot_be_told_hears_nothing() -> None:
    def fail(_: Legs | LegEnd) -> None:
        raise MissingError("the call is over")

    room = Room()
    room.add_bob(fail)
    ticket = room.want()
    await ticket.joined()

    assert (room.refused, room.bob.is_open) == (1, False)


@simulated
async def test_who_leaves_is_shut_and_told_nothing_more() -> None:
    room = Room()
    bob = room.add_bob()
    opened = room.bob.is_open
    bob.leave()
    bob.leave()
    room.want()

    assert (opened, room.bob.is_open) == (True, False)
    assert room.told == [Legs(1)]


@simulated
async def test_a_peer_needs_no_port() -> None:
    room = Room()
    page = room.joined.add_peer("page", room.told.append)
    ticket = room.want()
    room.answer(page)
    await ticket.joined()

    assert page.is_open


@simulated
async def test_what_hears_of_a_change_may_want_another() -> None:
    """Lists reach everybody in order even so."""
    room = Room()
    bob = room.add_bob()

    def end_it(ticket: LegTicket) -> None:
        if ticket.ended is None:
            ticket.end()

    ticket = room.joined.want(
        LegKind.BROWSER, room.phone, mark=Mark.BROWSER_GUEST, changed=end_it
    )
    room.answer(bob)
    versions = [each.version for each in room.told if isinstance(each, Legs)]

    assert ticket.ended is not None
    assert not room.phone.is_open
    assert versions == sorted(versions)


@simulated
async def test_a_guest_hears_nobody_before_everybody_has_answered() -> None:
    room = Room()
    room.want()
    guest, ticket = room.add_guest()
    bob = room.add_bob()
    room.answer(bob)
    before = room.guest.is_open, ticket.leg.stage
    room.answer(guest)

    assert before == (False, LegStage.ANNOUNCED)
    assert (room.guest.is_open, room.phone.is_open) == (True, True)


@simulated
async def test_a_guest_who_refuses_what_is_heard_is_shut_and_lost() -> None:
    room = Room()
    room.want()
    guest, ticket = room.add_guest()
    room.answer(guest)
    await ticket.joined()
    opened = room.guest.is_open
    room.answer(guest, Shown.REFUSED)

    assert (opened, room.guest.is_open, room.refused) == (True, False, 1)
    assert room.phone.is_open


@simulated
async def test_a_guest_who_shows_after_all_is_heard_again() -> None:
    room = Room()
    guest, _ = room.add_guest()
    room.answer(guest)
    room.answer(guest, Shown.REFUSED)
    shut = room.guest.is_open
    room.answer(guest)

    assert (shut, room.guest.is_open) == (False, True)


@simulated
async def test_the_leg_of_a_guest_who_is_told_no_more_stays_shut() -> None:
    room = Room()
    bob = room.add_bob()
    guest, ticket = room.add_guest()
    guest.leave()
    room.answer(bob)
    await ticket.joined()

    assert not room.guest.is_open


@simulated
async def test_nine_legs_are_too_many() -> None:
    room = Room()
    for number in range(8):
        room.joined.want(
            LegKind.BROWSER, room.bridge.port(f"{number}"), mark=Mark.BROWSER_GUEST
        )

    with pytest.raises(LimitError, match="8 legs"):
        room.want()


@simulated
async def test_legs_are_counted_by_their_mark() -> None:
    counted = GatewayCounts()
    room = Room(counted)
    bob = room.add_bob()
    ticket = room.want()
    announced = counted.legs
    room.answer(bob)
    joined = counted.legs
    ticket.change(mark=Mark.NOT_ENCRYPTED)
    changed = counted.legs
    ticket.end(LegReason.LOST)

    key, weaker = (
        (Kind.SIP, CountedMark.PBX_ONLY),
        (Kind.SIP, CountedMark.NOT_ENCRYPTED),
    )
    assert [announced[key], joined[key], changed[key], changed[weaker]] == [0, 1, 0, 1]
    assert counted.legs[weaker] == 0
    assert counted.ends[Kind.SIP, End.LOST] == 1


@simulated
async def test_a_leg_that_never_joined_is_counted_by_its_end() -> None:
    counted = GatewayCounts()
    room = Room(counted)
    room.add_bob()
    room.want().end(LegReason.NO_ANSWER)

    assert counted.ends[Kind.SIP, End.NO_ANSWER] == 1


@simulated
async def test_what_costs_money_waits_for_the_one_who_came_later() -> None:
    room = Room()
    ticket = room.want()
    bob = room.add_bob()
    waiting = asyncio.create_task(ticket.shown())
    await asyncio.sleep(0)
    waits = not waiting.done()
    room.answer(bob)
    await waiting

    assert waits


@simulated
async def test_with_nobody_to_tell_a_leg_is_shown_at_once() -> None:
    await Room().want().shown()


@simulated
async def test_who_left_before_they_answered_has_shown_nothing() -> None:
    room = Room()
    bob = room.add_bob()
    ticket = room.want()
    bob.leave()

    assert room.joined.is_deserted
    with pytest.raises(RefusedError, match="has left"):
        await ticket.shown()


@simulated
async def test_who_never_answers_holds_nobody_up_for_ever() -> None:
    room = Room()
    ticket = room.want()
    room.add_bob()

    with pytest.raises(RefusedError, match="has shown the leg"):
        await ticket.shown()


@simulated
async def test_a_leg_that_ends_is_waited_for_no_longer() -> None:
    room = Room()
    room.add_bob()
    ticket = room.want()
    waiting = asyncio.create_task(ticket.shown())
    await asyncio.sleep(0)
    ticket.end()

    with pytest.raises(RefusedError, match="refused by somebody"):
        await waiting


@simulated
async def test_a_leg_that_gets_weaker_is_not_shown_until_it_is_again() -> None:
    room = Room()
    bob = room.add_bob()
    ticket = room.want()
    room.answer(bob)
    await ticket.shown()
    ticket.change(mark=Mark.NOT_ENCRYPTED)
    waiting = asyncio.create_task(ticket.shown())
    await asyncio.sleep(0)
    waits = not waiting.done()
    room.answer(bob)
    await waiting

    assert waits
