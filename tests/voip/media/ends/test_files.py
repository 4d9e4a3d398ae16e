import io
import struct
import time
import wave
from importlib import resources
from pathlib import Path

import av
import pytest

from voip.errors import CallError, MalformedError, MissingError
from voip.media.ends.files import FileAudio, FileVideo
from voip.media.i420 import frame_of
from voip.media.pattern import Tone, draw_pattern, read_frame_number
from voip.media.similarity import similarity
from voip.media.sources import FRAME_BYTES, SILENCE


def tone(frames: int) -> bytes:
    source = Tone()
    return b"".join(source.read() for _ in range(frames))


def write_wav(path: Path, pcm: bytes, *, rate: int = 48_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def write_movie(path: Path, pictures: int, rate: int = 30) -> Path:
    with av.open(path, "w") as container:
        fast = {"deadline": "realtime", "cpu-used": "8"}
        stream = container.add_stream("libvpx", rate=rate, options=fast)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.bit_rate = 2_000_000
        for number in range(pictures):
            container.mux(stream.encode(frame_of(draw_pattern(number))))
        container.mux(stream.encode(None))
    return path


def read_all(source: FileAudio) -> bytes:
    pcm = b""
    while not source.ended:
        pcm += source.read()
    source.close()
    return pcm


def test_a_48_khz_file_is_read_as_it_is(tmp_path: Path) -> None:
    source = FileAudio(write_wav(tmp_path / "a.wav", tone(20)))

    assert b"".join(source.read() for _ in range(20)) == tone(20)
    source.close()


def test_another_rate_and_stereo_become_48_khz_mono(tmp_path: Path) -> None:
    mono = struct.unpack("<48000h", tone(50))
    stereo = [value for value in mono[::3] for _ in range(2)]
    path = write_wav(
        tmp_path / "a.wav", struct.pack("<32000h", *stereo), rate=16_000, channels=2
    )

    assert similarity(tone(50), read_all(FileAudio(path))).correlation > 0.99


def test_after_its_end_a_file_is_silent(tmp_path: Path) -> None:
    source = FileAudio(write_wav(tmp_path / "a.wav", b"\1\0" * 100))
    first, second = source.read(), source.read()

    assert first == (b"\1\0" * 100).ljust(FRAME_BYTES, b"\0")
    assert (second, source.ended, source.failure) == (SILENCE, True, None)


def test_a_looped_file_goes_on_from_its_start(tmp_path: Path) -> None:
    source = FileAudio(write_wav(tmp_path / "a.wav", tone(3)), loop=True)
    pcm = b"".join(source.read() for _ in range(7))
    source.close()

    assert pcm == (tone(3) * 3)[: len(pcm)]


def test_a_closed_file_is_silent(tmp_path: Path) -> None:
    source = FileAudio(write_wav(tmp_path / "a.wav", tone(3)))
    source.close()
    source.close()

    assert source.read() == SILENCE


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_voices_of_the_demo_are_speech_of_some_seconds(name: str) -> None:
    file = resources.files("cli.demo_media") / f"{name}.ogg"
    with resources.as_file(file) as path:
        pcm = read_all(FileAudio(path))

    assert 6.0 < len(pcm) / 96_000 < 9.0
    assert max(struct.unpack(f"<{len(pcm) // 2}h", pcm)) > 5_000


@pytest.mark.parametrize("source", [FileAudio, FileVideo])
def test_a_missing_file_is_told(
    tmp_path: Path, source: type[FileAudio | FileVideo]
) -> None:
    with pytest.raises(MissingError, match=r"cannot read .*: No such file"):
        source(tmp_path / "none.ogg")


@pytest.mark.parametrize("source", [FileAudio, FileVideo])
@pytest.mark.parametrize("junk", [b"", b"hello", bytes(5_000), b"OggS" + bytes(99)])
def test_what_is_no_media_is_told(
    tmp_path: Path, junk: bytes, source: type[FileAudio | FileVideo]
) -> None:
    path = tmp_path / "junk.ogg"
    path.write_bytes(junk)

    with pytest.raises(MalformedError, match=r"junk.ogg' is no media file we can play"):
        source(path)


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(3))
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.wav\n")

    with pytest.raises(MalformedError, match="is no media file"):
        FileAudio(path)


