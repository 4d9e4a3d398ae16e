"""Whole calls on narrow paths, in virtual time, with speech and pictures.

`benchmarks/paths.py` holds the same calls against their bars; here they only must not
get worse. 20 ms one way, and the queue drops what would wait for longer than it is.
"""

import pytest

from tests.voip.media.link import Conditions
from tests.voip.media.scores import score
from tests.voip.media.whole import WholeEnd, said, whole_call

pytestmark = pytest.mark.slow

KBPS = 1000.0
SECONDS = 40.0
SETTLED_S = 10.0


def _call(rate: float, queue_s: float = 0.3, *, both: bool = False) -> WholeEnd:
    conditions = Conditions(rate=rate, queue_s=queue_s)
    return whole_call(conditions, seconds=SECONDS, both=both)


def test_without_a_bottleneck_nothing_is_made_up() -> None:
    end = whole_call(Conditions(), seconds=6.0)

    assert end.made_up_s <= 0.03  # before the first word
    assert end.lost(0.0, 5.9) == 0.0
    assert end.watching.longest_gap_s(3.0, 5.9) < 0.3


def test_at_500_kbit_per_second_speech_is_clear_and_pictures_are_smooth() -> None:
    end = _call(500 * KBPS)
    scores = score(said(SECONDS), end.heard())

    assert scores.pesq > 3.1  # of which 8 s went into learning the path
    assert end.watching.decibels(SETTLED_S, SECONDS) > 40
    assert end.watching.fps(SETTLED_S, SECONDS) > 15
    assert end.watching.longest_gap_s(SETTLED_S, SECONDS) < 0.5


@pytest.mark.parametrize("queue_s", [0.06, 0.1, 0.3], ids=str)
def test_at_300_kbit_per_second_pictures_leave_sound_whole(queue_s: float) -> None:
    end = _call(300 * KBPS, queue_s)

    assert end.lost(0.0, SECONDS) < 0.01
    assert end.made_up_s < 0.02 * SECONDS
    assert end.video_bps(SETTLED_S, SECONDS) > 120 * KBPS
    assert end.watching.longest_gap_s(SETTLED_S, SECONDS) < 1.0


def test_at_100_kbit_per_second_both_ways_speech_is_understood() -> None:
    end = _call(100 * KBPS, both=True)
    scores = score(said(SECONDS), end.heard())

    assert scores.stoi > 0.9
    assert end.lost(0.0, SECONDS) < 0.005


def test_where_a_twentieth_is_lost_pictures_go_on() -> None:
    end = whole_call(Conditions(rate=1000 * KBPS, loss=0.05), seconds=SECONDS)

    assert end.made_up_s < 0.02 * SECONDS
    assert end.watching.longest_gap_s(SETTLED_S, SECONDS) < 1.0
    assert end.watching.fps(SETTLED_S, SECONDS) > 15
