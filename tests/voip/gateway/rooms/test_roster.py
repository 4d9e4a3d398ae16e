"""Members of a room come to one list, and notice who holds another."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voip.gateway.gossiping import GROUP, Gossip, key
from voip.errors import LimitError
from voip.gateway.rooms.agreement import (
    ALARM_S,
    BEHIND_S,
    LONGEST_S,
    roster_digest,
)
from voip.gateway.rooms.roster import (
    BELIEF_S,
    LOST_S,
    MAX_FIRST,
    MAX_RAISE,
    Membership,
)
from voip.identity.trust import TrustState
from voip.signalling.group import MAX_COUNT, MAX_SEATS, Members, Roster, Seat
from voip.signalling.messages import format_message

ALICE, BOB, CAROL, DAVE = map(key, ("alice", "bob", "carol", "dave"))
PLENTY_S = 100.0  # for everything that waits for anything


def room(*names: str) -> Gossip:
    """Let people enter one after the other, each by the first one's invitation."""
    gossip = Gossip()
    first, *others = names
    gossip.open(first)
    for name in others:
        gossip.invite(name, by=first)
        gossip.run(5)
    return gossip


def alone_with_bob() -> Membership:
    alice = Membership(GROUP, ALICE, is_opener=True)
    alice.linked(BOB, 0.0)
    return alice


def telling(*seats: Seat, hand: bool = False) -> Members:
    return Members(GROUP, tuple(sorted(seats, key=lambda seat: seat.key)), hand=hand)


def test_the_example_of_the_format_holds() -> None:
    one, two, three = (bytes([n]) * 32 + bytes([16 + n]) * 16 for n in (1, 2, 3))
    group = bytes(range(16))
    verified = Seat(two, 3, is_heard=True, trust=TrustState.VERIFIED)
    seats = Seat(one, 1), verified, Seat(three, 2, is_unknown=True)
    kind, fields = format_message(Members(group, seats, hand=True))
    digest = roster_digest(group, 6, [two, one])

    assert (kind, len(fields)) == (27, 177)
    assert sha256(fields).hexdigest()[:32] == "66feae577a0f9009c11d48202d4615b8"
    assert digest.hex()[:32] == "588fcb53746a036c3b1d4bb71c5aa3b4"


def test_all_come_to_one_list() -> None:
    gossip = room("alice", "bob", "carol", "dave")

    assert {each.roster() for each in gossip.people.values()} == {
        gossip.people["alice"].roster()
    }


def test_everybody_hears_everybody() -> None:
    gossip = room("alice", "bob", "carol")

    assert len(gossip.links) == 6


def test_who_leaves_is_gone_at_once() -> None:
    gossip = room("alice", "bob", "carol")
    gossip.leave("bob")

    assert gossip.members("carol") == ["alice", "carol"]


def test_who_crashes_is_a_member_for_30_seconds() -> None:
    gossip = room("alice", "bob", "carol")
    gossip.crash("bob")
    gossip.run(LOST_S - 1)

    assert "bob" in gossip.members("carol")


def test_who_crashes_is_gone_in_the_end() -> None:
    gossip = room("alice", "bob", "carol")
    gossip.crash("bob")
    gossip.run(LOST_S + 5)

    assert gossip.members("carol") == ["alice", "carol"]


def test_who_is_heard_by_one_other_stays() -> None:
    gossip = room("alice", "bob", "carol")
    for one, other in (("alice", "bob"), ("bob", "alice")):
        gossip.links.discard((one, other))
        gossip.people[one].unlinked(key(other), gossip.now, left=False)
    gossip.people["alice"].describe(BOB, TrustState.NEW, is_unknown=True)
    gossip.run(PLENTY_S)

    assert gossip.members("alice") == ["alice", "bob", "carol"]


def test_who_comes_back_is_a_member_again() -> None:
    gossip = room("alice", "bob", "carol")
    gossip.leave("bob")
    gossip.run(5)
    gossip.invite("bob", by="carol")
    gossip.run(5)

    assert gossip.members("alice") == gossip.members("bob") == ["alice", "bob", "carol"]


def test_nobody_can_remove_somebody_whom_we_hear() -> None:
    alice = alone_with_bob()
    alice.linked(CAROL, 0.0)
    alice.take(CAROL, telling(Seat(BOB, 2)), 1.0)
    alice.tick(1.0 + BELIEF_S)

    assert alice.is_in(BOB)


