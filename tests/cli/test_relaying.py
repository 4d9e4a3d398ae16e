"""When a process of a relay that died is started again."""

import pytest

from cli.relaying import STEADY_S, next_retry_s


@pytest.mark.parametrize(
    ("retry_s", "up_s", "expected_s"),
    [
        (0.0, 0.1, 1.0),
        (1.0, 0.1, 2.0),
        (60.0, STEADY_S - 1, 60.0),
        (60.0, STEADY_S, 1.0),
    ],
    ids=["first", "died at once", "died soon", "was up for long"],
)
def test_who_dies_again_and_again_is_started_ever_later(
    retry_s: float, up_s: float, expected_s: float
) -> None:
    assert next_retry_s(retry_s, up_s) == expected_s
