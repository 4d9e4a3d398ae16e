"""Rooms without a server: who is in, who hears whom, and who stays outside."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.voip import pairs
from tests.voip.gateway.meshes import (
    GROUP,
    Inside,
    Town,
    come,
    friends,
    inside,
    meeting,
    on,
    until,
    until_crash,
)
from tests.voip.pairs import Party
from tests.voip.peers import someone
from tests.voip.simulated import simulated
from voip.errors import LimitError, RefusedError, TrustError, UnexpectedEventError
from voip.events import End
from voip.gateway import counts
from voip.gateway.rooms.news import (
    Introduced,
    Invited,
    NotComing,
    RoomClosed,
    RoomWarned,
    RosterAlarm,
    TurnedAway,
)
from voip.identity.card import format_card
from voip.identity.trust import Reason, TrustState, broken
from voip.leg import Leg
from voip.media.pattern import black
from voip.media.sources import Picture
from voip.signalling.group import Introduce, Members, Roster, Seat


async def stands(people: list[Inside]) -> None:
    """Wait until everybody hears everybody, and all agree on who is there."""
    await until(lambda: all(len(each.heard) == len(people) - 1 for each in people))
    await until(
        lambda: all(each.room._membership._agreement.is_whole for each in people)
    )


def rosters(person: Inside) -> Roster:
    return person.room._membership.roster()


def session(person: Inside, alias: str) -> Leg:
    leg = person.room.conversation(alias)._session.leg
    assert leg is not None
    return leg


# Coming and going.


@simulated
async def test_three_come_together() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)

        assert [sorted(each.heard) for each in people] == [
            ["bob", "carol"],
            ["alice", "carol"],
            ["alice", "bob"],
        ]


@simulated
async def test_six_come_together() -> None:
    names = ("alice", "bob", "carol", "dave", "erin", "frank")
    async with meeting(Town(), *friends(*names)) as people:
        await stands(people)

        assert all(len(each.members) == 6 for each in people)


@simulated
async def test_a_seventh_is_not_even_asked() -> None:
    names = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
    *six, grace = friends(*names)
    async with meeting(Town(), *six) as people:
        await stands(people)

        with pytest.raises(LimitError, match="6 people"):
            await people[2].room.invite(grace.vault.alias)


@simulated
async def test_any_member_may_ask_somebody_in() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol")
    async with AsyncExitStack() as stack, meeting(wire, alice, bob) as people:
        await stands(people)
        there = await stack.enter_async_context(on(wire, carol))
        people.append(await come(stack, people[1], there, "carol"))
        await stands(people)

        assert Invited("carol") in people[1].told


@simulated
async def test_who_leaves_is_gone_for_all_at_once() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        await people[1].room.leave()
        await until(lambda: len(people[2].members) == 2)

        assert people[2].heard == {"alice"}


@simulated
async def test_sessions_are_counted_and_how_they_end() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        counted = people[0].counted
        key = counts.Kind.ROOM, counts.Mark.END_TO_END
        before = counted.legs[key]
        await people[1].room.leave()
        await until(lambda: len(people[0].members) == 2)

        assert (before, counted.legs[key]) == (2, 1)
        assert counted.ends[counts.Kind.ROOM, counts.End.NORMAL] == 1


@simulated
async def test_who_leaves_is_told_so() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)
        await people[0].room.leave()
        await until(lambda: RoomClosed("you left") in people[0].told)

        assert people[0].room._endpoint.rooms == set()


@simulated
async def test_the_last_one_is_alone() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)
        await people[0].room.leave()
        await until(lambda: len(people[1].members) == 1)

        assert people[1].members[0].is_us


@simulated
async def test_who_crashed_is_gone_in_the_end() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol")
    async with meeting(wire, alice, bob) as people:
        async with until_crash(wire, people[0], carol) as lost:
            await stands([*people, lost])
        await until(lambda: len(people[1].members) == 2)

        assert people[1].heard == {"alice"}


@simulated
async def test_who_comes_back_is_heard_again() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol")
    async with AsyncExitStack() as stack, meeting(wire, alice, bob) as people:
        there = await stack.enter_async_context(on(wire, carol))
        first = await come(stack, people[0], there, "carol")
        await stands([*people, first])
        await first.room.leave()
        await until(lambda: all(len(each.members) == 2 for each in people))
        second = await come(stack, people[1], there, "carol")
        await stands([*people, second])

        assert second.heard == {"alice", "bob"}


@simulated
async def test_somebody_who_declines_is_told_of() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with meeting(wire, alice) as people, on(wire, bob) as there:
        await people[0].room.invite("bob")
        (await there.rung()).decline()
        await until(lambda: NotComing("bob", End.DECLINED) in people[0].told)

        assert len(people[0].members) == 1


@simulated
async def test_who_is_in_the_room_is_not_asked_again() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)

        with pytest.raises(RefusedError, match="'bob' is in the room already"):
            await people[0].room.invite("bob")


@simulated
async def test_two_who_ask_each_other_in_are_in_one_room() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with (
        on(wire, alice) as here,
        on(wire, bob) as there,
        inside(here, is_opener=True) as one,
        inside(there, is_opener=True) as other,
    ):
        await one.room.invite("bob")
        await other.room.invite("alice")
        await stands([one, other])

        assert (one.heard, other.heard) == ({"bob"}, {"alice"})


# What members show.


@simulated
async def test_a_raised_hand_is_seen_by_all() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        people[0].room.set_hand(on=True)
        await until(lambda: all(each.sees("alice").has_hand_up for each in people))

        assert not people[0].sees("bob").has_hand_up


@simulated
async def test_who_is_muted_is_seen_by_all() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        people[0].room.set_muted(on=True)
        await until(lambda: all(each.sees("alice").is_muted for each in people))

        assert not people[1].sees("carol").is_muted


@simulated
async def test_who_is_hushed_is_so_for_us_alone() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        people[0].room.set_hushed("bob", on=True)
        await until(lambda: people[0].sees("bob").is_hushed)

        assert not people[2].sees("bob").is_hushed


@simulated
async def test_nobody_can_be_hushed_who_is_not_there() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        with pytest.raises(RefusedError, match="nobody called 'carol' is heard"):
            people[0].room.set_hushed("carol", on=True)


@simulated
async def test_each_hears_how_far_the_others_trust_a_member() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        await people[1].room.conversation("carol").compared(matched=True)
        words = (("bob", TrustState.VERIFIED), ("carol", TrustState.NEW))
        await until(lambda: words[0] in people[0].sees("carol").trusts)

        assert people[0].sees("carol").trust is TrustState.NEW


@simulated
async def test_the_figures_of_each_session_are_there() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)

        assert set(people[0].room.stats()) == {"bob", "carol"}


# Who stays outside.


@simulated
async def test_a_contact_whom_nobody_asked_is_turned_away() -> None:
    wire = Town()
    alice, bob, mallory = friends("alice", "bob", "mallory")
    async with meeting(wire, alice, bob) as people, on(wire, mallory) as outside:
        await stands(people)
        call = await outside.endpoint.dial("alice", group=GROUP)
        await call.finished()

        assert call.end is End.DECLINED
        assert len(people[0].members) == 2


@simulated
async def test_a_stranger_who_knows_the_room_gets_no_answer() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    mallory = someone("mallory")
    mallory.meet(alice)
    async with meeting(wire, alice, bob) as people, on(wire, mallory) as outside:
        await stands(people)
        call = await outside.endpoint.dial("alice", group=GROUP)
        await call.finished()

        assert call.end is End.UNREACHABLE


@simulated
async def test_an_ordinary_call_does_not_come_into_the_room() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with meeting(wire, alice) as people, on(wire, bob) as outside:
        call = await outside.endpoint.dial("alice")
        await call.finished()

        assert TurnedAway("bob", "not a call of this room") in people[0].told


@simulated
async def test_a_call_without_sound_has_no_place_in_a_room_without_a_server() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with meeting(wire, alice) as people, on(wire, bob) as outside:
        call = await outside.endpoint.dial("alice", group=GROUP, is_silent=True)
        await call.finished()

        reason = "it is a call of another kind of room"
        assert TurnedAway("bob", reason) in people[0].told


@simulated
async def test_who_is_broken_does_not_take_part() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    device = alice.device(bob)
    trust = broken(device.trust, Reason.WORDS_DIFFER, int(time.time()))
    alice.keep(bob, replace(device, trust=trust))
    async with (
        on(wire, alice) as here,
        on(wire, bob) as there,
        inside(there, is_opener=True) as other,
    ):
        await other.room.invite("alice")
        invitation = await here.rung()
        async with inside(here) as one:
            with pytest.raises(TrustError, match="'bob', who asks, is broken"):
                one.room.join(invitation)


@simulated
async def test_an_invitation_that_is_over_cannot_be_taken() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    async with meeting(wire, alice) as people, on(wire, bob) as there:
        await people[0].room.invite("bob")
        invitation = await there.rung()
        await people[0].room.leave()
        await invitation.finished()
        async with inside(there) as late:
            with pytest.raises(UnexpectedEventError):
                late.room.join(invitation)


# Lies.


def alarm(person: Inside, alias: str, *, differs: bool) -> bool:
    """Whether somebody was told so about a member's device."""
    return RosterAlarm(person.sees(alias).key, alias, differs=differs) in person.told


