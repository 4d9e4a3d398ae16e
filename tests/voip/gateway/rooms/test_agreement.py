"""Who concludes something else from the list of members, and for how long he may."""

from voip.gateway.rooms.agreement import (
    ALARM_S,
    BEHIND_S,
    LONGEST_S,
    Agreement,
    roster_digest,
)
from voip.signalling.group import Roster

GROUP = b"\x07" * 16
BOB, CAROL = b"\x02" * 48, b"\x03" * 48
HEARD = frozenset({BOB})
PLENTY_S = 100.0


def concluding(epoch: int) -> Roster:
    return Roster(GROUP, epoch, digest=roster_digest(GROUP, epoch, [BOB]))


OURS, LESS, MORE = map(concluding, (5, 4, 6))


def agreement(said: Roster | None = None) -> Agreement:
    """Ours, with Bob, who says something or nothing."""
    found = Agreement(OURS)
    if said is not None:
        found.take(BOB, said)
    found.compare(OURS, HEARD, 0.0)
    return found


def test_members_are_hashed_in_their_order() -> None:
    assert roster_digest(GROUP, 1, [BOB, CAROL]) == roster_digest(
        GROUP, 1, [CAROL, BOB]
    )


def test_who_says_the_same_agrees() -> None:
    found = agreement(OURS)

    assert found.is_whole
    assert not found.differing(PLENTY_S)


def test_who_says_nothing_has_15_seconds() -> None:
    found = agreement()

    assert not found.is_whole
    assert not found.differing(BEHIND_S - 0.1)
    assert found.differing(BEHIND_S) == {BOB}


def test_who_knows_less_has_15_seconds() -> None:
    found = agreement(LESS)

    assert not found.differing(BEHIND_S - 0.1)
    assert found.differing(BEHIND_S) == {BOB}


def test_who_contradicts_has_5_seconds() -> None:
    found = agreement(MORE)

    assert not found.differing(ALARM_S - 0.1)
    assert found.differing(ALARM_S) == {BOB}


def test_when_our_list_changes_all_have_time_to_follow() -> None:
    found = agreement(concluding(9))
    found.compare(MORE, HEARD, 4.0)

    assert not found.differing(4.0 + ALARM_S - 0.1)
    assert found.differing(4.0 + ALARM_S) == {BOB}


def test_nobody_hides_behind_changes_for_ever() -> None:
    found = agreement(concluding(99))
    for second in range(int(LONGEST_S)):
        found.compare(concluding(6 + second), HEARD, float(second))

    assert not found.differing(LONGEST_S - 1.0)
    assert found.differing(LONGEST_S) == {BOB}


def test_who_is_heard_no_more_is_not_asked() -> None:
    found = agreement(MORE)
    found.forget(BOB, 1.0)
    found.compare(OURS, frozenset(), 1.0)

    assert found.is_whole
    assert not found.differing(PLENTY_S)


def test_an_alarm_does_not_end_by_hanging_up() -> None:
    found = agreement(MORE)
    found.forget(BOB, ALARM_S)
    found.compare(OURS, frozenset(), ALARM_S)

    assert found.differing(PLENTY_S) == {BOB}


def test_an_alarm_of_who_left_ends_when_they_come_back_and_agree() -> None:
    found = agreement(MORE)
    found.forget(BOB, ALARM_S)
    found.take(BOB, OURS)
    found.compare(OURS, HEARD, PLENTY_S)

    assert not found.differing(2 * PLENTY_S)
