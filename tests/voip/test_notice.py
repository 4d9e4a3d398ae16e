"""Who was told of which legs: both sides stay shut until the device has shown them."""

from dataclasses import replace

import pytest

from voip.errors import MalformedError, UnexpectedEventError
from voip.identity.vault import OnLegs
from voip.notice import Notice, Told, is_weaker
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
    host="pbx.example",
    stage=LegStage.JOINED,
    authenticated=True,
    words_matched=True,
)
ANNOUNCED = replace(PHONE, stage=LegStage.ANNOUNCED)
WEAKER = replace(PHONE, mark=Mark.NOT_ENCRYPTED)


def shown(version: int) -> LegsAck:
    return LegsAck(version, Shown.SHOWN)


def refused(version: int) -> LegsAck:
    return LegsAck(version, Shown.REFUSED)


@pytest.mark.parametrize(
    "changed",
    [
        replace(PHONE, mark=Mark.NOT_ENCRYPTED),
        replace(PHONE, host="other.example"),
        replace(PHONE, kind=LegKind.BROWSER),
        replace(PHONE, authenticated=False),
        replace(PHONE, words_matched=False),
    ],
    ids=["mark", "host", "kind", "authenticated", "words"],
)
def test_a_leg_is_weaker_by(changed: ListedLeg) -> None:
    assert is_weaker(changed, PHONE)


@pytest.mark.parametrize(
    "changed",
    [PHONE, replace(PHONE, mark=Mark.BROWSER_GUEST)],
    ids=["nothing", "mark"],
)
def test_a_leg_is_not_weaker_by(changed: ListedLeg) -> None:
    assert not is_weaker(changed, PHONE)


def told(*lists: Legs) -> Told:
    each = Told()
    for legs in lists:
        each.tell(legs)
    return each


def test_without_legs_everything_passes() -> None:
    assert Told().is_open
    assert told(Legs(1)).is_open


def test_a_leg_that_joined_shuts_until_it_was_shown() -> None:
    each = told(Legs(1, (PHONE,)))
    before = each.is_open
    each.answer(shown(1))

    assert (before, each.is_open) == (False, True)


def test_a_leg_that_is_announced_shuts_nothing() -> None:
    assert told(Legs(1, (ANNOUNCED,))).is_open


def test_an_older_answer_does_not_count_for_a_weaker_leg() -> None:
    each = told(Legs(1, (PHONE,)), Legs(2, (WEAKER,)))
    each.answer(shown(1))

    assert not each.is_open
    assert not each.knows(1)


def test_an_answer_counts_on_while_nothing_gets_weaker() -> None:
    each = told(Legs(1, (ANNOUNCED,)), Legs(2, (PHONE,)))
    each.answer(shown(1))

    assert each.is_open
    assert each.knows(1)


def test_a_refusal_shuts() -> None:
    each = told(Legs(1, (PHONE,)))
    each.answer(refused(1))

    assert not each.is_open
    assert not each.knows(1)


def test_a_late_answer_changes_nothing() -> None:
    each = told(Legs(1, (PHONE,)), Legs(2, (PHONE,)))
    each.answer(shown(2))
    each.answer(refused(1))

    assert each.is_open


def test_a_leg_that_nobody_listed_is_not_known() -> None:
    assert not told(Legs(1)).knows(1)


@pytest.mark.parametrize("version", [0, 2])
def test_an_answer_to_a_list_that_was_never_sent_is_malformed(version: int) -> None:
    with pytest.raises(MalformedError, match=f"version {version} of at most 1"):
        told(Legs(1)).answer(shown(version))


def test_nothing_was_sent_so_nothing_can_be_answered() -> None:
    with pytest.raises(MalformedError, match="version 1 of at most 0"):
        Told().answer(shown(1))


def test_lists_are_told_in_order() -> None:
    with pytest.raises(UnexpectedEventError, match="version 1 after 1"):
        told(Legs(1), Legs(1))


def test_a_list_is_acknowledged_once_it_was_shown() -> None:
    notice = Notice()

    assert notice.take(Legs(1, (PHONE,)), OnLegs.SHOW) == shown(1)
    assert notice.is_open


def test_a_user_is_asked_and_nothing_passes_meanwhile() -> None:
    notice = Notice()

    assert notice.take(Legs(1, (PHONE,)), OnLegs.ASK) is None
    assert notice.asks
    assert not notice.is_open


def test_a_user_who_agrees_opens() -> None:
    notice = Notice()
    notice.take(Legs(1, (PHONE,)), OnLegs.ASK)

    assert notice.answer(accept=True) == shown(1)
    assert notice.is_open
    assert not notice.asks


def test_a_user_who_refuses_keeps_it_shut() -> None:
    notice = Notice()
    notice.take(Legs(1, (PHONE,)), OnLegs.ASK)

    assert notice.answer(accept=False) == refused(1)
    assert not notice.is_open


def test_a_user_who_wants_no_legs_refuses_without_being_asked() -> None:
    notice = Notice()

    assert notice.take(Legs(1, (PHONE,)), OnLegs.REFUSE) == refused(1)
    assert not notice.is_open


@pytest.mark.parametrize("on_legs", list(OnLegs))
def test_nobody_is_asked_about_fewer_legs(on_legs: OnLegs) -> None:
    notice = Notice()
    notice.take(Legs(1, (PHONE,)), OnLegs.SHOW)

    assert notice.take(Legs(2), on_legs) == shown(2)


def test_a_user_is_asked_again_when_a_leg_gets_weaker() -> None:
    notice = Notice()
    notice.take(Legs(1, (PHONE,)), OnLegs.SHOW)

    assert notice.take(Legs(2, (WEAKER,)), OnLegs.ASK) is None
    assert not notice.is_open


def test_a_newer_list_asks_in_place_of_the_older() -> None:
    notice = Notice()
    notice.take(Legs(1, (PHONE,)), OnLegs.ASK)
    notice.take(Legs(2), OnLegs.ASK)

    with pytest.raises(UnexpectedEventError, match="no leg waits"):
        notice.answer(accept=True)


def test_an_older_list_means_nothing() -> None:
    notice = Notice()
    notice.take(Legs(2), OnLegs.ASK)

    assert notice.take(Legs(1, (PHONE,)), OnLegs.SHOW) is None
    assert notice.legs == Legs(2)
