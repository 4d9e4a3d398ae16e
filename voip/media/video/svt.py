"""AV1 by SVT-AV1, through PyAV: the better codec, where it is there and works.

Carrier.
"""

import contextlib
import fractions
import os
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import SupportsBytes

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.pattern import draw_pattern
from voip.media.video.decoding import FrameDecoder
from voip.media.video.guarded import Guard
from voip.media.video.limits import CLOCK_RATE
from voip.media.video.reopened import Reopened

_PRESET, _SCREEN_PRESET = 12, 10
"""The quicker one takes half the time and leaves small changes out now and then, for a
picture or two: nobody misses them in a face, but a cursor is one."""
_PARAMETERS = "rtc=1:pred-struct=1:rc=2:lp=1"
"""Made for calls, no picture waits for a later one, constant rate, one thread."""
_THREADS = Path("/proc/self/task")  # proc(5): one folder a thread
_TRIAL = 128, 64  # pixels; the smallest test pattern, larger than SVT's least, 64


def open_av1(width: int, height: int, *, bps: int, screen: bool = False) -> Reopened:
    """Open an encoder for pictures of this size; its rate changes by opening again.

    `screen`: every small change is to be seen, and pictures are few.

    Raises:
        MissingError: PyAV was built without it.
    """
    # The library tells its settings on stderr; only errors (1) may go there. It reads
    # this when it is first used, and knows no other switch.
    os.environ.setdefault("SVT_LOG", "1")
    preset = _SCREEN_PRESET if screen else _PRESET
    return Reopened(partial(_context, preset), width, height, bps=bps)


@cache
def available() -> bool:
    """Tell whether a picture could be encoded and decoded; tried once, then known."""
    try:
        encoder = open_av1(*_TRIAL, bps=100_000)
        coded = encoder.encode(draw_pattern(0, *_TRIAL), 0)
        encoder.close()
        return bool(FrameDecoder(Codec.AV1).decode(coded))
    except (MalformedError, MissingError):
        return False


class Svt:
    """An encoder of SVT-AV1, every call of which ends; see `reopened.Context`."""

    def __init__(self, context: VideoCodecContext) -> None:
        """Take an encoder that is not opened yet, and let nobody else have it."""
        self._context: VideoCodecContext | None = context
        self._guard = Guard()

    def open(self, *, strict: bool) -> None:
        """Open it; if not `strict`, also if it is open already."""
        assert self._context is not None  # not used after its end
        opened = False
        try:
            self._guard.do(partial(_open, self._context, strict=strict))
            opened = True
        finally:
            if not opened:
                self._guard.leave()

    def encode(self, frame: VideoFrame | None) -> Sequence[SupportsBytes]:
        """Encode a frame; None is the end, and frees it."""
        context = self._context
        assert context is not None  # not used after its end
        work = partial(context.encode, frame)
        if frame is None:
            # The last one to hold it must be the thread: freeing it may hang, too.
            self._context = context = None
        try:
            return self._guard.do(work)
        except TimeoutError:
            frame = None  # it ends should it ever come back
            raise
        finally:
            if frame is None:
                self._guard.leave()


def _context(preset: int, width: int, height: int, bps: int) -> Svt:
    context = av.CodecContext.create("libsvtav1", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = fractions.Fraction(1, CLOCK_RATE)
    context.framerate = fractions.Fraction(30)
    context.bit_rate = bps
    context.gop_size = 3000  # frames; key frames come when asked for
    context.options = {"preset": str(preset), "svtav1-params": _PARAMETERS}
    return Svt(context)


def _open(context: VideoCodecContext, *, strict: bool) -> None:
    """Open an encoder of SVT-AV1, its threads scheduled as the one that asks for it.

    Where it may, as root, SVT-AV1 makes its threads and the calling one real-time ones
    of the highest priority (SCHED_FIFO 99): then a picture that takes long stops
    everything else on the machine, sound first. The calling one is never one of the
    call's: the C library remembers, and later threads of ours would take after it.
    """
    if sys.platform != "linux":
        context.open(strict=strict)
        return
    policy, usual = os.sched_getscheduler(0), os.sched_getparam(0)
    before = set(_THREADS.iterdir())
    try:
        context.open(strict=strict)
    finally:  # it does so before it finds out that it cannot be opened
        os.sched_setscheduler(0, policy, usual)
        for thread in set(_THREADS.iterdir()) - before:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setscheduler(int(thread.name), policy, usual)
