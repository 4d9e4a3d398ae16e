"""Silence on the wire is evidence."""

from voip.media.events import FirstVerified, HeardAgain, PathWeak, Quiet
from voip.media.liveness import QUIET_AFTER_S, QUIET_AGAIN_S, Liveness


def _heard() -> Liveness:
    liveness = Liveness(0.0)
    liveness.verified(0.0, on_current_path=True)
    return liveness


def test_the_first_packet_is_told_once() -> None:
    liveness = Liveness(0.0)
    first = liveness.verified(1.0, on_current_path=True)
    second = liveness.verified(1.1, on_current_path=True)

    assert (first, second, liveness.has_heard) == ([FirstVerified()], [], True)


def test_before_the_first_packet_silence_is_not_told() -> None:
    liveness = Liveness(0.0)

    assert liveness.tick(60.0) == []


def test_each_step_of_silence_is_told_once() -> None:
    liveness = _heard()
    times = (0.4, 0.5, 0.9, 1.0, 2.9, QUIET_AFTER_S, 4.0)
    ticks = [liveness.tick(now) for now in times]

    assert ticks == [[], [PathWeak(0.5)], [], [PathWeak(1.0)], [], [Quiet(3.0)], []]


def test_a_clock_that_leaps_tells_the_last_step_only() -> None:
    assert _heard().tick(5.0) == [Quiet(5.0)]


def test_silence_that_lasts_is_told_again() -> None:
    liveness = _heard()
    liveness.tick(QUIET_AFTER_S)
    later = QUIET_AFTER_S + QUIET_AGAIN_S
    ticks = [liveness.tick(now) for now in (later - 0.1, later, later + 1.0)]

    assert ticks == [[], [Quiet(later)], []]


def test_a_weak_path_that_is_heard_again_begins_anew() -> None:
    liveness = _heard()
    liveness.tick(0.5)

    assert liveness.verified(0.75, on_current_path=True) == []
    assert liveness.tick(1.25) == [PathWeak(0.5)]


def test_a_packet_after_silence_is_told_once() -> None:
    liveness = _heard()
    liveness.tick(QUIET_AFTER_S)
    first = liveness.verified(4.0, on_current_path=True)
    second = liveness.verified(4.1, on_current_path=True)

    assert (first, second) == ([HeardAgain()], [])


def test_silence_is_told_again_after_it_was_broken() -> None:
    liveness = _heard()
    liveness.tick(QUIET_AFTER_S)
    liveness.verified(4.0, on_current_path=True)

    assert liveness.tick(8.0) == [Quiet(4.0)]


def test_the_first_packet_on_a_new_path_is_told() -> None:
    liveness = _heard()
    liveness.path_changed()
    first = liveness.verified(1.0, on_current_path=True)
    second = liveness.verified(1.1, on_current_path=True)

    assert (first, second) == ([HeardAgain()], [])


def test_a_late_packet_of_the_old_path_does_not_vouch_for_the_new_one() -> None:
    liveness = _heard()
    liveness.tick(QUIET_AFTER_S)
    liveness.path_changed()

    assert liveness.verified(4.0, on_current_path=False) == []


def test_the_new_path_is_told_of_after_such_a_packet() -> None:
    liveness = _heard()
    liveness.path_changed()
    liveness.verified(1.0, on_current_path=False)

    assert liveness.verified(1.1, on_current_path=True) == [HeardAgain()]
