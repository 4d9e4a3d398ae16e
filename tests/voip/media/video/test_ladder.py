import pytest

from voip.media.video.ladder import (
    AV1_BITS_PER_PIXEL,
    Cadence,
    KeyFrames,
    Ladder,
    Shape,
)

FULL = 2_000_000  # bit/s, enough for 1280x720 at 30
STARVED = 1_000


def settled(ladder: Ladder, bps: int, start: float, seconds: float) -> Shape:
    """Ask ten times a second, and give the last answer."""
    for tick in range(round(seconds * 10)):
        ladder.choose(bps, start + tick / 10)
    return ladder.choose(bps, start + seconds)


# By hand: rate / (pixels x fps) >= 0.027.
@pytest.mark.parametrize(
    ("bps", "shape"),
    [
        (746_496, Shape(1280, 720, 30)),
        (746_495, Shape(1280, 720, 20)),
        (497_663, Shape(960, 540, 20)),
        (279_935, Shape(640, 360, 20)),
        (124_415, Shape(640, 360, 12)),
        (74_649, Shape(480, 270, 12)),
        (41_990, Shape(320, 180, 10)),
        (15_551, Shape(320, 180, 5)),
        (1_000, Shape(320, 180, 5)),
    ],
)
def test_the_rate_says_how_large_and_how_often(bps: int, shape: Shape) -> None:
    assert Ladder(1280, 720).choose(bps, 0.0) == shape


def test_av1_takes_fewer_bits() -> None:
    ladder = Ladder(1280, 720, bits_per_pixel=AV1_BITS_PER_PIXEL)

    assert ladder.choose(443_000, 0.0) == Shape(1280, 720, 30)


@pytest.mark.parametrize(
    ("bps", "shape"),
    [
        (1_008_000, Shape(1920, 1080, 30)),
        (300_000, Shape(1920, 1080, 8)),
        (168_000, Shape(1920, 1080, 5)),
        (100_000, Shape(1440, 810, 5)),
    ],
)
def test_a_screen_stays_large_and_gets_slow(bps: int, shape: Shape) -> None:
    assert Ladder(1920, 1080, screen=True).choose(bps, 0.0) == shape


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((1920, 1080), (1280, 720)),
        ((720, 1280), (404, 720)),
        ((641, 481), (640, 480)),
        ((33, 21), (32, 20)),
        ((4000, 30), (1280, 10)),
    ],
)
def test_a_source_is_sent_with_even_sides_and_no_larger_than_720p(
    source: tuple[int, int], size: tuple[int, int]
) -> None:
    assert Ladder(*source).choose(100 * FULL, 0.0)[:2] == size


def test_no_side_gets_smaller_than_64() -> None:
    assert Ladder(320, 180).choose(STARVED, 0.0)[:2] == (114, 64)


def test_a_lower_rate_shrinks_the_picture_at_once() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(FULL, 0.0)

    assert ladder.choose(200_000, 1.0) == Shape(640, 360, 20)


def test_two_new_sizes_are_half_a_second_apart() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(FULL, 0.0)
    ladder.choose(200_000, 1.0)

    assert ladder.choose(STARVED, 1.4) == Shape(640, 360, 20)
    assert ladder.choose(STARVED, 1.5) == Shape(320, 180, 5)


def test_fewer_pictures_of_the_same_size_come_at_once() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(FULL, 0.0)

    assert ladder.choose(500_000, 0.1) == Shape(1280, 720, 20)


def test_a_higher_rate_grows_the_picture_after_five_seconds() -> None:
    ladder = Ladder(1280, 720)
    settled(ladder, STARVED, 0.0, 10.0)
    settled(ladder, FULL, 11.0, 4.9)

    assert ladder.choose(FULL, 15.95) == Shape(320, 180, 5)
    assert ladder.choose(FULL, 16.0) == Shape(1280, 720, 30)


def test_in_the_first_seconds_it_grows_after_one_second() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(STARVED, 0.0)
    settled(ladder, FULL, 1.0, 0.9)

    assert ladder.choose(FULL, 1.95) == Shape(320, 180, 5)
    assert ladder.choose(FULL, 2.0) == Shape(1280, 720, 30)


def test_once_a_shape_did_not_hold_the_first_seconds_are_like_the_others() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(STARVED, 0.0)
    settled(ladder, 300_000, 1.0, 1.0)
    ladder.choose(STARVED, 2.5)

    assert settled(ladder, 150_000, 3.0, 4.5) == Shape(320, 180, 5)


def test_room_must_last_for_the_picture_to_grow() -> None:
    ladder = Ladder(1280, 720)
    settled(ladder, STARVED, 0.0, 10.0)
    settled(ladder, FULL, 11.0, 4.0)
    ladder.choose(STARVED, 15.1)

    assert settled(ladder, FULL, 15.2, 4.9) == Shape(320, 180, 5)


