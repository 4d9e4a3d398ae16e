"""What becomes of an INVITE, rule by rule; nothing here can ring a human."""

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.voip.pairs import (
    NOW,
    Party,
    call,
    dial,
    offer,
    pair,
    party,
    receive,
)
from voip.handshake.exchange import Received
from voip.handshake.payload import Mode, Offer, Readiness
from voip.handshake.replay import ReplayGuard
from voip.identity.contact import MAX_DEVICES
from voip.identity.trust import Reason, TrustState
from voip.identity.vault import Busy, Settings, Strangers
from voip.reception import (
    Decision,
    Ignore,
    NoteBroken,
    NoteMissed,
    NoteStranger,
    Ongoing,
    Respond,
    judge_invite,
)

OTHER_CALL, OTHER_DEVICE = b"o" * 16, b"d" * 16


def judge(
    callee: Party,
    received: Received,
    *,
    ongoing: tuple[Ongoing, ...] = (),
    guard: ReplayGuard | None = None,
    now: int = NOW,
) -> Decision:
    return judge_invite(
        received,
        callee.vault,
        guard or ReplayGuard(),
        ongoing=ongoing,
        now_ms=now * 1000,
    )


def invited(caller: Party, callee: Party, asking: Offer | None = None) -> Received:
    return receive(callee, dial(caller, callee, asking=asking).opening)


def setting(callee: Party, settings: Settings) -> Party:
    return replace(callee, vault=replace(callee.vault, settings=settings))


def talking(*, to: bytes = OTHER_DEVICE, invite: bytes | None = None) -> Ongoing:
    return Ongoing(OTHER_CALL, {to: invite}, is_active=True)


@pytest.fixture
def people() -> tuple[Party, Party]:
    return pair()


def test_a_contact_is_answered(people: tuple[Party, Party]) -> None:
    alice, bob = people

    assert judge(bob, invited(alice, bob)) == Respond(
        bob.device(alice), Readiness.WILL_RING
    )


def test_a_new_device_of_a_contact_is_answered(people: tuple[Party, Party]) -> None:
    alice, bob = people
    call(alice, bob)
    second = party("alice", device="second")
    second.meet(bob)
    decision = judge(bob, invited(second, bob))

    assert isinstance(decision, Respond)
    assert decision.device.trust.trust.reason is Reason.NEW_DEVICE


def test_our_own_identity_is_ignored(people: tuple[Party, Party]) -> None:
    _, bob = people
    ours = party("bob", device="second")
    ours.meet(bob)

    assert judge(bob, invited(ours, bob)) == Ignore("invite from our own identity")


def test_a_stranger_is_noted_and_not_answered(people: tuple[Party, Party]) -> None:
    _, bob = people
    eve = party("eve")
    eve.meet(bob)

    assert judge(bob, invited(eve, bob)) == NoteStranger(eve.vault.identity, "eve")


def test_strangers_together_are_noted_thirty_times_an_hour(
    people: tuple[Party, Party],
) -> None:
    """Each could come under a new identity, and each is a write of the store."""
    _, bob = people
    eve, guard = party("eve"), ReplayGuard()
    eve.meet(bob)
    received = invited(eve, bob)
    for _ in range(30):
        judge(bob, received, guard=guard)

    assert judge(bob, received, guard=guard) == Ignore(
        "noted invites: at most 30 an hour, came another"
    )


