"""The rate follows the losses that reports tell of."""

from voip.media.flow.lossrate import (
    LEAST_BPS,
    MOST_BPS,
    QUIET_S,
    START_BPS,
    LossRate,
)


def after(*shares: float) -> int:
    rate = LossRate(0.0)
    for share in shares:
        rate.report(share, 1.0)
    return rate.bps(1.0)


def test_it_grows_where_nothing_is_lost() -> None:
    assert after(0.0) == int(START_BPS * 1.08)


def test_it_stays_where_a_little_is_lost() -> None:
    assert after(0.05) == START_BPS


def test_it_falls_by_half_of_what_is_lost() -> None:
    assert after(0.2) == START_BPS * 0.9


def test_it_never_falls_below_a_picture() -> None:
    assert after(*[1.0] * 20) == LEAST_BPS


def test_it_never_grows_beyond_what_is_of_use() -> None:
    assert after(*[0.0] * 50) == MOST_BPS


def test_without_reports_nothing_is_sent() -> None:
    rate = LossRate(0.0)

    assert (rate.bps(QUIET_S - 0.1), rate.bps(QUIET_S)) == (START_BPS, 0)
