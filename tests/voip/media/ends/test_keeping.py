import pytest

from voip.media.ends.keeping import (
    CHECK_S,
    LOOK_S,
    MAX_RETURN_S,
    RETRY_S,
    RETURN_S,
    STALLED_S,
    STARTING_S,
    STEADY_S,
    Change,
    DeviceChange,
    Keeper,
    Step,
)
from voip.media.ends.listed import Way


class Desk:
    """A machine in virtual time: devices answer, call back and go as the test says."""

    def __init__(self, *, has_choice: bool = True) -> None:
        self.now = 100.0
        self.keeper = Keeper(has_choice=has_choice, now=self.now)
        self.steps: list[tuple[float, Step]] = []
        self.opens = True
        self.calls_back = True
        self.is_listed = False
        self.beat = 0.0

    def run(self, seconds: float) -> list[tuple[float, Step]]:
        """Run on, and give what was done besides looking: at what time, and what."""
        self.steps.clear()
        began, end = self.now, self.now + seconds
        while self.now < end:
            if self.calls_back:
                self.beat = self.now
            step = self.keeper.step(self.now, self.beat)
            if step is None:
                self.now += max(self.keeper.wait_s(self.now), 1e-6)
                continue
            if step is Step.LOOK:
                self.keeper.looked(self.now, is_there=self.is_listed)
                continue
            self.steps.append((round(self.now - began, 6), step))
            if step in (Step.OPEN_CHOSEN, Step.OPEN_DEFAULT):
                self.answer(step)
        return list(self.steps)

    def answer(self, step: Step) -> None:
        if self.opens and (step is Step.OPEN_DEFAULT or self.is_listed):
            self.keeper.opened(self.now)
        else:
            self.keeper.refused(self.now)

    def lose(self) -> list[tuple[float, Step]]:
        self.calls_back = self.is_listed = False
        lost = self.run(STALLED_S + 2 * CHECK_S)
        self.calls_back = True
        return lost


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (DeviceChange(Way.OUT, Change.LOST, "Headset"), "speaker Headset is gone"),
        (DeviceChange(Way.IN, Change.FAILED), "microphone cannot be opened"),
    ],
    ids=["named", "none"],
)
def test_a_change_has_words(change: DeviceChange, said: str) -> None:
    assert str(change) == said


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.is_listed = True
    return desk


def test_the_chosen_device_is_opened_and_left_alone(desk: Desk) -> None:
    assert desk.run(1000) == [(0.0, Step.OPEN_CHOSEN)]


def test_without_a_choice_it_is_the_default() -> None:
    assert Desk(has_choice=False).run(10) == [(0.0, Step.OPEN_DEFAULT)]


def test_a_chosen_device_that_cannot_be_opened_gives_way_at_once() -> None:
    assert Desk().run(10) == [(0.0, Step.OPEN_CHOSEN), (0.0, Step.OPEN_DEFAULT)]


def test_a_machine_on_which_nothing_opens_is_asked_every_second() -> None:
    desk = Desk(has_choice=False)
    desk.opens = False

    assert desk.run(2.5) == [(at * RETRY_S, Step.OPEN_DEFAULT) for at in (0, 1, 2)]


def test_each_try_begins_with_the_chosen_device() -> None:
    desk = Desk()
    desk.opens = False

    assert [step for _, step in desk.run(1.5)] == [
        Step.OPEN_CHOSEN,
        Step.OPEN_DEFAULT,
    ] * 2


def test_a_device_that_falls_silent_gives_way_to_the_default(desk: Desk) -> None:
    desk.run(1)
    lost = desk.lose()

    assert [step for _, step in lost] == [Step.GIVE_UP, Step.OPEN_DEFAULT]
    assert lost[0][0] == lost[1][0] == pytest.approx(STALLED_S, abs=CHECK_S)


def test_a_stop_notice_is_not_waited_on(desk: Desk) -> None:
    desk.run(1)
    desk.keeper.stopped()

    assert desk.run(0.01)[0] == (0.0, Step.GIVE_UP)


def test_a_device_may_take_its_time_to_begin() -> None:
    desk = Desk(has_choice=False)
    desk.calls_back = False
    steps = desk.run(STARTING_S + 2 * CHECK_S)

    assert [step for _, step in steps] == [
        Step.OPEN_DEFAULT,
        Step.GIVE_UP,
        Step.OPEN_DEFAULT,
    ]
    assert STARTING_S < steps[1][0] <= STARTING_S + 2 * CHECK_S


def test_a_device_that_returns_is_taken_back_after_two_seconds(desk: Desk) -> None:
    desk.run(1)
    desk.lose()
    desk.run(5)
    desk.is_listed = True
    back = desk.run(5)

    assert [step for _, step in back] == [Step.LEAVE, Step.OPEN_CHOSEN]
    assert RETURN_S <= back[0][0] <= RETURN_S + LOOK_S + CHECK_S


def test_a_device_that_is_there_for_a_moment_is_not(desk: Desk) -> None:
    desk.run(1)
    desk.lose()
    for _ in range(5):
        desk.is_listed = True
        desk.run(RETURN_S - LOOK_S)
        desk.is_listed = False
        desk.run(1)

    assert desk.steps == []


def test_a_loose_plug_is_trusted_ever_less(desk: Desk) -> None:
    desk.run(1)
    waits = []
    for _ in range(7):
        desk.lose()
        desk.is_listed = True
        began = desk.now
        while not desk.run(1):
            pass
        waits.append(desk.now - began)

    assert waits == pytest.approx([2, 4, 8, 16, 32, 64, MAX_RETURN_S], abs=1.5)


def test_a_device_that_held_for_a_minute_is_trusted_again(desk: Desk) -> None:
    desk.run(1)
    for _ in range(3):
        desk.lose()
        desk.is_listed = True
        desk.run(20)
    desk.run(STEADY_S)
    desk.lose()
    desk.is_listed = True

    assert desk.run(5)[0][0] < RETURN_S + 1


def test_a_stand_in_that_is_lost_is_opened_again(desk: Desk) -> None:
    desk.run(1)
    desk.lose()
    desk.run(1)

    assert [step for _, step in desk.lose()] == [Step.GIVE_UP, Step.OPEN_DEFAULT]


def test_a_machine_that_slept_does_not_blame_the_device(desk: Desk) -> None:
    desk.run(1)
    desk.now += 3600
    desk.calls_back = False
    soon = desk.run(STALLED_S / 2)
    desk.calls_back = True

    assert soon + desk.run(10) == []
