"""Pictures over bad paths, in virtual time: how long they stand still."""

import pytest

from tests.voip.media.link import DOWN, Conditions, Link
from tests.voip.media.video.oneway import RepairedCall, SteadyCall

SEEDS = [1, 2, 3, 4]
RUN_S = 60.0
FAIR = Conditions(delay_s=0.05)
RTT = 0.1


def lossy(loss: float, round_trip_s: float, seed: int) -> tuple[Link, Link]:
    """Give both directions of a path that loses at random."""
    conditions = Conditions(delay_s=round_trip_s / 2, loss=loss)
    return Link(conditions, seed), Link(conditions, seed + 100)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("round_trip_s", "loss", "frozen_s"),
    [
        *((0.04, 0.0, 0), (0.04, 0.05, 0.5), (0.04, 0.1, 1.2), (0.04, 0.2, 4.0)),
        *((0.1, 0.0, 0), (0.1, 0.05, 1.5), (0.1, 0.1, 3.0)),
    ],
)
def test_pictures_hardly_stand_still_under_random_loss(
    round_trip_s: float, loss: float, frozen_s: float, seed: int
) -> None:
    call = RepairedCall(*lossy(loss, round_trip_s, seed))
    call.world.run(RUN_S)

    assert call.showing.assembly.times.frozen_s <= frozen_s


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("round_trip_s", [0.04, 0.1, 0.3])
def test_pictures_without_loss_need_no_second_whole_one(
    round_trip_s: float, seed: int
) -> None:
    call = RepairedCall(*lossy(0.0, round_trip_s, seed))
    call.world.run(RUN_S)

    assert call.showing.keys_asked == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_every_frame_is_shown_in_the_end_under_five_percent_of_loss(seed: int) -> None:
    call = RepairedCall(*lossy(0.05, 0.04, seed))
    call.world.run(RUN_S)

    assert len(call.showing.shown) >= 0.99 * RUN_S * 30


@pytest.mark.parametrize("start", [20.0, 20.01, 20.02, 20.03])
@pytest.mark.parametrize("round_trip_s", [0.04, 0.1, 0.3])
def test_after_loss_beyond_repair_the_picture_soon_moves(
    round_trip_s: float, start: float
) -> None:
    fair = Conditions(delay_s=round_trip_s / 2)
    there = Link(fair, 1, [(start, DOWN), (start + 0.1, fair)])
    call = RepairedCall(there, Link(fair, 2), repeats=False)
    call.world.run(30.0)

    assert call.showing.longest_gap(19.0, 30.0) <= 0.1 + 1.0 + round_trip_s


@pytest.mark.parametrize("start", [20.0, 20.01, 20.02, 20.03])
def test_it_does_so_when_the_first_question_is_lost(start: float) -> None:
    there = Link(FAIR, 1, [(start, DOWN), (start + 0.1, FAIR)])
    back = Link(FAIR, 2, [(start + 0.35, DOWN), (start + 0.7, FAIR)])
    call = RepairedCall(there, back, repeats=False)
    call.world.run(30.0)

    assert call.showing.keys_asked == 2
    assert call.showing.longest_gap(19.0, 30.0) <= 0.1 + 1.0 + RTT


@pytest.mark.parametrize("start", [20.0, 20.01, 20.02, 20.03])
def test_lost_repeats_are_asked_for_again(start: float) -> None:
    # The first loss, and the repeats of it a round trip later.
    script = [(start, DOWN), (start + 0.05, FAIR)]
    script += [(start + 0.15, DOWN), (start + 0.2, FAIR)]
    call = RepairedCall(Link(FAIR, 1, script), Link(FAIR, 2))
    call.world.run(30.0)

    assert call.showing.keys_asked == 0
    assert call.showing.longest_gap(19.0, 30.0) <= 0.4


def test_after_an_outage_of_20_s_the_picture_moves_within_a_second() -> None:
    there = Link(FAIR, 1, [(20.0, DOWN), (40.0, FAIR)])
    call = RepairedCall(there, Link(FAIR, 2, [(20.0, DOWN), (40.0, FAIR)]))
    call.world.run(60.0)

    assert call.showing.longest_gap(40.0, 59.9) <= 1.0


def test_a_reordered_path_costs_neither_pictures_nor_repeats() -> None:
    conditions = Conditions(delay_s=0.02, jitter_s=0.03, reorders=True)
    call = RepairedCall(Link(conditions, 1), Link(conditions, 2))
    call.world.run(RUN_S)

    assert call.showing.keys_asked == 0
    assert call.repeats <= 0.03 * call.there.sent
    assert call.showing.assembly.times.freezes == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("loss", "frozen_s"), [(0.0, 0.3), (0.01, 2.0), (0.05, 3.0), (0.1, 8.0)]
)
def test_steady_pictures_are_repaired_from_reports(
    loss: float, frozen_s: float, seed: int
) -> None:
    call = SteadyCall(*lossy(loss, 0.1, seed))
    call.world.run(RUN_S)

    assert call.showing.assembly.times.frozen_s <= frozen_s
    assert call.showing.keys_asked <= 1


def test_steady_slots_look_the_same_whatever_is_lost() -> None:
    call = SteadyCall(*lossy(0.1, 0.1, 1))
    call.world.run(RUN_S)

    assert call.per_slot == {1}
