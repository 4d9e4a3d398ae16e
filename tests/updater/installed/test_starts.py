"""Which version starts, and what a start or a switch does to the state."""

from dataclasses import replace

import pytest

from updater.installed.slots import Attempt, Bad, InstallState, Why
from updater.installed.starts import (
    Action,
    Boot,
    begin,
    boot,
    confirm,
    count,
    forgive,
    give_up,
    leave,
    settle,
    way_back,
)

OLD, MID, NEW = (f"1.{minor}-0123456789ab" for minor in (2, 3, 4))
ALL = [NEW, MID, OLD]
STATE = InstallState(seed=bytes(32), previous=MID)
PENDING = replace(STATE, pending=NEW)
DEAD, LIVING = Attempt(1, 10), Attempt(2, 20)


def _bad(slot: str, why: Why = "boot") -> Bad:
    return Bad(at=1, slot=slot, why=why)


@pytest.mark.parametrize(
    ("state", "current", "complete", "expected"),
    [
        # not pending
        (STATE, NEW, ALL, Boot(Action.RUN, NEW)),
        (replace(STATE, pending=NEW), MID, ALL, Boot(Action.RUN, MID)),
        # pending
        (PENDING, NEW, ALL, Boot(Action.COUNT, NEW)),
        (replace(PENDING, attempts=(DEAD,)), NEW, ALL, Boot(Action.COUNT, NEW)),
        (
            replace(PENDING, attempts=(LIVING,) * 3),
            NEW,
            ALL,
            Boot(Action.COUNT, NEW),
        ),
        (
            replace(PENDING, attempts=(LIVING,) * 8),
            NEW,
            ALL,
            Boot(Action.RUN, NEW),
        ),
        # dead attempts
        (replace(PENDING, attempts=(DEAD, DEAD)), NEW, ALL, Boot(Action.BACK, MID)),
        (
            replace(PENDING, attempts=(DEAD, LIVING, DEAD)),
            NEW,
            ALL,
            Boot(Action.BACK, MID),
        ),
        (
            replace(PENDING, attempts=(DEAD, DEAD)),
            NEW,
            [NEW, OLD],
            Boot(Action.BACK, OLD),
        ),
        (replace(PENDING, attempts=(DEAD, DEAD)), NEW, [NEW], Boot(Action.COUNT, NEW)),
        # cut off between the two writes
        (replace(STATE, bad=(_bad(NEW),)), NEW, ALL, Boot(Action.BACK, MID)),
        (replace(STATE, bad=(_bad(NEW),)), NEW, [NEW], Boot(Action.RUN, NEW)),
        # missing or dangling
        (STATE, None, ALL, Boot(Action.RUN, MID)),
        (STATE, None, [NEW, OLD], Boot(Action.RUN, NEW)),
        (replace(STATE, bad=(_bad(NEW),)), None, [NEW, OLD], Boot(Action.RUN, OLD)),
        (replace(STATE, bad=(_bad(NEW),)), None, [NEW], Boot(Action.RUN, NEW)),
        (STATE, None, [], Boot(Action.NOTHING, None)),
        # no state
        (None, NEW, ALL, Boot(Action.RUN, NEW)),
        (None, None, ALL, Boot(Action.RUN, NEW)),
        (None, None, [], Boot(Action.NOTHING, None)),
    ],
)
def test_a_start_follows_the_table(
    state: InstallState | None,
    current: str | None,
    complete: list[str],
    expected: Boot,
) -> None:
    assert boot(state, current, complete=complete, alive=[LIVING]) == expected


def test_a_version_that_failed_is_nothing_to_go_back_to() -> None:
    state = replace(STATE, bad=(_bad(MID),))

    assert way_back(state, NEW, ALL) == OLD


def test_what_is_announced_is_pending_and_the_current_one_previous() -> None:
    state = begin(replace(STATE, attempts=(DEAD,)), NEW, OLD)

    assert (state.pending, state.previous, state.attempts) == (NEW, OLD, ())


@pytest.mark.parametrize("current", [None, NEW])
def test_the_first_version_has_no_previous(current: str | None) -> None:
    state = begin(InstallState(seed=bytes(32)), NEW, current)

    assert state.previous is None


def test_what_has_not_proved_itself_is_no_previous() -> None:
    state = begin(replace(STATE, pending=MID, previous=OLD), NEW, MID)

    assert state.previous == OLD


def test_starts_are_counted() -> None:
    assert count(count(PENDING, DEAD), LIVING).attempts == (DEAD, LIVING)


def test_what_proved_itself_is_pending_no_more() -> None:
    state = confirm(replace(PENDING, attempts=(DEAD,)), NEW)

    assert (state.pending, state.attempts) == (None, ())


@pytest.mark.parametrize(
    ("before", "after"), [(None, "1.4"), ("1.3", "1.4"), ("1.10", "1.10")]
)
def test_the_floor_only_rises(before: str | None, after: str) -> None:
    assert confirm(replace(PENDING, floor=before), NEW).floor == after


def test_what_failed_is_bad_and_pending_no_more() -> None:
    state = give_up(PENDING, NEW, why="probe", at=7)

    assert state.bad == (Bad(at=7, slot=NEW, why="probe"),)
    assert state.pending is None


def test_another_slot_stays_pending() -> None:
    assert give_up(PENDING, MID, why="probe", at=7).pending == NEW


def test_what_fails_twice_is_bad_once() -> None:
    state = give_up(replace(PENDING, bad=(_bad(NEW),)), NEW, why="boot", at=9)

    assert state.bad == (Bad(at=9, slot=NEW, why="boot"),)


def test_the_oldest_failures_are_forgotten() -> None:
    many = tuple(_bad(f"0.{minor}-0123456789ab") for minor in range(32))
    state = give_up(replace(STATE, bad=many), NEW, why="boot", at=9)

    assert len(state.bad) == 32
    assert state.bad[0] == many[1]


def test_what_is_forgiven_may_be_tried_again() -> None:
    assert not forgive(replace(STATE, bad=(_bad(NEW),)), NEW).bad


def test_what_is_left_by_hand_is_not_offered_again_and_the_floor_stays() -> None:
    state = leave(replace(STATE, floor="1.4", skip=("1.3",)), NEW, MID)

    assert (state.skip, state.previous, state.floor) == (("1.4",), NEW, "1.4")


def test_a_switch_that_did_not_happen_is_forgotten() -> None:
    assert settle(PENDING, MID).pending is None


@pytest.mark.parametrize("state", [STATE, PENDING])
def test_a_switch_that_happened_is_not(state: InstallState) -> None:
    assert settle(state, NEW) == state
