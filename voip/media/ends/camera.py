"""The camera, and the test pattern that stands in for one.

Carrier. Both pace themselves by the clock and never raise once they run: a camera that
fails shows black, and `failure` says why in a sentence.
"""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av

from voip.errors import MissingError
from voip.media.ends.files import HEIGHT, WIDTH
from voip.media.i420 import bounded
from voip.media.pattern import black, draw_pattern
from voip.media.sources import Picture

PICTURES_PER_S = 30
CAMERA_WIDTH, CAMERA_HEIGHT = 1280, 720  # what is wished for, and the most

BLACK = black(CAMERA_WIDTH, CAMERA_HEIGHT)

CLOSE_S = 0.1
"""For how long its end is waited for, on the event loop; a driver may take longer."""

_SYSTEMS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's name for the cameras of each system; only the first was tried."""

Opener = Callable[[], Iterator[Picture]]
"""Opens a camera and yields its pictures; called and read on a thread of its own."""


class MovingBars:
    """The test pattern as a camera: numbered pictures at a steady pace."""

    def __init__(
        self,
        pictures_per_s: int = PICTURES_PER_S,
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> None:
        """Start at number 0; sides in pixels."""
        self._pace = _Pace(pictures_per_s)
        self._size = width, height
        self._number = 0

    async def picture(self) -> Picture:
        """Wait until the next picture is due and return it."""
        await self._pace.wait()
        picture = draw_pattern(self._number, *self._size)
        self._number += 1
        return picture

    def close(self) -> None:
        """Do nothing; there is nothing to release."""


class Camera:
    """A camera or screen, opened at the first picture asked for and not before.

    Its light is what tells a person that they are seen, so it must not go on earlier.
    """

    def __init__(
        self,
        opener: Opener,
        pictures_per_s: int = PICTURES_PER_S,
        *,
        what: str = "camera",
    ) -> None:
        """Remember how to open it, and `what` it is, for a sentence."""
        self.failure: str | None = None
        self._what = what
        self._opener = opener
        self._pace = _Pace(pictures_per_s)
        self._latest = BLACK
        self._closed = threading.Event()
        # A daemon, since a driver can hang in a read that nothing interrupts.
        self._thread = threading.Thread(target=self._capture, daemon=True)

    async def picture(self) -> Picture:
        """Wait until the next picture is due and return the latest; first black."""
        if self._thread.ident is None and not self._closed.is_set():
            self._thread.start()
        await self._pace.wait()
        return self._latest

    def close(self) -> None:
        """Switch it off, within 0.1 s or as soon as its driver lets go of it."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        self._latest = BLACK

    def _capture(self) -> None:
        try:
            for picture in self._opener():
                if self._closed.is_set():
                    return
                self._latest = picture
            self.failure = f"the {self._what} stopped"
        except MissingError as error:
            self.failure = str(error)
        self._latest = BLACK


@dataclass(frozen=True, slots=True)
class CameraName:
    """A camera as the system lists it: what a person reads, what FFmpeg opens."""

    name: str
    url: str
    system: str


def list_cameras() -> list[CameraName]:
    """List the cameras; empty where there is none or the system cannot tell."""
    system = _SYSTEMS.get(sys.platform)
    if system is None:
        return []
    try:
        found = av.enumerate_input_devices(system)
    except (av.FFmpegError, ValueError):  # PyAV built without it, or no permission
        return []
    seeing = [info for info in found if "video" in info.media_types]
    return [
        CameraName(info.description, _url(system, index, info), system)
        for index, info in enumerate(seeing)
    ]


def open_camera(index: int | None = None) -> Camera:
    """Return camera `index` of the list, or the first; it is still off.

    Raises:
        MissingError: the system lists no such camera.
    """
    names = list_cameras()
    if not names:
        raise MissingError("no camera: the system lists none")
    chosen = index or 0
    if chosen >= len(names):
        raise MissingError(f"no camera {chosen}: the system lists {len(names)}")
    return Camera(lambda: capture(names[chosen]))


def capture(camera: CameraName) -> Iterator[Picture]:
    """Switch a camera on and yield its pictures, at most 1280x720.

    Raises:
        MissingError: it cannot be opened, or was unplugged.
    """
    try:
        with _switched_on(camera) as container:
            for frame in container.decode(video=0):
                yield bounded(frame, CAMERA_WIDTH, CAMERA_HEIGHT)
    except av.FFmpegError as error:
        raise MissingError(f"camera {camera.name!r}: {error.strerror}") from error


def _switched_on(camera: CameraName) -> av.container.InputContainer:
    """Open it as we wish, or else as it likes."""
    size = {"video_size": f"{CAMERA_WIDTH}x{CAMERA_HEIGHT}"}
    wish = size | {"framerate": str(PICTURES_PER_S)}
    # Over USB 2, pictures of this size come 30 times a second only as JPEG.
    jpeg = [wish | {"input_format": "mjpeg"}] if camera.system == "v4l2" else []
    for options in (*jpeg, wish, size):
        with contextlib.suppress(av.FFmpegError):
            return av.open(camera.url, "r", format=camera.system, options=options)
    return av.open(camera.url, "r", format=camera.system)


def _url(system: str, index: int, info: av.DeviceInfo) -> str:
    match system:
        case "avfoundation":
            return f"{index}:none"  # none: its microphone stays off
        case "dshow":
            return f"video={info.description}"
        case _:
            return info.name


class _Pace:
    """Waits so that pictures leave evenly."""

    def __init__(self, per_s: int) -> None:
        self._step = 1 / per_s
        self._due = 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        # Whoever fell behind goes on from here and does not hurry after.
        self._due = max(self._due + self._step, now)
        await asyncio.sleep(self._due - now)
