"""Legs told in a call: nothing passes before the other device has shown them."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.voip.pairs import Party
from tests.voip.peers import (
    Home,
    Wire,
    at,
    heard,
    media_of,
    people,
    settle,
    someone,
    talk,
    until,
    with_two_devices,
)
from tests.voip.simulated import simulated
from voip.call import State
from voip.conversation import Conversation
from voip.errors import MissingError, RefusedError, UnexpectedEventError
from voip.events import End
from voip.handshake.payload import Media
from voip.identity.callkey import create_call_key
from voip.identity.certificate import CAP_LEGS
from voip.identity.vault import OnLegs
from voip.media.pattern import Discard, Tone
from voip.media.plan import MediaPlan
from voip.news import LegsChanged, format_json
from voip.signalling.group import Roster
from voip.signalling.legs import (
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
)

PHONE = ListedLeg(
    1,
    LegKind.SIP,
    mark=Mark.TO_PBX,
    stage=LegStage.JOINED,
    host="pbx.example",
    suite="AES_CM_128_HMAC_SHA1_80",
)
ROSTER = Roster(bytes(16), 1, digest=bytes(32))


def wants(home: Home, on_legs: OnLegs) -> None:
    vault = home.keeper.vault
    home.keeper.vault = replace(vault, settings=replace(vault.settings, legs=on_legs))


def is_held(conversation: Conversation) -> bool:
    return media_of(conversation).is_held


def told_of(conversation: Conversation) -> list[LegsChanged]:
    return [each for each in heard(conversation) if isinstance(each, LegsChanged)]


async def next_said(conversation: Conversation) -> object:
    return await anext(conversation.heard())


@simulated
async def test_programs_say_things_to_each_other_in_a_call() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        theirs.say(ROSTER)

        assert await next_said(ours) == ROSTER


@simulated
async def test_programs_say_things_before_there_is_sound() -> None:
    alice, bob = people()
    wire = Wire()
    async with at(wire, alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", legs_follow=False)
        ours = await homes[1].rung()
        ours.say(ROSTER)

        assert await next_said(theirs) == ROSTER


@simulated
async def test_nobody_is_there_to_be_told_before_a_device_answered() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob")

        with pytest.raises(MissingError, match="no device of theirs has answered"):
            theirs.say(ROSTER)


@simulated
async def test_after_the_end_nothing_is_said() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, _ = await talk(*homes)
        theirs.hang_up()

        with pytest.raises(MissingError, match="the call is over"):
            theirs.say(ROSTER)


@simulated
async def test_the_device_that_takes_the_call_is_the_one_that_is_heard() -> None:
    wire = Wire()
    alice, phone, laptop = with_two_devices()
    async with at(wire, alice, phone, laptop) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        on_phone, on_laptop = await homes[1].rung(), await homes[2].rung()
        on_laptop.say(replace(ROSTER, epoch=9))
        on_phone.say(ROSTER)
        await settle(wire)
        on_phone.accept()

        assert await next_said(theirs) == ROSTER


@simulated
async def test_a_call_may_have_a_plan_of_its_own() -> None:
    plans: list[str] = []

    def plan_of(name: str) -> MediaPlan:
        plans.append(name)
        return MediaPlan(audio_source=Tone(), audio_sink=Discard())

    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", plan=lambda: plan_of("alice"))
        ours = await homes[1].rung()
        ours.accept(plan=lambda: plan_of("bob"))
        await until(theirs, State.ACTIVE)

    assert plans == ["bob", "alice"]


@simulated
async def test_a_gateway_rings_with_its_legs_on_the_screen() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", legs_follow=True)
        theirs.say(Legs(1, (PHONE,)))
        ours = await homes[1].rung()

        assert Media.LEGS_FOLLOW in ours.media_asked
        assert told_of(ours) == [LegsChanged(Legs(1, (PHONE,)), asks=True, via="alice")]


@simulated
async def test_a_gateway_that_tells_no_legs_does_not_ring() -> None:
    alice, bob = people()
    wire = Wire()
    async with at(wire, alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", legs_follow=True)
        await theirs.finished()

        assert theirs.end is End.NO_ANSWER
        assert not homes[1].is_rung
    assert [each.outcome.value for each in bob.vault.calls.calls] == [
        "missed, unconfirmed"
    ]


@simulated
async def test_whoever_accepts_agrees_to_what_stood_on_the_screen() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", legs_follow=True)
        theirs.say(Legs(1, (PHONE,)))
        ours = await homes[1].rung()
        ours.accept()
        await until(ours, State.ACTIVE)
        await until(theirs, State.ACTIVE)
        said = await next_said(theirs)

        assert said == LegsAck(1, Shown.SHOWN)
        assert (is_held(theirs), is_held(ours)) == (False, False)


@simulated
async def test_whoever_wants_no_legs_is_not_rung() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        wants(homes[1], OnLegs.REFUSE)
        theirs = await homes[0].endpoint.dial("bob", legs_follow=True)
        theirs.say(Legs(1, (PHONE,)))

        assert await next_said(theirs) == LegsAck(1, Shown.REFUSED)
        assert not homes[1].is_rung


@simulated
async def test_nothing_passes_until_the_user_has_agreed() -> None:
    wire = Wire()
    alice, bob = people()
    async with at(wire, alice, bob) as homes:
        theirs, ours = await talk(*homes)
        theirs.say(Legs(1, (PHONE,)))
        at_once = is_held(theirs)
        legs = await next_said(ours)
        asked = is_held(theirs), is_held(ours)
        ours.answer_legs(accept=True)
        ack = await next_said(theirs)

        assert (at_once, asked) == (True, (True, True))
        assert (legs, ack) == (Legs(1, (PHONE,)), LegsAck(1, Shown.SHOWN))
        assert (is_held(theirs), is_held(ours)) == (False, False)


@simulated
async def test_a_leg_that_is_only_announced_disturbs_nobody() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        theirs.say(Legs(1, (replace(PHONE, stage=LegStage.ANNOUNCED),)))
        await next_said(ours)

        assert (is_held(theirs), is_held(ours)) == (False, False)


@simulated
async def test_a_refusal_keeps_both_sides_shut_until_the_leg_is_gone() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        said, listed = theirs.heard(), ours.heard()
        theirs.say(Legs(1, (PHONE,)))
        await anext(listed)
        ours.answer_legs(accept=False)
        await anext(said)
        refused = is_held(theirs), is_held(ours)
        theirs.say(Legs(2))
        await anext(said)

        assert refused == (True, True)
        assert (is_held(theirs), is_held(ours)) == (False, False)


@simulated
async def test_what_is_shown_is_acknowledged_without_asking() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        wants(homes[1], OnLegs.SHOW)
        theirs, ours = await talk(*homes)
        theirs.say(Legs(1, (PHONE,)))
        ack = await next_said(theirs)

        assert ack == LegsAck(1, Shown.SHOWN)
        assert told_of(ours)[-1] == LegsChanged(
            Legs(1, (PHONE,)), asks=False, via="alice"
        )


@simulated
async def test_a_gateway_that_is_called_tells_its_legs_before_it_accepts() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        wants(homes[0], OnLegs.SHOW)
        theirs = await homes[0].endpoint.dial("bob")
        ours = await homes[1].rung()
        ours.say(Legs(1, (PHONE,)))
        ours.accept()
        await until(ours, State.ACTIVE)
        ack = await next_said(ours)

        assert ack == LegsAck(1, Shown.SHOWN)
        assert (is_held(theirs), is_held(ours)) == (False, False)


@simulated
async def test_the_log_keeps_the_weakest_mark_on_both_sides() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        wants(homes[1], OnLegs.SHOW)
        theirs, ours = await talk(*homes)
        theirs.say(Legs(1, (replace(PHONE, mark=Mark.NOT_ENCRYPTED),)))
        await next_said(ours)
        theirs.say(Legs(2))
        ours.hang_up()
        await ours.finished()
        await theirs.finished()

    for person in (alice, bob):
        assert [call.mark for call in person.vault.calls.calls] == [4]


@simulated
async def test_there_is_nothing_to_answer_without_a_leg() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        _, ours = await talk(*homes)

        with pytest.raises(UnexpectedEventError, match="no leg waits"):
            ours.answer_legs(accept=True)


@simulated
async def test_an_answer_to_a_list_that_was_never_sent_ends_the_call() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        ours.say(LegsAck(7, Shown.SHOWN))
        await theirs.finished()

        assert theirs.end is End.SECURITY


@simulated
async def test_a_program_is_told_of_legs_as_json() -> None:
    news = LegsChanged(Legs(3, (PHONE,)), asks=False, via="alice")
    facts = format_json(news)
    empty = format_json(replace(news, legs=Legs(4)))

    assert {key: facts[key] for key in ("event", "version", "asks", "code")} == {
        "event": "legs",
        "version": 3,
        "asks": False,
        "code": 3,
    }
    assert empty == {"event": "legs", "version": 4, "asks": False}


def older(alias: str) -> Party:
    """Somebody whose version knows of no legs."""
    person = someone(alias)
    vault = person.vault
    certified = vault.call_keys[0].certificate
    old = create_call_key(
        person.signer,
        vault.device_id,
        now=int(time.time()),
        caps=certified.caps & ~CAP_LEGS,
        entropy=person.entropy,
    )
    person.vault = replace(vault, call_keys=(old,))
    return person


def acquainted(one: Party, other: Party) -> tuple[Party, Party]:
    one.meet(other)
    other.meet(one)
    return one, other


@simulated
async def test_a_gateway_calls_nobody_who_cannot_be_told() -> None:
    async with at(Wire(), *acquainted(someone("alice"), older("bob"))) as homes:
        with pytest.raises(RefusedError, match="no device of 'bob' can be told"):
            await homes[0].endpoint.dial("bob", legs_follow=True)


@simulated
async def test_a_gateway_tells_no_legs_to_one_who_cannot_show_them() -> None:
    async with at(Wire(), *acquainted(someone("alice"), older("bob"))) as homes:
        theirs, _ = await talk(*homes)

        assert not theirs.can_be_told
        with pytest.raises(RefusedError, match="their device cannot be told"):
            theirs.say(Legs(1, (PHONE,)))


@simulated
async def test_a_device_that_cannot_be_told_is_not_rung_where_there_are_legs() -> None:
    async with at(Wire(), *acquainted(someone("alice"), older("bob"))) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        theirs.say(Legs(1, (PHONE,)))
        await theirs.finished()

        assert theirs.end is End.NOT_TAKEN
        assert not homes[1].is_rung


@simulated
async def test_a_list_that_is_not_newer_changes_nothing() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        theirs.say(Legs(2, (PHONE,)))

        with pytest.raises(UnexpectedEventError, match="legs of version 2 after 2"):
            theirs.say(Legs(2))
        assert await next_said(ours) == Legs(2, (PHONE,))


@simulated
async def test_a_gateway_that_takes_no_answers_ends_no_call() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        wants(homes[1], OnLegs.SHOW)
        theirs, ours = await talk(*homes)
        their_leg = theirs._session.leg
        assert their_leg is not None
        their_leg.delivery.receive = lambda *_: []  # type: ignore[method-assign] # a gateway that is not ours
        for version in range(1, 100):
            theirs.say(Legs(version))
            their_leg.delivery._outgoing.clear()
            await asyncio.sleep(2)

        assert ours.state is State.ACTIVE


@simulated
async def test_a_list_without_legs_needs_no_telling() -> None:
    async with at(Wire(), *acquainted(someone("alice"), older("bob"))) as homes:
        theirs, ours = await talk(*homes)
        theirs.say(Legs(1))
        theirs.say(ROSTER)

        assert await next_said(ours) == ROSTER


@simulated
async def test_a_gateway_takes_no_call_of_one_who_cannot_be_told() -> None:
    async with at(Wire(), *acquainted(older("alice"), someone("bob"))) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        ours = await homes[1].rung()
        with pytest.raises(RefusedError, match="their device cannot be told"):
            ours.say(Legs(1, (PHONE,)))
        ours.accept()
        await theirs.finished()

        assert ours.end is End.DECLINED


@simulated
async def test_by_hand_nobody_is_told_of_legs() -> None:
    wire = Wire()
    wire.by_hand = True
    async with at(wire, *people()) as (alice, _):
        with pytest.raises(RefusedError, match="by hand nobody can be told"):
            await alice.endpoint.dial("bob", legs_follow=True)


@simulated
async def test_where_nobody_can_be_asked_legs_are_refused() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        endpoint = homes[1].endpoint
        endpoint._settings = replace(endpoint._settings, can_ask=False)
        theirs, _ = await talk(*homes)
        theirs.say(Legs(1, (PHONE,)))

        assert await next_said(theirs) == LegsAck(1, Shown.REFUSED)


@simulated
async def test_two_gateways_that_call_each_other_tell_their_legs_all_the_same() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        for home in homes:
            wants(home, OnLegs.SHOW)
        dialled = [
            await home.endpoint.dial(name, legs_follow=True)
            for home, name in zip(homes, ("bob", "alice"), strict=True)
        ]
        for each in dialled:
            each.say(Legs(1, (PHONE,)))
        await asyncio.sleep(5)
        loser = next(each for each in dialled if each.end is End.GLARE)
        (callee,) = (h for h, d in zip(homes, dialled, strict=True) if d is loser)
        successor = await callee.rung()
        successor.accept()
        await until(successor, State.ACTIVE)

        assert await next_said(successor) == Legs(1, (PHONE,))
        assert await next_said(successor) == LegsAck(1, Shown.SHOWN)


@simulated
async def test_nobody_says_anything_before_proving_to_be_live() -> None:
    """A caller who holds stolen keys may say something in place of CONFIRM."""
    alice, bob = people()
    wire = Wire()
    async with at(wire, alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob", legs_follow=True)
        leg = theirs._session.leg
        assert leg is not None
        instead = Legs(1, (PHONE,))
        leg.confirm = lambda: instead  # type: ignore[assignment,method-assign,return-value] # a caller that is not ours
        await asyncio.sleep(30)

        assert not homes[1].is_rung
    assert [call.mark for call in bob.vault.calls.calls] == [1]
