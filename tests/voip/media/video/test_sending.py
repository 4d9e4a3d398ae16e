"""Pictures on their way out: the real encoder, a source and a wire of the tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from voip.description import Codec, Kind, Stream
from voip.media.pattern import draw_pattern
from voip.media.profile import picture_stream
from voip.media.rtp import parse_header
from voip.media.sources import Picture
from voip.media.video.sending import VideoSender

USUAL = picture_stream(Kind.VIDEO, Codec.VP8, 11, 12)
SLOTTED = picture_stream(Kind.VIDEO, Codec.VP8, 11, 0)
WAIT_S = 10.0  # only a failing test waits this long


class Source:
    """Numbered pictures, ten times as fast as a camera's."""

    def __init__(self) -> None:
        self.taken = 0

    async def picture(self) -> Picture:
        self.taken += 1
        await asyncio.sleep(1 / 300)
        return draw_pattern(self.taken, 128, 64)

    def close(self) -> None: ...


class Sending:
    """A sender, what it sent, and the frames that it made."""

    def __init__(self, stream: Stream) -> None:
        self.source = Source()
        self.packets: list[bytes] = []
        self.keys: list[bool] = []
        self._more = asyncio.Event()
        self.sender = VideoSender(self.source, stream, self._sent, entropy=bytes)
        self.sender.on_frame = lambda _data, _timestamp, key: self.keys.append(key)

    async def reach(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds, looking whenever a packet leaves."""
        async with asyncio.timeout(WAIT_S):
            while not ready():
                self._more.clear()
                await self._more.wait()

    def _sent(self, packet: bytes) -> None:
        self.packets.append(packet)
        self._more.set()


@asynccontextmanager
async def sending(stream: Stream = USUAL, bps: int = 500_000) -> AsyncIterator[Sending]:
    joint = Sending(stream)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(joint.sender.run())
        joint.sender.set_on(True)
        joint.sender.set_rate(bps)
        yield joint
        running.cancel()


async def test_the_camera_is_left_alone_until_it_is_wanted() -> None:
    joint = Sending(USUAL)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(joint.sender.run())
        await asyncio.sleep(0.02)
        before = joint.source.taken
        joint.sender.set_on(True)
        await asyncio.sleep(0.02)
        running.cancel()

    assert before == 0 < joint.source.taken


async def test_the_camera_is_left_alone_once_it_is_off() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.keys) >= 2)
        joint.sender.set_on(False)
        await asyncio.sleep(0.02)
        taken, sent = joint.source.taken, len(joint.packets)
        await asyncio.sleep(0.05)

        assert (joint.source.taken, len(joint.packets)) == (taken, sent)


async def test_packets_are_as_the_stream_was_described() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.packets) >= 5)
    headers = [parse_header(packet) for packet in joint.packets]

    assert {(h.payload_type, h.ssrc) for h in headers} == {(USUAL.pt, USUAL.ssrc)}
    assert [h.sequence for h in headers] == list(range(len(headers)))


async def test_the_first_frame_alone_is_whole() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.keys) >= 5)

    assert joint.keys[:5] == [True, False, False, False, False]


async def test_no_more_pictures_leave_than_the_ladder_allows() -> None:
    async with sending() as joint:
        began = asyncio.get_running_loop().time()
        await joint.reach(lambda: len(joint.keys) >= 10)
        took = asyncio.get_running_loop().time() - began

    assert took > 8 / 30


async def test_a_request_makes_the_next_picture_whole() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.keys) >= 2)
        joint.sender.pli(asyncio.get_running_loop().time())
        await joint.reach(lambda: any(joint.keys[1:]))


async def test_a_picture_after_a_pause_is_whole() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.keys) >= 2)
        joint.sender.set_rate(0)
        await asyncio.sleep(0.05)
        joint.sender.set_rate(500_000)
        await joint.reach(lambda: any(joint.keys[1:]))


async def test_nothing_leaves_without_a_rate_and_the_figures_say_so() -> None:
    async with sending(bps=500_000) as joint:
        await joint.reach(lambda: len(joint.keys) >= 2)
        joint.sender.set_rate(0)
        await asyncio.sleep(0.02)
        sent = len(joint.packets)
        await asyncio.sleep(0.1)
        figures = joint.sender.figures(asyncio.get_running_loop().time())

        assert len(joint.packets) == sent
        assert figures is not None
        assert figures.paused


async def test_a_packet_asked_for_is_sent_again() -> None:
    async with sending() as joint:
        await joint.reach(lambda: len(joint.packets) >= 3)
        joint.sender.set_round_trip(0.02)
        joint.sender.nack([1], asyncio.get_running_loop().time())
        await joint.reach(
            lambda: any(
                parse_header(packet).payload_type == USUAL.rtx_pt
                for packet in joint.packets
            )
        )


async def test_figures_count_since_the_last_time() -> None:
    async with sending() as joint:
        loop = asyncio.get_running_loop()
        nothing_yet = joint.sender.figures(loop.time())
        began = loop.time()
        await joint.reach(lambda: len(joint.keys) >= 5)
        figures = joint.sender.figures(began + 1.0)

    assert nothing_yet is None
    assert figures is not None
    assert (figures.codec, figures.width, figures.height) == ("vp8", 128, 64)
    assert figures.fps == pytest.approx(5, abs=0.01)
    assert 0 < figures.kbps < 500


async def test_a_steady_stream_has_one_size() -> None:
    async with sending(SLOTTED) as joint:
        await joint.reach(lambda: len(joint.packets) >= 10)
        joint.sender.lost([1], asyncio.get_running_loop().time())

    assert {len(packet) for packet in joint.packets} == {12 + 1140}


async def test_a_missing_encoder_is_told() -> None:
    stream = Stream(Kind.VIDEO, Codec.H264, pt=102, ssrc=1, rtx_pt=103, rtx_ssrc=2)
    async with sending(stream) as joint:
        async with asyncio.timeout(WAIT_S):
            while joint.sender.failure is None:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.01)

        assert joint.sender.failure == "no encoder of pictures for h264"


async def test_what_is_sent_of_a_frame_may_be_made_of_it() -> None:
    packets: list[bytes] = []
    came = asyncio.Event()

    def sent(packet: bytes) -> None:
        packets.append(packet)
        came.set()

    sender = VideoSender(
        Source(), USUAL, sent, entropy=bytes, seal=lambda frame: frame[:10] + b"sealed"
    )
    sender.set_on(on=True)
    sender.set_rate(500_000)
    running = asyncio.ensure_future(sender.run())
    async with asyncio.timeout(WAIT_S):
        await came.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert packets[0].endswith(b"sealed")
