"""The encoder's thread."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.voip.media.video.clip import clip
from voip.description import Codec
from voip.media.i420 import picture_of
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.video.decoding import FrameDecoder
from voip.media.video.encoding import Encoded, Encoding, Order
from voip.media.video.ladder import Shape

WAIT_S = 10.0  # only a failing test waits this long
SHAPE = Shape(160, 120, 30)


def order(number: int, shape: Shape = SHAPE, *, key: bool = False) -> Order:
    return Order(draw_pattern(number, 160, 120), shape, number * 3000, 200_000, key)


class Made:
    """What an encoder gave, in order."""

    def __init__(self, codec: Codec = Codec.VP8) -> None:
        self.frames: asyncio.Queue[Encoded] = asyncio.Queue()
        self.encoding = Encoding(
            codec, loop=asyncio.get_running_loop(), done=self.frames.put_nowait
        )

    async def one(self) -> Encoded:
        async with asyncio.timeout(WAIT_S):
            return await self.frames.get()


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    made = Made()
    yield made
    made.encoding.close()


async def test_a_picture_becomes_a_frame(made: Made) -> None:
    made.encoding.put(order(21))
    frame = await made.one()
    (decoded,) = FrameDecoder(Codec.VP8).decode(frame.data)

    assert (frame.pts, frame.key, frame.shape) == (63_000, True, SHAPE)
    assert read_frame_number(picture_of(decoded, 160, 120)) == 21


async def test_the_quantizer_is_known_after_a_frame(made: Made) -> None:
    before = made.encoding.quantizer
    made.encoding.put(order(0))
    await made.one()

    assert before is None
    assert made.encoding.quantizer in range(64)


async def test_a_picture_is_scaled_to_its_shape(made: Made) -> None:
    for number, shape in enumerate((SHAPE, Shape(96, 72, 30), SHAPE)):
        made.encoding.put(order(number, shape))
        frame = await made.one()
        (decoded,) = FrameDecoder(Codec.VP8).decode(frame.data)

        assert (decoded.width, decoded.height, frame.key) == (*shape[:2], True)


async def test_the_newest_picture_takes_the_place_of_the_one_that_waits(
    made: Made,
) -> None:
    slow = Order(clip(1280, 720, 1)[0], Shape(1280, 720, 30), 0, 1_000_000, key=False)
    made.encoding.put(slow)
    for number in range(1, 50):
        made.encoding.put(order(number))
    numbers: list[int] = []
    while not numbers or numbers[-1] < 49 * 3000:
        numbers.append((await made.one()).pts)

    assert made.encoding.skipped == 50 - len(numbers) > 0


async def test_a_key_frame_that_was_promised_is_not_lost_with_its_picture(
    made: Made,
) -> None:
    made.encoding.put(order(0))
    await made.one()
    for number in range(1, 50):
        made.encoding.put(order(number, key=number < 49))
    keys = []
    frame = None
    while frame is None or frame.pts < 49 * 3000:
        frame = await made.one()
        keys.append(frame.key)

    assert any(keys)


async def test_a_machine_without_an_encoder_says_so() -> None:
    made = Made(Codec.H264)
    made.encoding.put(order(0))
    await asyncio.to_thread(made.encoding._thread.join, WAIT_S)

    assert made.encoding.failure == "no encoder of pictures for h264"
