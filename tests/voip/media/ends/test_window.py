import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import av
import pytest

from voip.errors import MalformedError, MissingError
from voip.media.ends.window import Window
from voip.media.i420 import picture_of
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.sources import Picture

pytest.importorskip("tkinter", reason="this Python has no tkinter")


@pytest.fixture
def screen(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], Picture]]:
    """Start a screen that nobody sees, and give what takes a picture of it."""
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("needs Xvfb (Debian package xvfb)")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        f"{xvfb} -displayfd {writing} -screen 0 320x240x24 -nolisten tcp".split(),
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answers:
        monkeypatch.setenv("DISPLAY", f":{answers.readline().strip()}")
    yield lambda: _grab(os.environ["DISPLAY"])
    server.terminate()
    server.wait()


def _grab(display: str) -> Picture:
    with av.open(
        display, format="x11grab", options={"video_size": "320x240"}
    ) as screen:
        return picture_of(next(screen.decode(video=0)), 320, 240)


def _until_shown(screen: Callable[[], Picture], number: int) -> bool:
    """Look until the picture is there; ten seconds are for a busy machine."""
    for _ in range(100):
        try:
            if read_frame_number(screen()) == number:
                return True
        except MalformedError:
            pass  # nothing there yet
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_a_picture_is_seen_in_the_window(screen: Callable[[], Picture]) -> None:
    window = Window()
    window.show(draw_pattern(77, 320, 240))

    seen = _until_shown(screen, 77)
    window.close()

    assert seen


@pytest.mark.slow
def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)

    with pytest.raises(MissingError, match=r"cannot open a window: .*display"):
        Window()
