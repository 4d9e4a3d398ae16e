"""What a call carries, between two sides joined in memory, in simulated time."""

import array
import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.voip.media.call_media import Heard, Voice
from tests.voip.simulated import simulated
from voip.description import Codec, Kind
from voip.errors import MissingError, UnexpectedEventError
from voip.media import rtp
from voip.media.content import Content
from voip.media.ends.devices import DeviceEnd
from voip.media.events import (
    DigitReceived,
    EndFailed,
    MediaEvent,
    RecordingFailed,
)
from voip.media.plan import MediaPlan
from voip.media.profile import audio_stream, picture_stream
from voip.media.sources import AudioSource, Picture, Track
from voip.media.transport import IkSrtpTransport, Noted, Receive

if TYPE_CHECKING:
    from collections.abc import Coroutine

BOTH = frozenset({Kind.VIDEO, Kind.SCREEN})


class Link:
    """As much of a transport as content needs: the other side hears at once."""

    def __init__(self) -> None:
        self.peer: Link | None = None
        self.noted: Noted | None = None
        self._receivers: dict[tuple[int, int], Receive] = {}
        self._reports: Receive | None = None

    def expect(self, ssrc: int, payload_type: int, receive: Receive) -> None:
        self._receivers[payload_type, ssrc] = receive

    def expect_reports(self, receive: Receive) -> None:
        self._reports = receive

    def send_rtp(self, packet: bytes) -> None:
        now = asyncio.get_running_loop().time()
        header = rtp.parse_header(packet)
        assert self.peer is not None
        assert self.noted is not None
        self.noted(header.ssrc, header.sequence, header.timestamp, len(packet), now)
        self.peer.take(packet, now)

    def take(self, packet: bytes, now: float) -> None:
        self._receivers[rtp.read_stream(packet)](packet, now)

    def send_rtcp(self, packet: bytes) -> None:
        assert self.peer is not None
        assert self.peer._reports is not None
        self.peer._reports(packet, asyncio.get_running_loop().time())


class Dark:
    """A camera that never has a picture."""

    async def picture(self) -> Picture:
        await asyncio.Future[None]()
        raise AssertionError

    def close(self) -> None:
        pass


class Kept:
    """A recorder, on a disk that may be full."""

    def __init__(self) -> None:
        self.sounds: list[bool] = []
        self.closed = 0
        self.is_full = False

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        del frame, at_s
        if self.is_full:
            raise OSError("no space left")
        self.sounds.append(ours)

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        raise AssertionError((frame, at_s, track))

    def close(self) -> None:
        self.closed += 1


class Headset(DeviceEnd):
    """A device that runs, and is silent."""

    def __init__(self) -> None:
        pass

    @property
    def device(self) -> str:
        return "headset"

    def read(self) -> bytes:
        return bytes(1920)

    def close(self) -> None:
        pass


class Side:
    """One side: what it carries, what it hears, and what it was told."""

    def __init__(
        self,
        ssrc: int,
        *,
        source: AudioSource | None = None,
        sink: Heard | None = None,
        camera: Dark | None = None,
    ) -> None:
        self.sink = sink or Heard()
        self.events: list[MediaEvent] = []
        self.works: list[Coroutine[Any, Any, None]] = []
        self.link = Link()
        self.streams = (
            audio_stream(ssrc),
            picture_stream(Kind.VIDEO, Codec.VP8, ssrc + 1, ssrc + 2),
        )
        self.content = Content(
            MediaPlan(
                audio_source=source or Voice(),
                audio_sink=self.sink,
                video_source=camera,
            ),
            ssrc,
            cast("IkSrtpTransport", self.link),
            entropy=Random(ssrc).randbytes,
            emit=self.events.append,
            spawn=self.works.append,
            beat=self._beat,
        )

    def _beat(self, now: float) -> None:
        self.content.tick(now)

    def loudness(self) -> int:
        return max(map(abs, array.array("h", bytes(self.sink.pcm))), default=0)


async def joined(one: Side, other: Side, *, is_open: bool = True) -> None:
    """Let two sides talk from now on."""
    one.link.peer, other.link.peer = other.link, one.link
    one.content.agree(one.streams, other.streams)
    other.content.agree(other.streams, one.streams)
    for side in (one, other):
        side.content.start()
        side.content.set_open(on=is_open)


def stop(*sides: Side) -> None:
    for side in sides:
        side.content.stop()
        for work in side.works:
            work.close()


@simulated
async def test_what_one_side_says_the_other_hears() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    await asyncio.sleep(2.0)
    stop(here, there)
    stats = there.content.stats

    assert there.loudness() > 1000
    assert stats.audio is not None
    assert (stats.audio.lost, stats.dropped) == (0.0, 0)


