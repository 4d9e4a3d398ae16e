"""Queues that grow, stand and empty, and delays that are none."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.media.flow.delay import Delay, Usage
from voip.media.flow.history import Acked

FRAME_S = 0.02
REPORT = 10  # packets
BPS = 200_000.0  # sound alone, and room that nobody uses
CLOCK = 5000.0  # theirs is any other

Way = Callable[[float], float]
"""How long a packet takes that is sent at a time."""


def _run(delay: Delay, way: Way, begin: float, end: float) -> list[Usage]:
    """Send a packet every 20 ms and report every tenth; give what each report said."""
    said: list[Usage] = []
    acked: list[Acked] = []
    for index in range(round(begin / FRAME_S), round(end / FRAME_S)):
        sent_at = index * FRAME_S
        acked.append(Acked(sent_at, CLOCK + sent_at + way(sent_at), 200))
        if len(acked) == REPORT:
            said.append(delay.take(acked, BPS))
            acked = []
    return said


def _steady(_: float) -> float:
    return 0.05


def test_a_path_without_a_queue_is_clear() -> None:
    assert set(_run(Delay(), _steady, 0, 5)) == {Usage.CLEAR}


def test_a_queue_that_grows_is_found_within_half_a_second() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    said = _run(delay, lambda at: 0.05 + 0.3 * (at - 2), 2, 2.6)

    assert said[-1] is Usage.OVER
    assert delay.queue_s < 0.15


def test_a_queue_that_stands_is_too_much() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    said = _run(delay, lambda _: 0.2, 2, 4)

    assert said[3:] == [Usage.OVER] * len(said[3:])


def test_a_queue_that_empties_is_told() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    _run(delay, lambda _: 0.35, 2, 3)
    said = _run(delay, lambda at: 0.35 - 0.2 * (at - 3), 3, 4)

    assert said[-1] is Usage.UNDER


def test_after_a_queue_the_path_is_clear_again() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    _run(delay, lambda at: 0.05 + 0.3 * (at - 2), 2, 2.6)
    said = _run(delay, _steady, 2.6, 6)

    assert said[-1] is Usage.CLEAR


def test_some_queue_that_does_not_grow_is_normal() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    said = _run(delay, lambda _: 0.08, 2, 3)

    assert said[-1] is Usage.NORMAL


@pytest.mark.parametrize("seed", range(5))
def test_jitter_is_no_queue(seed: int) -> None:
    chance = random.Random(seed)
    said = _run(Delay(), lambda _: 0.05 + chance.uniform(0, 0.06), 0, 60)

    assert Usage.OVER not in said


@pytest.mark.parametrize("seed", range(5))
def test_jitter_that_keeps_the_order_is_no_queue(seed: int) -> None:
    chance = random.Random(seed)
    newest = 0.0

    def way(at: float) -> float:
        nonlocal newest
        newest = max(newest, at + 0.05 + chance.uniform(0, 0.06))
        return newest - at

    assert Usage.OVER not in _run(Delay(), way, 0, 60)


def test_a_record_among_the_packets_of_a_narrow_path_is_no_queue() -> None:
    delay = Delay()

    def way(at: float) -> float:  # 56 ms more, of which 6 are made good per packet
        return 0.05 + max(0.0, 0.056 - 0.006 * (at % 1 / FRAME_S))

    acked = [
        Acked(index * FRAME_S, CLOCK + index * FRAME_S + way(index * FRAME_S), 181)
        for index in range(1500)
    ]
    said = {delay.take(acked[at : at + REPORT], 90_000.0) for at in range(0, 1500, 10)}

    assert Usage.OVER not in said


def test_what_jitter_makes_is_nothing_unusual() -> None:
    chance = random.Random(1)
    delay = Delay()
    newest = 0.0

    def way(at: float) -> float:
        nonlocal newest
        newest = max(newest, at + 0.05 + chance.uniform(0, 0.06))
        return newest - at

    _run(delay, way, 0, 20)

    assert delay.queue_s > delay.unusual_s
    assert delay.unusual_s < 0.02


def test_clocks_that_run_apart_make_no_queue() -> None:
    said = _run(Delay(), lambda at: 0.05 + 500e-6 * at, 0, 120)

    assert set(said) == {Usage.CLEAR}


def test_a_longer_path_is_no_queue_for_long() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    said = _run(delay, lambda _: 0.2, 2, 12)

    assert said[0] is not Usage.CLEAR
    assert said[-1] is Usage.CLEAR
    assert said.count(Usage.OVER) * REPORT * FRAME_S < 4


def test_a_shorter_path_is_learnt_at_once() -> None:
    delay = Delay()
    _run(delay, lambda _: 0.2, 0, 2)
    _run(delay, _steady, 2, 3)
    said = _run(delay, lambda _: 0.18, 3, 5)

    assert Usage.OVER in said


def test_the_least_delay_is_forgotten() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 1)
    _run(delay, lambda _: 0.09, 1, 30)

    assert delay.queue_s == pytest.approx(0.0)


def test_packets_sent_in_one_go_are_one_group() -> None:
    delay = Delay()
    for frame in range(200):
        sent_at = frame * 0.04
        acked = [
            Acked(sent_at + 0.001 * at, CLOCK + sent_at + 0.05 + 0.004 * at, 1200)
            for at in range(5)
        ]
        delay.take(acked, BPS)

    assert delay.usage is Usage.CLEAR


def test_packets_that_come_in_heaps_are_no_queue() -> None:
    def way(at: float) -> float:  # held back for up to 80 ms, then all at once
        return 0.05 + 0.08 - at % 0.08

    assert Usage.OVER not in _run(Delay(), way, 0, 20)


def test_a_report_of_earlier_packets_does_not_confuse() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    _run(delay, _steady, 1, 2)

    assert delay.usage is Usage.CLEAR


def test_packets_that_all_came_at_once_have_no_slope() -> None:
    delay = Delay()
    acked = [Acked(at * 1.0, CLOCK, 200) for at in range(50)]

    assert delay.take(acked, BPS) is not Usage.OVER


def test_one_spike_is_not_what_the_threshold_learns_from() -> None:
    delay = Delay()
    _run(delay, _steady, 0, 2)
    _run(delay, lambda at: 0.05 + (0.15 if 2 < at < 2.1 else 0), 2, 4)
    said = _run(delay, lambda at: 0.05 + 0.3 * (at - 4), 4, 4.6)

    assert said[-1] is Usage.OVER


_TIMES = st.floats(-1e5, 1e5)


@given(st.lists(st.lists(st.tuples(_TIMES, _TIMES), min_size=1), max_size=20))
def test_any_claim_about_time_is_survived(
    reports: list[list[tuple[float, float]]],
) -> None:
    delay = Delay()
    for report in reports:
        delay.take([Acked(sent, came, 200) for sent, came in sorted(report)], BPS)

    assert delay.queue_s >= 0.0
