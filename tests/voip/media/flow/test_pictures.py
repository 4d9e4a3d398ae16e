"""When pictures are tried, grow, shrink and stop."""

import pytest

from voip.media.flow.delay import Usage
from voip.media.flow.pictures import (
    BEGIN_BPS,
    LEAST_S,
    MAX_WAIT_S,
    PROVEN_S,
    SETTLE_S,
    TRIAL_S,
    WAIT_S,
    Pictures,
)

ROOM = 400_000.0


def _begun(patience: float = 0.0) -> Pictures:
    pictures = Pictures(0.0, patience=patience)
    pictures.begin(0.0)
    return pictures


def _update(
    pictures: Pictures,
    now: float,
    room: float = ROOM,
    usage: Usage = Usage.CLEAR,
    queue_s: float = 0.0,
) -> int:
    """Report on everything sent until 100 ms ago."""
    pictures.update(room, usage, queue_s=queue_s, sent_at=now - 0.1, now=now)
    return pictures.bps


def test_there_are_none_at_first() -> None:
    pictures = Pictures(0.0, patience=0.0)

    assert (_update(pictures, 1.0), pictures.bps) == (0, 0)


@pytest.mark.parametrize(("calm_s", "expected"), [(0.5, False), (0.6, True)], ids=str)
def test_they_are_tried_on_a_calm_path(calm_s: float, *, expected: bool) -> None:
    pictures = Pictures(0.0, patience=0.0)

    assert pictures.may_begin(calm_s, 1.0) is expected


def test_they_are_not_begun_twice() -> None:
    assert not _begun().may_begin(10.0, 10.0)


def test_they_begin_small() -> None:
    assert _begun().bps == BEGIN_BPS


def test_they_grow_by_steps_while_the_path_is_clear() -> None:
    pictures = _begun()
    rates = [_update(pictures, now) for now in (0.2, 0.31, 0.4, 0.7)]

    assert rates == [30_000, 39_000, 39_000, 50_700]


@pytest.mark.parametrize("usage", [Usage.NORMAL, Usage.OVER, Usage.UNDER], ids=str)
def test_they_do_not_grow_otherwise(usage: Usage) -> None:
    pictures = _begun()

    assert _update(pictures, 0.3, usage=usage) == BEGIN_BPS


def test_they_take_no_more_than_there_is_room_for() -> None:
    pictures = _begun()
    for tick in range(100):
        _update(pictures, tick / 10)

    assert pictures.bps == ROOM


def test_they_shrink_with_the_room_and_come_back_in_steps() -> None:
    pictures = _begun()
    for tick in range(100):
        _update(pictures, tick / 10)
    small = _update(pictures, 10.0, room=50_000.0)
    back = _update(pictures, 10.1)

    assert (small, back) == (50_000, 84_500)


def test_little_room_stops_them_after_a_while() -> None:
    pictures = _begun()
    first = _update(pictures, 1.0, room=20_000.0)
    second = _update(pictures, 1.0 + LEAST_S, room=20_000.0)

    assert (first, second) == (20_000, 0)


def test_little_room_for_a_moment_does_not() -> None:
    pictures = _begun()
    _update(pictures, 1.0, room=20_000.0)
    _update(pictures, 1.2)

    assert _update(pictures, 1.0 + LEAST_S, room=20_000.0) == 20_000


def test_no_room_stops_them_at_once() -> None:
    assert _update(_begun(), 1.0, room=9_000.0) == 0


def test_then_they_wait_longer_each_time() -> None:
    pictures = Pictures(0.0, patience=0.0)
    waits: list[float] = []
    now = 0.0
    for _ in range(8):
        pictures.begin(now)
        _update(pictures, now, room=0.0)
        waited = next(w for w in range(1000) if pictures.may_begin(9.9, now + w))
        waits.append(waited)
        now += waited

    assert waits == [WAIT_S, 10.0, 20.0, 40.0, 80.0, 160.0, MAX_WAIT_S, MAX_WAIT_S]


def test_one_side_waits_longer_than_the_other() -> None:
    pictures = _begun(patience=0.5)
    _update(pictures, 1.0, room=0.0)

    assert not pictures.may_begin(9.9, 1.0 + 1.4 * WAIT_S)
    assert pictures.may_begin(9.9, 1.0 + 1.5 * WAIT_S)


def test_after_a_failure_the_path_must_be_calm_for_longer() -> None:
    pictures = _begun()
    _update(pictures, 1.0, room=0.0)

    assert [pictures.may_begin(calm_s, 60.0) for calm_s in (1.9, 2.0)] == [False, True]


def test_what_went_well_for_long_is_soon_tried_again() -> None:
    pictures = _begun()
    _update(pictures, 1.0, room=0.0)
    pictures.begin(10.0)
    _update(pictures, 10.0 + PROVEN_S)
    _update(pictures, 50.0, room=0.0)

    assert pictures.may_begin(9.9, 50.0 + WAIT_S)


def test_a_trial_is_small_and_short() -> None:
    pictures = _begun()

    assert pictures.is_trial(1.0)
    assert not pictures.is_trial(TRIAL_S)


def test_what_has_grown_is_no_trial() -> None:
    pictures = _begun()
    for tick in range(1, 7):
        _update(pictures, tick * 0.4)

    assert not pictures.is_trial(2.4)


def test_where_there_are_none_nothing_is_tried() -> None:
    pictures = Pictures(0.0, patience=0.0)

    assert not pictures.is_trial(0.0)


def test_a_little_queue_ends_a_trial() -> None:
    assert _update(_begun(), 1.0, queue_s=0.05) == 0


def test_a_little_queue_ends_nothing_else() -> None:
    assert _update(_begun(), TRIAL_S, queue_s=0.05) > 0


def test_a_failed_trial_is_blamed_for_the_queue_a_while() -> None:
    pictures = _begun()
    _update(pictures, 1.0, room=0.0)

    assert pictures.has_failed(1.1)
    assert not pictures.has_failed(1.0 + SETTLE_S)


def test_pictures_that_end_later_are_not_blamed() -> None:
    pictures = _begun()
    _update(pictures, 10.0, room=0.0)

    assert not pictures.has_failed(10.1)


def test_nobody_wants_them() -> None:
    pictures = _begun()
    pictures.stop()

    assert (pictures.bps, _update(pictures, 1.0)) == (0, 0)


def test_a_pause_begins_small_again() -> None:
    pictures = _begun()
    for tick in range(100):
        _update(pictures, tick / 10)
    pictures.pause(9.9)
    paused = pictures.bps

    assert (paused, _update(pictures, 10.0)) == (0, BEGIN_BPS)


def test_a_pause_begins_nothing() -> None:
    pictures = Pictures(0.0, patience=0.0)
    pictures.pause(0.5)

    assert _update(pictures, 1.0) == 0
