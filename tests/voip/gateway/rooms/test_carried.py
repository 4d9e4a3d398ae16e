"""Guests in a room: everybody is told of them before a sound of theirs passes."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.voip.gateway.meshes import (
    Inside,
    Town,
    coming,
    friends,
    inside,
    meeting,
    on,
    until,
)
from tests.voip.pairs import Party
from tests.voip.simulated import simulated
from voip.errors import MissingError, UnexpectedEventError
from voip.gateway.bridge import Port
from voip.gateway.rooms.news import GuestsChanged, RoomWarned
from voip.identity.vault import OnLegs
from voip.media.sources import SILENCE
from voip.news import LegsChanged
from voip.signalling.legs import (
    LegEnd,
    LegKind,
    LegReason,
    Legs,
    LegsAck,
    ListedLeg,
    Mark,
    Shown,
)

LOUD = b"\x00\x40" * (len(SILENCE) // 2)


class Visitor:
    """A guest of somebody in a room, whose page shows what he is told, or does not."""

    def __init__(
        self, host: Inside, name: str, *, shows: bool = True, video: bool = False
    ) -> None:
        joined = host.room.joined
        self.told: list[Legs] = []
        self.ended: list[LegEnd] = []
        self.port = host.room.bridge.port(f"guest {name}")
        self.shows = shows
        self._peer = joined.add_peer(self.port.name, self._take)
        self.leg = joined.want(
            LegKind.BROWSER,
            self.port,
            mark=Mark.BROWSER_GUEST,
            host="talk.example",
            name=name,
            video=video,
            peer=self._peer,
        )

    @property
    def names(self) -> list[str]:
        """Who is in the list that he was told last."""
        return [leg.name for leg in self.told[-1].legs]

    def _take(self, message: Legs | LegEnd) -> None:
        if isinstance(message, LegEnd):
            self.ended.append(message)
            return
        self.told.append(message)
        if self.shows:
            asyncio.get_running_loop().call_soon(self.show)

    def show(self) -> None:
        """Say that the newest list stands on the screen."""
        self._peer.acknowledge(LegsAck(self.told[-1].version, Shown.SHOWN))

    def leave(self) -> None:
        self.leg.end()
        self._peer.leave()


def carried(person: Inside) -> list[ListedLeg]:
    """Whom others carry, as somebody was told last."""
    news = [each for each in person.told if isinstance(each, GuestsChanged)]
    return [leg for each in news[-1].carried for leg in each.legs.legs] if news else []


def asks(person: Inside) -> bool:
    news = [each for each in person.told if isinstance(each, GuestsChanged)]
    return bool(news) and any(each.asks for each in news[-1].carried)


def port(person: Inside, alias: str) -> Port:
    """Give the port by which one hears another."""
    return person.room._named(alias).port


def warnings(person: Inside) -> list[str]:
    return [each.sentence for each in person.told if isinstance(each, RoomWarned)]


def people_who(on_legs: OnLegs, *names: str) -> list[Party]:
    """Make friends who do this about a gateway's legs."""
    found = friends(*names)
    for each in found:
        settings = replace(each.vault.settings, legs=on_legs)
        each.vault = replace(each.vault, settings=settings)
    return found


def passes(one: Port, other: Port) -> bool:
    """Say something at one port; whether it is heard at the other."""
    while other.listen() != SILENCE:
        pass  # of before
    one.say(LOUD)
    return other.listen() != SILENCE


async def stands(people: list[Inside]) -> None:
    """Wait until everybody hears everybody; nobody's microphone says anything."""
    await until(lambda: all(len(each.heard) == len(people) - 1 for each in people))
    for each in people:
        each.room._local.shut()


@simulated
async def test_everybody_is_told_of_a_guest_before_he_is_heard() -> None:
    trio = people_who(OnLegs.SHOW, "alice", "bob", "carol")
    async with meeting(Town(), *trio, guests=True) as people:
        await stands(people)
        guest = Visitor(people[0], "zoe")
        early = guest.port.is_open
        await guest.leg.joined()

        assert not early
        assert [carried(each)[0].name for each in people[1:]] == ["zoe", "zoe"]
        assert passes(guest.port, port(people[0], "bob"))
        assert passes(port(people[0], "carol"), guest.port)


@simulated
async def test_nobody_hears_a_guest_while_somebody_is_asked() -> None:
    trio = people_who(OnLegs.ASK, "alice", "bob", "carol")
    async with meeting(Town(), *trio, guests=True) as people:
        await stands(people)
        guest = Visitor(people[0], "zoe")
        await until(lambda: asks(people[1]) and asks(people[2]))
        people[1].room.answer_guests("alice", accept=True)
        await until(lambda: not asks(people[1]))
        early = guest.port.is_open
        people[2].room.answer_guests(None, accept=True)
        await guest.leg.joined()

        assert not early
        assert passes(guest.port, port(people[0], "bob"))


