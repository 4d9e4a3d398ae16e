import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.media.ends.terminal import (
    MAX_COLUMNS,
    Colours,
    HalfBlocks,
    Place,
    fit,
    shrink,
)
from voip.media.pattern import black, draw_pattern
from voip.media.sources import Picture

PLACE = Place(3, 5, columns=8, rows=4)
RED = (81, 90, 240)  # Y, U, V of BT.601


def _plain(y: int, u: int, v: int, width: int = 16, height: int = 16) -> Picture:
    quarter = width * height // 4
    data = bytes([y]) * (4 * quarter) + bytes([u]) * quarter + bytes([v]) * quarter
    return Picture(width, height, data)


def _drawn(*pictures: Picture, colours: Colours = Colours.TRUE) -> list[bytes]:
    screen = HalfBlocks(PLACE, colours)
    return [screen.draw(picture) for picture in pictures]


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    [
        pytest.param(RED, (255, 0, 0), id="red"),
        pytest.param((16, 128, 128), (0, 0, 0), id="black"),
        pytest.param((235, 128, 128), (255, 255, 255), id="white"),
        pytest.param((145, 54, 34), (0, 255, 1), id="green"),
    ],
)
def test_colours_are_those_of_bt_601(
    yuv: tuple[int, int, int], rgb: tuple[int, int, int]
) -> None:
    (pixel,) = shrink(_plain(*yuv), 1, 1).reshape(-1, 3)

    assert np.abs(pixel.astype(int) - rgb).max() <= 2


def test_a_picture_is_drawn_as_cells_of_two_colours_at_its_place() -> None:
    (first,) = _drawn(_plain(*RED))

    assert first.startswith(b"\x1b[3;5H\x1b[38;2;255;0;0;48;2;255;0;0m")
    assert first.count("▀".encode()) == 8 * 4
    assert first.endswith(b"\x1b[0m")


def test_the_same_picture_again_writes_nothing() -> None:
    assert _drawn(draw_pattern(7), draw_pattern(7))[1] == b""


def test_the_noise_of_a_camera_writes_nothing() -> None:
    assert _drawn(_plain(100, 128, 128), _plain(102, 128, 128))[1] == b""


def test_only_cells_that_changed_are_drawn_again() -> None:
    data = bytearray(black(16, 16).i420)
    for row in range(4):
        data[16 * row : 16 * row + 4] = bytes([235] * 4)

    _, second = _drawn(black(16, 16), Picture(16, 16, bytes(data)))

    assert second.count("▀".encode()) == 2
    assert second.count(b"H") == 1


def test_a_slow_drift_is_drawn_in_the_end() -> None:
    drawn = _drawn(*(_plain(100 + step, 128, 128) for step in range(8)))

    assert any(drawn[1:])


def test_after_forgetting_everything_is_drawn() -> None:
    screen = HalfBlocks(PLACE, Colours.TRUE)
    before = screen.draw(draw_pattern(1))
    screen.forget()

    assert screen.draw(draw_pattern(1)) == before


def test_an_older_terminal_gets_256_colours() -> None:
    (first,) = _drawn(_plain(*RED), colours=Colours.XTERM_256)

    assert b"\x1b[38;5;196;48;5;196m" in first


@pytest.mark.parametrize(
    ("columns", "rows", "cells"),
    [
        pytest.param(80, 24, (64, 24), id="rows are short"),
        pytest.param(40, 24, (40, 15), id="columns are short"),
        pytest.param(500, 200, (106, 40), id="a huge terminal"),
        pytest.param(1, 1, (1, 1), id="a tiny one"),
    ],
)
def test_a_picture_keeps_its_shape(
    columns: int, rows: int, cells: tuple[int, int]
) -> None:
    assert fit(_plain(0, 0, 0, 640, 480), columns=columns, rows=rows) == cells


@given(data=st.binary(min_size=96, max_size=96))
def test_nothing_but_our_own_escapes_leaves(data: bytes) -> None:
    (drawn,) = _drawn(Picture(8, 8, data))

    allowed = (
        rb"(\x1b\[\d+;\d+H|\x1b\[38;2(;\d+){3};48;2(;\d+){3}m|\x1b\[0m|\xe2\x96\x80)*"
    )

    assert re.fullmatch(allowed, drawn)


def test_a_picture_wider_than_a_terminal_may_be_is_cut_down() -> None:
    assert fit(_plain(0, 0, 0, 1920, 2), columns=400, rows=40)[0] == MAX_COLUMNS
