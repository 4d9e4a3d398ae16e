"""A picture above and lines below, in the cells of a terminal."""

import pytest

from cli.canvas import ENTER, LEAVE, Canvas
from tests.cli.cells import Cells, picture
from voip.media.ends.choice import Drawn
from voip.media.ends.terminal import Colours
from voip.media.sources import Picture

_LINES = ["bob: connected", "keys: q hang up"]
_FIRST, _SECOND = picture(0), picture(1)
_WIDE = picture(0, width=128)


def _canvas(drawn: Drawn = Drawn.BLOCKS) -> Canvas:
    return Canvas(drawn, Colours.TRUE)


def _drawn(*scenes: tuple[Picture, list[str]], rows: int = 12) -> tuple[Cells, bytes]:
    """Draw one scene after the other; give the terminal, and what came last."""
    cells, canvas, data = Cells(40, rows), _canvas(), b""
    for shown, lines in scenes:
        data = canvas.draw(shown, lines, 40, rows)
        cells.feed(data)
    return cells, data


def test_the_picture_is_above_the_lines() -> None:
    cells, _ = _drawn((_FIRST, _LINES))

    assert cells.lines[-2:] == _LINES
    assert all(set(line.strip()) == {"▀"} for line in cells.lines[:10])
    assert len(cells.lines[0].strip()) == 26  # 4:3 in ten rows of two pixels


def test_what_is_there_already_is_not_written_again() -> None:
    _, again = _drawn((_FIRST, _LINES), (_FIRST, _LINES))

    assert again == b""


def test_a_new_picture_leaves_the_lines_alone() -> None:
    cells, data = _drawn((_FIRST, _LINES), (_SECOND, _LINES))

    assert "▀".encode() in data
    assert b"keys" not in data
    assert cells.lines[-2:] == _LINES


def test_new_lines_leave_the_picture_alone() -> None:
    cells, data = _drawn((_FIRST, _LINES), (_FIRST, ["bob: over", "keys:"]))

    assert "▀".encode() not in data
    assert cells.lines[-2:] == ["bob: over", "keys:"]


def test_lines_that_were_needed_once_keep_their_room() -> None:
    cells, _ = _drawn((_FIRST, [*_LINES, "a text"]), (_FIRST, _LINES))

    assert cells.lines[-3:] == [*_LINES, ""]


def test_more_lines_make_the_picture_smaller() -> None:
    cells, _ = _drawn((_FIRST, _LINES), (_FIRST, [*_LINES, *"abc"]))

    assert cells.lines[-5:] == [*_LINES, *"abc"]
    assert sum("▀" in line for line in cells.lines) == 7


def test_a_picture_of_another_shape_leaves_nothing_of_the_one_before() -> None:
    cells, _ = _drawn((_FIRST, _LINES), (_WIDE, _LINES))
    fresh, _ = _drawn((_WIDE, _LINES))

    assert cells.lines == fresh.lines


def test_where_there_is_no_room_the_last_lines_are_shown() -> None:
    cells, _ = _drawn((_FIRST, [*_LINES, *"abcde"]), rows=5)

    assert cells.lines == list("abcde")


def test_another_size_of_the_terminal_draws_all_again() -> None:
    canvas, cells = _canvas(), Cells(60, 20)
    canvas.draw(_FIRST, _LINES, 40, 12)
    cells.feed(canvas.draw(_FIRST, _LINES, 60, 20))

    assert cells.lines[-2:] == _LINES
    assert cells.has_picture


def test_kitty_gets_pictures_as_they_are() -> None:
    canvas, cells = _canvas(Drawn.KITTY), Cells(40, 12)
    cells.feed(canvas.draw(_FIRST, _LINES, 40, 12))

    assert [each[:5] for each in cells.kitty] == ["a=d,d", "a=T,f"]
    assert cells.lines[-2:] == _LINES


@pytest.mark.parametrize("cut", [b"", b"\x1b[38;2;1", b"\x1b_Ga=T;AAAA"])
def test_whatever_was_being_written_the_terminal_comes_back(cut: bytes) -> None:
    # CAN ends what was cut off, on a terminal; here it is dropped by hand.
    assert LEAVE.startswith(b"\x18\x1b\\")
    cells = Cells()
    cells.feed(ENTER)
    cells.feed((cut + LEAVE)[len(cut) :])

    assert cells.is_as_it_was
