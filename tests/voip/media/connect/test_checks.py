"""Which pair is checked when, and which one carries the call."""

import pytest

from voip.media.connect.checks import (
    EARLY_PACKETS,
    EARLY_S,
    GIVE_UP_S,
    KNOCK_S,
    MAX_PAIRS,
    RELAY_WAIT_S,
    SENDS,
    SETTLE_S,
    TA_S,
    Checks,
)

Sent = tuple[float, str, bool]


def _checks(*pairs: str, controlling: bool = True) -> Checks[str]:
    """Start with pairs in falling priority; those that begin with r are relayed."""
    checks: Checks[str] = Checks(controlling=controlling)
    for rank, pair in enumerate(pairs):
        checks.add(pair, 100 - rank, is_relayed=pair.startswith("r"))
    checks.start(0.0)
    return checks


def _run(checks: Checks[str], until: float, now: float = 0.0) -> list[Sent]:
    """Let time pass as an agent does, and give what it would have sent."""
    sent: list[Sent] = []
    while True:
        picked = checks.next(now)
        if picked is not None:
            sent.append((round(now, 3), *picked))
        wake = checks.wake(now)
        if wake is None or wake > until:
            return sent
        now = max(now, wake)


def _settled(controlling: bool = True) -> Checks[str]:  # noqa: FBT001, FBT002 -- a role
    checks = _checks("d1", "d2", controlling=controlling)
    _run(checks, 0.03)
    checks.heard("d1", 0.03, nominates=True)
    for pair in ("d1", "d2"):
        checks.answered(pair, 0.05)
    return checks


def test_nothing_is_sent_before_the_password_is_known() -> None:
    checks: Checks[str] = Checks(controlling=True)
    checks.add("d", 1, is_relayed=False)

    assert (checks.next(5.0), checks.wake(5.0)) == (None, None)


def test_new_checks_go_by_priority_one_in_20_ms() -> None:
    checks = _checks("a", "b", "c")

    assert _run(checks, 0.05) == [
        (0.0, "a", True),
        (TA_S, "b", True),
        (2 * TA_S, "c", True),
    ]


def test_a_check_is_repeated_at_doubling_intervals_of_half_a_second_at_most() -> None:
    sent = _run(_checks("d"), 5.0)

    times = [at for at, _, is_new in sent if not is_new]
    assert times[:5] == pytest.approx([0.1, 0.3, 0.7, 1.2, 1.7])
    assert len(times) == SENDS - 1


def test_many_open_checks_wait_longer_for_their_answers() -> None:
    sent = _run(_checks(*"abcdefghij"), 0.3)

    again = next(at for at, pair, is_new in sent if pair == "a" and not is_new)
    assert again == pytest.approx(10 * TA_S)


def test_a_hundred_open_checks_wait_longer_than_that() -> None:
    sent = _run(_checks(*(f"d{number}" for number in range(MAX_PAIRS))), 5.0)

    times = [at for at, pair, _ in sent if pair == "d0"]
    assert times[:3] == pytest.approx([0.0, 2.0, 4.0])


def test_of_late_answers_the_latest_is_asked_for_first() -> None:
    checks = _checks("a", "b")
    _run(checks, 0.03)

    assert checks.next(0.5) == ("a", False)


def test_a_pair_that_never_answers_fails_and_is_knocked_at_later() -> None:
    sent = _run(_checks("d"), 13.0)

    new = [at for at, _, is_new in sent if is_new]
    assert new == pytest.approx([0.0, 5.2 + KNOCK_S])


def test_the_first_answer_selects_for_the_caller() -> None:
    checks = _checks("d1", "d2")
    _run(checks, 0.03)
    checks.answered("d2", 0.05)

    assert (checks.selected, checks.answered_at) == ("d2", 0.05)


def test_before_any_answer_nothing_is_selected() -> None:
    checks = _checks("d")

    assert (checks.selected, checks.answered_at) == (None, None)


def test_another_direct_pair_does_not_take_over() -> None:
    checks = _checks("d1", "d2")
    checks.answered("d2", 0.05)
    checks.answered("d1", 0.06)

    assert checks.selected == "d2"


def test_a_direct_pair_takes_over_from_a_relayed_one() -> None:
    checks = _checks("d", "r")
    checks.answered("r", 0.5)
    checks.answered("d", 0.5 + SETTLE_S - 0.1)

    assert checks.selected == "d"


def test_a_pair_that_turns_out_to_be_relayed_is_replaced_as_such() -> None:
    checks = _checks("d1", "d2")
    checks.answered("d2", 0.5)
    checks.add("d2", 99, is_relayed=True)
    checks.answered("d1", 0.6)

    assert checks.selected == "d1"


def test_after_three_seconds_it_does_not() -> None:
    checks = _checks("d", "r")
    checks.answered("r", 0.5)
    checks.answered("d", 0.5 + SETTLE_S)

    assert checks.selected == "r"


def test_a_relayed_pair_does_not_take_over_from_a_direct_one() -> None:
    checks = _checks("d", "r")
    checks.answered("d", 0.1)
    checks.answered("r", 0.2)

    assert checks.selected == "d"


