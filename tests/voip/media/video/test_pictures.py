"""Both ends of a stream over a bad link, in real time: what a person would see."""

import asyncio
import random
from collections.abc import Callable

import pytest

from voip.description import Codec, Kind
from voip.media.ends.camera import MovingBars
from voip.media.pattern import read_frame_number
from voip.media.profile import picture_stream
from voip.media.sources import Picture
from voip.media.video.sending import VideoSender
from voip.media.video.showing import VideoReceiver
from voip.media.video.svt import available

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

SECONDS = 5.0
DELAY_S = 0.02  # one way
RATE_BPS = 600_000
SEED = 3

needs_av1 = pytest.mark.skipif(not available(), reason="PyAV has no AV1 here")


class Window:
    """Notes which picture is shown when."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.times: list[float] = []

    def show(self, picture: Picture) -> None:
        self.pictures.append(picture)
        self.times.append(asyncio.get_running_loop().time())

    def close(self) -> None: ...

    @property
    def longest_gap_s(self) -> float:
        pairs = zip(self.times, self.times[1:], strict=False)
        return max(later - earlier for earlier, later in pairs)


class Link:
    """Delays both ways, and loses some of what goes there and of what comes back."""

    def __init__(self, loss: float) -> None:
        self._loss = loss
        self._rng = random.Random(SEED)
        self._loop = asyncio.get_running_loop()

    def carry(self, arrive: Callable[[], None]) -> None:
        if self._rng.random() >= self._loss:
            self._loop.call_later(DELAY_S, arrive)


async def watch(codec: Codec, *, loss: float, steady: bool = False) -> Window:
    stream = picture_stream(Kind.VIDEO, codec, 11, 0 if steady else 12)
    loop = asyncio.get_running_loop()
    window, link = Window(), Link(loss)

    def there(packet: bytes) -> None:
        link.carry(lambda: receiver.receive(packet, loop.time()))

    sender = VideoSender(
        MovingBars(), stream, there, entropy=random.Random(1).randbytes
    )
    receiver = VideoReceiver(
        stream,
        window,
        nack=lambda missing: link.carry(lambda: sender.nack(missing, loop.time())),
        pli=lambda: link.carry(lambda: sender.pli(loop.time())),
        slow=lambda: pytest.fail("decoding is slow"),
    )
    for end in (sender, receiver):
        end.set_round_trip(2 * DELAY_S)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(sender.run())
        sender.set_on(True)
        sender.set_rate(RATE_BPS)
        await asyncio.sleep(SECONDS)
        running.cancel()
    receiver.stop()
    return window


async def test_pictures_flow_in_order() -> None:
    window = await watch(Codec.VP8, loss=0.0)
    numbers = [read_frame_number(picture) for picture in window.pictures]

    assert len(numbers) > 20 * SECONDS
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("loss", [0.05, 0.2])
@pytest.mark.parametrize("codec", [Codec.VP8, pytest.param(Codec.AV1, marks=needs_av1)])
async def test_a_bad_link_does_not_stop_the_picture_for_long(
    codec: Codec, loss: float
) -> None:
    window = await watch(codec, loss=loss)

    assert len(window.pictures) > 12 * SECONDS
    assert window.longest_gap_s < 1 + 2 * DELAY_S


async def test_steady_pictures_flow() -> None:
    window = await watch(Codec.VP8, loss=0.0, steady=True)

    assert len(window.pictures) > 8 * SECONDS
