"""Silence on the wire is evidence."""

from voip.media.events import FirstVerified, HeardAgain, Quiet
from voip.media.liveness import QUIET_AFTER_S, Liveness


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


def test_three_seconds_of_silence_are_told_once() -> None:
    liveness = _heard()
    ticks = [liveness.tick(now) for now in (2.9, QUIET_AFTER_S, 4.0)]

    assert ticks == [[], [Quiet(QUIET_AFTER_S)], []]


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
