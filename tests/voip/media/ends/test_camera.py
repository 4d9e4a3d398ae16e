import threading
import time
from collections.abc import Iterator

import pytest

from voip.errors import MissingError
from voip.media.ends.camera import (
    BLACK,
    CLOSE_S,
    Camera,
    CameraName,
    MovingBars,
    capture,
    list_cameras,
    open_camera,
)
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.sources import Picture

WAIT_S = 5.0  # only a failing test waits this long


class Fake:
    """A camera driver that gives one picture and waits for the test."""

    def __init__(self, failure: str | None = None) -> None:
        self.switched_on = threading.Event()
        self.gave = threading.Event()
        self.go_on = threading.Event()
        self.done = threading.Event()
        self._failure = failure

    def __call__(self) -> Iterator[Picture]:
        self.switched_on.set()
        try:
            yield draw_pattern(7)
            self.gave.set()
            self.go_on.wait(WAIT_S)
            if self._failure:
                raise MissingError(self._failure)
        finally:
            self.done.set()


async def test_the_pattern_counts_its_pictures() -> None:
    bars = MovingBars(1000)
    numbers = [read_frame_number(await bars.picture()) for _ in range(3)]
    bars.close()

    assert numbers == [0, 1, 2]


async def test_the_pattern_is_as_large_as_asked_for() -> None:
    bars = MovingBars(1000, 1280, 720)
    picture = await bars.picture()
    bars.close()

    assert (picture.width, picture.height) == (1280, 720)


async def test_the_pattern_keeps_its_pace() -> None:
    bars = MovingBars(50)
    began = time.monotonic()
    for _ in range(5):
        await bars.picture()

    assert time.monotonic() - began >= 0.079


async def test_a_camera_is_off_until_a_picture_is_asked_for() -> None:
    fake = Fake()
    camera = Camera(fake, 1000)
    before = fake.switched_on.is_set()
    await camera.picture()
    after = fake.switched_on.wait(WAIT_S)
    fake.go_on.set()
    camera.close()

    assert (before, after) == (False, True)


async def test_a_camera_gives_its_latest_picture() -> None:
    fake = Fake()
    camera = Camera(fake, 1000)
    await camera.picture()
    fake.gave.wait(WAIT_S)
    picture = await camera.picture()
    fake.go_on.set()
    camera.close()

    assert read_frame_number(picture) == 7


@pytest.mark.parametrize(
    ("failure", "told"),
    [("unplugged", "unplugged"), (None, "the camera stopped")],
)
async def test_a_camera_that_fails_is_black_with_a_reason(
    failure: str | None, told: str
) -> None:
    fake = Fake(failure)
    camera = Camera(fake, 1000)
    await camera.picture()
    fake.go_on.set()
    while camera.failure is None:
        await camera.picture()
    picture = await camera.picture()
    camera.close()

    assert (picture, camera.failure) == (BLACK, told)


async def test_a_closed_camera_is_never_switched_on() -> None:
    fake = Fake()
    camera = Camera(fake, 1000)
    camera.close()
    picture = await camera.picture()

    assert (picture, fake.switched_on.is_set()) == (BLACK, False)


async def test_a_driver_that_hangs_holds_nobody_up() -> None:
    fake = Fake()
    camera = Camera(fake, 1000)
    await camera.picture()
    fake.gave.wait(WAIT_S)
    began = time.monotonic()
    camera.close()
    took = time.monotonic() - began
    fake.go_on.set()

    assert took < 9 * CLOSE_S  # a busy machine; the driver would take for ever


async def test_closing_switches_the_camera_off() -> None:
    fake = Fake()
    camera = Camera(lambda: (picture for _ in range(2) for picture in fake()), 1000)
    await camera.picture()
    fake.gave.wait(WAIT_S)
    fake.go_on.set()
    camera.close()

    assert fake.done.wait(WAIT_S)


def test_frames_of_a_driver_become_pictures_of_the_call() -> None:
    # FFmpeg's generator of test pictures is driven like a camera.
    source = CameraName("test", "testsrc=size=320x180:rate=30:duration=0.1", "lavfi")
    pictures = list(capture(source))

    assert len(pictures) == 3
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 180)}


def test_a_camera_with_more_than_we_send_is_made_smaller() -> None:
    source = CameraName("test", "testsrc=size=2560x1920:rate=30:duration=0.03", "lavfi")
    picture = next(capture(source))

    assert (picture.width, picture.height) == (960, 720)


def test_a_camera_that_cannot_be_opened_is_told() -> None:
    with pytest.raises(MissingError, match="camera 'desk': No such file"):
        next(capture(CameraName("desk", "/dev/video-none", "v4l2")))


def test_an_index_beyond_the_list_is_told() -> None:
    with pytest.raises(MissingError, match=r"no camera\b.*: the system lists"):
        open_camera(len(list_cameras()) + 50)
