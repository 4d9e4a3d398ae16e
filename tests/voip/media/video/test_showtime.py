import itertools
import random

import pytest

from voip.media.video.showtime import ShowTimes

FRAME = 3000  # ticks, at 30 frames a second


def shown(
    times: ShowTimes, frames: int, lateness: list[float], *, first: int = 0
) -> list[float]:
    """Let frames become whole, each so much later than it was captured."""
    return [
        times.show_at(
            number * FRAME % 2**32,
            number / 30 + lateness[number % len(lateness)],
            after_gap=False,
        )
        for number in range(first, first + frames)
    ]


def gaps(at: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(at)]


def test_frames_without_jitter_are_shown_at_once() -> None:
    times = ShowTimes()

    assert shown(times, 90, [0.02]) == pytest.approx(
        [number / 30 + 0.02 for number in range(90)]
    )


def test_frames_with_jitter_are_shown_evenly() -> None:
    times = ShowTimes()
    draw = random.Random(1)
    lateness = [0.02 + 0.06 * draw.random() for _ in range(300)]
    at = shown(times, 300, lateness)

    late = [show - number / 30 for number, show in enumerate(at)][100:]

    assert max(late) - min(late) < 0.02


def test_one_slow_frame_delays_no_other() -> None:
    times = ShowTimes()
    shown(times, 90, [0.02])
    times.show_at(90 * FRAME, 3.0 + 0.18, after_gap=False)

    assert times.show_at(98 * FRAME, 98 / 30 + 0.02, after_gap=False) == pytest.approx(
        98 / 30 + 0.02
    )


def test_the_delay_is_never_over_200_ms() -> None:
    times = ShowTimes()
    at = shown(times, 90, [0.02] * 9 + [0.5])

    assert at[88] - 88 / 30 == pytest.approx(0.22)


def test_a_frame_is_shown_no_earlier_than_the_one_before() -> None:
    times = ShowTimes()
    at = shown(times, 90, [0.2, 0.02, 0.1])

    assert min(gaps(at)) >= 0


def test_a_timestamp_from_nowhere_moves_nothing_far() -> None:
    times = ShowTimes()
    shown(times, 90, [0.02])
    for number, timestamp in enumerate((0x7000_0000, 0, 0xF000_0000, 5)):
        now = 3.0 + number / 30

        assert now <= times.show_at(timestamp, now, after_gap=False) <= now + 0.3


def test_timestamps_may_wrap() -> None:
    times = ShowTimes()
    first = 2**32 // FRAME - 30
    at = shown(times, 60, [0.02], first=first)

    assert gaps(at) == pytest.approx([1 / 30] * 59, abs=1e-3)


@pytest.mark.parametrize(("offset", "moved"), [(0.05, 0.05), (0.5, 0.08)])
def test_pictures_follow_later_sound_by_80_ms_at_most(
    offset: float, moved: float
) -> None:
    times = ShowTimes()
    times.audio_offset_s = offset
    at = shown(times, 90, [0.02])

    assert at[89] - 89 / 30 == pytest.approx(0.02 + moved)


@pytest.mark.parametrize(("offset", "late_s"), [(-0.04, 0.1), (-0.075, 0.07)])
def test_pictures_hurry_for_earlier_sound_only_where_it_is_seen(
    offset: float, late_s: float
) -> None:
    times = ShowTimes()
    times.audio_offset_s = offset
    at = shown(times, 240, [0.02, 0.1])

    late = [show - number / 30 for number, show in enumerate(at)]

    assert late[238] == pytest.approx(late_s)


def test_following_is_no_jerk() -> None:
    times = ShowTimes()
    shown(times, 60, [0.02])
    times.audio_offset_s = 0.08
    at = shown(times, 60, [0.02], first=60)

    assert max(gaps(at)) < 1 / 30 + 0.0051


def test_the_time_without_sound_is_known_for_any_timestamp() -> None:
    times = ShowTimes()
    times.audio_offset_s = 0.05
    shown(times, 60, [0.02])

    assert times.unmoved(75 * FRAME) == pytest.approx(75 / 30 + 0.02)


def test_before_the_first_frame_no_time_is_known() -> None:
    assert ShowTimes().unmoved(0) is None


def test_a_gap_over_200_ms_is_a_freeze() -> None:
    times = ShowTimes()
    shown(times, 30, [0.02])
    times.show_at(40 * FRAME, 40 / 30 + 0.02, after_gap=True)

    assert times.freezes == 1
    assert times.frozen_s == pytest.approx(11 / 30)


def test_a_gap_of_200_ms_is_none() -> None:
    times = ShowTimes()
    shown(times, 30, [0.02])
    times.show_at(34 * FRAME, 34 / 30 + 0.02, after_gap=True)

    assert times.freezes == 0


def test_five_frames_a_second_are_no_freeze() -> None:
    times = ShowTimes()
    for number in range(30):
        times.show_at(number * 18_900, number * 0.21, after_gap=False)
    freezes = times.freezes
    for number in range(30, 60):
        times.show_at(number * 18_900, number * 0.21, after_gap=False)

    assert times.freezes == freezes


def test_what_the_sender_does_not_show_is_no_freeze() -> None:
    times = ShowTimes()
    shown(times, 30, [0.02])
    times.pause()
    shown(times, 30, [0.02], first=90)

    assert times.freezes == 0


def test_memory_is_bounded() -> None:
    times = ShowTimes()
    for number in range(1000):
        times.show_at(number, 0.001 * number, after_gap=False)

    assert len(times._lateness) == 240


def test_how_long_a_quick_picture_waits_is_known() -> None:
    times = ShowTimes()
    shown(times, 30, [0.02, 0.05])

    assert times.waits_s == pytest.approx(0.03)