def test_what_is_said_of_who_is_leaving_is_believed_for_a_moment() -> None:
    alice = alone_with_bob()
    alice.linked(CAROL, 0.0)
    alice.take(CAROL, telling(Seat(BOB, 2)), 1.0)
    alice.tick(BELIEF_S)

    assert not alice.is_in(BOB)


def test_nobody_can_remove_ourselves() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(ALICE, 2)), 1.0)

    assert alice.is_in(ALICE)


def test_who_leaves_says_so() -> None:
    alice = alone_with_bob()
    alice.leave()
    alice.tick(1.0)

    assert alice.message().seats[0] == Seat(ALICE, 2)


def test_a_hang_up_that_was_told_before_it_came_counts_once() -> None:
    alice = alone_with_bob()
    alice.linked(CAROL, 0.0)
    alice.take(CAROL, telling(Seat(BOB, 2)), 1.0)
    alice.unlinked(BOB, 1.1, left=True)
    alice.tick(PLENTY_S)

    assert not alice.is_in(BOB)


def test_a_count_that_leaps_is_left_out() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(BOB, 2 + MAX_RAISE)), 1.0)

    assert alice.epoch == 2


def test_a_first_count_that_leaps_is_left_out() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(CAROL, MAX_FIRST + 1)), 1.0)

    assert not alice.is_in(CAROL)


def test_a_count_that_nobody_reaches_is_left_out() -> None:
    alice = alone_with_bob()
    alice._known[BOB].count = MAX_COUNT // 2
    alice.take(BOB, telling(Seat(BOB, MAX_COUNT // 2 + 1)), 1.0)

    assert alice._known[BOB].count == MAX_COUNT // 2


def test_a_lower_count_is_old_news() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(CAROL, 2)), 1.0)
    alice.take(BOB, telling(Seat(CAROL, 1)), 2.0)

    assert not alice.is_in(CAROL)


def test_a_17th_device_is_left_out() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(*(Seat(key(f"m{i:02}"), 1) for i in range(16))), 1.0)

    assert len(alice.message().seats) == MAX_SEATS


def test_a_17th_device_cannot_be_linked() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(*(Seat(key(f"m{i:02}"), 1) for i in range(16))), 1.0)

    with pytest.raises(LimitError, match="16 devices"):
        alice.linked(key("zoe"), 2.0)


def test_six_are_a_full_room() -> None:
    gossip = room("alice", "bob", "carol", "dave", "erin", "frank")

    with pytest.raises(LimitError, match="6 people"):
        gossip.people["carol"].check_room()


def test_there_is_room_for_a_second() -> None:
    Membership(GROUP, ALICE).check_room()


def test_who_comes_as_the_seventh_must_go() -> None:
    gossip = room("alice", "bob", "carol", "dave", "erin", "frank", "grace")

    assert [n for n, who in gossip.people.items() if who.must_go()] == ["grace"]


def test_who_is_in_the_list_may_come_in() -> None:
    alice = alone_with_bob()

    assert alice.judge_caller(BOB, TrustState.NEW, sessions=0, waited_s=0.0) == ""


def test_who_is_in_no_list_waits_for_a_moment() -> None:
    alice = alone_with_bob()
    verdict = alice.judge_caller(CAROL, TrustState.VERIFIED, sessions=1, waited_s=9.9)

    assert verdict is None


def test_who_is_in_no_list_stays_outside() -> None:
    alice = alone_with_bob()
    verdict = alice.judge_caller(CAROL, TrustState.VERIFIED, sessions=1, waited_s=10.0)

    assert verdict == "nobody in the room has asked them to come"


def test_a_full_room_lets_nobody_in() -> None:
    alice = alone_with_bob()
    verdict = alice.judge_caller(BOB, TrustState.NEW, sessions=5, waited_s=0.0)

    assert verdict == "the room is full"


def test_who_may_not_be_who_he_was_stays_outside() -> None:
    alice = alone_with_bob()
    verdict = alice.judge_caller(BOB, TrustState.BROKEN, sessions=0, waited_s=0.0)

    assert verdict == "the trust in them is broken"


# Agreement.