@simulated
async def test_who_refuses_a_guest_refuses_him_for_all() -> None:
    trio = people_who(OnLegs.ASK, "alice", "bob", "carol")
    async with meeting(Town(), *trio, guests=True) as people:
        await stands(people)
        guest = Visitor(people[0], "zoe")
        await until(lambda: asks(people[1]))
        people[1].room.answer_guests("alice", accept=False)
        await until(lambda: guest.leg.ended is not None)

        assert guest.leg.ended is not None
        assert guest.leg.ended.reason is LegReason.REFUSED_BY_PEER
        await until(lambda: not carried(people[2]))
        assert port(people[0], "bob").is_open


@simulated
async def test_who_comes_later_hears_nothing_until_he_has_shown_the_guests() -> None:
    wire = Town()
    alice, bob = people_who(OnLegs.SHOW, "alice", "bob")
    (carol,) = people_who(OnLegs.ASK, "carol")
    for one, other in ((alice, carol), (bob, carol)):
        one.meet(other)
        other.meet(one)
    async with AsyncExitStack() as stack, meeting(wire, alice, bob, guests=True) as two:
        await stands(two)
        guest = Visitor(two[0], "zoe")
        await guest.leg.joined()
        there = await stack.enter_async_context(on(wire, carol))
        person = await stack.enter_async_context(coming(two[0], there, "carol"))
        await until(lambda: asks(person))
        await stands([*two, person])
        early = port(two[0], "carol").is_open
        person.room.answer_guests("alice", accept=True)
        await until(lambda: port(two[0], "carol").is_open)

        assert not early
        assert passes(guest.port, port(two[0], "bob"))
        assert passes(guest.port, port(two[0], "carol"))


@simulated
async def test_who_comes_later_and_refuses_is_kept_apart_and_not_removed() -> None:
    wire = Town()
    alice, bob = people_who(OnLegs.SHOW, "alice", "bob")
    (carol,) = people_who(OnLegs.REFUSE, "carol")
    for one, other in ((alice, carol), (bob, carol)):
        one.meet(other)
        other.meet(one)
    async with AsyncExitStack() as stack, meeting(wire, alice, bob, guests=True) as two:
        await stands(two)
        guest = Visitor(two[0], "zoe")
        await guest.leg.joined()
        there = await stack.enter_async_context(on(wire, carol))
        person = await stack.enter_async_context(coming(two[1], there, "carol"))
        await stands([*two, person])
        await until(lambda: any("by carol" in each for each in warnings(two[0])))
        early = port(two[0], "carol").is_open
        guest.leave()
        await until(lambda: port(two[0], "carol").is_open)

        assert not early
        assert len(person.members) == 3


@simulated
async def test_who_refuses_guests_who_are_here_is_told_what_follows() -> None:
    wire = Town()
    trio = people_who(OnLegs.ASK, "alice", "bob", "carol")
    async with AsyncExitStack() as stack:
        people = meeting(wire, trio[0], guests=True)
        one = await stack.enter_async_context(people)
        guest = Visitor(one[0], "zoe")
        await guest.leg.joined()
        there = await stack.enter_async_context(on(wire, trio[1]))
        person = await stack.enter_async_context(coming(one[0], there, "bob"))
        await stands([*one, person])
        await until(lambda: asks(person))
        person.room.answer_guests(None, accept=False)
        apart = "of alice: until these are gone, you do not hear each other"
        await until(lambda: any(apart in each for each in warnings(person)))

        assert guest.leg.ended is None


@simulated
async def test_a_guest_goes_with_who_carries_him() -> None:
    trio = people_who(OnLegs.SHOW, "alice", "bob", "carol")
    async with meeting(Town(), *trio, guests=True) as people:
        await stands(people)
        await Visitor(people[0], "zoe").leg.joined()
        await people[0].room.leave()
        await until(lambda: people[1].heard == {"carol"})

        assert not carried(people[1])


@simulated
async def test_guests_of_two_members_know_of_each_other_before_they_hear() -> None:
    pair = people_who(OnLegs.SHOW, "alice", "bob")
    async with meeting(Town(), *pair, guests=True) as people:
        await stands(people)
        yan = Visitor(people[1], "yan")
        await yan.leg.joined()
        before = passes(port(people[1], "alice"), yan.port)
        yan.shows = False
        zoe = Visitor(people[0], "zoe")
        await zoe.leg.joined()
        unknown = passes(port(people[1], "alice"), yan.port)
        back = passes(yan.port, port(people[1], "alice"))
        yan.show()

        assert (before, unknown, back) == (True, False, False)
        assert yan.names == ["yan", "zoe with alice"]
        assert zoe.names == ["zoe", "yan with bob"]
        assert passes(port(people[1], "alice"), yan.port)


