"""What this side sees: packets of the other side's camera and screen, one window."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.voip.media.video.numbered import TICKS, Sender
from voip.description import Codec, Kind, Stream
from voip.media.flow import report
from voip.media.flow.moments import Moment
from voip.media.incoming import IncomingPictures
from voip.media.pattern import read_frame_number
from voip.media.profile import picture_stream
from voip.media.reporting import Reporting
from voip.media.sources import Picture, Track
from voip.media.steering import Steering
from voip.media.transport import Receive

CAMERA = picture_stream(Kind.VIDEO, Codec.VP8, 11, 12)
SCREEN = picture_stream(Kind.SCREEN, Codec.VP8, 13, 14)
STEADY = picture_stream(Kind.VIDEO, Codec.VP8, 11, 0)
UNKNOWN = Stream(Kind.VIDEO, Codec.H264, pt=102, ssrc=11, rtx_pt=103, rtx_ssrc=12)
OURS = 1
WAIT_S = 10.0  # only a failing test waits this long
SECOND = 1 << 32


class Rig:
    """The pictures of one call, and what was said of them."""

    def __init__(self, *streams: Stream, has_window: bool = True) -> None:
        self.numbers: list[int] = []
        self.failures: list[str] = []
        self.sent: list[bytes] = []
        self.taken: dict[tuple[int, int], Receive] = {}
        self.loop = asyncio.get_running_loop()
        self.reporting = Reporting(
            OURS,
            Steering(OURS, self.loop.time()),
            send=self.sent.append,
            now=self.loop.time(),
            offset_s=0.0,
        )
        self.pictures = IncomingPictures(
            streams,
            self if has_window else None,
            expect=self._expect,
            reporting=self.reporting,
            slow=lambda: None,
            failed=self.failures.append,
        )

    def show(self, picture: Picture) -> None:
        self.numbers.append(read_frame_number(picture))

    def close(self) -> None:
        raise AssertionError("the window belongs to the call")

    def take(self, stream: Stream, packets: list[bytes]) -> None:
        for packet in packets:
            self.taken[stream.pt, stream.ssrc](packet, self.loop.time())

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not ready():  # noqa: ASYNC110 -- a thread decodes
                await asyncio.sleep(0.01)

    async def shows(self, *numbers: int) -> None:
        await self.until(lambda: self.numbers == list(numbers))

    def asked(self) -> list[int]:
        """Give the SSRCs of which a whole picture was asked for."""
        told = [each for datagram in self.sent for each in report.parse(datagram)]
        return [each.ssrc for each in told if isinstance(each, report.PictureLoss)]

    def told(self) -> set[int]:
        """Give the SSRCs of which a report says what came."""
        self.reporting.tick(self.loop.time() + 1.0)
        told = [each for datagram in self.sent for each in report.parse(datagram)]
        streams = [each.streams for each in told if isinstance(each, report.Feedback)]
        return {stream.ssrc for each in streams for stream in each}

    def offset_s(self, kind: Kind) -> float:
        """Say how much later the pictures of a kind are shown, to fit the sound."""
        receiver = self.pictures._lanes[kind].receiver
        assert receiver is not None
        return receiver._assembly.times.audio_offset_s

    def _expect(self, ssrc: int, payload_type: int, receive: Receive) -> None:
        self.taken[payload_type, ssrc] = receive


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig(CAMERA, SCREEN)
    yield rig
    rig.pictures.close()


async def test_what_comes_is_shown_in_the_window(rig: Rig) -> None:
    sender = Sender(CAMERA)
    for number in range(3):
        rig.take(CAMERA, sender.packets())
        await rig.shows(*range(number + 1))
    figures = rig.pictures.figures(rig.loop.time())

    assert figures is not None
    assert (figures.codec, figures.width, rig.failures) == ("vp8", 128, [])


async def test_repeats_are_let_through_too(rig: Rig) -> None:
    assert rig.taken.keys() == {(102, 11), (103, 12), (106, 13), (107, 14)}


async def test_the_camera_waits_while_the_screen_is_shown(rig: Rig) -> None:
    camera, screen = Sender(CAMERA), Sender(SCREEN)
    rig.take(SCREEN, screen.packets())
    await rig.shows(0)
    rig.take(CAMERA, camera.packets())
    receiver = rig.pictures._lanes[Kind.VIDEO].receiver
    assert receiver is not None
    await rig.until(lambda: receiver._count._size is not None)
    hidden = list(rig.numbers)
    rig.pictures.expect_only(frozenset({Kind.VIDEO}))
    rig.take(CAMERA, camera.packets())
    await rig.shows(0, 1)

    assert hidden == [0]


async def test_without_a_window_what_comes_is_reported_and_dropped() -> None:
    rig = Rig(CAMERA, has_window=False)
    rig.take(CAMERA, Sender(CAMERA).packets())

    assert rig.pictures.figures(rig.loop.time()) is None
    assert rig.told() == {11}


async def test_what_this_machine_cannot_decode_is_told_once() -> None:
    rig = Rig(UNKNOWN)
    rig.take(UNKNOWN, Sender(CAMERA).packets())
    rig.take(UNKNOWN, Sender(CAMERA).packets())

    assert rig.failures == ["no decoder for h264"]


async def test_pictures_that_stop_for_good_are_told_once(rig: Rig) -> None:
    rig.take(CAMERA, Sender(CAMERA).packets())
    receiver = rig.pictures._lanes[Kind.VIDEO].receiver
    assert receiver is not None
    for _ in range(2):
        receiver._too_slow()
    for _ in range(2):
        rig.pictures.figures(rig.loop.time())

    assert rig.failures == [
        "the pictures take too long to decode, so they are not shown"
    ]


async def test_a_recording_begins_with_a_whole_picture(rig: Rig) -> None:
    kept: list[tuple[Track, bool]] = []
    sender = Sender(CAMERA)
    rig.take(CAMERA, sender.packets())
    rig.pictures.hook(
        lambda track: lambda _frame, _timestamp, key: kept.append((track, key))
    )
    asked = rig.asked()
    rig.take(CAMERA, sender.packets(key=True))
    rig.pictures.hook(None)
    rig.take(CAMERA, sender.packets())

    assert asked == [CAMERA.ssrc]
    assert {track for track, _ in kept} == {
        Track(ours=False, kind="video", codec="vp8")
    }
    assert kept[-1][1]


async def test_a_stream_that_begins_during_a_recording_is_recorded(rig: Rig) -> None:
    kept: list[Track] = []
    rig.pictures.hook(lambda track: lambda _frame, _at, _key: kept.append(track))
    rig.take(SCREEN, Sender(SCREEN).packets())

    assert kept == [Track(ours=False, kind="screen", codec="vp8")]


async def test_the_round_trip_is_known_to_each_stream(rig: Rig) -> None:
    rig.take(CAMERA, Sender(CAMERA).packets())
    rig.pictures.set_round_trip(0.3)
    rig.take(SCREEN, Sender(SCREEN).packets())
    receivers = [lane.receiver for lane in rig.pictures._lanes.values()]

    assert [receiver._assembly.round_trip_s for receiver in receivers if receiver] == [
        0.3,
        0.3,
    ]


async def test_pictures_follow_the_sound_of_the_same_moment(rig: Rig) -> None:
    rig.take(CAMERA, Sender(CAMERA).packets())
    camera = rig.pictures._lanes[Kind.VIDEO]
    camera.arrived.heard_sender(Moment(5 * SECOND, TICKS), 0.0)
    assert camera.receiver is not None
    shown = camera.receiver.unmoved(TICKS)
    assert shown is not None
    asked: list[int] = []

    def heard_at(timestamp: int) -> float:
        asked.append(timestamp)
        return shown + 0.05

    rig.pictures.follow(Moment(4 * SECOND, 96_000), heard_at)

    assert rig.offset_s(Kind.VIDEO) == pytest.approx(0.05)
    assert asked == [96_000 + 48_000]


async def test_pictures_follow_no_sound_that_nobody_timed(rig: Rig) -> None:
    rig.take(CAMERA, Sender(CAMERA).packets())
    camera = rig.pictures._lanes[Kind.VIDEO]
    rig.pictures.follow(Moment(0, 0), lambda _: 1e9)
    camera.arrived.heard_sender(Moment(0, 0), 0.0)
    rig.pictures.follow(None, lambda _: 1e9)
    rig.pictures.follow(Moment(0, 0), lambda _: None)

    assert rig.offset_s(Kind.VIDEO) == 0.0


async def test_a_steady_stream_has_a_beat_of_its_own() -> None:
    rig = Rig(STEADY)
    rig.take(STEADY, Sender(STEADY).packets())
    rig.pictures._lanes[Kind.VIDEO].arrived.heard_sender(Moment(0, 0), 0.0)
    rig.pictures.follow(Moment(0, 0), lambda _: 1e9)
    rig.pictures.close()

    assert rig.offset_s(Kind.VIDEO) == 0.0
