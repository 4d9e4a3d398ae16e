from collections.abc import Callable
from pathlib import Path

import pytest

from voip.errors import MissingError, RefusedError
from voip.media.ends.camera import MovingBars
from voip.media.ends.choice import parse_choice
from voip.media.ends.files import FileAudio, FileVideo
from voip.media.ends.open import check_ends, open_ends
from voip.media.ends.recording import MovieRecording, WavRecording
from voip.media.ends.sound import Microphone, SoundDevice, Speaker, Way
from voip.media.pattern import Discard, Silence, Tone, draw_pattern


class Machine:
    """A sound system with one device of each kind, which nobody should open."""

    def devices(self, way: Way) -> list[SoundDevice]:
        return [SoundDevice(way.value, "test", None)]

    def record(
        self, device: SoundDevice | None, push: Callable[[bytes], None]
    ) -> Microphone:
        raise AssertionError(f"opened {device} before its first use for {push}")

    def play(self, device: SoundDevice | None, pull: Callable[[int], bytes]) -> Speaker:
        raise AssertionError(f"opened {device} before its first use for {pull}")


def test_words_without_device_or_file_need_neither() -> None:
    ends = open_ends(parse_choice("tone", "null", video_in="pattern"))
    ends.close()

    assert isinstance(ends.audio_source, Tone)
    assert isinstance(ends.audio_sink, Discard)
    assert isinstance(ends.video_source, MovingBars)
    assert isinstance(ends.video_sink, Discard)


def test_what_was_opened_is_given_to_a_call_whole() -> None:
    ends = open_ends(parse_choice("tone", "null", video_in="pattern"))
    plan = ends.plan(data=True)
    plan.close()

    assert (plan.audio_source, plan.audio_sink) == (ends.audio_source, ends.audio_sink)
    assert (plan.video_source, plan.video_sink) == (ends.video_source, ends.video_sink)
    assert plan.data


def test_a_call_of_silence_has_no_pictures() -> None:
    ends = open_ends(parse_choice("silence", "null"))
    ends.close()

    assert isinstance(ends.audio_source, Silence)
    assert ends.video_source is None


def test_devices_are_chosen_and_left_off() -> None:
    ends = open_ends(parse_choice("mic", "speaker:0"), sound=Machine())
    ends.close()

    assert isinstance(ends.audio_source, Microphone)
    assert isinstance(ends.audio_sink, Speaker)


def test_a_missing_device_is_told_before_the_call() -> None:
    with pytest.raises(MissingError, match="no microphone 1"):
        open_ends(parse_choice("mic:1", "null"), sound=Machine())


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


def test_an_existing_recording_is_replaced_only_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    choice = parse_choice("tone", f"file:{tmp_path / 'a.wav'}")

    with pytest.raises(RefusedError, match="exists already"):
        open_ends(choice)
    open_ends(choice, overwrite=True).close()


def test_what_failed_is_said_once(tmp_path: Path) -> None:
    path = f"file:{tmp_path / 'a.mkv'}"
    ends = open_ends(parse_choice("tone", path, video_out=path))
    before = ends.failures()
    ends.close()
    assert isinstance(ends.video_sink, MovieRecording)
    ends.video_sink.failure = "recording stopped"

    assert (before, ends.failures()) == ([], ["recording stopped"])


@pytest.mark.parametrize(
    "words", [("mic:1", "null"), ("tone", "speaker:1"), ("file:no.ogg", "null")]
)
def test_what_is_missing_is_found_by_a_look(words: tuple[str, str]) -> None:
    with pytest.raises(MissingError):
        check_ends(parse_choice(*words), sound=Machine())


def test_a_camera_that_is_missing_is_found_by_a_look() -> None:
    with pytest.raises(MissingError):
        check_ends(parse_choice("tone", "null", video_in="camera:99"))


def test_a_look_records_nothing(tmp_path: Path) -> None:
    path = f"file:{tmp_path}/call.mkv"
    check_ends(parse_choice("tone", path, video_in="pattern", video_out=path))

    assert list(tmp_path.iterdir()) == []
