"""Shares and runs of losses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.media.flow.losses import LOSSES, Losses


def _after(fates: str) -> Losses:
    """Take note of each packet: `x` is lost."""
    losses = Losses()
    for fate in fates:
        losses.note(lost=fate == "x")
    return losses


def test_before_anything_is_known_there_is_no_share() -> None:
    assert Losses().share is None


def test_the_share_is_of_the_last_500() -> None:
    losses = _after("x" * 100 + ".x" * 50 + "." * 400)

    assert losses.share == 0.1


def test_the_last_100_count_if_they_are_worse() -> None:
    losses = _after("." * 497 + "xxx")

    assert losses.share == 0.03


def test_two_losses_are_chance() -> None:
    losses = _after("." * 498 + "xx")

    assert losses.share == 0.004


def test_a_run_is_the_mean_of_those_seen() -> None:
    losses = _after("x.xx.xxx.")

    assert losses.run == 2.0


def test_few_runs_say_nothing() -> None:
    losses = _after("xxxx.x.")

    assert losses.run == 0.0


@given(st.text("x.", min_size=1, max_size=50))
def test_runs_are_counted_over_the_last_thousand(pattern: str) -> None:
    fates = pattern * (LOSSES * 2 // len(pattern))
    runs = [run for run in fates[-LOSSES:].split(".") if run]
    expected = len("".join(runs)) / len(runs) if len(runs) >= 3 else 0.0

    assert _after(fates).run == pytest.approx(expected)
