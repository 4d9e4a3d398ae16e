"""One call from inside: what media, messages and the user's keys come to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.voip.pairs import Party
from tests.voip.peers import (
    Wire,
    at,
    heard,
    media_of,
    over,
    people,
    someone,
    talk,
    until,
    with_two_devices,
)
from tests.voip.simulated import simulated
from voip.call import RECONNECT_S, State
from voip.conversation import Conversation
from voip.errors import (
    CallError,
    MissingError,
    RefusedError,
    StoreError,
    UnexpectedEventError,
    UnreachableError,
)
from voip.events import End
from voip.handshake.schedule import Role
from voip.identity.trust import TrustState
from voip.identity.vault import Settings, Strangers
from voip.media.events import (
    AddressesChanged,
    MediaEvent,
    MediaFailed,
    Quiet,
    RekeyDue,
    RekeyLate,
)
from voip.news import (
    Ended,
    EpochChanged,
    MicrophoneClosed,
    PeerChanged,
    Warned,
)

# Media that fails ---------------------------


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("gather", MissingError("no microphone: install ringfence[devices]")),
        ("connect", UnreachableError("no path to the other side")),
    ],
)
@simulated
async def test_media_that_fails_ends_the_call_for_both_with_a_sentence(
    role: Role, step: str, error: CallError
) -> None:
    wire = Wire()
    wire.rooms.fails[role, step] = error
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        ours.accept()
        await over(theirs, ours)

        assert Warned(str(error)) in heard((theirs, ours)[role])


@pytest.mark.parametrize("role", Role)
@simulated
async def test_streams_that_cannot_be_end_the_call_for_security(role: Role) -> None:
    wire = Wire()
    wire.rooms.fails[role, "connect"] = RefusedError("streams: expected distinct SSRCs")
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        ours.accept()
        await over(theirs, ours)

        assert {theirs.end, ours.end} == {End.SECURITY}


async def end_after(event: MediaEvent) -> list[End | None]:
    """Let something happen to the callee's media; how does the call end?"""
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        media_of(calls[1]).happen(event)
        await asyncio.sleep(20)
        return [call.end for call in calls]


@simulated
async def test_media_that_stops_ends_the_call() -> None:
    assert await end_after(MediaFailed("the sound card is gone")) == [End.LOST] * 2


@simulated
async def test_a_call_without_fresh_keys_for_too_long_ends_for_security() -> None:
    assert await end_after(RekeyLate(600.0, fatal=True)) == [End.SECURITY] * 2


@simulated
async def test_a_call_without_fresh_keys_for_long_is_warned_of() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        heard(calls[1])
        media_of(calls[1]).happen(RekeyLate(300.0))
        await asyncio.sleep(1)
        (warning,) = heard(calls[1])

        assert isinstance(warning, Warned)
        assert "no fresh keys for 300 s" in warning.sentence


# The path ---------------------------


@pytest.mark.parametrize("event", [Quiet(3.0), AddressesChanged()])
@pytest.mark.parametrize("sides", [(0,), (1,), (0, 1)])
@simulated
async def test_a_path_that_died_is_replaced_and_the_keys_are_fresh(
    event: MediaEvent, sides: tuple[int, ...]
) -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        for side in sides:
            media_of(calls[side]).happen(event)
        await asyncio.sleep(10)

        assert [call.state for call in calls] == [State.ACTIVE] * 2
        assert all(EpochChanged(1) in heard(call) for call in calls)


@simulated
async def test_a_short_silence_is_no_dead_path() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        media_of(calls[0]).happen(Quiet(1.0))
        await asyncio.sleep(1)

        assert calls[0].state is State.ACTIVE


@simulated
async def test_a_path_that_does_not_come_back_ends_the_call_as_lost() -> None:
    wire = Wire()
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        wire.meddle = lambda _: []
        for call in calls:
            media_of(call)._peer = None
            media_of(call).happen(Quiet(3.0))
        await asyncio.sleep(RECONNECT_S + 10)

        assert [call.end for call in calls] == [End.LOST] * 2


@simulated
async def test_a_machine_without_an_address_says_so_and_goes_on_trying() -> None:
    wire = Wire()
    sentence = "this machine has no address now"
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        wire.rooms.fails[Role.CALLER, "restart"] = UnreachableError(sentence)
        media_of(calls[0]).happen(AddressesChanged())
        await asyncio.sleep(1)

        assert Warned(sentence) in heard(calls[0])
        assert calls[0].state is State.RECONNECTING


# What the other side is told ---------------------------