def test_a_shape_that_did_not_hold_is_not_tried_again_for_30_s() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(FULL, 0.0)
    ladder.choose(500_000, 1.0)

    assert settled(ladder, FULL, 1.1, 29.8) == Shape(1280, 720, 20)
    assert settled(ladder, FULL, 31.0, 0.1) == Shape(1280, 720, 30)


def test_what_lies_below_a_shape_that_did_not_hold_is_tried() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(500_000, 0.0)
    ladder.choose(300_000, 1.0)
    ladder.choose(STARVED, 2.0)

    assert settled(ladder, FULL, 32.5, 5.0) == Shape(1280, 720, 30)


def test_a_coarse_picture_shrinks_after_two_seconds() -> None:
    ladder = Ladder(1280, 720)
    shapes = [ladder.choose(FULL, at / 10, quantizer=53) for at in range(22)]

    assert [shape.fps for shape in shapes] == [30] * 21 + [20]


def test_one_better_picture_begins_the_two_seconds_anew() -> None:
    ladder = Ladder(1280, 720)
    for at in range(20):
        ladder.choose(FULL, at / 10, quantizer=53)
    ladder.choose(FULL, 2.0, quantizer=52)

    assert ladder.choose(FULL, 2.1, quantizer=53).fps == 30


def test_a_coarse_picture_at_the_bottom_stays() -> None:
    ladder = Ladder(1280, 720)
    shapes = {ladder.choose(STARVED, at / 10, quantizer=60) for at in range(100)}

    assert shapes == {Shape(320, 180, 5)}


def test_shrinking_halves_the_sides_for_five_seconds() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(FULL, 0.0)
    ladder.shrink(1.0)

    assert settled(ladder, FULL, 1.0, 4.9) == Shape(640, 360, 20)
    assert settled(ladder, FULL, 5.9, 0.2) == Shape(1280, 720, 30)


def test_the_smallest_picture_shrinks_no_more() -> None:
    ladder = Ladder(1280, 720)
    ladder.choose(STARVED, 0.0)
    ladder.shrink(1.0)

    assert ladder.choose(STARVED, 1.0) == Shape(320, 180, 5)


def test_shrinking_before_the_first_picture_counts() -> None:
    ladder = Ladder(1280, 720)
    ladder.shrink(0.0)

    assert ladder.choose(FULL, 0.0) == Shape(640, 360, 20)


SMALL = Shape(320, 180, 20)
LARGE = Shape(640, 360, 20)


def test_the_first_picture_is_whole() -> None:
    keys = KeyFrames()

    assert [keys.due(SMALL, 0.0), keys.due(SMALL, 0.1)] == [True, False]


def test_a_picture_of_a_new_size_is_whole_at_once() -> None:
    keys = KeyFrames()
    keys.due(SMALL, 0.0)

    assert keys.due(LARGE, 0.1)


def test_a_new_frequency_needs_no_whole_picture() -> None:
    keys = KeyFrames()
    keys.due(SMALL, 0.0)

    assert not keys.due(Shape(320, 180, 5), 1.0)


def test_a_whole_picture_comes_when_it_is_asked_for() -> None:
    keys = KeyFrames()
    keys.due(SMALL, 0.0)
    keys.asked(1.0)

    assert [keys.due(SMALL, 1.0), keys.due(SMALL, 1.6)] == [True, False]


def test_asking_gets_a_whole_picture_each_500_ms_at_most() -> None:
    keys = KeyFrames()
    due = 0
    for tick in range(1000):
        keys.asked(tick / 100)
        due += keys.due(SMALL, tick / 100)

    assert due == 20


def test_asking_twice_within_a_second_shows_that_pictures_do_not_get_through() -> None:
    keys = KeyFrames()

    assert [keys.asked(0.0), keys.asked(0.9), keys.asked(2.0)] == [False, True, False]


@pytest.mark.parametrize("fps", [30, 20, 12, 10, 5])
def test_a_source_of_30_is_thinned_evenly(fps: int) -> None:
    cadence = Cadence()
    jitter = (0.0, 0.004, -0.003, 0.002)
    taken = [cadence.take(fps, n / 30 + jitter[n % 4]) for n in range(300)]

    assert sum(taken) == pytest.approx(10 * fps, rel=0.06)


def test_a_slow_source_is_taken_whole() -> None:
    cadence = Cadence()

    assert all(cadence.take(30, n / 15) for n in range(30))


def test_after_a_pause_pictures_do_not_come_in_a_burst() -> None:
    cadence = Cadence()
    cadence.take(10, 0.0)
    taken = [cadence.take(10, 5.0 + n / 100) for n in range(10)]

    assert sum(taken) == 2