@pytest.mark.parametrize(
    "silence", ["set_muted", "set_held", "set_open"], ids=["muted", "held", "closed"]
)
@simulated
async def test_silence_is_sent_instead_of_the_user(silence: str) -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    getattr(here.content, silence)(on=silence != "set_open")
    await asyncio.sleep(0.5)
    stop(here, there)

    assert len(there.sink.pcm) > 0
    assert there.loudness() < 4


@simulated
async def test_on_hold_the_other_side_is_not_played() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    there.content.set_held(on=True)
    await asyncio.sleep(0.5)
    stop(here, there)

    assert (len(there.sink.pcm) > 0, there.loudness()) == (True, 0)


@simulated
async def test_touch_tones_arrive() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    here.content.tone("7#")
    await asyncio.sleep(1.0)
    stop(here, there)

    assert there.events == [DigitReceived("7"), DigitReceived("#")]


@simulated
async def test_what_verified_and_is_no_sound_is_dropped_and_counted() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    header = rtp.Header(marker=False, payload_type=96, sequence=7, timestamp=0, ssrc=10)
    there.link.take(rtp.format_header(header) + b"\xe0", 0.0)
    stop(here, there)

    assert there.content.stats.dropped == 1


@simulated
async def test_devices_are_named_in_the_figures() -> None:
    side = Side(10, source=Headset())

    assert (side.content.stats.microphone, side.content.stats.speaker) == (
        "headset",
        None,
    )


@simulated
async def test_of_another_path_nothing_is_known() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    await asyncio.sleep(0.5)
    here.content.path_changed()
    stop(here, there)

    assert here.content._steering._path_since == asyncio.get_running_loop().time()


# Pictures.


@simulated
async def test_only_what_there_is_a_source_of_is_shown() -> None:
    here, there = Side(10, camera=Dark()), Side(20)
    before = here.content.set_pictures(BOTH)
    await joined(here, there)
    shown = here.content.set_pictures(BOTH), there.content.set_pictures(BOTH)
    stop(here, there)

    assert (before, shown) == (frozenset(), (frozenset({Kind.VIDEO}), frozenset()))


@simulated
async def test_nothing_is_shown_before_the_sources_are_open() -> None:
    here, there = Side(10, camera=Dark()), Side(20)
    await joined(here, there, is_open=False)
    closed = here.content.set_pictures(BOTH)
    here.content.set_open(on=True)
    shown = len(here.works)
    stop(here, there)

    assert (closed, shown) == (frozenset(), 1)


@simulated
async def test_another_camera_needs_a_call_that_has_pictures() -> None:
    here, there = Side(10), Side(20)
    with pytest.raises(MissingError, match="not connected"):
        here.content.use_pictures(Kind.VIDEO, Dark())
    here.content.expect_pictures(BOTH)  # means nothing yet
    await joined(here, there)
    here.content.use_pictures(Kind.VIDEO, Dark())
    with pytest.raises(MissingError, match="takes no screen"):
        here.content.use_pictures(Kind.SCREEN, Dark())
    shown = here.content.set_pictures(BOTH)
    there.content.expect_pictures(shown)
    stop(here, there)

    assert shown == {Kind.VIDEO}


# Recording, and what goes wrong.


@simulated
async def test_both_sides_are_recorded_until_it_is_stopped() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    kept = Kept()
    here.content.record(kept)
    with pytest.raises(UnexpectedEventError):
        here.content.record(Kept())
    await asyncio.sleep(0.5)
    here.content.stop_recording()
    count = len(kept.sounds)
    await asyncio.sleep(0.5)
    stop(here, there)

    assert (set(kept.sounds), kept.closed) == ({True, False}, 1)
    assert 45 <= count == len(kept.sounds) <= 55


@simulated
async def test_a_recording_ends_with_the_call() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    kept = Kept()
    here.content.record(kept)
    stop(here, there)

    assert kept.closed == 1


@simulated
async def test_a_full_disk_ends_the_recording_and_not_the_call() -> None:
    here, there = Side(10), Side(20)
    await joined(here, there)
    kept = Kept()
    kept.is_full = True
    here.content.record(kept)
    await asyncio.sleep(0.5)
    del there.sink.pcm[:]
    await asyncio.sleep(0.5)
    here.content.record(Kept())  # there is room for another
    stop(here, there)

    assert here.events == [RecordingFailed("no space left")]
    assert there.loudness() > 1000


@simulated
async def test_a_speaker_that_breaks_is_told_once() -> None:
    class Broken(Heard):
        def write(self, pcm: bytes) -> None:
            raise OSError(f"unplugged with {len(pcm)} bytes to play")

    here, there = Side(10, sink=Broken()), Side(20)
    await joined(here, there)
    await asyncio.sleep(0.5)
    stop(here, there)

    assert here.events == [EndFailed("unplugged with 1920 bytes to play")]
