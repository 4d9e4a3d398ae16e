"""A camera that is off shows nothing, although its pictures go on coming."""

import asyncio

from voip.gateway.rooms.ourselves import Shutter
from voip.media.pattern import black
from voip.media.sources import Picture


class Camera:
    """Gives pictures, each wider than the one before."""

    def __init__(self) -> None:
        self.looked = 0
        self.is_closed = False

    async def picture(self) -> Picture:
        self.looked += 1
        await asyncio.sleep(0)
        return black(16 * self.looked, 16)

    def close(self) -> None:
        self.is_closed = True


async def test_what_was_seen_while_shut_is_shown_to_nobody() -> None:
    camera = Camera()
    shutter = Shutter(camera)
    looking = asyncio.ensure_future(shutter.picture())
    while camera.looked < 3:  # noqa: ASYNC110 -- nobody tells a test
        await asyncio.sleep(0)
    was_shown = looking.done()
    shutter.is_open = True
    picture = await looking

    assert not was_shown
    assert picture.width >= 3 * 16


async def test_with_the_shutter_the_camera_is_closed() -> None:
    camera = Camera()
    Shutter(camera).close()

    assert camera.is_closed
