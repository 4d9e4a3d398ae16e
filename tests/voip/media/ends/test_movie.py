import os
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import av
import pytest

from tests.voip.media.video.native import encoded
from voip.errors import RefusedError
from voip.media.ends.movie import QUEUE_ITEMS, CallRecording
from voip.media.ends.writing import CLOSE_S
from voip.media.i420 import frame_of
from voip.media.pattern import draw_pattern
from voip.media.sources import Track

WAIT_S = 30.0  # only a failing test waits this long
OPUS = bytes.fromhex("f8fffe") + bytes(77)  # a frame of 20 ms, as long as ours
OURS = Track(ours=True, kind="video", codec="vp8")
THEIRS = Track(ours=False, kind="video", codec="av1")
_ENCODERS = {"vp8": "libvpx", "av1": "libsvtav1"}
_OPTIONS = {
    "vp8": {"deadline": "realtime", "lag-in-frames": "0"},
    "av1": {"preset": "12", "svtav1-params": "rtc=1:pred-struct=1:rc=2:lp=1"},
}


def _new(path: Path) -> BinaryIO:
    return path.open("xb")


def _coded(codec: str, count: int, width: int = 128, height: int = 64) -> list[bytes]:
    frames = [frame_of(draw_pattern(number, width, height)) for number in range(count)]
    for number, frame in enumerate(frames):
        frame.pts = number
    return encoded(_ENCODERS[codec], frames, _OPTIONS[codec])


def _times(path: Path) -> dict[str, list[float]]:
    """Give the times of the packets of each track, by its title."""
    with av.open(path) as movie:
        found: dict[str, list[float]] = {
            stream.metadata["title"]: [] for stream in movie.streams
        }
        for packet in movie.demux():
            if packet.pts is not None and packet.time_base is not None:
                title = packet.stream.metadata["title"]
                found[title].append(round(float(packet.pts * packet.time_base), 3))
    return found


def _talk(recording: CallRecording, frames: Iterator[int] | range) -> None:
    for number in frames:
        recording.sound(OPUS, 0.02 * number, ours=True)
        recording.sound(OPUS, 0.02 * number, ours=False)


def test_both_sides_have_a_track_of_what_was_coded(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    recording = CallRecording(path, _new)
    _talk(recording, range(100))
    recording.close(WAIT_S)

    assert {title: len(times) for title, times in _times(path).items()} == {
        "our side": 100,
        "other side": 100,
    }


def test_what_was_lost_leaves_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    recording = CallRecording(path, _new)
    for number in (0, 1, 5, 6):
        recording.sound(OPUS, 3.0 + 0.02 * number, ours=False)
    recording.close(WAIT_S)

    assert _times(path) == {"other side": [0.0, 0.02, 0.1, 0.12]}


@pytest.mark.parametrize("track", [OURS, THEIRS], ids=["vp8", "av1"])
def test_pictures_can_be_decoded_from_the_file(tmp_path: Path, track: Track) -> None:
    path = tmp_path / "call.mkv"
    recording = CallRecording(path, _new)
    for number, frame in enumerate(_coded(track.codec, 12)):
        recording.picture(frame, number / 30, track=track)
    recording.close(WAIT_S)

    with av.open(path) as movie:
        sizes = [(frame.width, frame.height) for frame in movie.decode(video=0)]

    assert sizes == [(128, 64)] * 12


def test_a_track_that_begins_late_begins_a_further_file(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    recording = CallRecording(path, _new)
    _talk(recording, range(80))
    recording.picture(_coded("vp8", 1)[0], 1.62, track=OURS)
    _talk(recording, range(82, 100))
    recording.close(WAIT_S)

    assert recording.files == [path, tmp_path / "call-2.mkv"]
    assert len(_times(path)["our side"]) == 80
    assert {
        title: len(times) for title, times in _times(recording.files[1]).items()
    } == {
        "our side, video": 1,
        "our side": 18,
        "other side": 18,
    }


def test_pictures_before_the_first_key_frame_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    key, *others = _coded("vp8", 6)
    recording = CallRecording(path, _new)
    for number, frame in enumerate([b"", *others, key, *others]):
        recording.picture(frame, number / 30, track=OURS)
    recording.close(WAIT_S)

    assert len(_times(path)["our side, video"]) == 6


def test_a_recording_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    recording = CallRecording(path, _new)
    recording.close(WAIT_S)
    recording.close(WAIT_S)

    assert path.read_bytes() == b""


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    def refuse(path: Path) -> BinaryIO:
        raise RefusedError(f"{path.name} exists already")

    with pytest.raises(RefusedError, match=r"call\.mkv"):
        CallRecording(tmp_path / "call.mkv", refuse)


class _Full(BytesIO):
    """A disk that is full after some bytes."""

    def write(self, data: object, /) -> int:
        if self.tell() > 3000:
            raise OSError(28, os.strerror(28))
        return super().write(data)  # type: ignore[arg-type]  # what av hands in


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.mkv", lambda _: _Full())

    _talk(recording, range(200))

    with pytest.raises(OSError, match="No space left"):
        recording.close(WAIT_S)


class _Asleep(BytesIO):
    """A disk that takes nothing before it is awake."""

    def __init__(self) -> None:
        super().__init__()
        self.awake = threading.Event()

    def write(self, data: object, /) -> int:
        assert self.awake.wait(WAIT_S)
        return super().write(data)  # type: ignore[arg-type]  # what av hands in


def test_a_disk_that_is_asleep_holds_nobody_up_and_is_told(tmp_path: Path) -> None:
    disk = _Asleep()
    recording = CallRecording(tmp_path / "call.mkv", lambda _: disk)
    with pytest.raises(OSError, match="too slow"):
        _talk(recording, range(QUEUE_ITEMS))
    began = time.monotonic()
    with pytest.raises(OSError, match="its end is still being written"):
        recording.close()
    took = time.monotonic() - began
    disk.awake.set()
    recording.close(WAIT_S)

    assert took < 10 * CLOSE_S  # a busy machine; the disk would take for ever


def test_a_further_file_that_cannot_be_made_ends_the_recording(tmp_path: Path) -> None:
    def once(path: Path) -> BinaryIO:
        if path.stem.endswith("2"):
            raise RefusedError("no second one")
        return path.open("xb")

    recording = CallRecording(tmp_path / "call.mkv", once)
    _talk(recording, range(80))
    recording.picture(_coded("vp8", 1)[0], 1.62, track=OURS)

    with pytest.raises(OSError, match="no second one"):
        recording.close(WAIT_S)
