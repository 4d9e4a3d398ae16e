"""The trials of doctor, on a machine whose speaker is heard by its microphone."""

from collections.abc import Iterator

import pytest

from tests.voip.media.ends.machine import Machine, Room
from voip.errors import MissingError
from voip.media.ends.devices import Microphone, Speaker
from voip.media.ends.trial import judge_loop
from voip.media.ends.trying import listen, loop, play


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


def test_a_recording_has_the_length_asked_for(room: Room) -> None:
    assert len(listen(Microphone(room.machine), 1.0)) == 96_000


def test_what_is_played_is_played_to_its_end(room: Room) -> None:
    play(Speaker(room.machine), b"ab" * 5000)

    assert bytes(room.played).startswith(b"ab" * 5000)


def test_a_sweep_is_heard_with_its_delay(room: Room) -> None:
    trial = judge_loop(*loop(Microphone(room.machine), Speaker(room.machine)))

    assert trial.delay_ms is not None
    assert 30 < trial.delay_ms < 90
    assert trial.likeness > 0.9


def test_after_a_trial_everything_is_closed(room: Room) -> None:
    loop(Microphone(room.machine), Speaker(room.machine))

    assert all(opened.closed.is_set() for opened in room.machine.opened)


@pytest.mark.slow  # they wait for 3 s
@pytest.mark.parametrize("broken", [True, False])
def test_a_microphone_without_sound_is_told(*, broken: bool) -> None:
    machine = Machine("only")
    machine.broken = {None} if broken else set()
    said = "no microphone: cannot open" if broken else "the microphone gives no sound"

    with pytest.raises(MissingError, match=said):
        listen(Microphone(machine), 0.1)


@pytest.mark.slow
def test_a_speaker_that_takes_nothing_is_told() -> None:
    with pytest.raises(MissingError, match="the speaker takes no sound"):
        play(Speaker(Machine("only")), b"ab")
