"""When what is shown is sent, and how the room for it is shared."""

import asyncio
from collections.abc import Coroutine
from random import Random

import pytest

from voip.description import Codec, Kind
from voip.errors import MissingError
from voip.media.outgoing import FrameHook, OutgoingPictures
from voip.media.profile import picture_stream
from voip.media.reporting import Reporting
from voip.media.sources import Picture, Track
from voip.media.steering import Steering
from voip.media.video.sending import VideoSender

CAMERA = picture_stream(Kind.VIDEO, Codec.VP8, 1, 2)
SCREEN = picture_stream(Kind.SCREEN, Codec.VP8, 3, 4)
Work = Coroutine[None, None, None]
BOTH = frozenset({Kind.VIDEO, Kind.SCREEN})


class Dark:
    """A camera that never has a picture."""

    def __init__(self) -> None:
        self.closed = 0

    async def picture(self) -> Picture:
        await asyncio.Future[None]()
        raise AssertionError

    def close(self) -> None:
        self.closed += 1


class Rig:
    def __init__(self) -> None:
        self.works: list[Work] = []
        self.failures: list[str] = []
        reporting = Reporting(
            9, Steering(9, 0.0), send=lambda _: None, now=0.0, offset_s=0.0
        )
        self.pictures = OutgoingPictures(
            (CAMERA, SCREEN),
            entropy=Random(1).randbytes,
            send=lambda _: None,
            reporting=reporting,
            spawn=self.works.append,
            failed=self.failures.append,
        )

    def close(self) -> None:
        self.pictures.close()
        for work in self.works:
            work.close()


async def test_nothing_is_made_before_it_is_shown() -> None:
    rig = Rig()
    rig.pictures.use(Kind.VIDEO, Dark())
    before = len(rig.works)
    rig.pictures.set_on(frozenset({Kind.VIDEO}))
    rig.pictures.set_on(frozenset())
    rig.pictures.set_on(frozenset({Kind.VIDEO}))
    rig.close()

    assert (before, len(rig.works), rig.pictures.on) == (0, 1, frozenset({Kind.VIDEO}))


async def test_what_has_no_source_is_not_shown() -> None:
    rig = Rig()
    rig.pictures.set_on(BOTH)
    rig.close()

    assert (rig.pictures.on, rig.works) == (frozenset(), [])


async def test_a_source_for_what_was_not_agreed_on_is_refused() -> None:
    rig = Rig()

    with pytest.raises(MissingError, match="takes no audio"):
        rig.pictures.use(Kind.AUDIO, Dark())


async def test_another_camera_takes_the_place_of_the_first() -> None:
    rig, first, second = Rig(), Dark(), Dark()
    rig.pictures.use(Kind.VIDEO, first)
    rig.pictures.set_on(frozenset({Kind.VIDEO}))
    rig.pictures.use(Kind.VIDEO, second)
    replaced = first.closed, second.closed
    rig.close()

    assert (replaced, len(rig.works), second.closed) == ((1, 0), 1, 1)


async def test_a_picture_is_taken_from_the_present_source() -> None:
    class Bright(Dark):
        async def picture(self) -> Picture:
            return Picture(2, 2, bytes(6))

    rig = Rig()
    rig.pictures.use(Kind.VIDEO, Dark())
    rig.pictures.use(Kind.VIDEO, Bright())
    source = rig.pictures._sources[Kind.VIDEO]

    assert await source.picture() == Picture(2, 2, bytes(6))


async def test_the_screen_has_most_of_the_room() -> None:
    rig = Rig()
    for kind in BOTH:
        rig.pictures.use(kind, Dark())
    rig.pictures.set_rate(1000)
    shares = []
    for kinds in (frozenset({Kind.VIDEO}), BOTH, frozenset({Kind.SCREEN})):
        rig.pictures.set_on(kinds)
        shares.append(dict(rig.pictures.shares()))
    rig.pictures.set_round_trip(0.1)
    rig.close()

    assert shares == [
        {Kind.VIDEO: 1000},
        {Kind.VIDEO: 250, Kind.SCREEN: 750},
        {Kind.VIDEO: 0, Kind.SCREEN: 1000},
    ]


async def test_frames_of_each_stream_are_kept_apart() -> None:
    tracks: list[Track] = []

    def hooks(track: Track) -> FrameHook:
        tracks.append(track)
        return lambda *_: None

    rig = Rig()
    for kind in BOTH:
        rig.pictures.use(kind, Dark())
    rig.pictures.set_on(frozenset({Kind.VIDEO}))
    rig.pictures.hook(hooks, 1.0)
    rig.pictures.set_on(BOTH)  # one that begins later is kept too
    rig.pictures.hook(None, 2.0)
    kept = [sender.on_frame for sender in rig.pictures._senders.values()]
    rig.close()

    assert [track.kind for track in tracks] == ["video", "screen"]
    assert {(track.ours, track.codec) for track in tracks} == {(True, "vp8")}
    assert kept == [None, None]


async def test_a_camera_that_is_off_has_no_figures_and_no_failure() -> None:
    rig = Rig()
    rig.pictures.use(Kind.VIDEO, Dark())
    rig.pictures.set_on(frozenset({Kind.VIDEO}))
    rig.pictures.set_on(frozenset())
    figures = rig.pictures.figures(1.0)
    rig.close()

    assert (figures, rig.failures) == (None, [])


async def test_why_nothing_leaves_is_told_once() -> None:
    class Broken(VideoSender):
        failure = "no encoder"

    rig = Rig()
    rig.pictures.use(Kind.VIDEO, Dark())
    rig.pictures._senders[Kind.VIDEO] = Broken(
        Dark(), CAMERA, lambda _: None, entropy=Random(1).randbytes
    )
    for second in (1.0, 2.0):
        rig.pictures.figures(second)
    rig.close()

    assert rig.failures == ["no encoder"]
