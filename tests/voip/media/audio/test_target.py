"""How long sound should wait, for packets that come in this way or that."""

import random
from collections.abc import Iterable

import pytest

from voip.media.audio.target import FRAME_S, MEMORY, Arrivals

OWN = (0,)
BEGIN = 100.0
"""When packet 0 leaves, in what is fed here."""


def feed(
    arrivals: Arrivals,
    late: Iterable[float | None],
    *,
    first: int = 0,
    distances: tuple[int, ...] = OWN,
) -> None:
    """Let packets come from number `first` on, each so late; None is lost."""
    for number, each in enumerate(late, first):
        if each is not None:
            arrivals.take(number & 0xFFFF, distances, BEGIN + FRAME_S * number + each)


def fed(late: Iterable[float | None], *, distances: tuple[int, ...] = OWN) -> Arrivals:
    arrivals = Arrivals()
    feed(arrivals, late, distances=distances)
    return arrivals


def path(arrivals: Arrivals) -> float:
    """Give what the fastest packet took."""
    return arrivals.base + FRAME_S * 0x10000 - BEGIN


def test_on_a_calm_path_sound_waits_for_one_frame() -> None:
    assert fed([0.0] * 100).target == pytest.approx(0.02)


def test_sound_waits_for_the_slowest_but_the_last_twentieth() -> None:
    late = [0.001 * (number % 50) for number in range(200)]

    assert fed(late).target == pytest.approx(0.057, abs=0.002)


def test_one_spike_is_forgotten_after_a_second_and_a_half() -> None:
    spike = [0.15 - 0.0075 * number for number in range(20)]
    arrivals = fed([0.0] * 100 + spike)
    assert arrivals.target > 0.1

    feed(arrivals, [0.0] * 80, first=120)

    assert arrivals.target <= 0.028


def spikes(count: int) -> list[float]:
    return ([0.0] * 90 + [0.12, 0.14, 0.1] + [0.0] * 90) * count


def test_two_spikes_were_bad_luck() -> None:
    assert fed(spikes(2)).target == pytest.approx(0.02)


def test_three_spikes_are_remembered() -> None:
    assert fed(spikes(3)).target == pytest.approx(0.15)


def test_three_spikes_are_forgotten_after_twenty_seconds() -> None:
    assert fed(spikes(3) + [0.0] * 1100).target == pytest.approx(0.02)


def test_a_little_less_jitter_changes_nothing() -> None:
    arrivals = fed([0.001 * (number % 50) for number in range(200)])
    before = arrivals.target
    feed(arrivals, [0.001 * (number % 44) for number in range(200)], first=200)

    assert arrivals.target == before


def test_copies_are_waited_for_once_they_were_of_use_twice() -> None:
    once = [0.0] * 60 + [None] + [0.0] * 39

    assert fed(once, distances=(0, 1)).target == pytest.approx(0.02)
    assert fed(once + once, distances=(0, 1)).target == pytest.approx(0.03)


def test_what_a_frame_tells_of_the_one_before_is_waited_for_like_a_copy() -> None:
    once = [0.0] * 60 + [None] + [0.0] * 39

    assert fed(once + once).target == pytest.approx(0.03)


def test_copies_of_far_back_are_waited_for_where_they_alone_came() -> None:
    burst = [0.0] * 60 + [None] * 3 + [0.0] * 37

    assert fed(burst + burst, distances=(0, 1, 3)).target == pytest.approx(0.07)


def test_copies_are_waited_for_as_long_as_one_was_of_use() -> None:
    arrivals = fed(([0.0] * 200 + [None]) * 2, distances=(0, 1))
    feed(arrivals, [0.0] * (MEMORY - 20), first=402, distances=(0, 1))
    assert arrivals.target == pytest.approx(0.03)

    feed(arrivals, [0.0] * 60, first=402 + MEMORY - 20, distances=(0, 1))

    assert arrivals.target == pytest.approx(0.02)


def test_a_copy_that_overtook_its_frame_rescued_nothing() -> None:
    overtaken = [0.0, 0.03] * 100

    assert fed(overtaken, distances=(0, 1)).target == pytest.approx(0.04)


def test_copies_are_waited_for_with_the_jitter_of_their_packets() -> None:
    late: list[float | None] = [0.001 * (number % 40) for number in range(200)]
    late[100] = late[150] = None

    assert fed(late, distances=(0, 1)).target == pytest.approx(0.066, abs=0.002)


def test_sound_never_waits_for_more_than_a_fifth_of_a_second() -> None:
    assert fed([0.0, 0.24] * 100).target == 0.2


