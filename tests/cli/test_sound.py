"""Which devices calls use is kept as text in the home folder."""

import json
import stat
from pathlib import Path

import pytest

from cli import paths
from cli.codes import Code
from cli.main import main
from cli.sound import keep_sound_settings, sound_settings
from voip.errors import MalformedError
from voip.media.ends.listed import SoundDevice
from voip.media.ends.remember import SoundSettings, VoiceSettings

HEADSET = SoundDevice("Headset\x1b[2J", "PulseAudio", id=b"usb")


@pytest.fixture(autouse=True)
def _library() -> None:
    pytest.importorskip("miniaudio", reason="the extra `devices` is not installed")


def test_before_anything_was_chosen_it_is_the_usual(tmp_path: Path) -> None:
    assert sound_settings(tmp_path / "none") == SoundSettings()


def test_what_was_chosen_is_found_again(tmp_path: Path) -> None:
    chosen = SoundSettings(speaker=HEADSET, voice=VoiceSettings(headphones=True))
    keep_sound_settings(tmp_path / "home", chosen)

    assert sound_settings(tmp_path / "home") == chosen
    assert [each.name for each in (tmp_path / "home").iterdir()] == ["sound.json"]


def test_the_folder_that_it_makes_is_for_its_owner(tmp_path: Path) -> None:
    keep_sound_settings(tmp_path / "home", SoundSettings())

    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_a_file_changed_by_hand_is_told_with_its_name(tmp_path: Path) -> None:
    paths.sound(tmp_path).write_bytes(b"\xff{}")

    with pytest.raises(MalformedError, match=r"sound\.json: sound settings: expected"):
        sound_settings(tmp_path)


def test_switches_are_kept_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = f"--home={tmp_path}"
    code = main([home, "sound", "--no-noise", "--microphone-db=6", "--json"])
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kept = sound_settings(tmp_path)

    assert code == Code.DONE
    assert (kept.voice.noise, kept.microphone_db) == (False, 6.0)
    assert (shown[0]["sound"], shown[0]["db"]) == ("microphone", 6.0)
    assert (shown[2]["noise"], shown[2]["echo"]) == (False, True)


def test_without_an_option_nothing_is_written(tmp_path: Path) -> None:
    main([f"--home={tmp_path}", "sound"])

    assert list(tmp_path.iterdir()) == []


def test_default_forgets_a_device_and_no_other(tmp_path: Path) -> None:
    keep_sound_settings(tmp_path, SoundSettings(microphone=HEADSET, speaker=HEADSET))
    main([f"--home={tmp_path}", "sound", "--speaker=default"])

    assert sound_settings(tmp_path) == SoundSettings(microphone=HEADSET)


def test_a_device_that_is_away_is_named_harmlessly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_sound_settings(tmp_path, SoundSettings(microphone=HEADSET))
    main([f"--home={tmp_path}", "sound"])

    assert "microphone: Headset\\x1b[2J, +0 dB" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["99", "no such thing"])
def test_a_device_that_is_not_there_is_not_chosen(tmp_path: Path, word: str) -> None:
    code = main([f"--home={tmp_path}", "sound", f"--speaker={word}"])

    assert code == Code.MISSING
    assert list(tmp_path.iterdir()) == []
