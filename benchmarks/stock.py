"""A call by another engine with aiortc's interface: aiortc itself, or PyPI's `wrtc`.

Imports nothing of this project, so that an interpreter runs it that has little else::

    python stock.py aiortc talk                both sides of a call here
    python stock.py webrtc.aiortc talk CLIP    likewise, with pictures
    python stock.py aiortc alice|bob HOST PORT one side; commands on its input

A clip is raw I420 of 1280 by 720 pixels; pictures that arrived are left beside it. What
happens is told on standard output as JSON lines, with the time on the machine's clock.
A call of both sides lasts until a line comes.
"""

import array
import asyncio
import contextlib
import fractions
import importlib
import itertools
import json
import math
import sys
import time
from typing import Any

import av

RATE, SAMPLES = 48_000, 960
WIDTH, HEIGHT, FPS = 1280, 720, 30
PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2
VIDEO_BPS = 1_500_000
WARM_S = 5.0  # by then codecs run and buffers are filled
KEPT = 12  # pictures for who wants to compare
AUDIBLE = 500  # of 32767; the hum is at 2000

# Also what others import from here is aiortc's.
engine: Any = importlib.import_module(
    sys.argv[1] if __name__ == "__main__" else "aiortc"
)


def tell(event: str, **facts: Any) -> None:
    """Say what happened."""
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **facts}))
    sys.stdout.write("\n")
    sys.stdout.flush()


class _Paced(engine.MediaStreamTrack):  # type: ignore[misc] # whatever engine it is
    def __init__(self, per_s: int) -> None:
        super().__init__()
        self._per_s = per_s
        self._began: float | None = None
        self._count = 0

    async def _due(self) -> int:
        """Wait for the next frame's time; give its number."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        wait_s = self._began + self._count / self._per_s - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        self._count += 1
        return self._count - 1


class Hum(_Paced):
    """A tone of 500 Hz, ten periods in a frame."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__(RATE // SAMPLES)
        turn = 2 * math.pi * 500 / RATE
        wave = array.array("h", (round(2000 * math.sin(turn * i)) for i in range(960)))
        self._pcm = wave.tobytes()

    async def recv(self) -> av.AudioFrame:
        """Give 20 ms when they are due."""
        number = await self._due()
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(self._pcm)
        frame.sample_rate = RATE
        frame.pts = number * SAMPLES
        frame.time_base = fractions.Fraction(1, RATE)
        return frame


class Clip(_Paced):
    """The pictures of a file, forwards and backwards."""

    kind = "video"

    def __init__(self, path: str) -> None:
        super().__init__(FPS)
        frames = []
        with open(path, "rb") as file:  # noqa: PTH123 -- as plain as can be
            while len(data := file.read(PICTURE_BYTES)) == PICTURE_BYTES:
                frames.append(_frame(data))
        self._turns = itertools.cycle([*frames, *frames[-2:0:-1]])

    async def recv(self) -> av.VideoFrame:
        """Give the next picture when it is due."""
        number = await self._due()
        frame = next(self._turns)
        frame.pts = number * 90_000 // FPS
        frame.time_base = fractions.Fraction(1, 90_000)
        return frame