@simulated
async def test_a_forged_roster_alarms_who_hears_it() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        forged = Roster(GROUP, rosters(people[0]).epoch, digest=bytes(32))
        people[1].room.conversation("alice").say(forged)
        await until(lambda: alarm(people[0], "bob", differs=True))

        assert people[0].sees("bob").differs


@simulated
async def test_who_tells_the_truth_again_ends_the_alarm() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        forged = Roster(GROUP, rosters(people[0]).epoch, digest=bytes(32))
        to_alice = people[1].room.conversation("alice")
        to_alice.say(forged)
        await until(lambda: alarm(people[0], "bob", differs=True))
        to_alice.say(rosters(people[1]))
        await until(lambda: alarm(people[0], "bob", differs=False))

        assert not people[0].sees("bob").differs


@simulated
async def test_a_member_who_is_said_to_be_gone_stays() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        seats = [
            Seat(seat.key, seat.count + (seat.key == people[2].room._membership.own))
            for seat in people[1].room._membership.message().seats
        ]
        people[1].room.conversation("alice").say(Members(GROUP, tuple(seats)))
        await until(lambda: people[0].heard == {"bob"})
        await stands(people)

        assert people[0].heard == {"bob", "carol"}


@simulated
async def test_what_is_said_of_another_room_means_nothing() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)
        elsewhere = Members(bytes(16), (Seat(b"z" * 48, 1),))
        people[1].room.conversation("alice").say(elsewhere)
        people[1].room.set_hand(on=True)
        await until(lambda: people[0].sees("bob").has_hand_up)

        assert len(people[0].members) == 2


