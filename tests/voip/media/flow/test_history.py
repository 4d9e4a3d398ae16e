"""What reports say became of what was sent; and what forged ones cannot say."""

import pytest

from voip.errors import MalformedError
from voip.media.flow.history import KEPT_S, OVERTAKEN, Acked, History
from voip.media.flow.report import MISSING, UNTIMED, Arrivals, Feedback

SOUND, CAMERA = 1, 2
SIZE = 200
FRAME_S = 0.02


def _history(packets: int = 100, first: int = 0) -> History:
    """Send so many packets, one every 20 ms from time 0."""
    history = History()
    for index in range(packets):
        history.sent(SOUND, (first + index) & 0xFFFF, SIZE, index * FRAME_S)
    return history


def _feedback(begin: int, *offsets: int, clock: int = 0, ssrc: int = SOUND) -> Feedback:
    return Feedback(9, (Arrivals(ssrc, begin, offsets),), clock)


def _seconds(when: float) -> int:
    return int(when * 65536) & 0xFFFFFFFF


def test_what_came_is_told_with_both_times() -> None:
    history = _history()
    outcome = history.match(_feedback(1, 512, clock=_seconds(1000.0)), 2.1)

    assert outcome.acked == [Acked(0.02, 999.5, SIZE)]


def test_the_round_trip_leaves_out_what_the_report_waited() -> None:
    history = _history()
    outcome = history.match(_feedback(99, 102, clock=_seconds(1000.0)), 2.2)

    assert outcome.round_trip_s == pytest.approx(2.2 - 1.98 - 102 / 1024)


def test_a_packet_counts_once() -> None:
    history = _history()
    history.match(_feedback(1, 0), 2.0)
    outcome = history.match(_feedback(1, 0), 2.1)

    assert (outcome.acked, outcome.round_trip_s) == ([], None)


def test_packets_of_all_streams_are_told_in_the_order_of_sending() -> None:
    history = _history(4)
    history.sent(CAMERA, 7, 1000, 0.03)
    both = Feedback(
        9, (Arrivals(SOUND, 1, (0, 0, 0)), Arrivals(CAMERA, 7, (0,))), _seconds(5.0)
    )
    outcome = history.match(both, 1.0)

    assert [each.sent_at for each in outcome.acked] == [0.02, 0.03, 0.04, 0.06]


def test_what_came_nobody_knows_when_is_no_measure() -> None:
    history = _history()
    outcome = history.match(_feedback(1, UNTIMED), 2.0)

    assert outcome.acked == []


def test_a_report_is_not_believed_about_the_distant_past() -> None:
    history = _history(1)
    outcome = history.match(_feedback(0, 0), KEPT_S + 0.1)

    assert outcome.acked == []


def test_what_is_never_told_of_is_forgotten() -> None:
    history = _history(1000)  # 20 s, so that the first are long gone
    outcome = history.match(_feedback(1, 0, 0), 5.0)

    assert outcome.acked == []


def test_what_comes_may_be_told_over_the_wrap() -> None:
    history = _history(4, first=65534)
    outcome = history.match(_feedback(65534, 0, 0, 0, 0), 1.0)

    assert len(outcome.acked) == 4


def test_the_clock_may_wrap() -> None:
    history = _history()
    history.match(_feedback(1, 0, clock=0xFFFF0000), 1.0)
    outcome = history.match(_feedback(2, 0, clock=0x00010000), 3.0)

    assert outcome.acked[0].arrived_at == 65537.0


def test_an_older_report_that_comes_later_keeps_its_time() -> None:
    history = _history()
    history.match(_feedback(2, 0, clock=_seconds(20.0)), 1.0)
    outcome = history.match(_feedback(1, 0, clock=_seconds(19.0)), 1.1)

    assert outcome.acked[0].arrived_at == 19.0


def test_a_round_trip_below_nothing_is_forged() -> None:
    history = _history()
    outcome = history.match(_feedback(99, 7 * 1024, clock=0), 2.0)

    assert outcome.round_trip_s is None


