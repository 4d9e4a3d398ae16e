"""The screen as a camera.

Carrier. On Linux under X11, as PyAV's FFmpeg can capture nothing else; whoever has
Wayland or another system is told so before anybody is called.
"""

import os
import sys
from collections.abc import Generator, Mapping

import av

from voip.errors import MissingError
from voip.media.ends.camera import Camera
from voip.media.i420 import bounded
from voip.media.sources import MAX_HEIGHT, MAX_WIDTH, Picture

PICTURES_PER_S = 15
"""Text moves seldom; a whole screen takes 3 ms to convert, each time."""


def open_screen(
    display: str | None = None, environment: Mapping[str, str] = os.environ
) -> Camera:
    """Return a screen, by its X11 name as in `:0`, or the one that we run on.

    It is looked at when the first picture is asked for.

    Raises:
        MissingError: there is none, or nothing on this system can show it.
    """
    if sys.platform != "linux":
        raise MissingError("no screen: it can be shown under X11 only, so far")
    if display is None and "WAYLAND_DISPLAY" in environment:
        # X11 is there as well, but under Wayland it only ever shows black.
        raise MissingError("no screen: Wayland shows it to nobody; log in with X11")
    chosen = display or environment.get("DISPLAY")
    if chosen is None:
        raise MissingError("no screen: DISPLAY is not set")
    _open(chosen).close()
    return Camera(lambda: capture(chosen), PICTURES_PER_S, what="screen")


def capture(display: str) -> Generator[Picture]:
    """Yield what an X11 display shows, with the pointer, at most 1920x1080.

    Raises:
        MissingError: it cannot be opened, or has gone.
    """
    try:
        with _open(display) as container:
            for frame in container.decode(video=0):
                yield bounded(frame, MAX_WIDTH, MAX_HEIGHT)
    except av.FFmpegError as error:
        raise MissingError(f"screen {display!r}: {error.strerror}") from error


def _open(display: str) -> av.container.InputContainer:
    wish = {"framerate": str(PICTURES_PER_S), "draw_mouse": "1"}
    try:
        return av.open(display, "r", format="x11grab", options=wish)
    except (av.FFmpegError, ValueError) as error:  # ValueError: PyAV built without it
        raise MissingError(f"no screen {display!r}: {error}") from error
