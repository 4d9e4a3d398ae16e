"""What the path is taken to carry."""

import pytest

from voip.media.flow.delay import Usage
from voip.media.flow.rate import (
    CEILING_S,
    CUT,
    LOSSY_S,
    MAX_BPS,
    MIN_BPS,
    START_BPS,
    UNPROVEN_BPS,
    Rate,
)

CLEAR, NORMAL, UNDER, OVER = Usage.CLEAR, Usage.NORMAL, Usage.UNDER, Usage.OVER


class _Path:
    """A sender that uses all it may, and hears every 100 ms how it went."""

    def __init__(self) -> None:
        self.rate = Rate(0.0)
        self.now = 0.0

    def report(
        self,
        usage: Usage = CLEAR,
        *,
        came: float | None = -1.0,
        loss: float = 0.0,
        age: float = 0.05,
    ) -> float:
        self.now += 0.1
        self.rate.report(
            usage,
            came_bps=self.rate.bps if came == -1.0 else came,
            lost_share=loss,
            sent_at=self.now - age,
            now=self.now,
        )
        return self.rate.bps

    def run(self, seconds: float, usage: Usage = CLEAR, *, loss: float = 0.0) -> float:
        for _ in range(round(seconds * 10)):
            self.report(usage, loss=loss)
        return self.rate.bps


def test_a_call_begins_modestly() -> None:
    assert Rate(0.0).bps == START_BPS


def test_nothing_is_learnt_before_anything_is_known() -> None:
    path = _Path()

    assert path.report(OVER, came=None, loss=0.5) == START_BPS


def test_at_first_it_grows_by_steps_as_what_was_sent_comes() -> None:
    path = _Path()
    rates = [path.report() for _ in range(6)]

    assert rates == [200e3, 200e3, 260e3, 260e3, 260e3, 338e3]


def test_it_does_not_step_into_a_queue() -> None:
    path = _Path()

    assert path.run(1.0, NORMAL) == START_BPS


def test_it_does_not_step_while_a_fifth_is_lost() -> None:
    path = _Path()

    assert path.run(1.0, loss=0.21) < START_BPS


def test_what_is_not_used_teaches_nothing() -> None:
    path = _Path()
    for _ in range(100):
        path.report(came=100e3)

    assert path.rate.bps == START_BPS


def test_it_ends_where_nothing_needs_more() -> None:
    assert _Path().run(10.0) == MAX_BPS


def test_a_queue_cuts_to_less_than_what_comes() -> None:
    path = _Path()

    assert path.report(OVER, came=100e3) == CUT * 100e3


def test_it_never_falls_below_the_smallest_sound() -> None:
    path = _Path()

    assert path.report(OVER, came=10e3) == MIN_BPS


def test_a_queue_cuts_once_until_what_left_since_has_come() -> None:
    path = _Path()
    path.report(OVER, came=150e3)
    again = path.report(OVER, came=140e3, age=0.5)
    later = path.report(OVER, came=140e3)

    assert (again, later) == (CUT * 150e3, CUT * 140e3)


def test_a_first_guess_that_was_far_too_high_is_cut_again() -> None:
    path = _Path()
    path.report(OVER, came=190e3)

    assert path.report(OVER, came=100e3, age=0.5) == CUT * 100e3


def test_what_came_with_a_queue_is_the_ceiling() -> None:
    path = _Path()
    path.report(OVER, came=100e3)
    path.report(OVER, came=110e3, age=0.5)

    assert path.rate.ceiling_bps == pytest.approx(103e3)


def test_a_ceiling_far_from_the_last_is_another() -> None:
    path = _Path()
    path.report(OVER, came=160e3)
    path.report(OVER, came=100e3)

    assert path.rate.ceiling_bps == 100e3


def test_while_a_queue_empties_it_waits() -> None:
    path = _Path()
    path.report(OVER)
    before = path.rate.bps

    assert path.run(2.0, UNDER) == before


def test_near_the_ceiling_every_call_grows_alike() -> None:
    path = _Path()
    path.run(2.0)
    path.report(OVER)
    before = path.rate.bps

    assert path.run(1.0, NORMAL) - before == pytest.approx(15e3)


def _capped() -> _Path:
    """A path that was full at 300 kbit/s, of which little is used now."""
    path = _Path()
    path.run(2.0)
    path.report(OVER, came=300e3)
    return path


def _used_little(path: _Path, seconds: float) -> float:
    for _ in range(round(seconds * 10)):
        path.report(NORMAL, came=270e3)
    return path.rate.bps