def test_what_comes_a_second_late_is_not_waited_for() -> None:
    late = [1.0 if number % 10 == 0 else 0.0 for number in range(200)]

    assert fed(late).target == pytest.approx(0.02)


def test_a_path_that_became_longer_is_taken_for_what_it_is() -> None:
    arrivals = fed([0.0] * 100 + [0.6] * 40)

    assert path(arrivals) == pytest.approx(0.6)
    assert arrivals.target == pytest.approx(0.02)


def test_a_path_that_is_late_from_the_start_is_no_step() -> None:
    assert path(fed([0.0] + [0.5] * 10)) == pytest.approx(0.0)


def test_a_faster_path_counts_at_once() -> None:
    arrivals = fed([0.05] * 100)
    feed(arrivals, [0.0], first=100)

    assert path(arrivals) == pytest.approx(0.0)


def test_a_slower_path_counts_after_ten_seconds() -> None:
    assert path(fed([0.0] * 10 + [0.05] * 530)) == pytest.approx(0.05)


def test_numbers_go_on_across_the_wrap() -> None:
    arrivals = Arrivals()
    first = arrivals.take(65_535, OWN, 1.0)
    second = arrivals.take(0, OWN, 1.02)

    assert first is not None
    assert second == first + 1


def test_a_packet_from_before_the_wrap_keeps_its_place() -> None:
    arrivals = Arrivals()
    first = arrivals.take(0, OWN, 1.0)
    before = arrivals.take(65_535, OWN, 1.01)

    assert first is not None
    assert before == first - 1


def test_a_packet_counts_once() -> None:
    arrivals = fed([0.0] * 10)

    assert arrivals.take(9, OWN, 101.0) is None


def test_a_packet_from_ten_seconds_ago_does_not_count() -> None:
    arrivals = fed([0.0] * 600)

    assert arrivals.take(20, OWN, 112.1) is None


def test_a_sender_that_counts_anew_is_followed() -> None:
    arrivals = fed([0.0] * 600)
    number = arrivals.take(20, OWN, 130.0)

    assert number is not None
    assert number > 600 + 0x10000
    assert arrivals.base == pytest.approx(130.0 - FRAME_S * number)


def test_a_jump_ahead_makes_all_before_it_forgotten() -> None:
    arrivals = fed([0.001 * (number % 50) for number in range(200)])
    for number in range(10_000, 10_020):
        arrivals.take(number, OWN, 104.0 + FRAME_S * (number - 10_000))

    assert arrivals.jitter == pytest.approx(0.0)
    assert arrivals.target == pytest.approx(0.02)


@pytest.mark.parametrize("gap", [MEMORY - 1, MEMORY, MEMORY + 1], ids=str)
def test_a_jump_of_about_all_that_is_remembered_leaves_nothing(gap: int) -> None:
    arrivals = fed([0.0] * 2 * MEMORY)
    newest = 2 * MEMORY - 1 + gap
    arrivals.take(newest, OWN, BEGIN + FRAME_S * newest)
    kept = max(MEMORY - gap, 0)  # of those from before

    assert arrivals.losses(MEMORY)[0] == MEMORY - 1 - kept


def test_losses_are_counted_with_their_runs() -> None:
    late: list[float | None] = [0.0] * 100
    late[60] = late[70] = late[71] = late[72] = None

    assert fed(late).losses(50) == (4, 2)


def test_a_device_that_asks_for_much_at_once_makes_sound_wait() -> None:
    arrivals = fed([0.0] * 20)
    arrivals.lead(0.04)
    feed(arrivals, [0.0] * 10, first=20)

    assert arrivals.target == pytest.approx(0.04)


def test_no_order_of_packets_makes_the_target_leave_its_bounds() -> None:
    chance = random.Random(5)
    arrivals = Arrivals()
    now = 0.0
    targets = set()
    for _ in range(3000):
        now += chance.expovariate(50)
        sequence = int(now * 50 + chance.gauss(0, 60)) & 0xFFFF
        arrivals.take(sequence, (0, chance.randrange(1, 9)), now)
        targets.add(arrivals.target)

    assert min(targets) >= 0.02
    assert max(targets) <= 0.2


def test_when_sound_could_be_here_follows_from_the_fastest_packet() -> None:
    arrivals = fed([0.05, 0.01, 0.09])

    assert arrivals.earliest(0.0) == pytest.approx(BEGIN + 0.04 + 0.01)
    assert arrivals.earliest(-0.04) == pytest.approx(BEGIN + 0.01)
