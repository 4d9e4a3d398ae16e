"""Media of calls by this project, as a program beside `stock.py`.

::

    python -m benchmarks.ours talk               both sides of a call here
    python -m benchmarks.ours talk CLIP CODEC    likewise, with pictures
    python -m benchmarks.ours crowd SIDE COUNT   one side of so many calls

The callee's side of a crowd writes what its calls offer as one line, and reads what the
caller's selected, which writes and reads the other way round. Calls last until a
further line comes.
"""

import asyncio
import base64
import itertools
import os
import pickle
import sys
from pathlib import Path

from benchmarks.stock import (
    FPS,
    HEIGHT,
    KEPT,
    PICTURE_BYTES,
    VIDEO_BPS,
    WARM_S,
    WIDTH,
    commands,
    tell,
)
from tests.lab.beacon import Voice
from voip.description import Codec, Description, Kind
from voip.media import streams
from voip.media.connect.config import IceConfig
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import FirstVerified
from voip.media.flow import rate
from voip.media.plan import MediaPlan
from voip.media.sources import Picture
from voip.media.streams import MediaSession

SOUND_BPS = 110_000  # of the rate, what sound and reports take beside pictures


class Ends:
    """Takes and counts what arrives."""

    def __init__(self) -> None:
        self.counts = {"audio": 0, "video": 0}
        self.kept: list[Picture] = []
        self.keeps = False

    def write(self, pcm: bytes) -> None:
        """Take 20 ms."""
        self.counts["audio"] += any(pcm)

    def show(self, picture: Picture) -> None:
        """Take a picture."""
        self.counts["video"] += 1
        if self.keeps and len(self.kept) < KEPT:
            self.kept.append(picture)

    def close(self) -> None:
        """Let nothing go."""


class Clip:
    """The pictures of a file, forwards and backwards."""

    def __init__(self, path: str) -> None:
        data = Path(path).read_bytes()
        pictures = [
            Picture(WIDTH, HEIGHT, data[start : start + PICTURE_BYTES])
            for start in range(0, len(data), PICTURE_BYTES)
        ]
        self._turns = itertools.cycle([*pictures, *pictures[-2:0:-1]])
        self._due: float | None = None

    async def picture(self) -> Picture:
        """Give the next picture when it is due."""
        now = asyncio.get_running_loop().time()
        self._due = max((self._due or now) + 1 / FPS, now)
        await asyncio.sleep(self._due - now)
        return next(self._turns)

    def close(self) -> None:
        """Let nothing go."""


def side(role: int, ends: Ends, camera: Clip | None = None) -> MediaSession:
    """Make one side of a call."""
    return MediaSession(
        role,
        bytes(64),
        MediaPlan(
            audio_source=Voice(),
            audio_sink=ends,
            video_source=camera,
            video_sink=None if camera is None else ends,
        ),
        IceConfig(),
        entropy=os.urandom,
        idle_control=lambda: None,
    )


async def connect(media: MediaSession, remote: Description) -> None:
    """Connect, and begin to speak when the other side is there."""
    await media.connect(remote)
    while not isinstance(await media.event(), FirstVerified):
        pass
    media.open_sources()


async def talk(clip: str | None, codec: str | None) -> None:
    """Hold a call between two sides in this process."""
    rate.MAX_BPS = VIDEO_BPS + SOUND_BPS
    if codec is not None:
        vars(streams)["PICTURE_CODECS"] = (Codec[codec],)
    ends = Ends(), Ends()
    cameras = (None, None) if clip is None else (Clip(clip), Clip(clip))
    caller, callee = map(side, (CALLER, CALLEE), ends, cameras)
    offered = await callee.gather()
    selected = await caller.gather(offered)
    await asyncio.gather(connect(caller, offered), connect(callee, selected))
    if clip is not None:
        for each in (caller, callee):
            each.set_pictures(frozenset({Kind.VIDEO}))
        await asyncio.sleep(2 * WARM_S)  # until the rate is what it may be
    await asyncio.sleep(WARM_S)
    before = [dict(each.counts) for each in ends]
    tell("talking")
    await (await commands()).readline()
    counts = [
        {name: each.counts[name] - old[name] for name in old}
        for each, old in zip(ends, before, strict=True)
    ]
    pictures = caller.stats().video_out
    tell("talked", counts=counts, kbps=pictures and pictures.kbps)
    if clip is not None:
        ends[0].keeps = True
        await asyncio.sleep(1.0)
        whole = [each.i420 for each in ends[0].kept if each.width == WIDTH]
        await asyncio.to_thread(Path(f"{clip}.seen").write_bytes, b"".join(whole))
    await asyncio.gather(caller.close(), callee.close())


async def crowd(name: str, count: int) -> None:
    """Be one side of many calls."""
    ends = Ends()
    role = CALLER if name == "caller" else CALLEE
    sides = [side(role, ends) for _ in range(count)]
    orders = await commands()
    if role == CALLEE:
        _say([await each.gather() for each in sides])
        remotes = await _read(orders)
    else:
        remotes = await _read(orders)
        pairs = zip(sides, remotes, strict=True)
        _say([await each.gather(remote) for each, remote in pairs])
    await asyncio.gather(*map(connect, sides, remotes))
    await asyncio.sleep(WARM_S)
    before = ends.counts["audio"]
    tell("talking")
    await orders.readline()
    tell("talked", counts=[{"audio": ends.counts["audio"] - before, "video": 0}])
    await asyncio.gather(*(each.close() for each in sides))


def _say(descriptions: list[Description]) -> None:
    tell("described", all=base64.b64encode(pickle.dumps(descriptions)).decode())


async def _read(orders: asyncio.StreamReader) -> list[Description]:
    read: list[Description] = pickle.loads(base64.b64decode(await orders.readline()))
    return read


if __name__ == "__main__":
    _, what, *rest = sys.argv
    if what == "talk":
        clip_path, codec_name = rest or (None, None)
        asyncio.run(talk(clip_path, codec_name))
    else:
        asyncio.run(crowd(rest[0], int(rest[1])))