def test_open_checks_go_on_for_three_seconds_after_the_first_answer() -> None:
    checks = _checks("d", "r")
    checks.answered("r", 0.0)
    sent = _run(checks, 20.0)

    assert {pair for _, pair, _ in sent} == {"d"}
    assert sent[-1][0] < SETTLE_S


def test_a_relayed_pair_waits_while_a_direct_one_is_open() -> None:
    sent = _run(_checks("r", "d"), 0.2)

    assert next(at for at, pair, _ in sent if pair == "r") == RELAY_WAIT_S


def test_a_relayed_pair_does_not_wait_for_nothing() -> None:
    sent = _run(_checks("r"), 0.01)

    assert sent == [(0.0, "r", True)]


def test_a_relayed_pair_does_not_wait_for_one_that_failed() -> None:
    checks = _checks("d", "r")
    _run(checks, 0.03)
    checks.refused("d")

    assert checks.next(0.05) == ("r", True)


def test_a_check_of_the_peer_makes_ours_go_first() -> None:
    checks = _checks("a", "b", "c")
    checks.heard("c", 0.0, nominates=False)

    assert (checks.wake(0.0), checks.next(0.0)) == (0.0, ("c", True))


def test_the_peer_s_check_on_a_relayed_pair_ends_its_wait() -> None:
    checks = _checks("d", "r")
    checks.heard("r", 0.0, nominates=False)

    assert checks.next(0.0) == ("r", True)


def test_the_peer_s_check_repeats_ours_that_may_have_met_a_closed_door() -> None:
    checks = _checks("d")
    _run(checks, 0.01)
    checks.heard("d", 0.06, nominates=False)

    assert checks.next(0.06) == ("d", False)


def test_many_checks_of_the_peer_do_not_make_us_send_many() -> None:
    checks = _checks("d")
    _run(checks, 0.01)
    for _ in range(10):
        checks.heard("d", 0.01, nominates=False)

    assert _run(checks, 0.09, now=0.02) == []


def test_the_peer_s_check_revives_a_pair_that_failed() -> None:
    checks = _checks("d")
    _run(checks, 0.01)
    checks.refused("d")
    checks.heard("d", 0.05, nominates=False)
    checks.heard("d", 0.05, nominates=False)

    assert _run(checks, 0.06, now=0.05) == [(0.05, "d", True)]


def test_an_answer_that_came_meanwhile_needs_no_further_check() -> None:
    checks = _checks("d")
    checks.heard("d", 0.0, nominates=False)
    checks.answered("d", 0.0)
    checks.heard("d", 0.0, nominates=False)

    assert checks.next(0.0) is None


def test_the_callee_waits_to_be_told_which_pair_is_used() -> None:
    checks = _checks("d", controlling=False)
    checks.answered("d", 0.1)
    before = checks.selected
    checks.heard("d", 0.2, nominates=True)

    assert (before, checks.selected) == (None, "d")


def test_a_nomination_before_the_answer_counts_as_well() -> None:
    checks = _checks("d", controlling=False)
    checks.heard("d", 0.1, nominates=True)
    before = checks.selected
    checks.answered("d", 0.2)

    assert (before, checks.selected) == (None, "d")


def test_the_caller_takes_no_nomination() -> None:
    checks = _checks("d")
    checks.heard("d", 0.1, nominates=True)

    assert checks.early_pair is None


def test_the_callee_may_send_early_where_the_caller_nominated() -> None:
    checks = _checks("d", controlling=False)
    checks.heard("d", 1.0, nominates=True)

    assert (checks.early_pair, checks.early(1.0)) == ("d", "d")


def test_nothing_goes_early_where_nobody_nominated() -> None:
    checks = _checks("d", controlling=False)
    checks.heard("d", 1.0, nominates=False)

    assert (checks.early_pair, checks.early(1.0)) == (None, None)


def test_an_address_that_does_not_answer_gets_25_packets() -> None:
    checks = _checks("d1", "d2", controlling=False)
    checks.heard("d1", 1.0, nominates=True)
    checks.heard("d2", 1.0, nominates=True)
    sent = [checks.early(1.0) for _ in range(100)]

    assert [pair for pair in sent if pair] == ["d1"] * EARLY_PACKETS


def test_an_address_that_does_not_answer_gets_half_a_second() -> None:
    checks = _checks("d", controlling=False)
    checks.heard("d", 1.0, nominates=True)
    checks.heard("d", 1.4, nominates=True)

    assert checks.early(1.0 + EARLY_S) is None


def test_early_packets_rather_go_straight() -> None:
    checks = _checks("r", "d", controlling=False)
    checks.heard("r", 1.0, nominates=True)
    checks.heard("d", 1.1, nominates=True)

    assert checks.early_pair == "d"


def test_what_is_selected_needs_no_early_packets() -> None:
    checks = _settled(controlling=False)
    checks.heard("d2", 0.1, nominates=True)

    assert checks.early_pair == "d1"


def test_the_callee_follows_the_caller_s_packets() -> None:
    checks = _settled(controlling=False)
    checks.followed("d2")

    assert checks.selected == "d2"