# Introductions.


def acquainted(one: Party, other: Party) -> None:
    """Let two have talked before, so that they recognise each other."""
    now = int(time.time())
    pairs.call(one, other, now=now)


@simulated
async def test_who_lacks_a_member_is_introduced_by_one_who_knows_both() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol", apart=("bob", "carol"))
    acquainted(alice, bob)
    acquainted(alice, carol)
    async with meeting(wire, alice, bob, carol) as people:
        await stands(people)

        assert people[1].sees("carol").introduced_by == "alice"
        assert people[1].sees("carol").trust is TrustState.NEW


@simulated
async def test_who_was_introduced_stays_in_the_address_book() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol", apart=("bob", "carol"))
    acquainted(alice, bob)
    acquainted(alice, carol)
    async with meeting(wire, alice, bob, carol) as people:
        await stands(people)
        assert Introduced("carol", "alice") in people[1].told

    assert "introduced by 'alice' in a room" in [
        entry.what for entry in bob.contact(carol).log
    ]


@simulated
async def test_nobody_new_introduces_anybody() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol", apart=("bob", "carol"))
    acquainted(alice, carol)
    async with meeting(wire, alice, bob, carol) as people:
        await until(lambda: any(isinstance(t, RoomWarned) for t in people[1].told))

        assert people[1].heard == {"alice"}


@simulated
async def test_who_compares_words_may_introduce_at_once() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol", apart=("bob", "carol"))
    async with meeting(wire, alice, bob, carol) as people:
        await until(lambda: people[0].heard == {"bob", "carol"})
        for other, alias in ((people[1], "bob"), (people[2], "carol")):
            await other.room.conversation("alice").compared(matched=True)
            await people[0].room.conversation(alias).compared(matched=True)
        await stands(people)

        assert people[1].heard == {"alice", "carol"}


@simulated
async def test_a_card_of_somebody_who_is_not_here_is_not_kept() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    acquainted(alice, bob)
    mallory = someone("mallory")
    async with meeting(wire, alice, bob) as people:
        await stands(people)
        card = format_card(mallory.vault.card).encode()
        people[0].room.conversation("bob").say(Introduce(GROUP, card))
        people[0].room.set_hand(on=True)
        await until(lambda: people[1].sees("alice").has_hand_up)

        assert len(people[1].home.keeper.vault.contacts.contacts) == 1