@pytest.mark.parametrize(
    ("feedback", "sentence"),
    [
        (_feedback(99, 0, 0), "expected numbers up to 99, came 100"),
        (_feedback(100, MISSING), "expected numbers up to 99, came 100"),
        (_feedback(1, 0, ssrc=7), "expected a stream sent, came 7"),
    ],
    ids=["not sent", "not sent and missing", "no stream"],
)
def test_what_was_never_sent_cannot_have_come(
    feedback: Feedback, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        _history().match(feedback, 2.0)


def test_what_overtook_others_before_it_left_can_have_come() -> None:
    history = History()
    for number in (300, 302, 301):  # as repeats do, of which the newest leaves first
        history.sent(CAMERA, number, SIZE, 0.0)
    outcome = history.match(_feedback(300, 0, MISSING, 0, ssrc=CAMERA), 0.1)

    assert len(outcome.acked) == 2


def test_a_report_with_one_lie_teaches_nothing() -> None:
    history = _history()
    lie = Feedback(9, (Arrivals(SOUND, 1, (0,)), Arrivals(7, 1, (0,))), 0)
    with pytest.raises(MalformedError):
        history.match(lie, 2.0)

    assert len(history.match(_feedback(1, 0), 2.1).acked) == 1


def test_a_packet_is_lost_once_eight_later_ones_were_reported() -> None:
    history = _history()
    early = history.match(_feedback(10, 0, MISSING, *[0] * (OVERTAKEN - 1)), 2.0)
    late = history.match(_feedback(10, 0, MISSING, *[0] * OVERTAKEN), 2.1)

    assert early.fates == [(SOUND, 10, False)]
    assert late.fates == [(SOUND, 11, True)]


def test_a_fate_is_told_once() -> None:
    history = _history()
    feedback = _feedback(10, 0, MISSING, *[0] * OVERTAKEN)
    history.match(feedback, 2.0)

    assert history.match(feedback, 2.1).fates == []


def test_what_was_perhaps_never_sent_is_not_lost() -> None:
    history = _history()
    outcome = history.match(_feedback(10, *[MISSING] * 5, *[0] * OVERTAKEN), 2.0)

    assert outcome.fates == []


def test_what_no_report_told_of_is_not_judged() -> None:
    history = _history()
    history.match(_feedback(10, *[0] * 10), 2.0)
    outcome = history.match(_feedback(50, *[0] * 10), 2.1)

    assert [number for _, number, _ in outcome.fates] == [50, 51]


def test_the_share_of_losses_is_of_the_last_second() -> None:
    history = _history()
    history.match(_feedback(10, *[0, MISSING] * 4, *[0] * OVERTAKEN), 2.0)

    assert history.lost_share == 0.5


def test_losses_are_forgotten_after_a_second() -> None:
    history = _history()
    history.match(_feedback(10, *[0, MISSING] * 4, *[0] * OVERTAKEN), 2.0)
    history.match(_feedback(26, 0), 3.1)

    assert history.lost_share == 0.0


def test_an_outage_is_no_loss() -> None:
    history = _history()
    history.match(_feedback(10, *[0] * 10), 2.0)
    history.begin_again()
    outcome = history.match(_feedback(76, *[MISSING] * 10, *[0] * 14), 2.1)

    assert (outcome.fates, history.lost_share) == ([], 0.0)


def _reported(history: History, packets: int, *, per_s: float, until: float) -> None:
    """Let the last of so many packets have come at `until` of their clock."""
    ticks = [min(int(index / per_s * 1024), UNTIMED) for index in range(packets)]
    history.match(_feedback(0, *reversed(ticks), clock=_seconds(until)), until)


def test_the_rate_of_what_came_is_unknown_before_its_window_passed() -> None:
    history = _history()
    _reported(history, 20, per_s=50, until=5.0)

    assert history.came_bps(0.5) is None


def test_nothing_came_at_no_rate() -> None:
    assert _history().came_bps(0.5) is None


def test_the_rate_of_what_came_is_counted_by_their_clock() -> None:
    history = _history()
    _reported(history, 50, per_s=50, until=5.0)

    assert history.came_bps(0.5) == pytest.approx(SIZE * 8 * 50)


def test_a_clock_that_is_too_slow_makes_no_rate() -> None:
    history = _history()
    _reported(history, 100, per_s=170, until=5.0)

    assert history.came_bps(0.5) == pytest.approx(SIZE * 8 * 50, rel=0.02)


def test_a_clock_that_runs_backwards_makes_no_rate() -> None:
    history = _history()
    for number in range(50, 100):
        history.match(_feedback(number, 0, clock=_seconds(200.0 - number)), 2.0)

    assert history.came_bps(0.5) is None