def test_who_makes_devices_without_end_does_not_fill_the_store(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    for number in range(MAX_DEVICES):
        bob.keep(alice, bob.contact(alice).device(bytes([number]) * 16, NOW))
    one_more = party("alice", device="one more")
    one_more.meet(bob)
    decision = judge(bob, invited(one_more, bob))

    assert isinstance(decision, Ignore)
    assert decision.reason.startswith("contact: at most 64 devices")


def test_a_stranger_without_a_name_is_noted(people: tuple[Party, Party]) -> None:
    _, bob = people
    eve = party("eve")
    eve.meet(bob)
    nameless = replace(offer(eve), alias=None)

    assert judge(bob, invited(eve, bob, nameless)) == NoteStranger(
        eve.vault.identity, ""
    )


def test_a_stranger_is_ignored_where_the_user_wants_that(
    people: tuple[Party, Party],
) -> None:
    bob = setting(people[1], Settings(strangers=Strangers.IGNORE))
    eve = party("eve")
    eve.meet(bob)

    assert judge(bob, invited(eve, bob)) == Ignore("invite from a stranger")


def test_a_stranger_is_answered_where_the_user_wants_that(
    people: tuple[Party, Party],
) -> None:
    bob = setting(people[1], Settings(strangers=Strangers.RING))
    eve = party("eve")
    eve.meet(bob)
    decision = judge(bob, invited(eve, bob))

    assert isinstance(decision, Respond)
    assert decision.device.trust.trust.state is TrustState.NEW


def test_a_blocked_device_is_ignored(people: tuple[Party, Party]) -> None:
    alice, bob = people
    bob.keep_contact(bob.contact(alice).with_blocked(alice.vault.device_id, NOW))

    assert judge(bob, invited(alice, bob)) == Ignore("invite from a blocked device")


def test_a_relay_of_the_callers_choice_is_not_used(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    elsewhere = replace(offer(alice), relay="192.0.2.1:443 -")

    assert judge(bob, invited(alice, bob, elsewhere)) == Ignore(
        "invite that names another relay"
    )


def test_a_late_invite_is_a_missed_call(people: tuple[Party, Party]) -> None:
    alice, bob = people
    received = receive(bob, dial(alice, bob).opening, now=NOW + 61)

    assert judge(bob, received, now=NOW + 61) == NoteMissed(bob.contact(alice))


def test_late_invites_cannot_fill_the_call_log(people: tuple[Party, Party]) -> None:
    alice, bob = people
    received = receive(bob, dial(alice, bob).opening, now=NOW + 61)
    guard = ReplayGuard()
    for _ in range(30):
        judge(bob, received, now=NOW + 61, guard=guard)

    assert judge(bob, received, now=NOW + 61, guard=guard) == Ignore(
        "noted invites: at most 30 an hour, came another"
    )


def test_an_invite_is_judged_once(people: tuple[Party, Party]) -> None:
    alice, bob = people
    guard = ReplayGuard()
    received = invited(alice, bob)
    judge(bob, received, guard=guard)

    assert judge(bob, received, guard=guard) == Ignore("invite was seen before")


def test_an_invite_older_than_the_last_confirmed_is_a_replay(
    people: tuple[Party, Party],
) -> None:
    """Only the store can say so: the replay guard forgets when we restart."""
    alice, bob = people
    held_back = dial(alice, bob).opening
    call(alice, bob, now=NOW + 1)

    assert judge(bob, receive(bob, held_back, now=NOW + 2), now=NOW + 2) == Ignore(
        "invite is not newer than the last confirmed one"
    )


def test_an_older_certificate_breaks_the_trust(people: tuple[Party, Party]) -> None:
    alice, bob = people
    newest = alice.vault.call_keys[0].certificate.nbf
    bob.keep(alice, replace(bob.device(alice), newest_nbf=newest + 1))
    decision = judge(bob, invited(alice, bob))

    assert isinstance(decision, NoteBroken)
    assert decision.reason is Reason.ROLLBACK


def test_another_mode_breaks_the_trust(people: tuple[Party, Party]) -> None:
    alice, bob = people
    lower = replace(offer(alice), mode=Mode.DTLS_BIND, fingerprint=b"f" * 32)
    decision = judge(bob, invited(alice, bob, lower))

    assert isinstance(decision, NoteBroken)
    assert decision.reason is Reason.DOWNGRADE


def thief_of(alice: Party, bob: Party) -> Party:
    """Take the identity and the device id of somebody who called before."""
    call(alice, bob, now=NOW - 60)
    thief = party("alice")
    thief.meet(bob)
    return thief


def test_a_missing_secret_is_answered_and_shown(people: tuple[Party, Party]) -> None:
    alice, bob = people
    thief = thief_of(alice, bob)

    assert isinstance(judge(bob, invited(thief, bob)), Respond)


def test_a_missing_secret_gets_no_answer_from_the_strict(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    thief = thief_of(alice, bob)
    decision = judge(setting(bob, Settings(strict=True)), invited(thief, bob))

    assert isinstance(decision, NoteBroken)
    assert decision.reason is Reason.MISMATCH


def test_the_strict_answer_who_has_the_secret(people: tuple[Party, Party]) -> None:
    alice, bob = people
    call(alice, bob, now=NOW - 60)
    strict = setting(bob, Settings(strict=True))

    assert isinstance(judge(strict, invited(alice, bob)), Respond)


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        (Busy.TELL, Readiness.BUSY),
        (Busy.RING, Readiness.WILL_RING),
    ],
)
def test_somebody_else_hears_what_the_user_chose_while_busy(
    people: tuple[Party, Party], busy: Busy, expected: Readiness
) -> None:
    alice, bob = people
    decision = judge(
        setting(bob, Settings(busy=busy)), invited(alice, bob), ongoing=(talking(),)
    )

    assert decision == Respond(bob.device(alice), expected)


@pytest.mark.parametrize(
    ("room", "expected"), [(b"r" * 16, Readiness.WILL_RING), (None, Readiness.BUSY)]
)
def test_a_call_of_a_room_we_are_in_rings_beside_another(
    people: tuple[Party, Party], room: bytes | None, expected: Readiness
) -> None:
    alice, bob = people
    asking = replace(offer(alice, now=NOW), group=room)
    decision = judge_invite(
        invited(alice, bob, asking),
        bob.vault,
        ReplayGuard(),
        ongoing=(talking(),),
        now_ms=NOW * 1000,
        rooms={b"r" * 16},
    )

    assert decision == Respond(bob.device(alice), expected)


def test_somebody_else_hears_nothing_from_the_silent_while_busy(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    silent = setting(bob, Settings(busy=Busy.SILENT))

    assert judge(silent, invited(alice, bob), ongoing=(talking(),)) == Ignore(
        "invite while busy"
    )


def test_an_unconfirmed_invite_keeps_nobody_busy(people: tuple[Party, Party]) -> None:
    """Or whoever replays INVITEs could keep everybody else out."""
    alice, bob = people
    waiting = Ongoing(OTHER_CALL, {OTHER_DEVICE: None}, is_active=False)

    assert judge(bob, invited(alice, bob), ongoing=(waiting,)) == Respond(
        bob.device(alice), Readiness.WILL_RING
    )


def test_the_same_device_calling_again_replaces_its_call(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    old = talking(to=alice.vault.device_id)

    assert judge(bob, invited(alice, bob), ongoing=(old,)) == Respond(
        bob.device(alice), Readiness.WILL_RING, supersedes=(OTHER_CALL,)
    )


def test_an_older_invite_does_not_replace_a_newer_one(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    newer = Ongoing(
        OTHER_CALL,
        {alice.vault.device_id: None},
        answered_ts_ms=NOW * 1000 + 1,
        is_active=False,
    )

    assert judge(bob, invited(alice, bob), ongoing=(newer,)) == Ignore(
        "invite older than one that was answered"
    )


def test_of_two_calls_at_once_both_sides_let_the_same_survive(
    people: tuple[Party, Party],
) -> None:
    alice, bob = people
    to_bob, to_alice = dial(alice, bob), dial(bob, alice)
    at_bob = judge(
        bob,
        receive(bob, to_bob.opening),
        ongoing=(talking(to=alice.vault.device_id, invite=to_alice.e_a),),
    )
    at_alice = judge(
        alice,
        receive(alice, to_alice.opening),
        ongoing=(talking(to=bob.vault.device_id, invite=to_bob.e_a),),
    )
    alices_survives = sha256(to_bob.e_a).digest() < sha256(to_alice.e_a).digest()
    ours_survives = Ignore("")

    assert at_bob == (
        Respond(bob.device(alice), Readiness.WILL_RING, concedes=OTHER_CALL)
        if alices_survives
        else ours_survives
    )
    assert at_alice == (
        ours_survives
        if alices_survives
        else Respond(alice.device(bob), Readiness.WILL_RING, concedes=OTHER_CALL)
    )


@pytest.mark.parametrize("survives", [True, False])
def test_the_lower_hash_survives(
    people: tuple[Party, Party],
    *,
    survives: bool,
) -> None:
    alice, bob = people
    received = invited(alice, bob)
    theirs = sha256(received.e_a).digest()
    ours = next(
        e
        for e in (n.to_bytes(32, "big") for n in range(10_000))
        if (sha256(e).digest() < theirs) is survives
    )
    decision = judge(
        bob, received, ongoing=(talking(to=alice.vault.device_id, invite=ours),)
    )

    assert isinstance(decision, Ignore if survives else Respond)


def test_the_id_of_a_call_that_is_going_on_is_refused(
    people: tuple[Party, Party],
) -> None:
    """Calls are found by their id, so a caller must not choose another call's."""
    alice, bob = people
    asking = offer(alice)
    going_on = Ongoing(asking.call_id, {}, is_active=False)

    assert judge(bob, invited(alice, bob, asking), ongoing=(going_on,)) == Ignore(
        "invite with the id of another call"
    )
