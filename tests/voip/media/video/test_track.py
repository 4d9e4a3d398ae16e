"""Pictures: none while off, and none that is too large to show."""

import asyncio
from typing import TYPE_CHECKING, cast

import av
import pytest
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import RemoteStreamTrack

from tests.voip.media.call_media import Seen
from voip.media.pattern import black
from voip.media.sources import Picture
from voip.media.video.track import IncomingVideo, OutgoingVideo

if TYPE_CHECKING:
    from aiortc import RTCRtpReceiver


class Camera:
    """Gives a picture whenever the test lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self.let = asyncio.Semaphore(0)

    async def picture(self) -> Picture:
        self.asked += 1
        await self.let.acquire()
        return black(4, 2)

    def close(self) -> None:
        """Let nothing go."""


class Receiver:
    """Stands where aiortc's receiver would: it has a track."""

    def __init__(self) -> None:
        self.track = RemoteStreamTrack("video")


async def _pass() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_camera_is_not_asked_while_off() -> None:
    camera = Camera()
    track = OutgoingVideo(camera)
    waiting = asyncio.ensure_future(track.recv())
    await _pass()
    asked_before = camera.asked
    track.set_on(on=True)
    camera.let.release()
    frame = await waiting

    assert (asked_before, camera.asked, frame.width) == (0, 1, 4)


async def test_on_and_off_again_at_once_does_not_touch_the_camera() -> None:
    camera = Camera()
    track = OutgoingVideo(camera)
    waiting = asyncio.ensure_future(track.recv())
    await _pass()
    track.set_on(on=True)
    track.set_on(on=False)
    await _pass()
    waiting.cancel()

    assert camera.asked == 0


async def test_a_picture_taken_while_switching_off_does_not_leave() -> None:
    camera = Camera()
    track = OutgoingVideo(camera)
    track.set_on(on=True)
    waiting = asyncio.ensure_future(track.recv())
    await _pass()
    track.set_on(on=False)
    camera.let.release()
    await _pass()
    left = waiting.done()
    waiting.cancel()

    assert not left


async def test_a_stopped_track_gives_nothing() -> None:
    track = OutgoingVideo(Camera())
    track.stop()

    with pytest.raises(MediaStreamError):
        await track.recv()


@pytest.mark.parametrize(
    ("width", "height", "shown", "refused"),
    [(64, 48, 1, 0), (65, 49, 1, 0), (1922, 16, 0, 1), (16, 1082, 0, 1)],
)
async def test_a_picture_too_large_to_show_is_refused(
    width: int, height: int, shown: int, refused: int
) -> None:
    receiver, window = Receiver(), Seen()
    incoming = IncomingVideo(cast("RTCRtpReceiver", receiver), window)
    await receiver.track._queue.put(av.VideoFrame(width, height, "yuv420p"))
    await receiver.track._queue.put(None)
    await incoming.run()

    assert (len(window.pictures), incoming.refused) == (shown, refused)
