"""Counts of two streams that are of one moment."""

import pytest

from voip.media.flow.moments import Moment

SECOND = 1 << 32


@pytest.mark.parametrize(
    ("clock", "timestamp"),
    [(7 * SECOND, 1000), (8 * SECOND, 49_000), (6 * SECOND, 2**32 - 47_000)],
    ids=["then", "later", "before"],
)
def test_a_stream_is_counted_on(clock: int, timestamp: int) -> None:
    assert Moment(7 * SECOND, 1000).at(clock, 48_000) == timestamp


def test_a_clock_may_begin_anew() -> None:
    moment = Moment(2**64 - SECOND, 0)

    assert (moment.at(SECOND, 90_000), moment.at(2**63, 90_000) < 2**32) == (
        180_000,
        True,
    )