def test_a_concatenation_script_is_not_followed(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(3))
    path = tmp_path / "list.ffconcat"
    path.write_text("ffconcat version 1.0\nfile a.wav\n")

    with pytest.raises(MalformedError, match="is no media file"):
        FileAudio(path)


def test_a_file_with_a_sound_track_but_no_sound_is_told(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", b"")

    with pytest.raises(MalformedError, match=r"a.wav' holds no sound"):
        FileAudio(path)


def test_a_resampled_file_keeps_its_last_samples(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", bytes(2 * 8_000), rate=8_000)

    assert abs(len(read_all(FileAudio(path))) - 96_000) <= FRAME_BYTES


@pytest.mark.parametrize("rate", [1, 500_000])
def test_a_made_up_sample_rate_is_refused(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", tone(3), rate=rate)

    with pytest.raises(MalformedError, match=rf"samples a second.* has {rate}"):
        FileAudio(path)


def test_a_file_without_pictures_is_told(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(3))

    with pytest.raises(MalformedError, match=r"a.wav' holds no pictures"):
        FileVideo(path)


def test_a_file_without_sound_is_told(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.webm", 2)

    with pytest.raises(MalformedError, match=r"a.webm' holds no sound"):
        FileAudio(path)


@pytest.mark.parametrize("at", range(60, 3_000, 211))
def test_a_damaged_file_never_stops_a_call(tmp_path: Path, at: int) -> None:
    file = resources.files("cli.demo_media") / "alice.ogg"
    data = bytearray(file.read_bytes()[:12_000])
    data[at : at + 40] = b"\xff" * 40
    path = tmp_path / "bad.ogg"
    path.write_bytes(data)
    try:
        source = FileAudio(path)
    except CallError:
        return
    lengths = {len(source.read()) for _ in range(100)}
    source.close()

    assert lengths == {FRAME_BYTES}


def test_a_looped_file_that_vanishes_says_so_and_is_silent(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1))
    source = FileAudio(path, loop=True)
    path.unlink()
    pcm = [source.read() for _ in range(3)]

    assert pcm[1:] == [SILENCE, SILENCE]
    assert source.failure is not None
    assert "cannot read" in source.failure


async def test_pictures_come_in_order_and_start_again(tmp_path: Path) -> None:
    video = FileVideo(write_movie(tmp_path / "a.webm", 3))
    numbers = [read_frame_number(await video.picture()) for _ in range(5)]
    video.close()
    video.close()

    assert numbers == [0, 1, 2, 0, 1]


async def test_pictures_come_at_the_pace_of_the_file(tmp_path: Path) -> None:
    video = FileVideo(write_movie(tmp_path / "a.webm", 9, rate=20))
    await video.picture()
    began = time.monotonic()
    for _ in range(6):
        await video.picture()
    took = time.monotonic() - began
    video.close()

    assert took > 0.25  # 6 pictures at 20 a second, with room for a slow start


async def test_more_pictures_than_a_call_sends_are_left_out(tmp_path: Path) -> None:
    video = FileVideo(write_movie(tmp_path / "a.webm", 9, rate=60))
    numbers = [read_frame_number(await video.picture()) for _ in range(4)]
    video.close()

    assert numbers == [0, 2, 4, 6]


async def test_a_movie_that_vanishes_keeps_its_last_picture(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.webm", 1)
    video = FileVideo(path)
    path.unlink()
    numbers = [read_frame_number(await video.picture()) for _ in range(2)]
    video.close()

    assert numbers == [0, 0]
    assert video.failure is not None


async def test_another_shape_keeps_its_proportions_between_black_bars(
    tmp_path: Path,
) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libvpx", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 120, "yuv420p"
        container.mux(stream.encode(frame_of(draw_pattern(0, 320, 120))))
        container.mux(stream.encode(None))
    path = tmp_path / "wide.mkv"
    path.write_bytes(buffer.getvalue())
    video = FileVideo(path)
    picture = await video.picture()
    video.close()
    rows = [picture.i420[640 * row + 320] for row in (0, 118, 240, 362, 479)]

    assert (picture.width, picture.height) == (640, 480)
    assert rows[0] == rows[1] == rows[3] == rows[4] == 16
    assert rows[2] > 40