def _frame(i420: bytes) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    start = 0
    for plane, (width, height) in zip(
        frame.planes,
        ((WIDTH, HEIGHT), (WIDTH // 2, HEIGHT // 2), (WIDTH // 2, HEIGHT // 2)),
        strict=True,
    ):
        rows = bytearray(plane.buffer_size)
        for row in range(height):
            rows[row * plane.line_size : row * plane.line_size + width] = i420[
                start : start + width
            ]
            start += width
        plane.update(bytes(rows))
    return frame


class Watcher:
    """Takes what a peer receives, and counts."""

    def __init__(self, peer: Any) -> None:
        self.counts = {"audio": 0, "video": 0}
        self.kept: list[av.VideoFrame] = []
        self.keeps = False
        self.first = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        peer.on("track", self._track)

    def _track(self, track: Any) -> None:
        task = asyncio.ensure_future(self._read(track))
        self._tasks.add(task)

    async def _read(self, track: Any) -> None:
        with contextlib.suppress(engine.MediaStreamError):
            while True:
                frame = await track.recv()
                self.counts[track.kind] += 1
                if track.kind == "audio":
                    self._hear(frame)
                elif self.keeps and len(self.kept) < KEPT:
                    self.kept.append(frame)

    def _hear(self, frame: av.AudioFrame) -> None:
        """Take sound; some engines hand out silence until there is any."""
        if not self.first.is_set():
            samples = array.array("h", bytes(frame.planes[0]))
            if max(samples) > AUDIBLE:
                self.first.set()


def peer() -> Any:
    """Make one side of a call, without servers."""
    return engine.RTCPeerConnection(engine.RTCConfiguration(iceServers=[]))


async def talk(clip: str | None) -> None:
    """Hold a call between two sides in this process."""
    if clip is not None and sys.argv[1] == "aiortc":
        _pin_rate()
    sides = [peer(), peer()]
    watchers = [Watcher(side) for side in sides]
    for side in sides:
        side.addTrack(Hum())
        if clip is not None:
            side.addTrack(Clip(clip))
    caller, callee = sides
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)
    for each in watchers:
        await each.first.wait()
    await asyncio.sleep(WARM_S)
    before = [dict(each.counts) for each in watchers]
    tell("talking")
    await (await commands()).readline()
    counts = [
        {name: each.counts[name] - old[name] for name in old}
        for each, old in zip(watchers, before, strict=True)
    ]
    tell("talked", counts=counts)
    if clip is not None:
        watchers[0].keeps = True
        await asyncio.sleep(1.0)
        with open(f"{clip}.seen", "wb") as file:  # noqa: ASYNC230, PTH123 -- all is over
            for frame in watchers[0].kept:
                whole = frame.reformat(WIDTH, HEIGHT, "yuv420p")
                file.write(whole.to_ndarray().tobytes())
    await asyncio.gather(*(side.close() for side in sides))


async def commands() -> asyncio.StreamReader:
    """Give what stands on standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _pin_rate() -> None:
    """Let aiortc's encoder take the whole rate from the beginning."""
    vpx: Any = importlib.import_module("aiortc.codecs.vpx")
    vpx.DEFAULT_BITRATE = vpx.MIN_BITRATE = vpx.MAX_BITRATE = VIDEO_BPS


async def side(name: str, address: str, port: int) -> None:
    """Be one side of calls, one after the other, over a connection between the two."""
    reader, writer = await _meet(name, address, port)
    orders = await commands()
    tell("listening")
    # A call begins with an empty line; the callee's accept with another.
    while await orders.readline():
        made = peer()
        watcher = Watcher(made)
        made.addTrack(Hum())
        if name == "alice":
            await made.setLocalDescription(await made.createOffer())
            _say(writer, made.localDescription)
            await made.setRemoteDescription(await _heard(reader))
        else:
            await made.setRemoteDescription(await _heard(reader))
            tell("rings")
            await orders.readline()
            tell("accepts")
            await made.setLocalDescription(await made.createAnswer())
            _say(writer, made.localDescription)
        await watcher.first.wait()
        tell("hears")
        await orders.readline()
        await made.close()
        tell("ended")


async def _meet(
    name: str, address: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if name == "alice":
        while True:
            try:
                return await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.1)
    met: asyncio.Queue[Any] = asyncio.Queue()
    await asyncio.start_server(lambda *ends: met.put_nowait(ends), address, port)
    ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] = await met.get()
    return ends


def _say(writer: asyncio.StreamWriter, description: Any) -> None:
    said = {"sdp": description.sdp, "type": description.type}
    writer.write(json.dumps(said).encode() + b"\n")


async def _heard(reader: asyncio.StreamReader) -> Any:
    return engine.RTCSessionDescription(**json.loads(await reader.readline()))


if __name__ == "__main__":
    if sys.argv[2] == "talk":
        asyncio.run(talk(sys.argv[3] if len(sys.argv) > 3 else None))
    else:
        asyncio.run(side(sys.argv[2], sys.argv[3], int(sys.argv[4])))
