"""An hour a day, taken a minute at a time."""

import pytest

from voip.gateway.quota import CALLS_S, DAY_S, PIECE_S, give_back, take
from voip.identity.contact import DayUse

NOON = 20_000 * DAY_S + DAY_S / 2


def test_who_never_telephoned_has_the_whole_day() -> None:
    assert take(None, NOON) == (DayUse(20_000, PIECE_S), PIECE_S)


def test_time_is_used_up_before_it_passes() -> None:
    use: DayUse | None = None
    granted = []
    for minute in range(CALLS_S // PIECE_S + 1):
        use, piece = take(use, NOON + 60 * minute)
        granted.append(piece)

    assert (sum(granted), granted[-1]) == (CALLS_S, 0)


def test_the_last_piece_is_what_is_left() -> None:
    assert take(DayUse(20_000, CALLS_S - 7), NOON)[1] == 7


def test_another_day_is_another_hour() -> None:
    use, granted = take(DayUse(20_000, CALLS_S), NOON + DAY_S)

    assert (use, granted) == (DayUse(20_001, PIECE_S), PIECE_S)


def test_what_was_not_used_is_given_back() -> None:
    use, granted = take(None, NOON)

    assert give_back(use, granted - 12.0, NOON) == DayUse(20_000, 12)


def test_what_was_taken_yesterday_is_not_given_back_today() -> None:
    today = DayUse(20_001, 100)

    assert give_back(today, 30.0, NOON) is today


@pytest.mark.parametrize("seconds", [0.0, 0.9])
def test_a_second_that_was_begun_is_used(seconds: float) -> None:
    assert give_back(DayUse(20_000, 60), seconds, NOON) == DayUse(20_000, 60)
