import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.voip.media.ends.machine import WAIT_S, Machine
from voip.errors import MissingError, RefusedError
from voip.media.ends.camera import MovingBars
from voip.media.ends.choice import Drawn, Screen, parse_choice
from voip.media.ends.devices import Microphone, Speaker
from voip.media.ends.files import FileAudio, FileVideo
from voip.media.ends.listed import Way
from voip.media.ends.open import Ends, check_ends, open_ends
from voip.media.ends.recording import MovieRecording, WavRecording
from voip.media.ends.remember import SoundSettings, VoiceSettings
from voip.media.ends.y4m import RawPictures
from voip.media.pattern import Discard, Silence, Tone, draw_pattern


@pytest.fixture
def machine() -> Machine:
    return Machine("built-in", "headset")


def use(ends: Ends, machine: Machine) -> list[str | None]:
    """Switch both devices on, and give what was opened: microphone, speaker."""
    assert isinstance(ends.audio_source, Microphone)
    assert isinstance(ends.audio_sink, Speaker)
    ends.audio_source.read()
    machine.wait()
    ends.audio_sink.drive(lambda samples: bytes(2 * samples))
    machine.wait()
    ends.close()
    return [one.device.name if one.device else None for one in machine.opened]


def test_words_without_device_or_file_need_neither() -> None:
    ends = open_ends(parse_choice("tone", "null", video_in="pattern"))
    ends.close()

    assert isinstance(ends.audio_source, Tone)
    assert isinstance(ends.audio_sink, Discard)
    assert isinstance(ends.video_source, MovingBars)
    assert isinstance(ends.video_sink, Discard)
    assert (ends.devices(), ends.notes) == ([], ())


def test_what_was_opened_is_given_to_a_call_whole() -> None:
    ends = open_ends(parse_choice("tone", "null", video_in="pattern"))
    plan = ends.plan(steady=True, data=True)
    plan.close()

    assert (plan.audio_source, plan.audio_sink) == (ends.audio_source, ends.audio_sink)
    assert (plan.video_source, plan.video_sink) == (ends.video_source, ends.video_sink)
    assert (plan.steady, plan.data) == (True, True)


def test_a_call_of_silence_has_no_pictures() -> None:
    ends = open_ends(parse_choice("silence", "null"))
    ends.close()

    assert isinstance(ends.audio_source, Silence)
    assert ends.video_source is None


def test_devices_are_chosen_and_left_off(machine: Machine) -> None:
    ends = open_ends(parse_choice("mic", "speaker:0"), sound=machine)
    ends.close()

    assert isinstance(ends.audio_source, Microphone)
    assert isinstance(ends.audio_sink, Speaker)
    assert ends.devices() == [ends.audio_source, ends.audio_sink]
    assert machine.opened == []


@pytest.mark.parametrize(
    ("words", "opened"),
    [
        (("mic", "speaker"), [None, None]),
        (("mic:1", "speaker:0"), ["headset", "built-in"]),
        (("mic:Head", "speaker"), ["headset", None]),
    ],
    ids=["default", "places", "part of a name"],
)
def test_words_say_which_devices(
    machine: Machine, words: tuple[str, str], opened: list[str | None]
) -> None:
    assert use(open_ends(parse_choice(*words), sound=machine), machine) == opened


def test_the_usual_devices_are_those_of_the_settings(machine: Machine) -> None:
    usual = SoundSettings(
        microphone=machine.devices(Way.IN)[1], speaker=machine.devices(Way.OUT)[1]
    )
    ends = open_ends(parse_choice("mic:0", "speaker"), settings=usual, sound=machine)

    assert use(ends, machine) == ["built-in", "headset"]


def test_a_usual_device_that_is_away_is_asked_for_first(machine: Machine) -> None:
    usual = SoundSettings(microphone=machine.devices(Way.IN)[1])
    machine.names = ["built-in"]
    ends = open_ends(parse_choice(), settings=usual, sound=machine)

    assert use(ends, machine) == ["headset", None]


def test_settings_say_how_loud(machine: Machine) -> None:
    settings = SoundSettings(microphone_db=3, speaker_db=-3)
    ends = open_ends(parse_choice(), settings=settings, sound=machine)
    ends.close()

    assert [end.gain.db for end in ends.devices()] == [3, -3]


def test_without_echo_cancellation_the_call_goes_on_with_a_note(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    ends = open_ends(parse_choice(), sound=machine)
    opened = use(ends, machine)

    assert ends.notes == ("no echo cancellation: use headphones",)
    assert ends.failures() == ["no echo cancellation: use headphones"]
    assert opened == [None, None]


@pytest.mark.parametrize(
    ("words", "voice"),
    [
        (("mic", "null"), VoiceSettings(noise=False, high_pass=False, gain=False)),
        (("tone", "speaker"), VoiceSettings()),
    ],
    ids=["nothing to do", "no microphone"],
)
def test_what_is_not_needed_is_not_missed(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, str],
    voice: VoiceSettings,
) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    settings = SoundSettings(voice=voice)
    ends = open_ends(parse_choice(*words), settings=settings, sound=machine)
    ends.close()

    assert ends.notes == ()


