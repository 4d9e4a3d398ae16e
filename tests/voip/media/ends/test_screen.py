"""The screen as a camera; under an X server of the tests' own, where there is one."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from voip.errors import MissingError
from voip.media.ends.screen import capture, open_screen


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb: apt-get install xvfb")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x360x24"]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


def test_a_screen_is_captured_at_its_size(display: str) -> None:
    pictures = capture(display)
    picture = next(pictures)
    pictures.close()

    assert (picture.width, picture.height) == (640, 360)


async def test_a_screen_is_a_camera(display: str) -> None:
    screen = open_screen(None, {"DISPLAY": display})
    picture = await screen.picture()
    while (picture.width, picture.height) != (640, 360):
        picture = await screen.picture()
    screen.close()

    assert screen.failure is None


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "Wayland shows it to"),
        ({}, "no screen: DISPLAY is not set"),
        ({"DISPLAY": ":65000"}, "no screen ':65000'"),
    ],
)
def test_a_screen_that_nothing_can_show_is_told(
    environment: dict[str, str], told: str
) -> None:
    with pytest.raises(MissingError, match=told):
        open_screen(None, environment)


def test_a_display_named_is_tried_even_under_wayland() -> None:
    with pytest.raises(MissingError, match="no screen ':65000'"):
        open_screen(":65000", {"WAYLAND_DISPLAY": "wayland-0"})
