"""Pictures on a real terminal, on a thread of their own."""

import fcntl
import os
import pty
import select
import struct
import termios
import time
import tty
from collections.abc import Iterator
from itertools import count

import pytest

from cli.stage import LEAVE_S, Stage
from tests.cli.cells import Cells, picture
from voip.media.ends.choice import Drawn
from voip.media.ends.terminal import Colours

_LINES = ["bob: connected", "keys: q hang up"]
_PATIENCE_S = 10.0
_STUCK_S = 0.3  # enough to fill what the system keeps for a terminal


class Seat:
    """Somebody at the other end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.end, self.terminal = pty.openpty()
        tty.setraw(self.terminal)
        self.resize(80, 24)
        self.cells = Cells()
        self.raw = b""

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)

    def read_until(self, text: bytes) -> bytes:
        """Read until this text came; give all that did."""
        while text not in self.raw:
            ready, _, _ = select.select([self.end], [], [], _PATIENCE_S)
            assert ready, self.raw[-200:]
            self.raw += os.read(self.end, 1 << 16)
        raw, self.raw = self.raw, b""
        return raw

    def is_silent(self) -> bool:
        return not select.select([self.end], [], [], 0)[0]

    def close(self) -> None:
        for each in (self.end, self.terminal):
            try:
                os.close(each)
            except OSError:
                continue  # the test did


@pytest.fixture
def seat() -> Iterator[Seat]:
    seat = Seat()
    yield seat
    seat.close()


def _stage(seat: Seat) -> Stage:
    return Stage(seat.terminal, Drawn.BLOCKS, Colours.XTERM_256)


def test_without_a_picture_nothing_is_written(seat: Seat) -> None:
    stage = _stage(seat)
    has_drawn = stage.draw(_LINES)
    stage.leave()

    assert not has_drawn
    assert seat.is_silent()


def test_a_picture_and_lines_are_shown_until_the_call_is_over(seat: Seat) -> None:
    stage = _stage(seat)
    stage.show(picture(0))
    has_drawn = stage.draw(_LINES)
    seat.cells.feed(seat.read_until(b"hang up"))
    shown = seat.cells.has_picture, seat.cells.lines[-2:]
    stage.close()
    seat.cells.feed(seat.read_until(b"?1049l"))

    assert has_drawn
    assert shown == (True, _LINES)
    assert seat.cells.is_as_it_was


def test_the_next_call_has_pictures_of_its_own(seat: Seat) -> None:
    stage = _stage(seat)
    stage.show(picture(0))
    stage.draw(_LINES)
    seat.read_until(b"hang up")
    stage.close()
    seat.read_until(b"?1049l")
    before = stage.draw(_LINES)
    stage.show(picture(1))
    after = stage.draw(_LINES)
    raw = seat.read_until(b"hang up")
    stage.leave()

    assert (before, after) == (False, True)
    assert raw.startswith(b"\x1b[?1049h")


def test_a_window_that_changes_its_size_is_drawn_again(seat: Seat) -> None:
    stage = _stage(seat)
    stage.show(picture(0))
    stage.draw(_LINES)
    seat.read_until(b"hang up")
    seat.resize(100, 30)
    stage.draw(_LINES)
    raw = seat.read_until(b"\x1b[30;1H")
    stage.leave()

    assert "▀".encode() in raw


def test_a_terminal_that_takes_nothing_holds_nobody_up(seat: Seat) -> None:
    stage = _stage(seat)
    began = time.monotonic()
    slowest_s = 0.0
    for number in count():
        asked = time.monotonic()
        stage.show(picture(number, 640, 480))
        stage.draw(_LINES)
        slowest_s = max(slowest_s, time.monotonic() - asked)
        if asked - began > _STUCK_S:
            break
    left = time.monotonic()
    stage.leave()

    assert slowest_s < _STUCK_S
    assert time.monotonic() - left < 2 * LEAVE_S


def test_a_terminal_that_goes_away_is_no_trouble(seat: Seat) -> None:
    stage = _stage(seat)
    os.close(seat.end)
    stage.show(picture(0))
    stage.draw(_LINES)
    stage.leave()

    assert stage.draw(_LINES)  # to nobody
