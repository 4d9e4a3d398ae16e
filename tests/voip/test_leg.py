"""A pair of devices: its handshake, its words, and what it leaves in the stores."""

from dataclasses import replace

import pytest

from tests.voip.pairs import (
    NOW,
    Party,
    answer,
    call,
    dial,
    handshake,
    pair,
    party,
    receive,
)
from voip.errors import HandshakeError, MalformedError, TrustError
from voip.handshake.exchange import Invited, Received
from voip.handshake.schedule import Role, SessionKeys
from voip.identity.trust import NONE, Reason, Slots, TrustState
from voip.signalling.control import Control, format_control, parse_control
from voip.signalling.delivery import Path
from voip.signalling.envelope import mailbox_tag
from voip.signalling.messages import Alerting, Confirm


@pytest.fixture
def people() -> tuple[Party, Party]:
    return pair()


def test_both_sides_read_the_same_words(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert caller.sas is not None
    assert caller.sas == callee.sas


def test_both_sides_have_the_same_media_secret(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert len(caller.call_secret) == 64
    assert caller.call_secret == callee.call_secret


def test_both_sides_know_how_either_begins(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert caller.openings is not None
    assert caller.openings == (callee.openings or ())[::-1]
    assert len({*caller.openings}) == 2


def test_both_sides_retain_the_same_secret(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert len(caller.retained) == 64
    assert caller.retained == callee.retained


def test_a_device_can_be_told_of_legs_once_it_said_so(
    people: tuple[Party, Party],
) -> None:
    before = dial(*people)
    caller, callee = handshake(*people)

    assert not before.can_be_told
    assert (caller.can_be_told, callee.can_be_told) == (True, True)


def test_each_side_sends_to_the_mailbox_that_the_other_reads(
    people: tuple[Party, Party],
) -> None:
    caller, callee = handshake(*people)

    assert callee.to.tag == mailbox_tag(caller.mailbox.fetch)
    assert caller.to.tag == mailbox_tag(callee.mailbox.fetch)


def test_what_one_side_seals_the_other_opens(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)
    ctl = format_control(Control(seq=1, ack=0, message=Alerting()))

    assert caller.open(callee.seal(ctl, people[1].entropy)) == ctl
    assert callee.open(caller.seal(ctl, people[0].entropy)) == ctl


def test_a_blob_sent_back_to_its_sender_does_not_open(
    people: tuple[Party, Party],
) -> None:
    caller, _callee = handshake(*people)
    ctl = format_control(Control(seq=1, ack=0, message=Alerting()))
    reflected = caller.seal(ctl, people[0].entropy)

    with pytest.raises(MalformedError, match="not sealed under this key"):
        caller.open(reflected)


def test_two_legs_of_one_call_share_no_key(people: tuple[Party, Party]) -> None:
    alice, bob = people
    first, _ = handshake(alice, bob)
    _, second = handshake(alice, bob)
    ctl = format_control(Control(seq=1, ack=0, message=Alerting()))

    with pytest.raises(MalformedError, match="not sealed under this key"):
        first.open(second.seal(ctl, bob.entropy))


def test_a_callee_has_no_words_before_confirm(people: tuple[Party, Party]) -> None:
    alice, bob = people
    leg = answer(bob, alice, receive(bob, dial(alice, bob).opening))

    assert leg.sas is None


def test_a_caller_has_no_keys_before_ringing(people: tuple[Party, Party]) -> None:
    leg = dial(*people)

    assert not leg.has_keys


def test_a_forged_ringing_does_not_spoil_the_real_one(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    caller = dial(alice, bob)
    callee = answer(bob, alice, receive(bob, caller.opening))
    with pytest.raises(HandshakeError):
        caller.receive_ringing(alice.entropy(4096), now=NOW)

    caller.receive_ringing(callee.opening, now=NOW)

    assert caller.has_keys


def test_a_second_ringing_is_refused(people: tuple[Party, Party]) -> None:
    alice, bob = people
    caller = dial(alice, bob)
    received = receive(bob, caller.opening)
    caller.receive_ringing(answer(bob, alice, received).opening, now=NOW)
    another = answer(bob, alice, received).opening

    with pytest.raises(HandshakeError, match="none is waited for"):
        caller.receive_ringing(another, now=NOW)


def test_a_callee_takes_no_ringing(people: tuple[Party, Party]) -> None:
    _caller, callee = handshake(*people)

    with pytest.raises(HandshakeError, match="none is waited for"):
        callee.receive_ringing(callee.opening, now=NOW)


def test_another_nonce_than_committed_is_refused(people: tuple[Party, Party]) -> None:
    alice, bob = people
    callee = answer(bob, alice, receive(bob, dial(alice, bob).opening))

    with pytest.raises(TrustError, match="not the one that was committed to"):
        callee.check_confirm(Confirm(b"\0" * 32))
    assert callee.sas is None


def test_confirm_opens_the_commitment_of_this_leg_only(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    callee = answer(bob, alice, receive(bob, dial(alice, bob).opening))
    of_another, _ = handshake(alice, bob)

    with pytest.raises(TrustError):
        callee.check_confirm(of_another.confirm())


def test_a_first_call_is_new_to_both(people: tuple[Party, Party]) -> None:
    legs = handshake(*people)

    assert [leg.trust.trust.state for leg in legs] == [TrustState.NEW] * 2


def test_a_second_call_is_continuous_to_both(people: tuple[Party, Party]) -> None:
    alice, bob = people
    call(alice, bob)
    legs = handshake(bob, alice)

    assert [leg.trust.trust.state for leg in legs] == [TrustState.CONTINUOUS] * 2


def test_a_caller_keeps_the_new_secret_alone(people: tuple[Party, Party]) -> None:
    alice, bob = people
    call(alice, bob)
    leg, _ = call(alice, bob)

    assert alice.device(bob).trust.slots == Slots(leg.retained)


def test_a_callee_keeps_the_secret_that_was_used_beside_the_new_one(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    _, first = call(alice, bob)
    _, second = call(alice, bob, alerting_acked=False)

    assert bob.device(alice).trust.slots == Slots(second.retained, first.retained)


def test_a_callee_remembers_that_the_first_call_used_no_secret(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    _, leg = call(alice, bob, alerting_acked=False)

    assert bob.device(alice).trust.slots == Slots(leg.retained, NONE)


def test_a_callee_remembers_the_time_of_the_confirmed_invite(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    call(alice, bob, now=NOW + 7)

    assert bob.device(alice).last_ts_ms == (NOW + 7) * 1000


def test_both_remember_the_certificate_that_was_used(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    call(alice, bob)

    assert alice.device(bob).newest_nbf == bob.vault.call_keys[0].certificate.nbf
    assert bob.device(alice).newest_nbf == alice.vault.call_keys[0].certificate.nbf


def test_a_thief_of_the_identity_cannot_make_the_true_device_look_rolled_back() -> None:
    alice, bob = pair()
    call(alice, bob)
    honest = bob.device(alice).newest_nbf
    thief = party("alice", now=NOW + 1000)  # the same device id, no secret kept
    thief.meet(bob)

    call(thief, bob, now=NOW + 2000)

    assert bob.device(alice).trust.trust.state is TrustState.BROKEN
    assert bob.device(alice).newest_nbf == honest


def test_a_thief_of_the_identity_is_broken_to_the_callee_and_not_kept(
    people: tuple[Party, Party],
) -> None:
    """The thief has identity and device id, and lacks the retained secret."""
    alice, bob = people
    call(alice, bob)
    kept = bob.device(alice).trust.slots
    thief = party("alice")
    thief.meet(bob)
    _, leg = handshake(thief, bob)

    after = leg.committed(bob.device(alice), NOW)

    assert (after.trust.trust.state, after.trust.trust.reason) == (
        TrustState.BROKEN,
        Reason.MISMATCH,
    )
    assert after.trust.slots == kept


def test_a_thief_who_answers_is_broken_to_the_caller(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    call(alice, bob)
    thief = replace(bob, vault=party("bob").vault)
    thief.meet(alice)
    leg, _ = handshake(alice, thief)

    judged = leg.judged(alice.device(bob), NOW)

    assert leg.trust.trust.state is TrustState.BROKEN
    assert judged.trust == leg.trust


def test_no_private_half_outlives_the_handshake(
    people: tuple[Party, Party],
) -> None:
    legs = handshake(*people)
    for leg in legs:
        leg.forget_call_secret()
    held = [type(value) for leg in legs for value in vars(leg).values()]

    assert not {Invited, Received, SessionKeys} & {*held}
    assert [leg.call_secret for leg in legs] == [b"", b""]
    assert [leg.openings for leg in legs] == [None, None]


def test_a_leg_is_named_by_the_invites_ephemeral_key_on_both_sides(
    people: tuple[Party, Party],
) -> None:
    caller, callee = handshake(*people)

    assert caller.e_a == callee.e_a == caller.opening[:32]


def test_repr_shows_role_and_device_and_nothing_secret(
    people: tuple[Party, Party],
) -> None:
    caller, callee = handshake(*people)

    assert repr(caller) == f"Leg(caller, {people[1].vault.device_id.hex()})"
    assert repr(callee) == f"Leg(callee, {people[0].vault.device_id.hex()})"


def test_only_the_callee_answered_an_invite(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert (caller.answered_ts_ms, callee.answered_ts_ms) == (0, NOW * 1000)


def test_roles_are_those_of_the_handshake(people: tuple[Party, Party]) -> None:
    caller, callee = handshake(*people)

    assert (caller.role, callee.role) == (Role.CALLER, Role.CALLEE)


@pytest.mark.parametrize("at", range(0, 4096, 97))
def test_a_control_blob_with_a_changed_byte_does_not_open(
    people: tuple[Party, Party], at: int
) -> None:
    caller, callee = handshake(*people)
    ctl = format_control(Control(seq=1, ack=1, message=Alerting()))
    blob = bytearray(callee.seal(ctl, people[1].entropy))
    blob[at] ^= 0x10

    with pytest.raises(MalformedError):
        caller.open(bytes(blob))


def test_confirm_is_the_first_of_its_sequence(people: tuple[Party, Party]) -> None:
    caller, _callee = handshake(*people)
    caller.delivery.send(caller.confirm())
    (ctl,) = caller.delivery.due(0.0, Path.MAILBOX)

    assert parse_control(ctl).seq == 1