@simulated
async def test_the_other_side_is_told_of_mute_and_hold() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        theirs.set_held(on=True)
        theirs.set_muted(on=True)
        await asyncio.sleep(3)
        changes = [each for each in heard(ours) if isinstance(each, PeerChanged)]

        assert changes[-1] == PeerChanged(held=True, muted=True, video=False)


@simulated
async def test_a_call_can_begin_in_silence() -> None:
    async with at(Wire(), *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob", muted=True)
        ours = await bob.rung()
        ours.accept(muted=True)
        await asyncio.sleep(5)
        states = [
            [each for each in heard(call) if isinstance(each, PeerChanged)]
            for call in (theirs, ours)
        ]

        assert [[each.muted for each in side] for side in states] == [[True], [True]]


@simulated
async def test_video_is_not_shown_while_on_hold() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        theirs.set_video(on=True)
        theirs.set_held(on=True)
        await asyncio.sleep(3)
        changes = [each for each in heard(ours) if isinstance(each, PeerChanged)]

        assert [each.video for each in changes][-2:] == [True, False]


@simulated
async def test_a_rekey_that_is_due_is_made() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        media_of(calls[1]).happen(RekeyDue())
        await asyncio.sleep(5)

        assert all(EpochChanged(1) in heard(call) for call in calls)


# The user's side ---------------------------


@simulated
async def test_there_are_no_words_to_compare_before_a_device_was_chosen() -> None:
    async with at(Wire(), *with_two_devices()) as homes:
        call = await homes[0].endpoint.dial("bob")
        await homes[1].rung()

        assert call.words is None
        with pytest.raises(UnexpectedEventError):
            await call.compared(matched=True)


@pytest.mark.parametrize(
    "press",
    [
        lambda call: call.set_muted(on=True),
        lambda call: call.rekey(),
        lambda call: call.send_text("hello"),
    ],
    ids=["mute", "rekey", "text"],
)
@simulated
async def test_keys_pressed_too_early_are_refused(
    press: Callable[[Conversation], None],
) -> None:
    async with at(Wire(), *people()) as homes:
        call = await homes[0].endpoint.dial("bob")

        with pytest.raises(MissingError, match="the call is not connected"):
            press(call)


@simulated
async def test_a_contact_removed_during_a_call_stays_removed() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        calls = await talk(*homes)
        homes[1].keeper.change(
            lambda vault: replace(vault, contacts=vault.contacts.remove("alice"))
        )
        await calls[1].compared(matched=True)

        assert calls[1].trust is not None
        assert calls[1].trust.state is TrustState.VERIFIED
    assert bob.vault.contacts.contacts == ()


@simulated
async def test_a_stranger_rings_where_the_user_wants_that_and_nothing_is_kept() -> None:
    bob, eve = someone("bob"), someone("eve")
    eve.meet(bob)
    bob.vault = replace(bob.vault, settings=Settings(strangers=Strangers.RING))
    async with at(Wire(), eve, bob) as (caller, callee):
        theirs = await caller.endpoint.dial("bob")
        ours = await callee.rung()
        ours.accept()
        await until(theirs, State.ACTIVE)

        assert ours.alias == "stranger eve"
    assert bob.vault.contacts.contacts == ()


@simulated
async def test_a_store_that_cannot_be_written_ends_the_call_and_no_other() -> None:
    sentence = "store: no space left on device"
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        homes[1].keeper.failure = StoreError(sentence)
        theirs.hang_up()
        await over(ours)
        homes[1].keeper.failure = None
        await over(theirs)
        news = heard(ours)
        again, _ = await talk(*homes)

        assert Warned(sentence) in news
        assert isinstance(news[-1], Ended)
        assert again.state is State.ACTIVE


def removed(party: Party) -> Party:
    return replace(party, vault=replace(party.vault, call_keys=()))


@simulated
async def test_without_a_call_key_nobody_can_be_called() -> None:
    alice, bob = people()
    async with at(Wire(), removed(alice), bob) as homes:
        with pytest.raises(CallError, match="call key"):
            await homes[0].endpoint.dial("bob")


# What the user wants of strangers ---------------------------


@simulated
async def test_who_is_strict_is_not_heard_by_a_new_device_before_words_match() -> None:
    alice, bob = people()
    bob.vault = replace(bob.vault, settings=Settings(strict=True))
    async with at(Wire(), alice, bob) as homes:
        theirs, ours = await talk(*homes)
        before = media_of(theirs).sources_open, media_of(ours).sources_open
        await ours.compared(matched=True)

        assert before == (True, False)
        assert media_of(ours).sources_open
        assert MicrophoneClosed("first call with this device") in heard(ours)
