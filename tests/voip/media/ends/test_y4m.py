import os
import stat
import threading
from pathlib import Path

import av
import pytest

from voip.errors import MissingError, RefusedError
from voip.media.ends.y4m import RawPictures
from voip.media.pattern import draw_pattern

WAIT_S = 5.0  # only a failing test waits this long
HEADER = b"YUV4MPEG2 W128 H64 F20:1 Ip A1:1 C420mpeg2\n"
FRAME_BYTES = len(b"FRAME\n") + 128 * 64 * 3 // 2


class Reader:
    """The program at the other end of a pipe."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._file, True)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = os.read(self._file, size - len(data))
            assert more, f"the pipe ended after {len(data)} bytes"
            data += more
        return data

    def close(self) -> None:
        os.close(self._file)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "seen.y4m"


def test_a_pipe_gets_a_header_and_pictures(path: Path) -> None:
    reader = Reader(path)
    pictures = RawPictures(path)
    pictures.show(draw_pattern(7, 128, 64))
    header, frame = reader.read(len(HEADER)), reader.read(FRAME_BYTES)
    pictures.close()
    reader.close()

    assert header == HEADER
    assert frame == b"FRAME\n" + draw_pattern(7, 128, 64).i420


def test_another_size_is_scaled_to_that_of_the_first(path: Path) -> None:
    reader = Reader(path)
    pictures = RawPictures(path)
    pictures.show(draw_pattern(7, 128, 64))
    reader.read(len(HEADER) + FRAME_BYTES)
    pictures.show(draw_pattern(8, 256, 128))
    frames = [reader.read(FRAME_BYTES) for _ in range(10)]
    pictures.close()
    reader.close()

    assert all(frame.startswith(b"FRAME\n") for frame in frames)
    assert frames[-1][6:] != draw_pattern(7, 128, 64).i420


def test_a_file_is_private_and_other_programs_read_it(path: Path) -> None:
    pictures = RawPictures(path)
    pictures.show(draw_pattern(3, 128, 64))
    until_written(path, len(HEADER) + 2 * FRAME_BYTES)
    pictures.close()
    with av.open(path) as container:
        frame = next(container.decode(video=0))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (frame.width, frame.height) == (128, 64)


def until_written(path: Path, size: int) -> None:
    grown = threading.Event()
    for _ in range(500):
        if path.stat().st_size >= size:
            return
        grown.wait(0.01)
    raise AssertionError(f"{path.stat().st_size} bytes, expected {size}")


def test_a_reader_that_leaves_is_said(path: Path) -> None:
    reader = Reader(path)
    pictures = RawPictures(path)
    reader.close()
    pictures.show(draw_pattern(1, 128, 64))
    pictures._thread.join(WAIT_S)
    pictures.close()

    assert (
        pictures.failure == f"recording {str(path)!r} stopped: [Errno 32] Broken pipe"
    )


def test_a_reader_that_does_not_read_holds_nobody_up(path: Path) -> None:
    reader = Reader(path)
    pictures = RawPictures(path)
    pictures.show(draw_pattern(1))  # more than a pipe holds
    pictures.close()
    pictures.close()
    pictures._thread.join(WAIT_S)

    assert not pictures._thread.is_alive()
    reader.close()


def test_a_pipe_that_nobody_reads_is_told(path: Path) -> None:
    os.mkfifo(path)

    with pytest.raises(MissingError, match="cannot write to pipe"):
        RawPictures(path)


def test_a_file_that_exists_is_kept_unless_asked(path: Path) -> None:
    path.touch()

    with pytest.raises(RefusedError, match="exists already"):
        RawPictures(path)
    RawPictures(path, overwrite=True).close()


def test_what_was_closed_unused_stays_empty(path: Path) -> None:
    pictures = RawPictures(path)
    pictures.close()
    pictures.show(draw_pattern(1, 128, 64))

    assert path.read_bytes() == b""
