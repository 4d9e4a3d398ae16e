import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from tests.voip.media.ends.machine import WAIT_S, Machine, Opened
from voip.media.ends.keeping import Change, DeviceChange
from voip.media.ends.kept import Beat, Kept, Opener
from voip.media.ends.listed import SoundDevice, Way
from voip.media.ends.sound import Running, Sound


def opener(sound: Sound, device: SoundDevice | None, beat: Beat) -> Running:
    def push(_: bytes) -> None:
        beat()

    return sound.record(device, push, beat.end)


def listener(heard: list[bool]) -> Opener:
    """Note for each callback whether it counted."""

    def open_one(sound: Sound, device: SoundDevice | None, beat: Beat) -> Running:
        return sound.record(device, lambda _: heard.append(beat()), beat.end)

    return open_one


class Watched:
    """A device that is kept, and what is told of it."""

    def __init__(self, machine: Machine, chosen: str | None) -> None:
        self.told: Queue[DeviceChange] = Queue()
        device = next(
            (one for one in machine.devices(Way.IN) if one.name == chosen), None
        )
        self.kept = Kept(Way.IN, machine, device, opener)
        self.kept.tells.append(self.told.put)

    def next(self) -> tuple[Change, str | None]:
        change = self.told.get(timeout=WAIT_S)
        return change.change, change.name


@pytest.fixture
def machine() -> Machine:
    return Machine("first", "second")


@pytest.fixture
def watched(machine: Machine) -> Iterator[Watched]:
    watched = Watched(machine, "second")
    yield watched
    watched.kept.close()


def test_the_chosen_device_is_opened(machine: Machine, watched: Watched) -> None:
    watched.kept.start()
    watched.kept.start()

    assert watched.next() == (Change.OPENED, "second")
    assert [one.device for one in machine.opened] == [machine.devices(Way.IN)[1]]


def test_a_chosen_device_that_is_taken_gives_way_to_the_default(
    machine: Machine, watched: Watched
) -> None:
    machine.broken = {"second"}
    watched.kept.start()

    assert watched.next() == (Change.OPENED, "default")


def test_a_machine_on_which_nothing_opens_says_so_once(
    machine: Machine, watched: Watched
) -> None:
    machine.broken = {"second", None}
    watched.kept.start()

    assert watched.next() == (Change.FAILED, None)
    assert watched.kept.failure == "no microphone: cannot open the sound device: busy"


def test_a_device_that_stalls_is_given_up_for_the_default(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.start()
    watched.next()
    machine.opened[0].push(b"")  # the last time it calls back

    assert watched.next() == (Change.LOST, "second")
    assert watched.next() == (Change.OPENED, "default")
    assert machine.opened[0].closed.wait(WAIT_S)


def test_a_device_that_says_it_ended_is_given_up_at_once(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.start()
    watched.next()
    machine.opened[0].ended()

    assert watched.next() == (Change.LOST, "second")


def test_a_device_that_was_given_up_is_not_heard(
    machine: Machine, watched: Watched
) -> None:
    heard: list[bool] = []
    kept = Kept(Way.IN, machine, None, listener(heard))
    kept.tells.append(watched.told.put)
    kept.start()
    watched.next()
    machine.opened[0].push(b"")
    machine.opened[0].ended()
    watched.next()
    watched.next()
    machine.opened[0].push(b"")
    kept.close()

    assert heard == [True, False]


def test_a_driver_that_hangs_when_closed_does_not_delay_the_default(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.start()
    watched.next()
    stuck = Hanging(machine.opened[0])
    machine.opened[0].close = stuck.close  # type: ignore[method-assign] # it hangs
    machine.opened[0].ended()
    watched.next()

    assert watched.next() == (Change.OPENED, "default")
    machine.opened[0].closed.set()


class Hanging:
    """Closes when the test is over."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def close(self) -> None:
        self._opened.closed.wait(WAIT_S)


@pytest.mark.slow  # a device must be there for 2 s
def test_a_chosen_device_that_returns_is_taken_back_under_its_new_id(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.start()
    watched.next()
    machine.broken = {"second"}
    machine.names = ["first"]
    machine.opened[0].ended()
    seen = [watched.next(), watched.next()]
    machine.broken = set()
    machine.names = ["second", "first"]
    while watched.told.empty():
        machine.opened[-1].push(b"")
    back = watched.next()

    assert seen == [(Change.LOST, "second"), (Change.OPENED, "default")]
    assert back == (Change.OPENED, "second")
    assert machine.opened[1].closed.is_set()


def test_closing_closes_the_device(machine: Machine, watched: Watched) -> None:
    watched.kept.start()
    watched.next()
    watched.kept.close()
    watched.kept.close()

    assert machine.opened[0].closed.is_set()
    assert watched.kept.device is None


def test_after_closing_a_driver_that_goes_on_is_not_heard(
    machine: Machine, watched: Watched
) -> None:
    heard: list[bool] = []
    kept = Kept(Way.IN, machine, None, listener(heard))
    kept.tells.append(watched.told.put)
    kept.start()
    watched.next()
    kept.close()
    machine.opened[0].push(b"")

    assert heard == [False]


def test_what_was_closed_unused_is_never_opened(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.close()
    watched.kept.start()

    assert machine.opened == []


def test_callbacks_that_come_late_are_counted() -> None:
    beat = Beat(threading.Event())
    beat()
    beat.at -= 1  # as if the last one had been a second ago
    beat()
    beat()

    assert beat.late == 1


def test_another_device_can_be_chosen_while_one_runs(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.start()
    watched.next()
    watched.kept.choose(watched.kept.listed()[0])
    first = watched.next()
    watched.kept.choose(None)

    assert first == (Change.OPENED, "first")
    assert watched.next() == (Change.OPENED, "default")
    assert machine.opened[0].closed.is_set()
    assert machine.opened[1].closed.is_set()


def test_what_is_chosen_before_the_start_is_opened_first(
    machine: Machine, watched: Watched
) -> None:
    watched.kept.choose(machine.devices(Way.IN)[0])
    watched.kept.start()

    assert watched.next() == (Change.OPENED, "first")