def test_the_caller_follows_nobody() -> None:
    checks = _settled()
    checks.followed("d2")

    assert checks.selected == "d1"


def test_a_pair_that_did_not_answer_is_not_followed() -> None:
    checks = _settled(controlling=False)
    checks.add("d3", 1, is_relayed=False)
    checks.followed("d3")

    assert checks.selected == "d1"


def test_before_the_caller_nominated_nothing_is_followed() -> None:
    checks = _checks("d", controlling=False)
    checks.answered("d", 0.1)
    checks.followed("d")

    assert checks.selected is None


def test_a_single_check_of_the_selected_pair_goes_at_once() -> None:
    checks = _settled()
    checks.check()
    checks.check()

    assert _run(checks, 60.0, now=10.0) == [(10.0, "d1", True)]


def test_without_a_pair_there_is_nothing_to_check() -> None:
    checks = _checks("d")
    checks.check()
    checks.check_all(0.0)

    assert _run(checks, 0.01) == [(0.0, "d", True)]


def test_all_pairs_are_checked_again_on_request() -> None:
    checks = _settled()
    checks.check_all(10.0)

    assert _run(checks, 10.05, now=10.0) == [(10.0, "d1", True), (10.02, "d2", True)]


def test_then_the_first_that_answers_takes_over() -> None:
    checks = _settled()
    checks.check_all(10.0)
    checks.answered("d2", 10.2)
    checks.answered("d1", 10.3)

    assert checks.selected == "d2"


def test_unless_the_current_pair_answers_first() -> None:
    checks = _settled()
    checks.check_all(10.0)
    checks.answered("d1", 10.2)
    checks.answered("d2", 10.3)

    assert checks.selected == "d1"


def test_the_callee_s_pair_may_never_have_answered_when_another_takes_over() -> None:
    checks = _settled(controlling=False)
    checks.check_all(10.0)
    checks.heard("d2", 10.1, nominates=True)
    checks.answered("d2", 10.2)

    assert checks.selected == "d2"


def test_failed_pairs_get_another_chance_on_request() -> None:
    checks = _checks("d1", "d2")
    _run(checks, 0.03)
    checks.refused("d1")
    checks.try_again()

    assert checks.next(0.05) == ("d1", True)


def test_of_hundreds_of_pairs_a_hundred_are_tried() -> None:
    checks = _checks(*(f"d{number}" for number in range(MAX_PAIRS + 1)))
    tried = {pair for _, pair, _ in _run(checks, 3.0)}

    assert ("d99" in tried, "d100" in tried) == (True, False)


def test_what_happens_on_a_pair_that_was_left_out_is_left_out() -> None:
    checks = _checks()
    checks.heard("d", 0.0, nominates=True)
    checks.answered("d", 0.0)
    checks.refused("d")
    checks.followed("d")

    assert (checks.selected, checks.next(0.0)) == (None, None)


def test_a_refusal_after_an_answer_changes_nothing() -> None:
    checks = _checks("d", controlling=False)
    checks.answered("d", 0.1)
    checks.refused("d")
    checks.heard("d", 0.2, nominates=True)

    assert checks.selected == "d"


def test_without_a_pair_there_is_no_hope_once_none_can_come() -> None:
    checks = _checks()
    before = checks.is_hopeless(0.0)
    checks.is_complete = True

    assert (before, checks.is_hopeless(0.0)) == (False, True)


def test_before_it_began_there_is_hope() -> None:
    checks: Checks[str] = Checks(controlling=True)
    checks.is_complete = True

    assert not checks.is_hopeless(0.0)


def test_hope_ends_after_half_a_minute_of_silence() -> None:
    checks = _checks("d")
    checks.is_complete = True
    _run(checks, GIVE_UP_S - 0.1)
    before = checks.is_hopeless(GIVE_UP_S - 0.1)
    _run(checks, GIVE_UP_S, now=GIVE_UP_S - 0.1)

    assert (before, checks.is_hopeless(GIVE_UP_S)) == (False, True)


def test_hope_does_not_end_while_a_check_is_open() -> None:
    checks = _checks("d")
    checks.is_complete = True
    checks.next(29.0)

    assert not checks.is_hopeless(GIVE_UP_S)


def test_with_an_answer_there_is_hope() -> None:
    checks = _checks("d")
    checks.is_complete = True
    checks.answered("d", 0.1)

    assert not checks.is_hopeless(GIVE_UP_S)


def test_while_pairs_may_come_it_goes_on_for_ever() -> None:
    sent = _run(_checks("d"), 120.0)

    assert sent[-1][0] > 110


def test_once_all_are_known_it_ends_after_half_a_minute() -> None:
    checks = _checks("d")
    checks.is_complete = True
    sent = _run(checks, 120.0)

    assert (sent[-1][0] < GIVE_UP_S, checks.wake(120.0)) == (True, None)


def test_asked_twice_at_once_it_sends_once() -> None:
    checks = _checks("a", "b")

    assert (checks.next(0.0), checks.next(0.0)) == (("a", True), None)
