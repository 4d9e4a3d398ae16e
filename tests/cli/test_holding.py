"""A key that is held down, as far as a terminal tells."""

import pytest

from cli.holding import AGAIN_S, FIRST_S, HeldKey


@pytest.mark.parametrize(
    ("presses", "up_at"),
    [
        ([0.0], FIRST_S),
        ([0.0, 0.5], 0.5 + AGAIN_S),
        ([0.0, 0.1], FIRST_S),  # a repeat shortens nothing
        ([0.0, 0.66, 0.7, 0.73], 0.73 + AGAIN_S),
        ([0.0, 5.0], 5.0 + FIRST_S),
    ],
)
def test_a_key_is_down_until_its_next_repeat_is_overdue(
    presses: list[float], up_at: float
) -> None:
    key = HeldKey()
    until = [key.press(at) for at in presses]

    assert until[-1] == pytest.approx(up_at)
    assert key.is_down(up_at - 0.01)
    assert not key.is_down(up_at + 0.01)


def test_a_key_that_nobody_pressed_is_up() -> None:
    assert not HeldKey().is_down(0.0)
