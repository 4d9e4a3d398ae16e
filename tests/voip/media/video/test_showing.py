"""Pictures that come: the real decoder, packets and a sink of the tests."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.voip.media.video.numbered import Sender
from voip.description import Codec, Kind, Stream
from voip.errors import MalformedError, MissingError
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.profile import picture_stream
from voip.media.sources import Picture
from voip.media.video.showing import MAX_PICTURES, VideoReceiver
from voip.media.video.steady import CELL_DATA_BYTES

USUAL = picture_stream(Kind.VIDEO, Codec.VP8, 11, 12)
SLOTTED = picture_stream(Kind.VIDEO, Codec.VP8, 11, 0)
WAIT_S = 10.0  # only a failing test waits this long


class Receiving:
    """A receiver and what it called."""

    def __init__(self, stream: Stream) -> None:
        self.numbers: list[int] = []
        self.nacks: list[tuple[int, ...]] = []
        self.plis = self.slow = 0
        self.frames: list[bool] = []
        self._shown = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.receiver = VideoReceiver(
            stream, self, nack=self.nacks.append, pli=self._pli, slow=self._slow
        )
        self.receiver.on_frame = lambda _data, _timestamp, key: self.frames.append(key)

    def show(self, picture: Picture) -> None:
        self.numbers.append(read_frame_number(picture))
        self._shown.set()

    def close(self) -> None: ...

    def take(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.receiver.receive(packet, self.loop.time())

    async def reach(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not ready():
                self._shown.clear()
                await self._shown.wait()

    async def shows(self, number: int) -> None:
        await self.reach(lambda: number in self.numbers)

    def _pli(self) -> None:
        self.plis += 1
        self._shown.set()

    def _slow(self) -> None:
        self.slow += 1


@pytest.fixture
async def joint() -> AsyncIterator[Receiving]:
    joint = Receiving(USUAL)
    yield joint
    joint.receiver.stop()


async def test_pictures_are_shown_in_order(joint: Receiving) -> None:
    sender = Sender(USUAL)
    for number in range(5):
        joint.take(sender.packets())
        await joint.shows(number)

    assert joint.numbers == [0, 1, 2, 3, 4]
    assert joint.frames == [True, False, False, False, False]


async def test_pictures_of_a_steady_stream_are_shown() -> None:
    joint, sender = Receiving(SLOTTED), Sender(SLOTTED)
    joint.take(sender.packets(limit=CELL_DATA_BYTES))
    await joint.reach(lambda: bool(joint.numbers))
    joint.receiver.stop()

    assert joint.numbers == [0]


async def test_what_is_missing_is_asked_for_and_a_repeat_mends_it(
    joint: Receiving,
) -> None:
    sender = Sender(USUAL)
    joint.take(sender.packets())
    await joint.reach(lambda: bool(joint.numbers))
    (lost,) = sender.packets()
    joint.take(sender.packets())
    sequence = int.from_bytes(lost[2:4])
    asked = joint.nacks[0]
    sender.outlet.nack(asked, 2.0)
    joint.take(sender.outlet.due(2.5))
    await joint.reach(lambda: 2 in joint.numbers)

    assert asked == (sequence,)
    assert joint.frames == [True, False, False]


async def test_what_does_not_come_is_asked_for_again_without_a_packet(
    joint: Receiving,
) -> None:
    sender = Sender(USUAL)
    joint.receiver.set_round_trip(0.001)
    joint.take(sender.packets())
    sender.packets()
    joint.take(sender.packets())
    async with asyncio.timeout(WAIT_S):
        while len(joint.nacks) < 3:  # noqa: ASYNC110 -- a timer is what is tested
            await asyncio.sleep(0.005)

    assert len(set(joint.nacks)) == 1


async def test_a_frame_that_does_not_decode_asks_for_a_whole_one_once(
    joint: Receiving,
) -> None:
    sender = Sender(USUAL)
    (packet,) = sender.packets()
    for sequence in (7, 8):  # a whole header, and hardly a picture
        joint.take([packet[:2] + sequence.to_bytes(2) + packet[4:26]])
    await joint.reach(lambda: joint.plis > 0)

    assert joint.plis == 1


async def test_pictures_that_are_too_slow_are_shown_no_more(joint: Receiving) -> None:
    sender = Sender(USUAL)
    joint.receiver._too_slow()
    before = joint.receiver.failure
    joint.receiver._too_slow()
    joint.take(sender.packets())
    await asyncio.sleep(0.05)

    assert (before, joint.slow, joint.numbers) == (None, 1, [])
    assert joint.receiver.failure is not None


async def test_pictures_that_wait_to_be_shown_are_few(joint: Receiving) -> None:
    due = joint.loop.time() + 3600
    for number in range(100):
        joint.receiver._decoded(draw_pattern(number, 128, 64), due + number)

    assert len(joint.receiver._pictures) == MAX_PICTURES
    assert joint.numbers == []


async def test_of_pictures_due_at_once_the_newest_is_shown(joint: Receiving) -> None:
    now = joint.loop.time()
    joint.receiver._decoded(draw_pattern(1, 128, 64), now + 0.02)
    joint.receiver._decoded(draw_pattern(2, 128, 64), now + 0.02)
    await joint.reach(lambda: bool(joint.numbers))

    assert joint.numbers == [2]


async def test_nothing_is_shown_after_the_end(joint: Receiving) -> None:
    joint.take(Sender(USUAL).packets())
    joint.receiver.stop()
    await asyncio.sleep(0.02)

    assert joint.numbers == []


async def test_a_payload_of_no_codec_is_refused(joint: Receiving) -> None:
    (packet,) = Sender(USUAL).packets()

    with pytest.raises(MalformedError):
        joint.receiver.receive(packet[:12], joint.loop.time())


async def test_figures_count_since_the_last_time(joint: Receiving) -> None:
    sender = Sender(USUAL)
    began = joint.loop.time()
    nothing_yet = joint.receiver.figures(began)
    for number in range(3):
        joint.take(sender.packets())
        await joint.shows(number)
    figures = joint.receiver.figures(began + 1.0)

    assert nothing_yet is None
    assert figures is not None
    assert (figures.codec, figures.width, figures.height) == ("vp8", 128, 64)
    assert figures.fps == pytest.approx(3, abs=0.01)
    assert (figures.freezes, figures.frozen_s) == (0, 0.0)


async def test_a_stream_that_nothing_here_decodes_is_told() -> None:
    stream = Stream(Kind.VIDEO, Codec.H264, pt=102, ssrc=1, rtx_pt=103, rtx_ssrc=2)

    with pytest.raises(MissingError, match="no decoder for h264"):
        Receiving(stream)


def unsealing(joint: Receiving, unseal: Callable[[bytes], bytes]) -> VideoReceiver:
    return VideoReceiver(
        USUAL,
        joint,
        nack=joint.nacks.append,
        pli=joint._pli,
        slow=joint._slow,
        unseal=unseal,
    )


async def test_a_frame_is_opened_before_it_is_decoded() -> None:
    joint, opened = Receiving(USUAL), list[int]()

    def open_it(frame: bytes) -> bytes:
        opened.append(len(frame))
        return frame

    receiver = unsealing(joint, open_it)
    for packet in Sender(USUAL).packets():
        receiver.receive(packet, joint.loop.time())
    await joint.shows(0)
    receiver.stop()

    assert (joint.numbers, len(opened)) == ([0], 1)


async def test_a_frame_that_does_not_open_is_not_shown_and_asked_for_anew() -> None:
    def refuse(_frame: bytes) -> bytes:
        raise MalformedError("sealed by somebody else")

    joint = Receiving(USUAL)
    receiver = unsealing(joint, refuse)
    for packet in Sender(USUAL).packets():
        receiver.receive(packet, joint.loop.time())
    await joint.reach(lambda: joint.plis > 0)
    receiver.stop()

    assert joint.numbers == []