@simulated
async def test_to_come_by_itself_is_no_consent() -> None:
    wire = Town()
    trio = people_who(OnLegs.ASK, "alice", "bob", "carol")
    async with AsyncExitStack() as stack, meeting(wire, *trio[:2]) as two:
        await stands(two)
        there = await stack.enter_async_context(on(wire, trio[2]))
        entering = coming(two[0], there, "carol", guests=True)
        carol = await stack.enter_async_context(entering)
        Visitor(carol, "zoe")
        await stands([*two, carol])
        await until(lambda: asks(two[0]) and asks(two[1]))
        ports = [port(carol, "alice"), port(carol, "bob")]
        early = [each.is_open for each in ports]
        for each in two:
            each.room.answer_guests(None, accept=True)
        await until(lambda: all(each.is_open for each in ports))

        assert early == [False, False]


@simulated
async def test_who_saw_the_guests_as_it_rang_is_not_asked_again() -> None:
    wire = Town()
    alice, bob = people_who(OnLegs.ASK, "alice", "bob")
    async with AsyncExitStack() as stack, meeting(wire, alice, guests=True) as one:
        guest = Visitor(one[0], "zoe")
        await guest.leg.joined()
        there = await stack.enter_async_context(on(wire, bob))
        await one[0].room.invite("bob")
        invitation = await there.rung()
        shown = await anext(
            each async for each in invitation.news() if isinstance(each, LegsChanged)
        )
        person = await stack.enter_async_context(inside(there))
        person.room.join(invitation, shown=shown)
        await until(lambda: port(one[0], "bob").is_open if one[0].heard else False)

        assert shown.asks
        assert not asks(person)
        assert carried(person)[0].name == "zoe"


@simulated
async def test_whom_the_screen_did_not_show_yet_nobody_agreed_to() -> None:
    """Devices take a second to open between the key and the room."""
    wire = Town()
    alice, bob = people_who(OnLegs.ASK, "alice", "bob")
    async with AsyncExitStack() as stack, meeting(wire, alice, guests=True) as one:
        await Visitor(one[0], "zoe").leg.joined()
        there = await stack.enter_async_context(on(wire, bob))
        await one[0].room.invite("bob")
        invitation = await there.rung()
        shown = await anext(
            each async for each in invitation.news() if isinstance(each, LegsChanged)
        )
        (zoe,) = shown.legs.legs
        (asking,) = one[0].room._company._all
        asking.conversation.say(Legs(9, (zoe, replace(zoe, id=2, name="yan"))))
        await until(lambda: invitation.legs != shown.legs)
        person = await stack.enter_async_context(inside(there))
        person.room.join(invitation, shown=shown)
        await until(lambda: asks(person))

        assert [leg.name for leg in carried(person)] == ["zoe", "yan"]


@simulated
async def test_our_silence_is_not_our_guests() -> None:
    pair = people_who(OnLegs.SHOW, "alice", "bob")
    async with meeting(Town(), *pair, guests=True) as people:
        await stands(people)
        guest = Visitor(people[0], "zoe")
        await guest.leg.joined()
        people[0].room.set_muted(on=True)
        await until(lambda: people[0].sees("alice").is_muted)
        carrying = people[0].room._company.muted, people[0].room._local.is_muted
        guest.leave()
        await until(lambda: people[0].room._company.muted)

        assert carrying == (False, True)


@simulated
async def test_a_guests_picture_is_carried_while_ours_is_off() -> None:
    pair = people_who(OnLegs.SHOW, "alice", "bob")
    async with meeting(Town(), *pair, guests=True) as people:
        await stands(people)
        guest = Visitor(people[0], "zoe", video=True)
        await guest.leg.joined()
        await until(lambda: people[0].room._company.video)
        shows = people[0].sees("alice").shows_video
        guest.leave()
        await until(lambda: not people[0].room._company.video)

        assert not shows


@simulated
async def test_a_guest_who_cannot_be_told_hears_nobody() -> None:
    pair = people_who(OnLegs.SHOW, "alice", "bob")
    async with meeting(Town(), *pair, guests=True) as people:
        await stands(people)
        yan = Visitor(people[1], "yan")
        await yan.leg.joined()

        def gone(_message: Legs | LegEnd) -> None:
            raise MissingError("the call is over")

        people[1].room._carried.legs._guests["guest yan"].say = gone  # type: ignore[union-attr] # there are guests
        Visitor(people[0], "zoe")
        await until(lambda: not yan.port.is_open)

        assert not passes(port(people[1], "alice"), yan.port)


@simulated
async def test_nobody_is_answered_who_does_not_ask() -> None:
    async with meeting(Town(), *friends("alice", "bob")) as people:
        await stands(people)

        with pytest.raises(UnexpectedEventError, match="nobody asks about guests"):
            people[0].room.answer_guests(None, accept=True)


@simulated
async def test_who_came_without_guests_has_no_list_of_them() -> None:
    async with meeting(Town(), *friends("alice")) as people:
        with pytest.raises(MissingError, match="entered without guests"):
            people[0].room.joined  # noqa: B018 -- it raises
