"""What strangers, thieves and a relay can do to a call, and what they cannot."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.voip.pairs import Party, dial, offer
from tests.voip.peers import (
    ALICE,
    Arrival,
    Carried,
    Wire,
    at,
    heard,
    lose,
    media_of,
    outcomes,
    over,
    people,
    settle,
    someone,
    talk,
    with_two_devices,
)
from tests.voip.simulated import simulated
from voip.call import CONFIRM_S, State
from voip.conversation import Conversation
from voip.errors import UnreachableError
from voip.events import End
from voip.handshake.payload import Mode
from voip.identity.calllog import Outcome
from voip.identity.trust import Reason
from voip.leg import Leg
from voip.news import MicrophoneClosed, Warned
from voip.signalling.delivery import Path
from voip.signalling.envelope import mailbox_tag
from voip.signalling.messages import Confirm

# Nobody is rung before CONFIRM -----------------------------------------------------


@simulated
async def test_an_invite_without_confirm_never_rings() -> None:
    wire = Wire()
    alice, bob = people()
    wire.meddle = lose(ALICE, lambda number: number > 0)
    async with at(wire, alice, bob) as homes:
        await homes[0].endpoint.dial("bob")
        await asyncio.sleep(CONFIRM_S + 5)

        assert not homes[1].is_rung
    assert outcomes(bob) == [Outcome.UNCONFIRMED]


@simulated
async def test_an_invite_without_confirm_leaves_the_stores_alone() -> None:
    wire = Wire()
    alice, bob = people()
    wire.meddle = lose(ALICE, lambda number: number > 0)
    before = alice.device(bob).trust, bob.device(alice).trust
    async with at(wire, alice, bob) as homes:
        await homes[0].endpoint.dial("bob")
        await asyncio.sleep(CONFIRM_S + 5)

    assert (alice.device(bob).trust, bob.device(alice).trust) == before


@simulated
async def test_another_nonce_than_committed_breaks_the_trust_and_rings_nobody() -> None:
    wire = Wire()
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()))
    async with at(wire, bob) as (home,):
        wire.deliver(leg.invites[0].tag, leg.opening)
        await settle(wire)
        leg.receive_ringing(wire.carried[0].blob, now=int(time.time()))
        leg.delivery.send(Confirm(b"another nonce".ljust(32)))
        for ctl in leg.delivery.due(0.0, Path.MAILBOX):
            wire.deliver(leg.to.tag, leg.seal(ctl, alice.entropy))
        await settle(wire)

        assert not home.is_rung
    assert bob.device(alice).trust.trust.reason is Reason.COMMITMENT
    assert bob.device(alice).trust.slots.secrets == ()


# Who gets no answer ----------------------------------------------------------------


async def answer_to(party: Party, tag: bytes, invite: bytes) -> list[Carried]:
    """Leave an INVITE, and give everything that is ever sent because of it."""
    wire = Wire()
    async with at(wire, party) as (home,):
        wire.deliver(tag, invite)
        await asyncio.sleep(100)

        assert not home.is_rung
    return wire.carried


@simulated
async def test_a_stranger_gets_no_byte_and_is_listed() -> None:
    _, bob = people()
    eve = someone("eve")
    eve.meet(bob)
    leg = dial(eve, bob, now=int(time.time()))

    assert await answer_to(bob, leg.invites[0].tag, leg.opening) == []
    assert [each.alias for each in bob.vault.calls.strangers] == ["eve"]


@simulated
async def test_noise_gets_no_byte() -> None:
    _, bob = people()
    tag = mailbox_tag(bob.vault.device_fetch)

    assert await answer_to(bob, tag, bob.entropy(4096)) == []


@simulated
async def test_a_blocked_device_gets_no_byte() -> None:
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()))
    bob.keep_contact(bob.contact(alice).with_blocked(alice.vault.device_id, 0))

    assert await answer_to(bob, leg.invites[0].tag, leg.opening) == []
    assert outcomes(bob) == []


@simulated
async def test_a_late_invite_gets_no_byte_and_is_a_missed_call() -> None:
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()) - 61)

    assert await answer_to(bob, leg.invites[0].tag, leg.opening) == []
    assert outcomes(bob) == [Outcome.UNCONFIRMED]


@simulated
async def test_a_late_invite_that_comes_twice_is_one_missed_call() -> None:
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()) - 61)
    for _ in range(2):
        await answer_to(bob, leg.invites[0].tag, leg.opening)

    assert outcomes(bob) == [Outcome.UNCONFIRMED]


@simulated
async def test_a_downgrade_gets_no_byte_and_breaks_the_trust() -> None:
    alice, bob = people()
    now = int(time.time())
    lower = replace(offer(alice, now=now), mode=Mode.DTLS_BIND, fingerprint=bytes(32))
    leg = dial(alice, bob, now=now, asking=lower)

    assert await answer_to(bob, leg.invites[0].tag, leg.opening) == []
    assert bob.device(alice).trust.trust.reason is Reason.DOWNGRADE


@simulated
async def test_keys_that_cannot_be_get_no_byte_and_do_no_harm() -> None:
    """Only a contact can seal such an INVITE, and it must not end our endpoint."""
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()))
    changed = leg.opening[:1200] + bytes([leg.opening[1200] ^ 1]) + leg.opening[1201:]

    assert await answer_to(bob, leg.invites[0].tag, changed) == []


async def confirmed_invite(wire: Wire, alice: Party, bob: Party) -> Carried:
    """Call and hang up; give the INVITE, as a relay could keep it."""
    async with at(wire, alice, bob) as homes:
        calls = await talk(*homes)
        calls[0].hang_up()
        await over(*calls)
    return wire.carried[0]


@simulated
async def test_a_replayed_invite_gets_no_byte() -> None:
    wire = Wire()
    alice, bob = people()
    async with at(wire, alice, bob) as homes:
        calls = await talk(*homes)
        calls[0].hang_up()
        await over(*calls)
        sent = len(wire.carried)
        wire.deliver(wire.carried[0].tag, wire.carried[0].blob)
        await asyncio.sleep(30)

        assert len(wire.carried) == sent
        assert not homes[1].is_rung


@simulated
async def test_an_invite_replayed_after_a_restart_gets_no_byte() -> None:
    alice, bob = people()
    invite = await confirmed_invite(Wire(), alice, bob)

    assert await answer_to(bob, invite.tag, invite.blob) == []
    assert outcomes(bob) == [Outcome.ENDED]


@simulated
async def test_the_same_invite_again_gets_the_same_ringing() -> None:
    wire = Wire()
    alice, bob = people()
    leg = dial(alice, bob, now=int(time.time()))
    async with at(wire, bob):
        for _ in range(3):
            wire.deliver(leg.invites[0].tag, leg.opening)
            await settle(wire)

        assert len(wire.carried) == 3
        assert len({each.blob for each in wire.carried}) == 1


# A relay that lies, and one that is away -------------------------------------------


@simulated
async def test_a_relay_cannot_end_a_call() -> None:
    """It knows the mailboxes, and can put there what it likes: noise, or old blobs."""
    wire = Wire()
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        seen = tuple(wire.carried)
        for tag in {each.tag for each in seen}:
            wire.deliver(tag, bytes(4096))
            wire.deliver(tag, b"short")
            for each in seen:
                wire.deliver(tag, each.blob)
        await asyncio.sleep(20)

        assert [call.state for call in calls] == [State.ACTIVE] * 2
        assert not any(home.is_rung for home in homes)


@simulated
async def test_a_relay_cannot_stop_a_device_from_ringing() -> None:
    wire = Wire()
    alice, phone, laptop = with_two_devices()
    async with at(wire, alice, phone, laptop) as homes:
        await homes[0].endpoint.dial("bob")
        calls = [await homes[1].rung(), await homes[2].rung()]
        seen = tuple(wire.carried)
        for tag in {each.tag for each in seen}:
            for each in seen:
                wire.deliver(tag, each.blob)
        await asyncio.sleep(5)

        assert [call.state for call in calls] == [State.RINGING] * 2


@pytest.mark.parametrize("at_blob", range(8))
@simulated
async def test_a_changed_blob_is_a_lost_one(at_blob: int) -> None:
    wire = Wire()

    def change(carried: Carried) -> list[Arrival]:
        spot = 97 * (at_blob + 1) * 5 % 4096
        blob = bytearray(carried.blob)
        if carried.number == at_blob:
            blob[spot] ^= 1
        return [(0.0, bytes(blob))]

    wire.meddle = change
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        async with asyncio.timeout(20):
            ours = await anext(bob.endpoint.incoming())
        ours.accept()
        await asyncio.sleep(15)

        assert (theirs.state, ours.state) == (State.ACTIVE, State.ACTIVE)


def given_up(alice: Party, bob: Party) -> Leg:
    """Let Alice call and give up; a relay has the INVITE, and keeps it."""
    return dial(alice, bob, now=int(time.time()) - 5)


@simulated
async def test_an_invite_that_was_kept_back_ends_no_later_call() -> None:
    wire = Wire()
    alice, bob = people()
    kept_back = given_up(alice, bob)
    async with at(wire, alice, bob) as (one, other):
        calls = await talk(other, one)
        wire.deliver(kept_back.invites[0].tag, kept_back.opening)
        await asyncio.sleep(30)

        assert [call.state for call in calls] == [State.ACTIVE] * 2
        assert not other.is_rung


@simulated
async def test_an_invite_that_comes_after_a_newer_one_does_not_stop_it() -> None:
    wire = Wire()
    alice, bob = people()
    kept_back = given_up(alice, bob)
    async with at(wire, alice, bob) as (one, other):
        wire.meddle = lambda carried: [(1.0, carried.blob)]
        await one.endpoint.dial("bob")
        await asyncio.sleep(1.5)
        wire.deliver(kept_back.invites[0].tag, kept_back.opening)

        assert (await other.rung()).state is State.RINGING


@simulated
async def test_a_call_goes_on_without_the_relay() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        for home in homes:
            home.post.failure = UnreachableError("relay.example: connection refused")
        calls[0].set_muted(on=True)
        calls[0].rekey()
        await asyncio.sleep(300)

        assert [call.state for call in calls] == [State.ACTIVE] * 2
        assert [call.stats and call.stats.send_epoch for call in calls] == [1, 1]


@simulated
async def test_a_call_ends_for_both_without_the_relay() -> None:
    async with at(Wire(), *people()) as homes:
        calls = await talk(*homes)
        for home in homes:
            home.post.failure = UnreachableError("relay.example: connection refused")
        calls[0].hang_up()
        await asyncio.sleep(30)

        assert [call.end for call in calls] == [End.HUNG_UP] * 2


@simulated
async def test_a_relay_that_is_away_is_told_in_a_sentence() -> None:
    sentence = "relay.example: connection refused"
    async with at(Wire(), *people()) as (alice, _):
        alice.post.failure = UnreachableError(sentence)
        call = await alice.endpoint.dial("bob")
        await asyncio.sleep(2)

        assert Warned(sentence) in heard(call)
        assert call.state is State.INVITED


# A man in the middle ---------------------------------------------------------------


class Middle:
    """Holds the relay and the identity keys of both, and relays the call by hand."""

    def __init__(self, *, same_devices: bool) -> None:
        device = "first" if same_devices else "stolen"
        self.alice = someone("alice", device)
        self.bob = someone("bob", device)
        if same_devices:  # the keys of the devices themselves he does not have
            for each in (self.alice, self.bob):
                each.entropy = someone(each.vault.alias, "other luck").entropy
                each.vault = each.vault.rotated(
                    each.signer, int(time.time()) + 1, each.entropy
                )

    def introduce(self, alice: Party, bob: Party) -> None:
        """Put his devices on the boards in place of the real ones."""
        for victim, false, real in ((alice, self.bob, bob), (bob, self.alice, alice)):
            contact = victim.contact(real)
            withdrawn = tuple(replace(each, entry=b"") for each in contact.devices)
            victim.keep_contact(replace(contact, devices=withdrawn))
            victim.meet(false)
        self.bob.meet(alice)
        self.alice.meet(bob)


async def talk_through(
    middle: Middle, alice: Party, bob: Party
) -> tuple[Conversation, Conversation]:
    middle.introduce(alice, bob)
    first, second = Wire(), Wire()
    async with (
        at(first, alice, middle.bob) as (caller, false_bob),
        at(second, middle.alice, bob) as (false_alice, callee),
    ):
        theirs, _ = await talk(caller, false_bob)
        _, ours = await talk(false_alice, callee)
        return theirs, ours


@simulated
async def test_somebody_in_the_middle_cannot_make_the_words_equal() -> None:
    theirs, ours = await talk_through(Middle(same_devices=False), *people())

    assert theirs.words is not None
    assert theirs.words != ours.words


@simulated
async def test_somebody_in_the_middle_shows_as_a_new_device() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        await talk(*homes)
    theirs, ours = await talk_through(Middle(same_devices=False), alice, bob)

    assert [call.trust and call.trust.reason for call in (theirs, ours)] == [
        Reason.NEW_DEVICE
    ] * 2


@simulated
async def test_somebody_in_the_middle_who_poses_as_known_devices_is_noticed() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        await talk(*homes)
    theirs, ours = await talk_through(Middle(same_devices=True), alice, bob)

    assert [call.trust and call.trust.reason for call in (theirs, ours)] == [
        Reason.MISMATCH
    ] * 2
    assert any(isinstance(news, MicrophoneClosed) for news in heard(ours))


@simulated
async def test_a_microphone_that_stayed_closed_opens_when_the_user_insists() -> None:
    alice, bob = people()
    async with at(Wire(), alice, bob) as homes:
        for call in await talk(*homes):
            await call.compared(matched=False)
    async with at(Wire(), alice, bob) as homes:
        _, ours = await talk(*homes)
        before = media_of(ours).sources_open
        ours.speak_anyway()

        assert not before
        assert media_of(ours).sources_open
