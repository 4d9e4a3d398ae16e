"""A call without media says so, and wants the same of the other side."""

import inspect
from collections.abc import Callable

import pytest

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MissingError, RefusedError
from voip.media.connect.config import IceConfig, IceServer
from voip.media.events import FirstVerified
from voip.media.nomedia import NoMedia
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.sources import Picture
from voip.media.streams import MediaSession

SERVERS = IceConfig(servers=(IceServer(url="stun:192.0.2.1"),))
SOUND = Stream(Kind.AUDIO, Codec.RED, pt=96, ssrc=1)
WITH_SOUND = Description("ufrag", "p" * 22, streams=(SOUND,))


class Sink:
    """A speaker that notes its end."""

    is_closed = False

    def write(self, pcm: bytes) -> None:
        raise AssertionError(f"{len(pcm)} bytes are played")

    def close(self) -> None:
        self.is_closed = True


class Nothing:
    """A camera that nobody looks at."""

    async def picture(self) -> Picture:
        raise AssertionError("nobody looks")

    def close(self) -> None:
        pass


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def media(sink: Sink) -> NoMedia:
    return NoMedia(0, bytes(64), MediaPlan(audio_source=Tone(), audio_sink=sink))


async def test_it_describes_nothing(media: NoMedia) -> None:
    described = await media.gather()

    assert (described.streams, described.candidates) == ((), ())


async def test_it_answers_nothing_with_nothing(media: NoMedia) -> None:
    assert await media.gather(await media.gather()) == await media.gather()


async def test_it_goes_on_at_once(media: NoMedia) -> None:
    await media.connect(await media.gather())

    assert isinstance(await media.event(), FirstVerified)


async def test_a_side_that_would_send_something_is_refused(media: NoMedia) -> None:
    with pytest.raises(RefusedError, match="expected none in this call, came 1"):
        await media.gather(WITH_SOUND)
    with pytest.raises(RefusedError, match="expected none in this call, came 1"):
        await media.connect(WITH_SOUND)


async def test_there_is_no_path_to_change(media: NoMedia) -> None:
    with pytest.raises(RefusedError, match="no path"):
        await media.restart()
    with pytest.raises(RefusedError, match="no path"):
        await media.reconnect(WITH_SOUND)


async def test_no_server_is_asked_while_it_rings() -> None:
    ahead = NoMedia.ahead(0, SERVERS)
    ahead.begin()

    assert await ahead.take() is None


USES: dict[str, Callable[[NoMedia], None]] = {
    "pictures": lambda media: media.use_pictures(Kind.VIDEO, Nothing()),
    "tones": lambda media: media.tone("1"),
    "text": lambda media: media.send_text("hello"),
    "a file": lambda media: media.send_file("name", b""),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_what_needs_media_is_missing(
    media: NoMedia, use: Callable[[NoMedia], None]
) -> None:
    with pytest.raises(MissingError):
        use(media)


async def test_what_is_shown_is_said_and_nothing_else(media: NoMedia) -> None:
    media.open_sources()
    media.set_muted(True)
    media.set_held(True)
    shown = media.set_pictures(frozenset({Kind.VIDEO}))

    assert shown == {Kind.VIDEO}
    assert media.stats().sent == 0


async def test_its_ends_are_closed(media: NoMedia, sink: Sink) -> None:
    await media.close()

    assert sink.is_closed


def test_all_of_media_is_here() -> None:
    public = {name for name in vars(MediaSession) if not name.startswith("_")}
    here = {name for name in vars(NoMedia) if not name.startswith("_")}

    assert public <= here | {"has_path"}
    assert "has_path" in inspect.getsource(NoMedia)
