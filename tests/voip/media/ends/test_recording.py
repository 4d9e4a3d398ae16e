import contextlib
import os
import random
import resource
import stat
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from voip.errors import MalformedError, MissingError, RefusedError
from voip.media.ends.files import FileAudio
from voip.media.ends.recording import QUEUE_ITEMS, MovieRecording, WavRecording
from voip.media.i420 import picture_of
from voip.media.pattern import Tone, draw_pattern, read_frame_number
from voip.media.similarity import similarity
from voip.media.sources import SILENCE


def finish(recording: WavRecording | MovieRecording) -> None:
    """Close it, and wait for its end for as long as a busy machine takes."""
    if isinstance(recording, MovieRecording):
        recording.close(wait_s=30.0)
    else:
        recording.close()


def tone(frames: int) -> list[bytes]:
    source = Tone()
    return [source.read() for _ in range(frames)]


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def numbers(path: Path) -> list[tuple[float, int]]:
    with av.open(path) as container:
        return [
            (frame.time, read_frame_number(picture_of(frame, 640, 480)))
            for frame in container.decode(video=0)
        ]


def test_sound_is_recorded_as_it_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    recording = WavRecording(path)
    for frame in tone(10):
        recording.write(frame)
    finish(recording)
    finish(recording)
    with wave.open(str(path)) as file:
        form = file.getframerate(), file.getnchannels(), file.getsampwidth()
        pcm = file.readframes(99_999)

    assert form == (48_000, 1, 2)
    assert pcm == b"".join(tone(10))


def test_after_a_crash_a_wav_lacks_at_most_the_last_5_s(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    recording = WavRecording(path)
    for _ in range(499):  # 10 s but for one frame
        recording.write(SILENCE)
    with wave.open(str(path)) as file:
        frames = file.getnframes()
    finish(recording)

    assert frames == 250 * 960


def test_what_comes_after_closing_is_forgotten(tmp_path: Path) -> None:
    recording = WavRecording(tmp_path / "heard.wav")
    finish(recording)
    recording.write(SILENCE)

    assert recording.failure is None


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
def test_a_recording_is_for_its_owner_only(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    old = os.umask(0)
    try:
        recording = record(path)
    finally:
        os.umask(old)
    finish(recording)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def record(path: Path, *, overwrite: bool = False) -> WavRecording | MovieRecording:
    if path.suffix == ".wav":
        return WavRecording(path, overwrite=overwrite)
    return MovieRecording(path, sound=True, overwrite=overwrite)


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
def test_a_recording_replaces_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("dear")

    with pytest.raises(RefusedError, match=f"{name}' exists already"):
        record(path)
    assert path.read_text() == "dear"


def test_a_recording_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match="exists already"):
        WavRecording(tmp_path / "a.wav")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["a.wav", "a.webm"])
def test_a_recording_replaces_when_asked_to(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    finish(record(path, overwrite=True))

    assert path.read_bytes()[:3] != b"old"


def test_a_device_or_pipe_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")

    with pytest.raises(RefusedError, match="would replace no plain file"):
        WavRecording(tmp_path / "a.wav", overwrite=True)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"cannot create recording .*: No such file"):
        WavRecording(tmp_path / "none" / "a.wav")


def test_a_movie_needs_a_name_that_says_its_format(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match=r"ending in .mkv or .webm, got 'a.avi'"):
        MovieRecording(tmp_path / "a.avi", sound=False)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_movie_holds_sound_and_pictures(tmp_path: Path, name: str) -> None:
    clock = Clock()
    recording = MovieRecording(tmp_path / name, sound=True, clock=clock)
    sound = tone(15)
    for number, frame in enumerate(sound):
        recording.write(frame)
        if number % 5 == 0:
            recording.show(draw_pattern(number))
        clock.now += 0.02
    finish(recording)
    finish(recording)
    heard = FileAudio(tmp_path / name)
    pcm = b"".join(heard.read() for _ in range(15))
    heard.close()

    assert (recording.failure, recording.dropped) == (None, 0)
    assert numbers(tmp_path / name) == [(0.0, 0), (0.1, 5), (0.2, 10)]
    assert similarity(b"".join(sound), pcm).correlation > 0.95


def test_a_pause_in_the_sound_stays_a_pause(tmp_path: Path) -> None:
    clock = Clock()
    recording = MovieRecording(tmp_path / "a.mkv", sound=True, clock=clock)
    for frame in tone(3):
        recording.write(frame)
    clock.now += 2.0
    for frame in tone(3):
        recording.write(frame)
    finish(recording)
    with av.open(tmp_path / "a.mkv") as container:
        times = [frame.time for frame in container.decode(audio=0)]

    assert times[-1] is not None
    assert 1.9 < times[-1] < 2.2


def test_two_pictures_at_one_moment_are_both_kept(tmp_path: Path) -> None:
    recording = MovieRecording(tmp_path / "a.mkv", sound=False, clock=Clock())
    recording.show(draw_pattern(1))
    recording.show(draw_pattern(2))
    finish(recording)

    assert [number for _, number in numbers(tmp_path / "a.mkv")] == [1, 2]


def test_pictures_of_another_size_are_fitted(tmp_path: Path) -> None:
    recording = MovieRecording(tmp_path / "a.mkv", sound=False, clock=Clock())
    recording.show(draw_pattern(1, 320, 240))
    finish(recording)
    with av.open(tmp_path / "a.mkv") as container:
        frame = next(container.decode(video=0))

    assert (frame.width, frame.height) == (640, 480)


def test_a_movie_without_sound_ignores_sound(tmp_path: Path) -> None:
    recording = MovieRecording(tmp_path / "a.mkv", sound=False, clock=Clock())
    recording.write(SILENCE)
    recording.show(draw_pattern(1))
    finish(recording)
    with av.open(tmp_path / "a.mkv") as container:
        tracks = [stream.type for stream in container.streams]

    assert tracks == ["video"]


def test_a_call_without_a_picture_is_a_file_nevertheless(tmp_path: Path) -> None:
    finish(MovieRecording(tmp_path / "a.mkv", sound=True))

    assert (tmp_path / "a.mkv").read_bytes()[:4] == b"\x1a\x45\xdf\xa3"


def test_a_full_queue_leaves_out_the_newest(tmp_path: Path) -> None:
    recording = MovieRecording(tmp_path / "a.mkv", sound=False, clock=Clock())
    picture = draw_pattern(1)
    for _ in range(40 * QUEUE_ITEMS):
        recording.show(picture)
    finish(recording)

    assert recording.dropped > 0
    assert recording.failure is None


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 3000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
def test_a_full_disk_stops_the_recording_and_is_told(tmp_path: Path, name: str) -> None:
    recording = record(tmp_path / name)
    with full_disk():
        for number in range(30):
            recording.write(random.Random(number).randbytes(1920))
        finish(recording)

    assert recording.failure is not None
    assert f"{name}' stopped: " in recording.failure


def test_a_wav_that_its_header_cannot_count_stops(tmp_path: Path) -> None:
    recording = WavRecording(tmp_path / "a.wav", most_bytes=3_000)
    for frame in tone(3):
        recording.write(frame)
    finish(recording)

    assert recording.failure == f"recording {str(tmp_path / 'a.wav')!r} is full"
