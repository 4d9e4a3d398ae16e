"""The decoder's thread, with frames of the real encoders."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from itertools import count

import av
import pytest

from tests.voip.media.video.clip import clip, psnr
from tests.voip.media.video.native import encoded
from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.sources import Picture
from voip.media.video.decoding import (
    CLOSE_S,
    MAX_WAITING,
    Coded,
    Decoder,
    FrameDecoder,
    open_decoder,
)
from voip.media.video.encoders import open_encoder
from voip.media.video.svt import available

needs_av1 = pytest.mark.skipif(not available(), reason="PyAV has no AV1 here")
SIZE = 160, 120
WAIT_S = 10.0  # only a failing test waits this long


def coded_clip(
    codec: Codec, size: tuple[int, int] = SIZE, pictures: int = 10
) -> list[bytes]:
    encoder = open_encoder(codec, *size, bps=400_000)
    frames = [
        encoder.encode(picture, number * 3000)
        for number, picture in enumerate(clip(*size, pictures))
    ]
    encoder.close()
    return frames


class Told:
    """What a decoder called back, in order."""

    def __init__(self, codec: Codec, **clock: Callable[[], float]) -> None:
        self.shown: list[tuple[Picture, float]] = []
        self.calls: list[str] = []
        self._changed = asyncio.Event()
        self.decoder = Decoder(
            codec,
            loop=asyncio.get_running_loop(),
            show=self._show,
            failed=lambda: self._note("failed"),
            slow=lambda: self._note("slow"),
            **clock,
        )

    def put(self, *frames: bytes) -> None:
        for frame in frames:
            self.decoder.put(Coded(frame, 0.0))

    async def calls_reach(self, number: int) -> list[str]:
        async with asyncio.timeout(WAIT_S):
            while len(self.calls) < number:
                self._changed.clear()
                await self._changed.wait()
        return self.calls

    def _show(self, picture: Picture, show_at: float) -> None:
        self.shown.append((picture, show_at))
        self._note("shown")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    told = Told(Codec.VP8)
    yield told
    told.decoder.close()


@pytest.mark.parametrize("codec", [Codec.VP8, pytest.param(Codec.AV1, marks=needs_av1)])
async def test_pictures_come_in_order_with_their_time(codec: Codec) -> None:
    told = Told(codec)
    for number, frame in enumerate(coded_clip(codec)):
        told.decoder.put(Coded(frame, float(number)))
        await told.calls_reach(number + 1)
    told.decoder.close()
    likeness = [
        psnr(made, shown)
        for made, (shown, _) in zip(clip(*SIZE, 10), told.shown, strict=True)
    ]

    assert [show_at for _, show_at in told.shown] == list(map(float, range(10)))
    assert min(likeness) > 30


async def test_what_is_no_frame_is_counted_and_asks_for_a_key_frame(
    told: Told,
) -> None:
    frames = coded_clip(Codec.VP8)
    for number, frame in enumerate((frames[0], b"\x00", frames[1], frames[0])):
        told.put(frame)
        await told.calls_reach(number + 1)

    assert told.calls == ["shown", "failed", "failed", "shown"]
    assert told.decoder.failures == 1


async def test_nothing_is_shown_before_a_key_frame(told: Told) -> None:
    told.put(*coded_clip(Codec.VP8)[1:3])

    assert await told.calls_reach(2) == ["failed", "failed"]


async def test_a_machine_that_is_far_behind_drops_all_and_asks(told: Told) -> None:
    frames = coded_clip(Codec.VP8, (1280, 720), 2)
    told.put(frames[0], *[frames[1]] * (MAX_WAITING + 10))
    async with asyncio.timeout(WAIT_S):
        while "failed" not in told.calls:
            await told.calls_reach(len(told.calls) + 1)

    assert len(told.shown) < MAX_WAITING


async def test_pictures_that_are_late_already_are_not_shown(told: Told) -> None:
    frames = coded_clip(Codec.VP8, (1280, 720), 2)
    told.put(frames[0], *[frames[1]] * 20)
    async with asyncio.timeout(WAIT_S):
        while told.decoder.late + len(told.shown) < 21:
            await told.calls_reach(len(told.calls) + 1)

    assert told.decoder.late > 0


async def test_pictures_that_take_long_three_times_are_told_once() -> None:
    ticks = count()
    told = Told(Codec.VP8, spent=lambda: next(ticks) * 0.2)
    for number, frame in enumerate(coded_clip(Codec.VP8, pictures=5)):
        told.put(frame)
        await told.calls_reach(number + 1 + (number >= 2))
    told.decoder.close()

    assert [n for n, call in enumerate(told.calls) if call == "slow"] == [2]


async def test_pictures_that_are_quick_are_not_told() -> None:
    told = Told(Codec.VP8, spent=lambda: 0.0)
    for number, frame in enumerate(coded_clip(Codec.VP8, pictures=5)):
        told.put(frame)
        await told.calls_reach(number + 1)
    told.decoder.close()

    assert "slow" not in told.calls


async def test_nothing_is_called_after_closing(told: Told) -> None:
    told.put(coded_clip(Codec.VP8)[0])
    told.decoder.close()
    await asyncio.sleep(0)

    assert told.calls == []


async def test_a_picture_that_takes_for_ever_is_not_waited_for() -> None:
    busy, released = threading.Event(), threading.Event()

    def hang() -> float:
        busy.set()
        released.wait(WAIT_S)
        return 0.0

    told = Told(Codec.VP8, spent=hang)
    told.put(coded_clip(Codec.VP8)[0])
    await asyncio.to_thread(busy.wait, WAIT_S)
    began = time.monotonic()
    told.decoder.close()
    took_s = time.monotonic() - began
    released.set()
    await asyncio.to_thread(told.decoder._thread.join, WAIT_S)

    assert took_s < 5 * CLOSE_S
    assert told.calls == []


def test_a_picture_too_large_is_refused_before_it_is_decoded() -> None:
    frame = bytearray(coded_clip(Codec.VP8)[0])
    frame[6:10] = (1922).to_bytes(2, "little") + (1080).to_bytes(2, "little")

    with pytest.raises(MalformedError, match="1922x1080"):
        FrameDecoder(Codec.VP8).decode(bytes(frame))


def test_a_picture_of_one_pixel_is_refused() -> None:
    frame = bytearray(coded_clip(Codec.VP8, (64, 64), 1)[0])
    frame[6:10] = (1).to_bytes(2, "little") * 2

    with pytest.raises(MalformedError, match="1x1"):
        FrameDecoder(Codec.VP8).decode(bytes(frame))


@needs_av1
async def test_colours_that_nobody_converts_do_not_end_the_thread() -> None:
    # YCgCo (8) of full range: it decodes, and cannot be made I420.
    wild = "matrix-coefficients=8:color-range=1:rtc=1:pred-struct=1:lp=1"
    frame = av.VideoFrame(*SIZE, "yuv420p")
    frame.pts = 0
    options = {"preset": "12", "svtav1-params": wild}
    coded = encoded("libsvtav1", [frame], options, bps=0)
    told = Told(Codec.AV1)
    told.put(*coded)
    await told.calls_reach(len(coded))
    told.put(coded_clip(Codec.AV1)[0])
    calls = await told.calls_reach(len(coded) + 1)
    told.decoder.close()

    assert calls == ["failed"] * len(coded) + ["shown"]


def test_odd_sides_are_decoded() -> None:
    frame = bytearray(coded_clip(Codec.VP8, (64, 64), 1)[0])
    frame[6:10] = (63).to_bytes(2, "little") * 2
    (decoded,) = FrameDecoder(Codec.VP8).decode(bytes(frame))

    assert (decoded.width, decoded.height) == (63, 63)


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.H264])
def test_nothing_else_is_decoded(codec: Codec) -> None:
    with pytest.raises(MissingError, match=f"no decoder for {codec.name.lower()}"):
        open_decoder(codec)


@pytest.mark.slow
@pytest.mark.parametrize("codec", [Codec.VP8, pytest.param(Codec.AV1, marks=needs_av1)])
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_hostile_frames_neither_crash_nor_fill_the_memory(
    codec: Codec, seed: int
) -> None:
    # In a process of its own: a crash is then a failed test and not the end of all.
    command = [sys.executable, "-m", "tests.voip.media.video.hostile"]
    done = subprocess.run(
        [*command, codec.name, str(seed), "10000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )

    assert (done.returncode, done.stdout) == (0, "10000 frames, memory held\n"), (
        done.stderr[-2000:]
    )
