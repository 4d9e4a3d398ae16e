"""Decoding on a thread of its own, strictly in order.

Carrier. What comes from the peer is looked at before the decoder sees it: the size in
the header is checked, and errors are caught and counted. A decoder that crashes takes
the process with it; that is the risk that remains.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import av
from av.video.codeccontext import VideoCodecContext

from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.i420 import picture_of
from voip.media.sources import MAX_HEIGHT, MAX_WIDTH, Picture
from voip.media.video.headers import FrameHeader, parse_av1, parse_vp8

MAX_WAITING = 64
"""Frames not decoded yet: two seconds of them. A machine that is further behind will
not catch up, so all are dropped and a key frame is asked for."""
_HURRY = 2  # with more frames waiting, a picture is out of date before it is shown
SLOW_S = 0.1
SLOW_TIMES = 3
SLOW_WITHIN_S = 5.0
"""A picture that takes `SLOW_S` of processor, three times in this time, is meant to
hurt: pictures of the largest size take a fifth of that."""

CLOSE_S = 0.1
"""For how long the end of the thread is waited for, on the event loop: a picture that
is meant to hurt may take seconds, and sound is not to wait for it."""

_NAMES = {Codec.VP8: "vp8", Codec.AV1: "libdav1d"}
PARSERS = {Codec.VP8: parse_vp8, Codec.AV1: parse_av1}
"""What reads the header of a frame."""


class Coded(NamedTuple):
    """A whole frame, and when its picture is to be shown, in seconds of the loop."""

    data: bytes
    show_at: float


def open_decoder(codec: Codec) -> VideoCodecContext:
    """Open FFmpeg's decoder of one codec.

    Raises:
        MissingError: PyAV was built without it.
    """
    try:
        context = av.CodecContext.create(_NAMES[codec], "r")
    except (KeyError, ValueError, av.FFmpegError) as error:
        raise MissingError(f"no decoder for {codec.name.lower()}") from error
    assert isinstance(context, VideoCodecContext)
    # One thread, or dav1d holds pictures back for the others; and its threads, when
    # they end, may wait for ever to write a line into Python's log.
    context.thread_count = 1
    # A second look at the size, by FFmpeg itself, wherever in a stream it is stated.
    context.options = {"max_pixels": str(MAX_WIDTH * MAX_HEIGHT)}
    return context


class FrameDecoder:
    """A decoder behind the checks of what is fed to it."""

    def __init__(self, codec: Codec) -> None:
        """Open it.

        Raises:
            MissingError: this machine cannot decode the codec.
        """
        self._context = open_decoder(codec)
        self._parse = PARSERS[codec]

    def look(self, data: bytes) -> FrameHeader:
        """Read what a frame says of itself.

        Raises:
            MalformedError: it is none, or its picture would be too large.
        """
        return self._parse(data)

    def decode(self, data: bytes) -> list[av.VideoFrame]:
        """Decode one whole frame, after those before it.

        Raises:
            MalformedError: it is none, or its picture is too large or has no size.
        """
        self.look(data)
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError) as error:
            raise MalformedError(f"frame: {error}") from error
        for frame in frames:
            if not (2 <= frame.width <= MAX_WIDTH and 2 <= frame.height <= MAX_HEIGHT):
                raise MalformedError(
                    f"picture: expected 2x2 to {MAX_WIDTH}x{MAX_HEIGHT}, "
                    f"came {frame.width}x{frame.height}"
                )
        return frames

    def picture(self, frame: av.VideoFrame) -> Picture:
        """Give a decoded frame as a picture.

        Raises:
            MalformedError: its colours are of a kind that FFmpeg does not convert.
        """
        try:
            return picture_of(frame, frame.width & ~1, frame.height & ~1)
        except (av.FFmpegError, ValueError) as error:
            raise MalformedError(f"picture: {error}") from error


class Decoder:
    """The thread that decodes one stream; every callback runs on the event loop.

    Attributes:
        failures: frames that were no frames.
        late: pictures that were decoded and not shown, as the next were waiting.
    """

    def __init__(  # noqa: PLR0913 -- what may happen to a frame, each named
        self,
        codec: Codec,
        *,
        loop: asyncio.AbstractEventLoop,
        show: Callable[[Picture, float], None],
        failed: Callable[[], None],
        slow: Callable[[], None],
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        """Start it.

        `show` takes pictures and when each is due; `failed` is called for every frame
        that is of no use before the next key frame; `slow` when three pictures took
        more than 100 ms each within 5 s. `spent` is the processor time of a thread,
        not the time of day, so that a busy machine does not make a picture hostile.

        Raises:
            MissingError: this machine cannot decode the codec.
        """
        self.failures = 0
        self.late = 0
        self._loop = loop
        self._show, self._failed, self._slow = show, failed, slow
        self._spent = spent
        self._decoder = FrameDecoder(codec)
        self._waiting: deque[Coded | None] = deque()  # None: some were dropped here
        self._wake = threading.Condition()
        self._closed = False
        self._needs_key = True
        self._slow_at: deque[float] = deque(maxlen=SLOW_TIMES)
        # A daemon: a decoder that hangs must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._run, name="ringfence-decoder", daemon=True
        )
        self._thread.start()

    def put(self, frame: Coded) -> None:
        """Decode a frame after those before it; never waits."""
        with self._wake:
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.clear()
                self._waiting.append(None)
            self._waiting.append(frame)
            self._wake.notify()

    def close(self) -> None:
        """End the thread; nothing is called after."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                frame = self._waiting.popleft()
            try:
                self._take(frame)
            except MalformedError:
                self.failures += 1
                self._lose()

    def _take(self, frame: Coded | None) -> None:
        if frame is None or (
            self._needs_key and not self._decoder.look(frame.data).key
        ):
            self._lose()
            return
        self._needs_key = False
        before = self._spent()
        decoded = self._decoder.decode(frame.data)
        self._judge(self._spent() - before)
        if len(self._waiting) > _HURRY:
            self.late += len(decoded)
            return
        for each in decoded:
            self._tell(self._show, self._decoder.picture(each), frame.show_at)

    def _lose(self) -> None:
        """Nothing can be shown before the next key frame."""
        self._needs_key = True
        self._tell(self._failed)

    def _judge(self, took_s: float) -> None:
        if took_s <= SLOW_S:
            return
        now = self._loop.time()
        self._slow_at.append(now)
        if len(self._slow_at) == SLOW_TIMES and now - self._slow_at[0] <= SLOW_WITHIN_S:
            self._slow_at.clear()
            self._tell(self._slow)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call back on the loop, unless the call is over."""
        with self._wake:
            if not self._closed and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._call, callback, *arguments)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if not self._closed:
            callback(*arguments)
