"""The state follows from what the network did: up at once, down slowly, never back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.media.audio.choice import CHANGE_S, Choice
from voip.media.audio.states import AudioState

N1, N2, N3 = AudioState.N1, AudioState.N2, AudioState.N3
N4, N5 = AudioState.N4, AudioState.N5
S0, S1, S2 = AudioState.S0, AudioState.S1, AudioState.S2


class Call:
    """A choice that is told the same every 100 ms."""

    def __init__(self) -> None:
        self.now = 0.0
        self.choice = Choice(self.now)

    def goes_on(
        self,
        seconds: float,
        *,
        lost: float = 0.0,
        run: float = 1.0,
        room: float | None = 1000.0,
        overuse: bool = False,
    ) -> list[AudioState]:
        """Let time pass; give the states of that time, each once in a row."""
        states: list[AudioState] = []
        for _ in range(round(10 * seconds)):
            self.now += 0.1
            state = self.choice.update(
                lost=lost, run=run, room_kbps=room, overuse=overuse, now=self.now
            )
            if state not in states[-1:]:
                states.append(state)
        return states


def test_a_call_begins_small_for_a_second() -> None:
    call = Call()
    before = call.choice.state

    assert (before, call.goes_on(0.8), call.goes_on(0.5)) == (S1, [S1], [S1, N1])


def test_without_a_report_there_is_room() -> None:
    assert Call().goes_on(3, room=None) == [S1, N1]


@pytest.mark.parametrize(
    ("lost", "run", "state"),
    [
        (0.03, 1.0, N1),
        (0.05, 1.0, N2),
        (0.16, 1.0, N3),
        (0.019, 3.0, N1),
        (0.03, 1.8, N4),
        (0.09, 1.8, N5),
    ],
    ids=str,
)
def test_losses_bring_copies(lost: float, run: float, state: AudioState) -> None:
    call = Call()
    call.goes_on(2)
    call.goes_on(3, lost=lost, run=run)

    assert call.choice.state is state


@pytest.mark.parametrize(
    ("room", "lost", "state"),
    [
        (104.0, 0.0, S1),
        (74.0, 0.0, S0),
        (56.0, 0.0, S2),
        (0.0, 0.2, S2),
        (104.0, 0.2, S1),
        (120.0, 0.2, N2),
        (150.0, 0.2, N3),
    ],
    ids=str,
)
def test_the_room_bounds_the_state(room: float, lost: float, state: AudioState) -> None:
    call = Call()
    call.goes_on(3, room=room, lost=lost)

    assert call.choice.state is state


def test_copies_come_at_once() -> None:
    call = Call()
    call.goes_on(5)

    assert call.goes_on(0.1, lost=0.2) == [N3]


def test_copies_go_after_ten_calm_seconds() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, lost=0.2)

    assert call.goes_on(9.8, lost=0.05) == [N3]
    assert call.goes_on(0.3, lost=0.05)[-1] is N2
    assert call.goes_on(9.8, lost=0.0) == [N2]
    assert call.goes_on(0.3, lost=0.0)[-1] is N1


def test_losses_just_under_the_limit_keep_the_copies() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, lost=0.05)

    assert call.goes_on(60, lost=0.03) == [N2]


def test_a_moment_of_loss_restarts_the_ten_seconds() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, lost=0.05)
    call.goes_on(9)
    call.goes_on(0.1, lost=0.05)

    assert call.goes_on(9.8) == [N2]


def test_bursts_move_the_copies_apart_and_scattered_losses_back() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, lost=0.05, run=1.0)

    assert call.goes_on(3, lost=0.05, run=3.0) == [N4]
    assert call.goes_on(9.8, lost=0.05, run=1.0) == [N4]
    assert call.goes_on(0.3, lost=0.05, run=1.0)[-1] is N2


def test_an_estimate_that_wavers_does_not_change_the_state() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, room=104)
    states = [call.goes_on(2, room=room) for room in (106, 104) * 10]

    assert states == [[S1]] * 20


def test_enough_room_brings_the_state_back() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(3, room=60)

    assert call.goes_on(3, room=200) == [N1]


def test_losses_of_a_full_path_bring_no_copies() -> None:
    call = Call()
    call.goes_on(5)

    assert call.goes_on(10, lost=0.2, overuse=True) == [S1]


def test_a_full_path_lets_the_smallest_state_be() -> None:
    call = Call()
    call.goes_on(5, room=10)

    assert call.goes_on(10, lost=0.2, room=10, overuse=True) == [S2]


def test_what_filled_the_path_is_not_tried_again_for_30_s() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(0.1, room=90, overuse=True)

    assert call.goes_on(29.8) == [S1]
    assert call.goes_on(0.3)[-1] is N1


def _barred_s(call: Call) -> float:
    """Fill the path, and say how long N1 stays away."""
    call.goes_on(2.1)
    call.goes_on(0.1, room=90, overuse=True)
    began = call.now
    while call.goes_on(0.1) == [S1]:
        pass
    return round(call.now - began)


def test_each_time_that_it_fills_the_path_again_it_waits_longer() -> None:
    call = Call()
    call.goes_on(5)

    assert [_barred_s(call) for _ in range(5)] == [30, 60, 120, 240, 240]


def test_after_long_enough_it_is_forgotten() -> None:
    call = Call()
    call.goes_on(5)
    _barred_s(call)
    call.goes_on(250)

    assert _barred_s(call) == 30


def test_a_queue_that_drains_slowly_counts_once() -> None:
    call = Call()
    call.goes_on(5)
    states = call.goes_on(10, room=10, overuse=True)

    assert states == [S2]
    assert call.goes_on(31)[-1] is N1


def test_two_steps_down_in_one_queue_wait_from_the_second() -> None:
    call = Call()
    call.goes_on(5)
    call.goes_on(2.1, room=90, overuse=True)
    call.goes_on(0.1, room=60, overuse=True)

    assert call.choice.state is S0
    assert call.goes_on(29.8) == [S0]
    assert call.goes_on(0.3)[-1] is N1


REPORTS = st.tuples(
    st.floats(0, 1),
    st.floats(0, 10),
    st.none() | st.floats(0, 300),
    st.booleans(),
    st.floats(0, 5),
)


@given(st.lists(REPORTS, max_size=60))
def test_two_changes_are_2_s_apart_and_a_full_path_gets_less(
    reports: list[tuple[float, float, float | None, bool, float]],
) -> None:
    choice, now, changed = Choice(0.0), 0.0, 0.0
    for lost, run, room, overuse, wait in reports:
        now += wait
        before = choice.state
        after = choice.update(
            lost=lost, run=run, room_kbps=room, overuse=overuse, now=now
        )
        if after is not before:
            assert now >= changed + CHANGE_S or changed == 0.0
            assert not overuse or after.value.kbps < before.value.kbps

            changed = now