def test_without_miniaudio_a_call_of_files_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    open_ends(parse_choice("tone:100", "null")).close()

    with pytest.raises(MissingError, match="sound devices need miniaudio"):
        open_ends(parse_choice("tone", "speaker"))


def test_a_missing_device_is_told_before_the_call(machine: Machine) -> None:
    with pytest.raises(MissingError, match="no microphone 2"):
        open_ends(parse_choice("mic:2", "null"), sound=machine)


def test_a_missing_camera_is_told_before_the_call() -> None:
    with pytest.raises(MissingError, match="no camera"):
        open_ends(parse_choice("tone", "null", video_in="camera:99"))


def test_a_recording_of_a_call_can_be_the_source_of_the_next(tmp_path: Path) -> None:
    path = f"file:{tmp_path / 'call.webm'}"
    first = open_ends(parse_choice("tone", path, video_out=path))
    assert isinstance(first.audio_sink, MovieRecording)
    for _ in range(10):
        first.audio_sink.write(first.audio_source.read())
    first.video_sink.show(draw_pattern(1))
    first.close()
    second = open_ends(parse_choice(path, "null", video_in=path))
    second.close()

    assert first.audio_sink is first.video_sink
    assert isinstance(second.audio_source, FileAudio)
    assert isinstance(second.video_source, FileVideo)


def test_sound_and_pictures_may_go_to_two_files(tmp_path: Path) -> None:
    sound, pictures = f"file:{tmp_path / 'a.wav'}", f"file:{tmp_path / 'a.mkv'}"
    ends = open_ends(parse_choice("tone", sound, video_out=pictures))
    ends.close()

    assert isinstance(ends.audio_sink, WavRecording)
    assert isinstance(ends.video_sink, MovieRecording)


def test_a_pipe_gets_pictures_as_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.y4m")
    reader = os.open(tmp_path / "a.y4m", os.O_RDONLY | os.O_NONBLOCK)
    ends = open_ends(
        parse_choice("tone", "null", video_out=f"file:{tmp_path / 'a.y4m'}")
    )
    ends.close()
    os.close(reader)

    assert isinstance(ends.video_sink, RawPictures)


def test_a_terminal_is_the_programs_to_give() -> None:
    given: list[Drawn] = []

    def display(how: Drawn) -> Discard:
        given.append(how)
        return Discard()

    choice = parse_choice("tone", "null", video_out="kitty")
    open_ends(choice, display=display).close()

    assert given == [Drawn.KITTY]
    with pytest.raises(MissingError, match="no terminal and no window to draw"):
        open_ends(choice)


def test_an_existing_recording_is_replaced_only_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    choice = parse_choice("tone", f"file:{tmp_path / 'a.wav'}")

    with pytest.raises(RefusedError, match="exists already"):
        open_ends(choice)
    open_ends(choice, overwrite=True).close()


def test_a_device_that_was_lost_is_said_although_another_runs(machine: Machine) -> None:
    ends = open_ends(parse_choice("mic:1", "null"), sound=machine)
    (microphone,) = ends.devices()
    back = threading.Semaphore(0)
    microphone.on_change(lambda _: back.release())
    ends.audio_source.read()
    assert back.acquire(timeout=WAIT_S)
    machine.opened[0].ended()
    for _ in range(2):  # lost, and the default opened
        assert back.acquire(timeout=WAIT_S)
    said = ends.failures()
    ends.close()

    assert said == ["microphone headset is gone"]


def test_what_failed_is_said_once(tmp_path: Path) -> None:
    path = f"file:{tmp_path / 'a.mkv'}"
    ends = open_ends(parse_choice("tone", path, video_out=path))
    before = ends.failures()
    ends.close()
    assert isinstance(ends.video_sink, MovieRecording)
    ends.video_sink.failure = "recording stopped"

    assert (before, ends.failures()) == ([], ["recording stopped"])


@pytest.mark.parametrize(
    "words", [("mic:2", "null"), ("tone", "speaker:x"), ("file:no.ogg", "null")]
)
def test_what_is_missing_is_found_by_a_look(
    machine: Machine, words: tuple[str, str]
) -> None:
    with pytest.raises(MissingError):
        check_ends(parse_choice(*words), sound=machine)


def test_a_look_switches_nothing_on(machine: Machine) -> None:
    check_ends(parse_choice(), sound=machine)

    assert machine.opened == []


def test_a_missing_screen_is_told_before_the_call() -> None:
    with pytest.raises(MissingError, match="no screen"):
        open_ends(parse_choice("tone", "null", video_in="screen::4711"))


def test_a_screen_can_stand_beside_a_camera() -> None:
    choice = parse_choice("tone", "null", video_in="pattern")
    with pytest.raises(MissingError, match="no screen ':4711'"):
        open_ends(replace(choice, screen=Screen(":4711")))


def test_a_camera_that_is_missing_is_found_by_a_look() -> None:
    with pytest.raises(MissingError):
        check_ends(parse_choice("tone", "null", video_in="camera:99"))


def test_a_look_records_nothing(tmp_path: Path) -> None:
    path = f"file:{tmp_path}/call.mkv"
    check_ends(parse_choice("tone", path, video_in="pattern", video_out=path))

    assert list(tmp_path.iterdir()) == []
