"""Two or three people on one wire: whole calls, from both ends."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.voip.pairs import Party, dial, offer
from tests.voip.peers import (
    ALICE,
    BOB,
    Home,
    Wire,
    at,
    heard,
    lose,
    media_of,
    on,
    outcomes,
    over,
    people,
    someone,
    straight,
    talk,
    until,
    until_crash,
    with_two_devices,
)
from tests.voip.simulated import simulated
from voip.call import INVITE_TTL_S, State
from voip.conversation import Conversation
from voip.errors import (
    LimitError,
    StoreError,
    UnexpectedEventError,
    UnreachableError,
)
from voip.events import End
from voip.handshake.payload import Mode
from voip.handshake.schedule import Role
from voip.identity.calllog import Outcome
from voip.identity.trust import Reason, TrustState
from voip.identity.vault import Busy, Settings
from voip.leg import Leg
from voip.media.events import AddressesChanged
from voip.news import Ended, MicrophoneClosed, PeerCompared, Warned
from voip.signalling.envelope import mailbox_tag
from voip.switchboard import MAX_CALLS

# A call that goes well -------------------------------------------------------------


@simulated
async def test_two_people_talk_and_read_the_same_words() -> None:
    async with at(Wire(), *people()) as (alice, bob):
        theirs, ours = await talk(alice, bob)

        assert theirs.words is not None
        assert theirs.words == ours.words


@simulated
async def test_a_call_that_was_hung_up_is_over_and_logged_on_both_sides() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        calls = await talk(*homes)
        calls[0].hang_up()
        await over(*calls)

        assert [call.end for call in calls] == [End.HUNG_UP] * 2
    assert (outcomes(alice), outcomes(bob)) == ([Outcome.ENDED], [Outcome.ENDED])


@simulated
async def test_both_keep_the_same_secret_and_nothing_else() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        calls = await talk(*homes)
        calls[1].hang_up()
        await over(*calls)

    assert alice.device(bob).trust.slots.rs1 is not None
    assert alice.device(bob).trust.slots == bob.device(alice).trust.slots


@simulated
async def test_a_second_call_is_continuous() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as (one, other):
        calls = await talk(one, other)
        calls[0].hang_up()
        await over(*calls)
        calls = await talk(other, one)
        trusts = [call.trust for call in calls]

    assert [trust and trust.state for trust in trusts] == [TrustState.CONTINUOUS] * 2


@simulated
async def test_words_that_match_are_kept_as_verified_and_told() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        await ours.compared(matched=True)
        await asyncio.sleep(2)

        assert PeerCompared(matched=True) in heard(theirs)
    assert bob.device(alice).trust.trust.state is TrustState.VERIFIED
    assert alice.device(bob).trust.trust.state is TrustState.NEW


@simulated
async def test_words_that_differ_break_the_trust() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        _, ours = await talk(*homes)
        await ours.compared(matched=False)
        ours.set_muted(on=False)

        assert not media_of(ours).sources_open
    assert bob.device(alice).trust.trust.reason is Reason.WORDS_DIFFER


@simulated
async def test_words_that_differ_close_the_microphone_before_all_else() -> None:
    """The other side decides how much waits for it to acknowledge."""
    async with at(Wire(), *people()) as homes:
        _, ours = await talk(*homes)
        for _ in range(100):
            ours.set_muted(on=False)
        homes[1].keeper.failure = StoreError("the disk is full")
        with pytest.raises(StoreError):
            await ours.compared(matched=False)
        homes[1].keeper.failure = None

        assert not media_of(ours).sources_open


@simulated
async def test_words_that_differ_while_it_rings_keep_the_microphone_closed() -> None:
    """Another program may hold the store's lock for as long as it likes."""
    async with at(Wire(), *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        await until(theirs, State.ALERTED)
        alice.keeper.failure = StoreError("stays locked")
        with pytest.raises(StoreError):
            await theirs.compared(matched=False)
        alice.keeper.failure = None
        ours.accept()
        await until(theirs, State.ACTIVE)
        await asyncio.sleep(1)
        closed = not media_of(theirs).sources_open
        said = [each for each in heard(theirs) if isinstance(each, MicrophoneClosed)]
        theirs.speak_anyway()

        assert closed
        assert said == [MicrophoneClosed(Reason.WORDS_DIFFER.value)]
        assert media_of(theirs).sources_open


@simulated
async def test_a_call_survives_some_seconds_without_any_network() -> None:
    """A telephone leaves one network before it joins the next."""
    wire = Wire()
    async with at(wire, *people()) as homes:
        theirs, ours = await talk(*homes)
        wire.rooms.fails[Role.CALLER, "restart"] = UnreachableError("no address")
        media_of(theirs).happen(AddressesChanged())
        await until(theirs, State.RECONNECTING)
        await asyncio.sleep(5)
        del wire.rooms.fails[Role.CALLER, "restart"]
        media_of(theirs).happen(AddressesChanged())
        await until(theirs, State.ACTIVE)

        assert ours.state is State.ACTIVE


@simulated
async def test_a_rekey_reaches_both_sides() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        calls[0].rekey()
        await asyncio.sleep(5)

        assert [call.stats and call.stats.send_epoch for call in calls] == [1, 1]


# Calls that nobody takes -----------------------------------------------------------


@simulated
async def test_a_declined_call_ends_for_both() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        ours = await homes[1].rung()
        ours.decline()
        await over(theirs, ours)

    assert outcomes(alice) == outcomes(bob) == [Outcome.DECLINED]


@simulated
async def test_a_call_that_nobody_takes_is_missed() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        ours = await homes[1].rung()
        await asyncio.sleep(INVITE_TTL_S + 10)

        assert (theirs.end, ours.end) == (End.NO_ANSWER, End.MISSED)
    assert len(bob.vault.calls.unseen) == 1


@simulated
async def test_a_cancelled_call_stops_ringing_and_is_missed() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        ours = await homes[1].rung()
        theirs.hang_up()
        await over(theirs, ours)

    assert (outcomes(alice), outcomes(bob)) == (
        [Outcome.CANCELLED],
        [Outcome.MISSED],
    )


@simulated
async def test_a_call_can_be_given_up_at_once() -> None:
    async with at(Wire(), *people()) as (alice, bob):
        call = await alice.endpoint.dial("bob")
        call.hang_up()
        await over(call)

        assert call.end is End.CANCELLED
        assert not bob.is_rung


@simulated
async def test_leaving_waits_5_seconds_for_who_does_not_hear_it() -> None:
    wire = Wire()
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        wire.meddle = lambda _: []
        media_of(calls[0])._peer = None
        before = asyncio.get_running_loop().time()
        calls[0].hang_up()
        await over(calls[0])

        assert 4.9 < asyncio.get_running_loop().time() - before < 5.1


@simulated
async def test_mailboxes_that_cannot_be_read_are_told_in_a_sentence() -> None:
    async with at(Wire(), *people()) as (alice, _):
        alice.post.most_mailboxes = 1
        call = await alice.endpoint.dial("bob")
        told = await anext(alice.endpoint.problems())
        await asyncio.sleep(INVITE_TTL_S + 10)

        assert told == "too many mailboxes"
        assert call.end is End.UNREACHABLE


@simulated
async def test_leaving_hangs_up() -> None:
    alice, bob = people()
    wire = Wire()
    async with on(wire, bob) as theirs:
        async with on(wire, alice) as ours:
            _, call = await talk(ours, theirs)
        await over(call)

        assert call.end is End.HUNG_UP


@simulated
async def test_nobody_at_home_is_unreachable() -> None:
    alice, _ = people()
    async with at(Wire(), alice) as (home,):
        call = await home.endpoint.dial("bob")
        await asyncio.sleep(INVITE_TTL_S + 10)
        news = heard(call)

    assert call.end is End.UNREACHABLE
    assert Warned("no device has answered so far") in news


@simulated
async def test_a_call_that_is_not_ringing_cannot_be_taken_twice() -> None:
    async with at(Wire(), *people()) as homes:
        _, ours = await talk(*homes)

        with pytest.raises(UnexpectedEventError):
            ours.accept()


# Two calls at once -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@simulated
async def test_two_who_call_each_other_at_once_have_one_call(seed: int) -> None:
    """Which INVITE survives is chance; that nobody is rung is not."""
    wire = Wire()
    wire.meddle = lambda carried: [(0.05, carried.blob)]
    alice, bob = people()
    alice.entropy(seed)
    async with at(wire, alice, bob) as homes:
        calls = [
            await homes[0].endpoint.dial("bob"),
            await homes[1].endpoint.dial("alice"),
        ]
        await asyncio.sleep(3)
        (loser,) = (call for call in calls if call.end is not None)
        (winner,) = (call for call in calls if call is not loser)
        (ended,) = (each for each in heard(loser) if isinstance(each, Ended))

        assert loser.end is End.GLARE
        assert winner.state is State.ACTIVE
        assert ended.successor == winner.call_id
        assert not any(home.is_rung for home in homes)
        loses = homes[calls.index(loser)]
        assert loses.endpoint.conversation(winner.call_id).state is State.ACTIVE


@simulated
async def test_two_who_call_each_other_at_once_are_rung_if_trust_is_broken() -> None:
    wire = Wire()
    wire.meddle = lambda carried: [(0.05, carried.blob)]
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        for call in await talk(*homes):
            await call.compared(matched=False)
    async with at(wire, alice, bob) as homes:
        await homes[0].endpoint.dial("bob")
        await homes[1].endpoint.dial("alice")
        await asyncio.sleep(3)

        assert [home.is_rung for home in homes].count(True) == 1


@simulated
async def test_a_caller_who_crashed_calls_again_and_the_old_call_ends() -> None:
    wire = Wire()
    alice, bob = people()
    async with at(wire, bob) as (home,):
        async with until_crash(wire, alice, name="before") as before:
            _, old = await talk(before, home)
        async with on(wire, alice, name="after") as after:
            theirs = await after.endpoint.dial("bob")
            async with asyncio.timeout(30):
                new = await anext(home.endpoint.incoming())

            assert old.end is End.SUPERSEDED
            new.accept()
            await until(theirs, State.ACTIVE)


@simulated
async def test_a_person_is_called_once_at_a_time() -> None:
    async with at(Wire(), *people()) as homes:
        await talk(*homes)

        with pytest.raises(LimitError, match="a call with 'bob' is under way"):
            await homes[0].endpoint.dial("bob")


@simulated
async def test_the_id_of_another_call_cannot_be_taken() -> None:
    """A contact picks the call id; with one twice, it must not hit another call."""
    wire = Wire()
    alice, bob = people()
    now = int(time.time())
    asking = offer(alice, now=now)
    legs = [
        dial(alice, bob, now=now, asking=asking),
        dial(alice, bob, now=now, asking=replace(asking, ts_ms=asking.ts_ms + 1)),
    ]
    async with at(wire, bob) as (home,):
        for leg in legs:
            wire.deliver(leg.invites[0].tag, leg.opening)
        await asyncio.sleep(100)

        assert not home.is_rung
    assert len(wire.carried) == 1


def in_another_mode(caller: Party, callee: Party) -> Leg:
    now = int(time.time())
    lower = replace(offer(caller, now=now), mode=Mode.DTLS_BIND, fingerprint=bytes(32))
    return dial(caller, callee, now=now, asking=lower)


@simulated
async def test_another_mode_breaks_the_trust_in_a_device_and_gets_no_answer() -> None:
    wire = Wire()
    alice, bob = people()
    leg = in_another_mode(alice, bob)
    async with at(wire, bob):
        wire.deliver(leg.invites[0].tag, leg.opening)
        await asyncio.sleep(1)

    assert bob.device(alice).trust.trust.reason is Reason.DOWNGRADE
    assert wire.carried == []


@simulated
async def test_a_device_never_met_leaves_nothing_by_calling_in_another_mode() -> None:
    """Nobody confirmed it, and each could come from another device."""
    wire = Wire()
    alice, bob = people()
    second = someone("alice", "second")
    second.meet(bob)
    leg = in_another_mode(second, bob)
    before = bob.contact(alice)
    async with at(wire, bob):
        wire.deliver(leg.invites[0].tag, leg.opening)
        await asyncio.sleep(1)

    assert bob.contact(alice) == before


async def call_a_busy_one(busy: Busy) -> tuple[Conversation, Home]:
    alice, bob = people()
    carol = someone("carol")
    carol.meet(bob)
    bob.meet(carol)
    bob.vault = replace(bob.vault, settings=Settings(busy=busy))
    async with at(Wire(), alice, bob, carol) as homes:
        await talk(homes[0], homes[1])
        call = await homes[2].endpoint.dial("bob")
        await asyncio.sleep(INVITE_TTL_S + 10)
        return call, homes[1]


@pytest.mark.parametrize(
    ("busy", "end", "rung"),
    [
        (Busy.TELL, End.BUSY, False),
        (Busy.SILENT, End.UNREACHABLE, False),
        (Busy.RING, End.NO_ANSWER, True),
    ],
)
@simulated
async def test_who_calls_a_busy_one_hears_what_that_one_chose(
    busy: Busy, end: End, *, rung: bool
) -> None:
    call, bob = await call_a_busy_one(busy)

    assert (call.end, bob.is_rung) == (end, rung)


@simulated
async def test_busy_is_said_again_if_it_was_lost() -> None:
    wire = Wire()
    alice, bob = people()
    carol = someone("carol")
    carol.meet(bob)
    bob.meet(carol)
    async with at(wire, alice, bob, carol) as homes:
        await talk(homes[0], homes[1])
        wire.meddle = lose(BOB, lambda number: number == 0)
        call = await homes[2].endpoint.dial("bob")
        await asyncio.sleep(INVITE_TTL_S + 10)

    assert call.end is End.BUSY


# A place in trouble ----------------------------------------------------------------


@simulated
async def test_a_store_that_cannot_be_read_for_a_while_ends_nothing() -> None:
    async with at(Wire(), *people()) as homes:
        homes[1].keeper.unreadable = StoreError("the disk is away")
        await homes[0].endpoint.dial("bob")
        await asyncio.sleep(1)
        homes[1].endpoint._watch()
        homes[1].keeper.unreadable = None

        assert await anext(homes[1].endpoint.problems()) == "the disk is away"
        await homes[1].rung()


@simulated
async def test_a_busy_call_that_cannot_be_logged_ends_nothing() -> None:
    alice, bob = people()
    carol = someone("carol")
    carol.meet(bob)
    bob.meet(carol)
    async with at(Wire(), alice, bob, carol) as homes:
        calls = await talk(homes[0], homes[1])
        homes[1].keeper.failure = StoreError("the disk is full")
        third = await homes[2].endpoint.dial("bob")
        await asyncio.sleep(1)
        homes[1].keeper.failure = None

        assert third.end is End.BUSY
        assert [call.state for call in calls] == [State.ACTIVE] * 2


@simulated
async def test_more_calls_than_there_is_room_for_get_no_answer() -> None:
    callee = someone("callee")
    callers = [someone(f"caller {number}") for number in range(MAX_CALLS + 1)]
    for caller in callers:
        caller.meet(callee)
        callee.meet(caller)
    callee.vault = replace(callee.vault, settings=Settings(busy=Busy.RING))
    async with at(Wire(), callee, *callers) as homes:
        calls = [await home.endpoint.dial("callee") for home in homes[1:]]
        await asyncio.sleep(2)

        assert [call.state for call in calls[:-1]] == [State.ALERTED] * MAX_CALLS
        assert calls[-1].state is State.INVITED


# Several devices -------------------------------------------------------------------


@simulated
async def test_all_devices_ring_and_the_first_to_accept_has_the_call() -> None:
    alice, phone, laptop = with_two_devices()
    async with at(Wire(), alice, phone, laptop) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        first, second = await homes[1].rung(), await homes[2].rung()
        first.accept()
        await until(first, State.ACTIVE)
        await until(theirs, State.ACTIVE)
        await over(second)

        assert second.end is End.ANSWERED_ELSEWHERE
        assert theirs.words == first.words
    assert outcomes(laptop) == [Outcome.ANSWERED_ELSEWHERE]
    assert laptop.vault.calls.unseen == ()


@simulated
async def test_declining_on_one_device_ends_it_on_all() -> None:
    alice, phone, laptop = with_two_devices()
    async with at(Wire(), alice, phone, laptop) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        first, second = await homes[1].rung(), await homes[2].rung()
        first.decline()
        await over(theirs, first, second)

    assert (theirs.end, second.end) == (End.DECLINED, End.DECLINED_ELSEWHERE)


@simulated
async def test_of_two_who_accept_at_once_one_has_the_call() -> None:
    wire = Wire()
    wire.meddle = lambda carried: [(0.05, carried.blob)]
    alice, phone, laptop = with_two_devices()
    async with at(wire, alice, phone, laptop) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        both = await homes[1].rung(), await homes[2].rung()
        for call in both:
            call.accept()
        await until(theirs, State.ACTIVE)
        await asyncio.sleep(10)

        assert {call.state for call in both} == {State.ACTIVE, State.ENDED}
        assert {call.end for call in both} == {None, End.ANSWERED_ELSEWHERE}


@pytest.mark.parametrize("seed", range(6))
@simulated
async def test_a_device_that_left_its_invite_unanswered_is_not_let_in_on_the_call(
    seed: int,
) -> None:
    """Or a device that somebody slipped into the board could listen, and not ring."""
    wire = Wire()
    alice, phone, laptop = with_two_devices()
    laptop.entropy(seed)
    unanswered = mailbox_tag(laptop.vault.device_fetch)
    wire.meddle = lambda sent: [] if sent.tag == unanswered else straight(sent)
    async with at(wire, alice, phone, laptop) as homes:
        calls = await talk(homes[0], homes[1])
        third = await homes[2].endpoint.dial("alice")
        await asyncio.sleep(5)

        assert third.end is End.BUSY
        assert [call.state for call in calls] == [State.ACTIVE] * 2


@pytest.mark.parametrize("seed", range(6))
@simulated
async def test_a_device_that_calls_while_another_rings_is_not_taken_unasked(
    seed: int,
) -> None:
    wire = Wire()
    alice, phone, laptop = with_two_devices()
    laptop.entropy(seed)
    unanswered = mailbox_tag(laptop.vault.device_fetch)
    wire.meddle = lambda sent: [] if sent.tag == unanswered else straight(sent)
    async with at(wire, alice, phone, laptop) as homes:
        first = await homes[0].endpoint.dial("bob")
        await until(first, State.ALERTED)
        await homes[2].endpoint.dial("alice")
        await homes[0].rung()

        assert first.end is End.SUPERSEDED


async def wake_late(laptop: Party, alice: Party, phone: Party) -> bool:
    """Let a device come home when another has the call; was it rung?"""
    wire = Wire()
    async with at(wire, alice, phone) as homes:
        calls = await talk(homes[0], homes[1])
        async with on(wire, laptop, name="late") as late:
            await asyncio.sleep(3)
            calls[0].hang_up()
            await over(*calls)
            return late.is_rung


@simulated
async def test_a_device_that_wakes_late_does_not_ring() -> None:
    alice, phone, laptop = with_two_devices()

    assert not await wake_late(laptop, alice, phone)
    assert outcomes(laptop) == [Outcome.ANSWERED_ELSEWHERE]


@simulated
async def test_a_device_that_woke_late_is_not_taken_for_a_thief() -> None:
    """It was told in its own session, and has acknowledged, but never confirmed."""
    alice, phone, laptop = with_two_devices()
    await wake_late(laptop, alice, phone)
    async with at(Wire(), alice, laptop) as homes:
        calls = await talk(*homes)

        assert [call.trust and call.trust.state for call in calls] == [
            TrustState.NEW
        ] * 2


@pytest.mark.parametrize("lost", range(2, 7))
@simulated
async def test_a_device_that_never_got_confirm_is_not_taken_for_a_thief(
    lost: int,
) -> None:
    """It acknowledges that it was answered elsewhere, and not the CONFIRM before."""
    alice, phone, laptop = with_two_devices()
    wire = Wire()
    wire.meddle = lose(ALICE, lambda number: number == lost)
    async with at(wire, alice, phone, laptop) as homes:
        await homes[0].endpoint.dial("bob")
        (await homes[1].rung()).accept()
        await asyncio.sleep(20)
    for device in (phone, laptop):
        async with at(Wire(), alice, device) as homes:
            calls = await talk(*homes)
            calls[0].hang_up()
            await over(*calls)

        assert device.device(alice).trust.trust.state is not TrustState.BROKEN
        assert alice.device(device).trust.trust.state is not TrustState.BROKEN