def test_who_concludes_the_same_raises_no_alarm() -> None:
    gossip = room("alice", "bob", "carol")
    gossip.run(PLENTY_S)

    assert not gossip.people["alice"].differing(gossip.now)


def test_a_forged_roster_is_an_alarm_after_5_seconds() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 2, digest=bytes(32)), 0.0)

    assert alice.differing(ALARM_S) == {BOB}


def test_a_forged_roster_is_no_alarm_before() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 2, digest=bytes(32)), 0.0)

    assert not alice.differing(ALARM_S - 0.1)


def test_who_says_nothing_of_the_roster_is_an_alarm_in_the_end() -> None:
    alice = alone_with_bob()

    assert not alice.differing(BEHIND_S - 0.1)
    assert alice.differing(BEHIND_S) == {BOB}


def test_who_knows_less_for_long_is_an_alarm() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 1, digest=bytes(32)), 0.0)

    assert not alice.differing(BEHIND_S - 0.1)
    assert alice.differing(BEHIND_S) == {BOB}


def test_who_claims_to_know_more_is_an_alarm_after_5_seconds() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 3, digest=bytes(32)), 0.0)

    assert alice.differing(ALARM_S) == {BOB}


def test_who_agrees_again_ends_the_alarm() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, alice.roster(), BEHIND_S)

    assert not alice.differing(PLENTY_S)


def test_after_a_change_there_is_time_to_follow() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 9, digest=bytes(32)), 0.0)
    alice.linked(CAROL, 4.0)

    assert not alice.differing(4.0 + ALARM_S - 0.1)


def test_nobody_hides_behind_changes_for_ever() -> None:
    alice = alone_with_bob()
    alice.linked(CAROL, 0.0)
    for second in range(int(LONGEST_S) + 1):
        seat = Seat(DAVE, second + 1)
        alice.take(CAROL, telling(seat), float(second))

    assert BOB in alice.differing(LONGEST_S)


def test_who_is_not_heard_is_not_asked_to_agree() -> None:
    alice = alone_with_bob()
    alice.unlinked(BOB, 1.0, left=False)

    assert not alice.differing(PLENTY_S)


def test_an_alarm_does_not_end_by_hanging_up() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 2, digest=bytes(32)), 0.0)
    alice.unlinked(BOB, ALARM_S, left=True)

    assert alice.differing(PLENTY_S) == {BOB}


def test_an_alarm_of_who_left_ends_when_they_come_back_and_agree() -> None:
    alice = alone_with_bob()
    alice.take_roster(BOB, Roster(GROUP, 2, digest=bytes(32)), 0.0)
    alice.unlinked(BOB, ALARM_S, left=True)
    alice.linked(BOB, PLENTY_S)
    alice.take_roster(BOB, alice.roster(), PLENTY_S)

    assert not alice.differing(2 * PLENTY_S)


def test_who_adds_members_for_one_other_only_is_found_out_by_all() -> None:
    gossip = room("alice", "bob", "carol")
    bob = gossip.people["bob"]
    forged = replace(bob.message(), seats=(*bob.message().seats, Seat(DAVE, 1)))
    gossip.people["alice"].take(BOB, forged, gossip.now)
    gossip.run(3)

    assert all("dave" in gossip.members(name) for name in gossip.people)


# Who calls, and who is introduced.


def test_of_two_the_lower_key_calls() -> None:
    bob = Membership(GROUP, BOB)
    bob.linked(CAROL, 0.0)
    bob.take(CAROL, telling(Seat(ALICE, 1), Seat(DAVE, 1)), 0.0)

    assert bob.to_dial() == (DAVE,)


def test_who_is_not_in_our_address_book_cannot_be_called() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(CAROL, 1)), 0.0)
    alice.describe(CAROL, TrustState.NEW, is_unknown=True)

    assert alice.to_dial() == ()


@pytest.mark.parametrize("held", [ALICE, BOB], ids=["ours", "theirs"])
def test_a_second_device_of_a_member_is_not_called(held: bytes) -> None:
    alice = alone_with_bob()
    second = held[:32] + b"~" * 16
    alice.take(BOB, telling(Seat(second, 1)), 0.0)

    assert alice.to_dial() == ()


