"""Shares and runs of losses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.media.flow.losses import LOSSES, Losses


def _after(*fates: bool) -> Losses:
    losses = Losses()
    for lost in fates:
        losses.note(lost=lost)
    return losses


def test_before_anything_is_known_there_is_no_share() -> None:
    assert Losses().share is None


def test_the_share_is_of_the_last_500() -> None:
    losses = _after(*[True] * 100, *[False, True] * 50, *[False] * 400)

    assert losses.share == 0.1


def test_the_last_100_count_if_they_are_worse() -> None:
    losses = _after(*[False] * 497, *[True] * 3)

    assert losses.share == 0.03


def test_two_losses_are_chance() -> None:
    losses = _after(*[False] * 498, *[True] * 2)

    assert losses.share == 0.004


def test_a_run_is_the_mean_of_those_seen() -> None:
    losses = _after(True, False, True, True, False, True, True, True, False)

    assert losses.run == 2.0


def test_few_runs_say_nothing() -> None:
    losses = _after(*[True] * 4, False, True, False)

    assert losses.run == 0.0


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_runs_are_counted_over_the_last_thousand(pattern: list[bool]) -> None:
    fates = pattern * (LOSSES * 2 // len(pattern))
    newest = fates[-LOSSES:]
    runs = sum(
        lost and not before
        for before, lost in zip([False, *newest], newest, strict=False)
    )
    expected = sum(newest) / runs if runs >= 3 else 0.0

    assert _after(*fates).run == pytest.approx(expected)