def test_a_ceiling_is_not_passed_by_what_nothing_has_tried() -> None:
    assert _used_little(_capped(), 0.8 * CEILING_S) == 300e3


def test_a_ceiling_is_passed_by_what_comes() -> None:
    path = _capped()
    path.run(10.0, NORMAL)

    assert path.rate.bps > 350e3


def test_an_old_ceiling_is_doubted() -> None:
    path = _capped()
    _used_little(path, CEILING_S)

    assert _used_little(path, 20.0) > 350e3


def test_far_below_the_ceiling_it_grows_by_its_share() -> None:
    path = _Path()
    path.run(2.0)
    path.report(OVER)
    path.report(NORMAL, loss=0.5, age=-1.0)  # as after a burst of losses
    path.report(NORMAL, age=-1.0)
    before = path.rate.bps

    assert path.run(1.0, NORMAL) == pytest.approx(before * 1.08, rel=1e-2)


def test_a_small_rate_near_its_ceiling_grows_by_its_share() -> None:
    path = _Path()
    path.report(OVER, came=100e3)
    before = path.rate.bps

    assert path.run(1.0, NORMAL) == pytest.approx(before * 1.083, rel=1e-2)


def test_a_path_that_carries_more_than_it_did_is_another() -> None:
    path = _Path()
    path.report(OVER, came=100e3)
    path.report(came=130e3)
    steps = [path.report(came=130e3) for _ in range(3)]

    assert path.rate.ceiling_bps is None
    assert steps[-1] > 1.2 * CUT * 100e3


def test_a_trial_may_take_a_little_more() -> None:
    path = _Path()
    path.report(OVER, came=100e3)
    path.rate.allow_trial(98e3)

    assert path.rate.bps == 98e3 + UNPROVEN_BPS


def test_a_trial_takes_nothing_away() -> None:
    rate = Rate(0.0)
    rate.allow_trial(50e3)

    assert rate.bps == START_BPS


def test_a_new_path_is_learnt_anew() -> None:
    path = _Path()
    path.run(5.0)
    path.report(OVER)
    path.rate.begin_again(path.now)

    assert (path.rate.bps, path.rate.ceiling_bps) == (START_BPS, None)


def test_a_new_path_is_not_trusted_with_more_than_the_last() -> None:
    path = _Path()
    path.report(OVER, came=100e3)
    path.rate.begin_again(path.now)

    assert path.rate.bps == CUT * 100e3


def test_losses_cut_by_half_their_share() -> None:
    path = _Path()

    assert path.report(NORMAL, loss=0.2) == pytest.approx(0.9 * START_BPS)


def test_few_losses_do_not() -> None:
    path = _Path()

    assert path.report(NORMAL, loss=0.1) == START_BPS


def test_losses_cut_again_only_when_the_cut_has_shown() -> None:
    path = _Path()
    path.run(1.0, NORMAL, loss=0.2)
    once = path.rate.bps
    path.run(0.2, NORMAL, loss=0.2)

    assert (once, path.rate.bps) == pytest.approx((180e3, 162e3))


def test_losses_of_a_full_queue_do_not_cut_twice() -> None:
    path = _Path()
    path.report(OVER, came=190e3)

    assert path.report(UNDER, loss=0.4) == CUT * 190e3


def test_nothing_grows_while_a_cut_is_tested() -> None:
    path = _Path()
    path.report(NORMAL, loss=0.2)
    before = path.rate.bps

    assert path.report(CLEAR, loss=0.2) == before


def test_a_cut_that_helped_leaves_a_ceiling() -> None:
    path = _Path()
    path.report(NORMAL, loss=0.3)
    path.run(1.2, NORMAL, loss=0.12)  # less, but too much yet: another cut
    path.run(1.2, NORMAL, loss=0.0)
    grown = path.run(1.0, NORMAL)

    assert path.rate.ceiling_bps is not None
    assert 150e3 < grown < START_BPS


def test_a_path_that_loses_whatever_is_sent_is_not_starved() -> None:
    path = _Path()
    path.run(10.0, loss=0.12)

    assert path.rate.bps > 10 * START_BPS


def test_more_than_it_usually_loses_cuts_all_the_same() -> None:
    path = _Path()
    path.run(10.0, loss=0.12)
    before = path.rate.bps

    assert path.report(loss=0.3) < before


def test_a_lossy_path_is_tested_again() -> None:
    path = _Path()
    path.run(10.0, loss=0.12)
    full = path.rate.bps
    lowest = min(path.report(loss=0.12) for _ in range(round(LOSSY_S * 10)))

    assert 0.8 * full < lowest < full
