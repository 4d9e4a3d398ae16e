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
from voip.media.video.headers import parse_av1, parse_vp8

MAX_WAITING = 64
"""Frames not decoded yet: two seconds of them. A machine that is further behind will
not catch up, so all are dropped and a key frame is asked for."""
_HURRY = 2  # with more frames waiting, a picture is out of date before it is shown
SLOW_S = 0.1
SLOW_TIMES = 3
SLOW_WITHIN_S = 5.0
"""A picture that takes `SLOW_S` of processor, three times in this time, is meant to
hurt: pictures of the largest size take a fifth of that."""

_NAMES = {Codec.VP8: "vp8", Codec.AV1: "libdav1d"}
_PARSERS = {Codec.VP8: parse_vp8, Codec.AV1: parse_av1}


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


class Decoder:
    """The thread that decodes one stream; every callback runs on the event loop.

    Attributes:
        failures: frames that were no frames.
        late: pictures that were decoded and not shown, as the next were waiting.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        loop: asyncio.AbstractEventLoop,
        show: Callable[[Picture, float], None],
        failed: Callable[[], None],
        slow: Callable[[], None],
    ) -> None:
        """Start it.

        `show` takes pictures and when each is due; `failed` is called when a key frame
        is needed to go on; `slow` when three pictures took more than 100 ms each
        within 5 s.

        Raises:
            MissingError: this machine cannot decode the codec.
        """
        self.failures = 0
        self.late = 0
        self._loop = loop
        self._show, self._failed, self._slow = show, failed, slow
        self._context = open_decoder(codec)
        self._parse = _PARSERS[codec]
        self._waiting: deque[Coded] = deque()
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
                self._needs_key = True
                self._loop.call_soon(self._failed)
            self._waiting.append(frame)
            self._wake.notify()

    def close(self) -> None:
        """End the thread; nothing is called after."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while (frame := self._next()) is not None:
            try:
                self._decode(frame)
            except (MalformedError, av.FFmpegError, ValueError):
                self.failures += 1
                self._ask_for_key()

    def _next(self) -> Coded | None:
        with self._wake:
            while not self._waiting and not self._closed:
                self._wake.wait()
            return None if self._closed else self._waiting.popleft()

    def _decode(self, frame: Coded) -> None:
        header = self._parse(frame.data)
        if self._needs_key and not header.key:
            return
        self._needs_key = False
        # Of this thread, so that a busy machine does not make a picture hostile.
        began = time.thread_time()
        decoded = self._context.decode(av.Packet(frame.data))
        self._judge(time.thread_time() - began)
        if len(self._waiting) > _HURRY:
            self.late += len(decoded)
            return
        for each in decoded:
            sides = each.width & ~1, each.height & ~1
            if 0 in sides or each.width > MAX_WIDTH or each.height > MAX_HEIGHT:
                raise MalformedError(f"picture of {each.width}x{each.height}")
            self._tell(self._show, picture_of(each, *sides), frame.show_at)

    def _judge(self, took_s: float) -> None:
        if took_s <= SLOW_S:
            return
        now = time.monotonic()
        self._slow_at.append(now)
        if len(self._slow_at) == SLOW_TIMES and now - self._slow_at[0] <= SLOW_WITHIN_S:
            self._slow_at.clear()
            self._tell(self._slow)

    def _ask_for_key(self) -> None:
        if not self._needs_key:
            self._needs_key = True
            self._tell(self._failed)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call back on the loop, unless the call is over."""
        with self._wake:
            if not self._closed and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._call, callback, *arguments)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if not self._closed:
            callback(*arguments)
