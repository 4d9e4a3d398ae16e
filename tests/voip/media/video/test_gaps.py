import pytest

from voip.media.video.gaps import Due, Gaps

RTT = 0.1
NONE = Due([], None)


def gaps(*numbers: int, requests: bool = True) -> Gaps:
    """Give gaps that were seen at 1.0."""
    made = Gaps(requests=requests)
    for number in numbers:
        made.open(number, number + 1, RTT, 1.0)
    return made


def asked(made: Gaps, start: float, seconds: float) -> list[float]:
    """Say at which milliseconds something was asked for."""
    times = [start + tick / 1000 for tick in range(round(seconds * 1000))]
    return [now for now in times if made.due(RTT, now).asked]


def test_all_that_is_missing_is_asked_for_at_once() -> None:
    made = Gaps(requests=True)
    made.open(5, 8, RTT, 1.0)

    assert made.due(RTT, 1.0) == Due([5, 6, 7], None)


def test_what_is_missing_is_asked_for_again_twice_a_round_trip() -> None:
    assert asked(gaps(5), 1.0, 0.2) == pytest.approx([1.0, 1.06, 1.12, 1.18], abs=0.005)


def test_after_300_ms_and_a_round_trip_it_is_hopeless() -> None:
    made = gaps(5)
    times = asked(made, 1.0, 0.4)

    assert max(times) < 1.4
    assert made.due(RTT, 1.46) == Due([], 5)


def test_after_twelve_requests_it_is_hopeless() -> None:
    made = Gaps(requests=True)
    made.open(5, 6, 0.0, 1.0)
    dues = [made.due(0.0, 1.0 + tick * 0.011) for tick in range(13)]

    assert dues == [Due([5], None)] * 12 + [Due([], 5)]


def test_the_highest_that_is_hopeless_is_told() -> None:
    assert gaps(5, 7).due(RTT, 2.0) == Due([], 7)


def test_without_requests_it_is_waited_for_and_then_hopeless() -> None:
    made = gaps(5, requests=False)

    assert made.wake_at == pytest.approx(1.6)
    assert made.due(RTT, 1.59) == NONE
    assert made.due(RTT, 1.61) == Due([], 5)


def test_a_packet_that_came_is_missing_no_more() -> None:
    made = gaps(5)

    assert made.fill(5, 1.1, repeat=True)
    assert (len(made), 5 in made, made.due(RTT, 1.2)) == (0, False, NONE)


def test_a_packet_that_came_in_turn_was_not_missing() -> None:
    assert not gaps(5).fill(6, 1.1, repeat=False)


def test_asking_waits_as_long_as_overtaken_packets_took() -> None:
    made = gaps(5)
    made.fill(5, 1.02, repeat=False)
    made.open(9, 10, RTT, 2.0)

    assert made.wake_at == pytest.approx(2.02)
    assert made.due(RTT, 2.019) == NONE
    assert made.due(RTT, 2.021) == Due([9], None)


def test_it_waits_no_longer_than_50_ms() -> None:
    made = gaps(5)
    made.fill(5, 1.3, repeat=False)
    made.open(9, 10, RTT, 2.0)

    assert made.wake_at == pytest.approx(2.05)


def test_the_wait_is_forgotten_by_and_by() -> None:
    made = gaps(5)
    made.fill(5, 1.02, repeat=False)
    for _ in range(70):
        made.relax()
    made.open(9, 10, RTT, 2.0)

    assert made.wake_at == pytest.approx(2.01, abs=0.001)


def test_a_repeat_is_no_packet_that_was_overtaken() -> None:
    made = gaps(5)
    made.fill(5, 1.02, repeat=True)
    made.open(9, 10, RTT, 2.0)

    assert made.wake_at == 2.0


def test_what_lies_below_can_be_forgotten() -> None:
    made = gaps(5, 6, 7)
    made.drop_below(7)

    assert made.due(RTT, 1.0) == Due([7], None)


def test_without_gaps_nothing_is_waited_for() -> None:
    assert gaps().wake_at is None