@simulated
async def test_what_is_no_card_is_a_warning() -> None:
    wire = Town()
    alice, bob = friends("alice", "bob")
    acquainted(alice, bob)
    async with meeting(wire, alice, bob) as people:
        await stands(people)
        people[0].room.conversation("bob").say(Introduce(GROUP, b"\xff"))
        warning = RoomWarned("alice: card: expected UTF-8, came something else")
        await until(lambda: warning in people[1].told)

        assert people[1].heard == {"alice"}


# What is over is over.


@simulated
async def test_who_left_is_sent_nothing_more() -> None:
    wire = Town()
    async with meeting(wire, *friends("alice", "bob", "carol")) as people:
        await stands(people)
        await people[1].room.leave()
        tags = people[1].home.post.tags
        await asyncio.sleep(1)  # that they know it is over is said, too
        sent = len(wire.carried)
        people[0].room.set_hand(on=True)
        await until(lambda: people[2].sees("alice").has_hand_up)

        assert not [each for each in wire.carried[sent:] if each.tag in tags]


@simulated
async def test_no_two_sessions_have_a_key_in_common() -> None:
    async with meeting(Town(), *friends("alice", "bob", "carol")) as people:
        await stands(people)
        keys = {
            key
            for person, alias in (
                (people[0], "bob"),
                (people[0], "carol"),
                (people[1], "carol"),
            )
            for key in (
                session(person, alias)._send_key,
                session(person, alias)._receive_key,
            )
        }

        assert len(keys) == 6


@simulated
@pytest.mark.parametrize("seed", range(4))
async def test_whoever_comes_and_goes_the_rest_agree(seed: int) -> None:
    luck, wire = random.Random(seed), Town()
    names = ["alice", "bob", "carol", "dave", "erin", "frank"]
    async with AsyncExitStack() as stack:
        homes = {
            party.vault.alias: await stack.enter_async_context(on(wire, party))
            for party in friends(*names)
        }
        first = await stack.enter_async_context(inside(homes["alice"], is_opener=True))
        present = {"alice": first}
        for _ in range(14):
            name = luck.choice(names)
            if name not in present:
                asker = present[luck.choice(sorted(present))]
                present[name] = await come(stack, asker, homes[name], name)
                # Who goes before the one they asked is known leaves them outside.
                await until(lambda: all_linked(present))
            elif len(present) > 1:
                await present.pop(name).room.leave()
        await stands(list(present.values()))

        assert {len(each.members) for each in present.values()} == {len(present)}


def all_linked(present: dict[str, Inside]) -> bool:
    return all(len(each.heard) == len(present) - 1 for each in present.values())


# Screens.


class Slides:
    """A screen that shows a picture each second."""

    def __init__(self) -> None:
        self.is_closed = False

    async def picture(self) -> Picture:
        await asyncio.sleep(1)
        return black(16, 16)

    def close(self) -> None:
        self.is_closed = True


@simulated
async def test_a_screen_is_shown_to_all_also_to_who_comes_later() -> None:
    wire = Town()
    alice, bob, carol = friends("alice", "bob", "carol")
    async with AsyncExitStack() as stack, meeting(wire, alice, bob) as people:
        await stands(people)
        people[0].room.share_screen(Slides())
        there = await stack.enter_async_context(on(wire, carol))
        people.append(await come(stack, people[0], there, "carol"))
        await until(lambda: all(e.sees("alice").shows_screen for e in people))

        pictures = [await each.picture() for each in wire.shown]

        assert pictures == [black(16, 16)] * 2


@simulated
async def test_a_screen_is_put_away() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)
        slides = Slides()
        people[0].room.share_screen(slides)
        await until(lambda: people[1].sees("alice").shows_screen)
        people[0].room.stop_screen()
        await until(lambda: not people[1].sees("alice").shows_screen)

        assert slides.is_closed


@simulated
async def test_one_screen_is_shown_at_a_time() -> None:
    async with meeting(Town(), *friends("alice")) as (alice,):
        alice.room.share_screen(Slides())

        with pytest.raises(UnexpectedEventError, match="shown already"):
            alice.room.share_screen(Slides())
