"""What a figure says, from times that are made up: tests measure nothing."""

import pytest

from benchmarks.figure import Figure, figure, race, ratios


def test_a_figure_is_the_median_of_its_rounds_and_shows_their_spread() -> None:
    found = figure("x", [5.0, 1.0, 2.0, 9.0, 3.0])

    assert (found.value, found.spread) == (3.0, (1.0, 9.0))


@pytest.mark.parametrize(
    ("value", "at_least", "met"),
    [(1.5, False, True), (1.6, False, False), (1.5, True, True), (1.4, True, False)],
)
def test_a_bar_is_met_at_its_value_and_on_the_right_side(
    value: float, *, at_least: bool, met: bool
) -> None:
    found = figure("x", [value], bar=1.5, at_least=at_least)

    assert found.is_met is met


def test_a_figure_without_a_bar_misses_none() -> None:
    found = Figure(name="x", value=9.0, spread=(9.0, 9.0))

    assert found.is_met


def test_ratios_are_taken_within_a_round() -> None:
    found = ratios([2.0, 6.0], [1.0, 2.0])

    assert found == [2.0, 3.0]


def test_contenders_run_in_turns_and_a_round_is_its_quickest_slice() -> None:
    turns: list[str] = []

    def contender(name: str, times: list[float]) -> float:
        turns.append(name)
        return times[turns.count(name) % len(times)]

    slow, quick = race(
        lambda: contender("slow", [4.0, 5.0, 90.0]), lambda: contender("quick", [1.0])
    )

    assert (turns[:4], slow[0], quick[0]) == (["slow", "quick"] * 2, 4.0, 1.0)
