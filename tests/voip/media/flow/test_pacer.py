"""Pictures in small portions."""

import pytest

from voip.media.flow.pacer import TICK_S, Pacer

PACKET = bytes(1000)
RATE = 800_000  # one packet in 10 ms


def _pacer(rate: int = RATE) -> Pacer:
    pacer = Pacer(0.0)
    pacer.set_rate(rate)
    return pacer


def _sent(pacer: Pacer, begin: float, seconds: float) -> int:
    """Ask at every tick; give how many packets left."""
    ticks = range(1, round(seconds / TICK_S) + 1)
    return sum(len(pacer.due(begin + tick * TICK_S)) for tick in ticks)


def test_without_a_rate_nothing_is_taken() -> None:
    pacer = Pacer(0.0)
    pacer.put([PACKET], 0.0)
    pacer.put_first(PACKET, 0.0)

    assert (pacer.due(1.0), pacer.backlog_s) == ([], 0.0)


def test_the_first_packet_leaves_with_the_next_tick() -> None:
    pacer = _pacer()
    pacer.put([PACKET, PACKET], 0.0)

    assert pacer.due(TICK_S) == [PACKET]


def test_packets_leave_a_little_faster_than_the_rate() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 50, 0.0)

    assert _sent(pacer, 0.0, 0.2) == pytest.approx(0.2 * 1.5 * RATE / 8000, abs=1)


def test_a_key_frame_leaves_faster_still() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 100, 0.0, key=True)

    assert _sent(pacer, 0.0, 0.2) == pytest.approx(0.2 * 2.5 * RATE / 8000, abs=1)


def test_after_a_key_frame_the_pace_is_the_usual_one() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 5, 0.0, key=True)
    pacer.put([PACKET] * 30, 0.0)
    _sent(pacer, 0.0, 0.05)

    assert _sent(pacer, 0.05, 0.1) == pytest.approx(0.1 * 1.5 * RATE / 8000, abs=1)


def test_on_a_path_that_may_be_narrow_nothing_hurries() -> None:
    pacer = _pacer(80_000)
    pacer.put([PACKET] * 10, 0.0, key=True)

    assert _sent(pacer, 0.0, 0.5) == pytest.approx(0.5 * 1.1 * 10, abs=1)


def test_an_empty_queue_saves_nothing_up() -> None:
    pacer = _pacer()
    _sent(pacer, 0.0, 10.0)
    pacer.put([PACKET] * 50, 10.0)

    assert len(pacer.due(10.0 + TICK_S)) == 1


def test_a_late_tick_sends_no_flood() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 50, 0.0)

    assert len(pacer.due(0.5)) <= 4


def test_a_retransmission_goes_first() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 5, 0.0)
    pacer.put_first(b"again", 0.0)

    assert pacer.due(TICK_S)[0] == b"again"


def test_a_retransmission_amid_a_key_frame_does_not_slow_it() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 50, 0.0, key=True)
    for _ in range(10):
        pacer.put_first(PACKET, 0.0)

    assert _sent(pacer, 0.0, 0.2) == pytest.approx(0.2 * 2.5 * RATE / 8000, abs=1)


def test_the_backlog_is_told_in_time() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 15, 0.0)

    assert pacer.backlog_s == pytest.approx(0.1)


def test_over_200_ms_the_next_capture_is_skipped() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 29, 0.0)
    before = pacer.is_behind
    pacer.put([PACKET] * 2, 0.0)

    assert (before, pacer.is_behind) == (False, True)


def test_over_500_ms_all_is_dropped_and_told_once() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 76, 0.0)

    assert pacer.backlog_s == 0.0
    assert [pacer.overflowed(), pacer.overflowed()] == [True, False]


def test_a_key_frame_is_waited_for() -> None:
    pacer = _pacer(30_000)
    pacer.put([PACKET] * 3, 0.0, key=True)  # 0.7 s

    assert not pacer.overflowed()
    assert pacer.is_behind


def test_a_rate_of_nothing_drops_what_waits() -> None:
    pacer = _pacer()
    pacer.put([PACKET] * 10, 0.0)
    pacer.set_rate(0)
    pacer.set_rate(RATE)

    assert (_sent(pacer, 0.0, 1.0), pacer.backlog_s) == (0, 0.0)
