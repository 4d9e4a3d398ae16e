"""Two media sessions that talk over real sockets on loopback."""

import array
import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from random import Random
from typing import TypeVar

from voip.description import Description
from voip.handshake.schedule import Opening
from voip.media.connect.config import IceConfig
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import FirstVerified, MediaEvent
from voip.media.pattern import draw_pattern
from voip.media.plan import MediaPlan
from voip.media.sources import (
    FRAME_BYTES,
    SAMPLE_RATE,
    AudioSource,
    Picture,
    VideoSink,
    VideoSource,
)
from voip.media.streams import MediaSession

SECRET = bytes(range(64))
LOOPBACK = IceConfig(loopback=True)
IDLE = bytes(8) + b"ping"
VOICE_S = 3

EventT = TypeVar("EventT", bound=MediaEvent)


class Voice:
    """Something like speech: harmonics of a gliding pitch, in syllables."""

    def __init__(self) -> None:
        self._frames = cycle(_drawn_voice())

    def read(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """Let nothing go; there is no microphone."""


@cache  # drawing takes longer than a frame may
def _drawn_voice() -> list[bytes]:
    harmonics = ((1, 0.5), (2, 0.8), (3, 1.0), (4, 0.9), (5, 0.6), (8, 0.5), (12, 0.2))
    samples, turns = array.array("h"), 0.0
    for at in range(VOICE_S * SAMPLE_RATE):
        t = at / SAMPLE_RATE
        turns += (120 + 30 * math.sin(4.4 * t)) / SAMPLE_RATE
        loudness = 3000 * max(0.0, math.sin(15.7 * t)) ** 0.5
        wave = sum(
            weight * math.sin(2 * math.pi * number * turns)
            for number, weight in harmonics
        )
        samples.append(round(loudness * wave))
    pcm = samples.tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


class Heard:
    """Keeps all sound that a side played."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def write(self, pcm: bytes) -> None:
        self.pcm += pcm

    def close(self) -> None:
        """Keep what was heard."""


class Spoken:
    """Keeps all sound that was read from another source."""

    def __init__(self, source: AudioSource) -> None:
        self.pcm = bytearray()
        self._source = source

    def read(self) -> bytes:
        pcm = self._source.read()
        self.pcm += pcm
        return pcm

    def close(self) -> None:
        self._source.close()


class Pattern:
    """Numbered pictures, small and quick."""

    def __init__(self) -> None:
        self.count = 0

    async def picture(self) -> Picture:
        await asyncio.sleep(1 / 15)
        self.count += 1
        return draw_pattern(self.count, 320, 240)

    def close(self) -> None:
        """Let nothing go; there is no camera."""


class Seen:
    """Keeps all pictures that a side showed."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []

    def show(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def close(self) -> None:
        """Keep what was seen."""


@dataclass
class Side:
    """One side of a call's media."""

    role: int
    source: AudioSource = field(default_factory=lambda: Spoken(Voice()))
    camera: VideoSource | None = None
    window: VideoSink | None = None
    data: bool = False
    secret: bytes = SECRET
    openings: tuple[Opening, Opening] | None = None
    sink: Heard = field(default_factory=Heard)
    events: list[MediaEvent] = field(default_factory=list)
    datagrams: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.media = MediaSession(
            self.role,
            self.secret,
            MediaPlan(
                audio_source=self.source,
                audio_sink=self.sink,
                video_source=self.camera,
                video_sink=self.window,
                data=self.data,
            ),
            LOOPBACK,
            entropy=Random(self.role).randbytes,
            idle_control=lambda: IDLE,
            on_datagram=lambda datagram, _: self.datagrams.append(datagram),
            openings=self.openings,
        )

    async def until(self, kind: type[EventT]) -> EventT:
        """Take events until one of this kind comes."""
        while True:
            event = await self.media.event()
            self.events.append(event)
            if isinstance(event, kind):
                return event


async def described(caller: Side, callee: Side) -> tuple[Description, Description]:
    """Let the callee offer and the caller select."""
    offered = await callee.media.gather()
    return await caller.media.gather(offered), offered


@asynccontextmanager
async def connected(
    caller: Side, callee: Side, *, sources: bool = True
) -> AsyncIterator[tuple[Side, Side]]:
    """Connect two sides, and open their sources at the first verified packet."""
    try:
        mine, theirs = await described(caller, callee)
        await asyncio.gather(caller.media.connect(theirs), callee.media.connect(mine))
        if sources:
            for side in (caller, callee):
                await side.until(FirstVerified)
                side.media.open_sources()
        yield caller, callee
    finally:
        await asyncio.gather(caller.media.close(), callee.media.close())


def pair(
    change: Callable[[int], Side] = Side,
) -> tuple[Side, Side]:
    """Make a caller and a callee."""
    return change(CALLER), change(CALLEE)
