"""What doctor tries out, on machines made for it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.checks import Finding, Level
from cli.codes import Code
from cli.main import main
from cli.sound import keep_sound_settings
from cli.trials import try_camera, try_network, try_sound
from tests.voip.media.ends.machine import Machine, Room
from voip.errors import MissingError
from voip.media.connect.config import IceConfig
from voip.media.ends.listed import Way
from voip.media.ends.remember import SoundSettings

VOICE = np.random.default_rng(2).normal(0, 2000, 480).astype(np.int16).tobytes()
HUM = np.random.default_rng(2).normal(0, 150, 480).astype(np.int16).tobytes()


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


def trial(room: Room, folder: Path) -> tuple[list[str], dict[str, Finding]]:
    told: list[str] = []
    found = {one.what: one for one in try_sound(folder, told.append, room.machine)}
    return told, found


def test_a_person_is_heard_and_hears_themselves(room: Room, tmp_path: Path) -> None:
    room.noise = VOICE
    told, found = trial(room, tmp_path)

    assert told == [
        "speak now, for 3 s",
        "now you hear yourself",
        "now the microphone hears the speaker: do not speak",
    ]
    assert {one.level for one in found.values()} == {Level.OK}
    assert VOICE in room.played


def test_the_delay_of_both_devices_is_told(room: Room, tmp_path: Path) -> None:
    room.noise = HUM
    _, found = trial(room, tmp_path)

    assert found["microphone"].level is Level.WARN  # a hum is a quiet voice
    assert "hears the speaker after" in found["loop"].said


def test_a_microphone_of_zeros_ends_the_trial(room: Room, tmp_path: Path) -> None:
    _, found = trial(room, tmp_path)

    assert list(found) == ["microphone"]
    assert found["microphone"].code is Code.MISSING
    assert "it gives zeros" in found["microphone"].advice


def test_the_chosen_devices_are_tried(room: Room, tmp_path: Path) -> None:
    room.machine.names = ["other", "mine"]
    mine = SoundSettings(microphone=room.machine.devices(Way.IN)[1])
    keep_sound_settings(tmp_path, mine)
    trial(room, tmp_path)

    assert room.machine.opened[0].device == mine.microphone


def test_without_devices_nobody_is_asked_to_speak(tmp_path: Path) -> None:
    told: list[str] = []

    with pytest.raises(MissingError, match="no microphone: the system lists none"):
        list(try_sound(tmp_path, told.append, Machine()))
    assert told == []


def test_a_camera_that_is_not_there_is_a_failure() -> None:
    (finding,) = try_camera(99)

    assert (finding.level, finding.code) == (Level.FAIL, Code.MISSING)


def test_a_network_without_servers_is_a_matter_of_luck() -> None:
    (finding,) = try_network(IceConfig())

    assert (finding.what, finding.level) == ("network", Level.WARN)
    assert "name a TURN server" in finding.advice


@pytest.mark.parametrize(
    "options",
    [
        ["--ice-server=stun:127.0.0.1:9"],
        ["--turn=relay"],
        ["--network", "--turn-login=none"],
    ],
    ids=["no network", "no network to lend for", "no file"],
)
def test_wrong_usage_is_told(tmp_path: Path, options: list[str]) -> None:
    assert main([f"--home={tmp_path}", "doctor", *options]) == Code.USAGE