def introducing(trust: TrustState) -> Membership:
    alice = alone_with_bob()
    alice.linked(CAROL, 0.0)
    alice.describe(CAROL, trust, is_unknown=False)
    alice.take(BOB, telling(Seat(CAROL, 1, is_unknown=True)), 1.0)
    return alice


def test_who_lacks_a_member_is_introduced() -> None:
    assert introducing(TrustState.CONTINUOUS).to_introduce() == ((BOB, CAROL),)


def test_nobody_is_introduced_twice() -> None:
    alice = introducing(TrustState.VERIFIED)
    alice.to_introduce()

    assert alice.to_introduce() == ()


@pytest.mark.parametrize("trust", [TrustState.NEW, TrustState.BROKEN])
def test_who_was_never_recognised_is_not_introduced(trust: TrustState) -> None:
    assert introducing(trust).to_introduce() == ()


def test_who_is_recognised_later_is_introduced_then() -> None:
    alice = introducing(TrustState.NEW)
    alice.to_introduce()
    alice.describe(CAROL, TrustState.VERIFIED, is_unknown=False)

    assert alice.to_introduce() == ((BOB, CAROL),)


def test_who_is_gone_is_not_introduced() -> None:
    alice = introducing(TrustState.VERIFIED)
    alice.unlinked(CAROL, 2.0, left=True)

    assert alice.to_introduce() == ()


def test_who_is_in_no_list_of_ours_is_not_introduced() -> None:
    alice = alone_with_bob()
    leaping = Seat(CAROL, MAX_FIRST + 1, is_unknown=True)
    alice.take(BOB, telling(leaping), 1.0)

    assert alice.to_introduce() == ()


# What is shown.


def test_a_raised_hand_is_seen() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(hand=True), 0.0)

    assert alice.hand_of(BOB)


def test_our_own_hand_is_told() -> None:
    alice = alone_with_bob()
    alice.hand = True

    assert alice.message().hand
    assert alice.hand_of(ALICE)


def test_who_says_nothing_raises_no_hand() -> None:
    assert not alone_with_bob().hand_of(BOB)


def test_who_hears_a_member_is_known() -> None:
    alice = alone_with_bob()
    alice.take(BOB, telling(Seat(CAROL, 1, is_heard=True)), 0.0)

    assert alice.hearers(CAROL) == (BOB,)


def test_that_we_hear_a_member_counts() -> None:
    assert alone_with_bob().hearers(BOB) == (ALICE,)


def test_each_says_how_far_a_member_is_trusted() -> None:
    alice = alone_with_bob()
    seat = Seat(CAROL, 1, is_heard=True, trust=TrustState.VERIFIED)
    alice.take(BOB, telling(seat), 0.0)

    assert alice.trusts(CAROL) == {BOB: TrustState.VERIFIED}


def test_our_own_word_is_told() -> None:
    alice = alone_with_bob()
    alice.describe(BOB, TrustState.VERIFIED, is_unknown=False)

    assert alice.message().seats[1] == Seat(
        BOB, 1, is_heard=True, trust=TrustState.VERIFIED
    )


# Whatever happens.

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["come", "leave", "crash"]),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.integers(0, 12),
    ),
    max_size=24,
)


def live(events: list[tuple[str, str, str, int]]) -> Gossip:
    gossip = Gossip()
    gossip.open("alice")
    for what, who, by, seconds in events:
        is_there = who in gossip.people
        if what == "come" and not is_there and by in gossip.people:
            gossip.invite(who, by=by)
        elif what == "leave" and is_there:
            gossip.leave(who)
        elif what == "crash" and is_there:
            gossip.crash(who)
        gossip.run(seconds)
    gossip.run(PLENTY_S)
    return gossip


@given(EVENTS)
@settings(max_examples=60)
def test_who_hear_each_other_end_with_one_list(
    events: list[tuple[str, str, str, int]],
) -> None:
    gossip = live(events)

    assert all(
        gossip.people[one].roster() == gossip.people[other].roster()
        for one, other in gossip.links
    )


@given(EVENTS)
@settings(max_examples=60)
def test_in_the_end_exactly_those_are_members_who_are_heard(
    events: list[tuple[str, str, str, int]],
) -> None:
    gossip = live(events)

    assert all(
        set(gossip.members(name))
        == {name} | {other for one, other in gossip.links if one == name}
        for name in gossip.people
    )
