"""Pictures: VP8 through aiortc's sender and receiver.

Packet sizes follow motion, so video shows an observer more than sound does; it is off
until the user turns it on.
"""

import asyncio
import fractions

import av
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError

from voip.media.i420 import frame_of, picture_of
from voip.media.sources import MAX_HEIGHT, MAX_WIDTH, VideoSink, VideoSource

CLOCK_RATE = 90_000  # RFC 7741
_TIME_BASE = fractions.Fraction(1, CLOCK_RATE)


class OutgoingVideo(MediaStreamTrack):
    """The track that aiortc's sender takes pictures from."""

    kind = "video"

    def __init__(self, source: VideoSource) -> None:
        """Take the camera; it is not asked for a picture while switched off."""
        super().__init__()
        self._source = source
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._on = asyncio.Event()

    def set_on(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send pictures, or nothing at all."""
        if on:
            self._on.set()
        else:
            self._on.clear()

    async def recv(self) -> av.VideoFrame:
        """Wait for the source's next picture."""
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            await self._on.wait()
            if not self._on.is_set():
                continue  # on and off again at once must not touch the camera
            picture = await self._source.picture()
            if self._on.is_set():  # switched off while the camera took its time
                break
        frame = frame_of(picture)
        frame.pts = int((self._clock() - self._began) * CLOCK_RATE)
        frame.time_base = _TIME_BASE
        return frame


class IncomingVideo:
    """Shows what aiortc's receiver decoded, which is only what verified."""

    def __init__(self, receiver: RTCRtpReceiver, sink: VideoSink) -> None:
        """Take where it comes from and where it goes."""
        self.refused = 0
        self._track = receiver.track
        self._sink = sink

    async def run(self) -> None:
        """Show until the track ends."""
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.VideoFrame)
            if frame.width > MAX_WIDTH or frame.height > MAX_HEIGHT:
                self.refused += 1
                continue
            even = frame.width & ~1, frame.height & ~1
            self._sink.show(picture_of(frame, *even))
