"""The two sides of a port: what looks like devices to a call, and what devices are.

Carrier. `Ear`, `Mouth`, `Eye` and `Face` are a microphone, a speaker, a camera and a
window to whoever carries media; `carry_sound` and `carry_pictures` do for real devices
what a call would do: they read and write them, each at its own pace.
"""

import asyncio
import contextlib
from collections.abc import Callable

from voip.errors import MissingError
from voip.gateway.mixing import MAX_WAITING
from voip.media.plan import MediaPlan
from voip.media.sources import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    AudioSink,
    AudioSource,
    DrivenSink,
    PacedSource,
    Picture,
)

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE

Say = Callable[[bytes], None]
"""Takes 20 ms of sound."""
Listen = Callable[[], bytes]
"""Gives 20 ms of sound, at once."""


class Ear:
    """What a port hears, as a microphone."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen

    def read(self) -> bytes:
        """Give the next 20 ms."""
        return self._listen()

    def close(self) -> None:
        """Do nothing: the port outlives it."""


class Mouth:
    """What a port says, as a speaker."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def write(self, pcm: bytes) -> None:
        """Say 20 ms; raises `MalformedError` at a frame of another size."""
        self._say(pcm)

    def close(self) -> None:
        """Do nothing: the port outlives it."""


class Eye:
    """What a port sees, as a camera: the newest picture, once."""

    def __init__(self, closed: Callable[["Eye"], None]) -> None:
        """`closed` hears that nobody looks any more."""
        self._closed = closed
        self._newest: Picture | None = None
        self._came = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def take(self, picture: Picture) -> None:
        """Take a picture, from any thread, in place of one that nobody saw."""
        self._newest = picture
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and we late
                self._loop.call_soon_threadsafe(self._came.set)

    async def picture(self) -> Picture:
        """Wait for the next one."""
        self._loop = asyncio.get_running_loop()
        while (picture := self._newest) is None:
            self._came.clear()
            await self._came.wait()
        self._newest = None
        return picture

    def close(self) -> None:
        """See nothing more."""
        self._closed(self)


class Face:
    """What a port shows, as a window."""

    def __init__(self, show: Callable[[Picture], None]) -> None:
        self._show = show

    def show(self, picture: Picture) -> None:
        """Show it to whoever sees the port."""
        self._show(picture)

    def close(self) -> None:
        """Do nothing: the port outlives it."""


class _Pulled:
    """What a port hears, in pieces of any size, for a speaker with its own clock."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._left = b""

    def __call__(self, samples: int) -> bytes:
        size = 2 * samples
        while len(self._left) < size:
            self._left += self._listen()
        pcm, self._left = self._left[:size], self._left[size:]
        return pcm


async def carry_sound(say: Say, listen: Listen, plan: MediaPlan) -> None:
    """Read a plan's microphone and write its speaker, until cancelled.

    Raises:
        MissingError: the speaker is a file, and its disk is full.
    """
    source, sink = plan.audio_source, plan.audio_sink
    loop = asyncio.get_running_loop()
    reads: AudioSource | None = None
    writes: AudioSink | None = None
    if isinstance(sink, DrivenSink):
        sink.drive(_Pulled(listen))
    else:
        writes = sink
    if isinstance(source, PacedSource):
        source.pace(lambda: _say_soon(loop, say, source))
    else:
        reads = source
    due = loop.time()
    while True:
        if reads is not None:
            say(reads.read())
        if writes is not None:
            _write(writes, listen())
        # After a stall the schedule moves: nobody waits for what was not said.
        due = max(due + FRAME_S, loop.time() - MAX_WAITING * FRAME_S)
        await asyncio.sleep(due - loop.time())


async def carry_pictures(seen: MediaPlan, shown: MediaPlan) -> None:
    """Show what one sees in the window of the other, until cancelled."""
    source, sink = seen.video_source, shown.video_sink
    assert source is not None
    assert sink is not None
    while True:
        sink.show(await source.picture())


def _say_soon(loop: asyncio.AbstractEventLoop, say: Say, source: AudioSource) -> None:
    """Read a device on the loop, as its threads ask for."""
    with contextlib.suppress(RuntimeError):  # the loop is closed, the device not yet
        loop.call_soon_threadsafe(lambda: say(source.read()))


def _write(sink: AudioSink, frame: bytes) -> None:
    try:
        sink.write(frame)
    except OSError as error:
        raise MissingError(f"what is heard cannot be written: {error}") from error
