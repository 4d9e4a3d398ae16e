"""The media of a call over real sockets: sound, pictures, records, rekey, new path."""

import array
import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from tests.voip.media.call_media import (
    IDLE,
    LOOPBACK,
    SECRET,
    Heard,
    Pattern,
    Seen,
    Side,
    Spoken,
    connected,
    pair,
)
from voip.description import Description, Kind
from voip.errors import (
    KeyReuseError,
    LimitError,
    MissingError,
    RefusedError,
    UnexpectedEventError,
    UnreachableError,
)
from voip.media import rtp
from voip.media.audio.states import START, UDP_IP_BYTES, AudioState
from voip.media.epochs import CALLER
from voip.media.events import (
    ControlReceived,
    EndFailed,
    FileReceived,
    FirstVerified,
    HeardAgain,
    PathUp,
    SendEpoch,
    TextReceived,
)
from voip.media.pattern import read_frame_number
from voip.media.plan import MediaPlan
from voip.media.profile import audio_stream
from voip.media.record import RECORD_BYTES, is_record
from voip.media.similarity import similarity
from voip.media.sources import SAMPLE_RATE, SILENCE, Picture
from voip.media.streams import MAX_EVENTS, MediaSession

NEXT_SECRET = bytes(range(64, 128))
STATES = {state.value.datagram_bytes - UDP_IP_BYTES for state in (START, AudioState.N1)}
"""The sizes of sound in the first second of a call, and after it."""


def _kind(datagram: bytes) -> str:
    if is_record(datagram):
        return f"record of {len(datagram)}"
    if not rtp.is_srtp(datagram):
        return "stun"
    if rtp.is_rtcp(datagram):
        return f"report {datagram[1]} of {len(datagram)}"
    size = "a state" if len(datagram) in STATES else len(datagram)
    return f"sound {datagram[0]:#x} of {size}"


def _loudness(pcm: bytes | bytearray) -> int:
    samples = array.array("h", bytes(pcm))
    return max(map(abs, samples), default=0)


async def test_what_one_side_says_the_other_hears() -> None:
    async with connected(*pair()) as (caller, callee):
        await asyncio.sleep(1.5)
    figures = [
        max(_alike(speaker.source.pcm, hearer.sink.pcm))
        for speaker, hearer in ((caller, callee), (callee, caller))
        if isinstance(speaker.source, Spoken)
    ]

    assert [figure > 0.9 for figure in figures] == [True, True]


def _alike(said: bytearray, heard: bytearray) -> list[float]:
    """Compare a third of a second at a time: sound is stretched here and there."""
    step = SAMPLE_RATE // 3 * 2
    pieces = [bytes(heard[at : at + step]) for at in range(0, len(heard) - step, step)]
    return [similarity(bytes(said), piece).correlation for piece in pieces]


async def _seen(window: Seen, count: int) -> list[int]:
    """Wait for so many pictures and give their numbers."""
    async with asyncio.timeout(15):
        while len(window.pictures) < count:  # noqa: ASYNC110 -- looked at from outside
            await asyncio.sleep(0.05)
    # Smaller ones have smaller squares, which the reader does not know.
    whole = [picture for picture in window.pictures if picture.width == 320]
    return [read_frame_number(picture) for picture in whole]


@pytest.mark.slow
async def test_pictures_arrive_once_the_path_is_known() -> None:
    window = Seen()
    caller = Side(CALLER, camera=Pattern())
    callee = Side(1, window=window)
    caller.media.set_pictures(frozenset({Kind.VIDEO}))
    async with connected(caller, callee):
        numbers = await _seen(window, 20)
        await asyncio.sleep(1.0)
        stats = caller.media.stats(), callee.media.stats()

    # Coarse pictures may be read as another number; most are not.
    forward = [after >= before for before, after in itertools.pairwise(numbers)]

    assert sum(forward) > 0.7 * len(forward)
    assert (stats[0].dropped, stats[1].dropped) == (0, 0)
    assert stats[0].video_out is not None
    assert stats[1].video_in is not None
    assert stats[1].video_in.width == 320


@pytest.mark.slow
async def test_a_camera_can_be_added_to_a_call_that_began_without_one() -> None:
    window = Seen()
    caller, callee = Side(CALLER, window=Seen()), Side(1, window=window)
    async with connected(caller, callee):
        before = caller.media.set_pictures(frozenset({Kind.SCREEN}))
        caller.media.use_pictures(Kind.SCREEN, Pattern())
        after = caller.media.set_pictures(frozenset({Kind.SCREEN}))
        numbers = await _seen(window, 3)

    assert (before, after) == (frozenset(), frozenset({Kind.SCREEN}))
    assert len(numbers) >= 3


async def test_video_is_off_until_it_is_switched_on() -> None:
    caller, callee = Side(CALLER, camera=Pattern()), Side(1, window=Seen())
    async with connected(caller, callee):
        await asyncio.sleep(0.3)
    sizes = {kind for kind in map(_kind, caller.datagrams) if kind.startswith("sound")}

    assert sizes == {"sound 0x80 of a state"}


async def test_closed_sources_give_silence_whatever_the_user_unmutes() -> None:
    caller, callee = pair()
    async with connected(caller, callee):
        caller.media.close_sources()
        caller.media.set_muted(on=False)
        await asyncio.sleep(0.3)  # what was on its way has arrived
        del callee.sink.pcm[:]
        await asyncio.sleep(0.3)

    assert _loudness(callee.sink.pcm) < 100


async def test_an_observer_sees_one_size_whatever_happens() -> None:
    async with connected(*pair()) as (caller, callee):
        await asyncio.sleep(0.2)
        caller.media.set_muted(on=True)
        await asyncio.sleep(0.2)
        caller.media.set_muted(on=False)
        caller.media.set_held(on=True)
        caller.media.send_control(bytes(1000))
        await asyncio.sleep(0.2)
        caller.media.set_held(on=False)
        callee.media.install_epoch(1, NEXT_SECRET, initiator=False)
        caller.media.install_epoch(1, NEXT_SECRET, initiator=True)
        await asyncio.sleep(0.5)
        kinds = set(map(_kind, caller.datagrams)) - {"stun"}

    assert kinds == {
        "sound 0x80 of a state",
        f"record of {RECORD_BYTES}",
        "report 200 of 88",
        "report 205 of 88",
    }


async def test_one_record_leaves_a_second() -> None:
    async with connected(*pair()) as (caller, _):
        caller.media.send_control(bytes(1000))
        await asyncio.sleep(1.3)
        kinds = Counter(map(_kind, caller.datagrams))

    assert kinds[f"record of {RECORD_BYTES}"] == 2


async def test_an_idle_second_carries_what_the_session_gives() -> None:
    async with connected(*pair()) as (_, callee):
        received = await callee.until(ControlReceived)

    assert received == ControlReceived(IDLE)


async def test_an_urgent_message_does_not_wait() -> None:
    async with connected(*pair()) as (caller, callee):
        await callee.until(ControlReceived)
        async with asyncio.timeout(0.5):
            caller.media.send_control_now(b"hang up")
            received = await callee.until(ControlReceived)

    assert received == ControlReceived(b"hang up")


async def test_a_message_longer_than_records_carry_is_refused() -> None:
    async with connected(*pair()) as (caller, _):
        with pytest.raises(LimitError, match="5065"):
            caller.media.send_control_now(bytes(5065))


# The microphone.


async def test_the_microphone_is_not_read_before_the_call_says_so() -> None:
    async with connected(*pair(), sources=False) as (caller, callee):
        await callee.until(FirstVerified)
        await asyncio.sleep(0.1)
        spoken = caller.source

    assert isinstance(spoken, Spoken)
    assert (len(spoken.pcm), _loudness(callee.sink.pcm) < 4) == (0, True)


async def test_the_microphone_cannot_open_before_a_packet_verified() -> None:
    caller, callee = pair()
    with pytest.raises(UnexpectedEventError):
        caller.media.open_sources()
    await caller.media.close()
    await callee.media.close()


@pytest.mark.parametrize("how", ["set_muted", "set_held"])
async def test_muted_or_held_sound_is_read_and_not_sent(how: str) -> None:
    caller, callee = pair()
    getattr(caller.media, how)(on=True)
    async with connected(caller, callee):
        await asyncio.sleep(0.4)
        spoken = caller.source

    assert isinstance(spoken, Spoken)
    assert (len(spoken.pcm) > 0, len(callee.sink.pcm) > 0) == (True, True)
    assert _loudness(callee.sink.pcm) < 4


async def test_on_hold_the_other_side_is_not_played() -> None:
    async with connected(*pair()) as (caller, _):
        caller.media.set_held(on=True)
        await asyncio.sleep(0.4)

    assert (len(caller.sink.pcm) > 0, _loudness(caller.sink.pcm)) == (True, 0)


# Keys and paths.


async def test_a_wrong_key_gives_silence() -> None:
    caller = Side(CALLER, secret=NEXT_SECRET)
    callee = Side(1)
    async with connected(caller, callee, sources=False):
        await asyncio.sleep(0.3)
        stats = callee.media.stats()

    assert (_loudness(callee.sink.pcm), stats.received) == (0, stats.dropped)


async def test_a_rekey_loses_no_packet() -> None:
    async with connected(*pair()) as (caller, callee):
        assert caller.media.rekey_ready()
        callee.media.install_epoch(1, NEXT_SECRET, initiator=False)
        caller.media.install_epoch(1, NEXT_SECRET, initiator=True)
        async with asyncio.timeout(2):
            told = [await side.until(SendEpoch) for side in (caller, callee)]
        await asyncio.sleep(0.3)
        stats = [side.media.stats() for side in (caller, callee)]

    assert told == [SendEpoch(1)] * 2
    assert [(s.dropped, s.send_epoch, s.receive_epochs) for s in stats] == [
        (0, 1, (1, 0)),
        (0, 1, (1, 0)),
    ]


async def test_an_epoch_is_installed_once() -> None:
    async with connected(*pair()) as (caller, _):
        with pytest.raises((UnexpectedEventError, KeyReuseError)):
            caller.media.install_epoch(0, SECRET, initiator=True)


async def test_a_new_path_loses_no_packet() -> None:
    async with connected(*pair()) as (caller, callee):
        for side in (caller, callee):
            await side.until(PathUp) if not side.events else None
        mine, theirs = await caller.media.restart(), await callee.media.restart()
        await asyncio.gather(
            caller.media.reconnect(theirs), callee.media.reconnect(mine)
        )
        async with asyncio.timeout(2):
            for side in (caller, callee):
                await side.until(HeardAgain)
        await asyncio.sleep(0.3)
        await caller.media.close()
        await asyncio.sleep(0.1)  # what was on its way has arrived
        a, b = caller.media.stats(), callee.media.stats()

    assert (a.dropped, b.dropped) == (0, 0)
    assert a.sent == b.received
    assert PathUp("direct") in caller.events


async def test_a_restart_describes_no_streams() -> None:
    async with connected(*pair()) as (caller, _):
        description = await caller.media.restart()
        again = await caller.media.restart()

    assert (description.streams, description.ufrag != again.ufrag) == ((), True)


async def test_a_reconnect_needs_a_restart() -> None:
    async with connected(*pair()) as (caller, _):
        with pytest.raises(UnexpectedEventError):
            await caller.media.reconnect(Description("abcd", "p" * 22))


async def test_with_no_address_to_try_the_peer_is_unreachable() -> None:
    caller, callee = pair()
    await caller.media.gather()
    nowhere = Description(ufrag="abcd", pwd="p" * 22, streams=(audio_stream(1),))
    with pytest.raises(UnreachableError, match="0 addresses"):
        await caller.media.connect(nowhere)
    await caller.media.close()
    await callee.media.close()


async def test_a_search_for_a_path_can_be_given_up() -> None:
    caller, callee = pair()
    await caller.media.gather()
    theirs = await callee.media.gather()
    search = asyncio.ensure_future(caller.media.connect(theirs))
    await asyncio.sleep(0.05)
    search.cancel()
    async with asyncio.timeout(2):
        await asyncio.gather(caller.media.close(), callee.media.close())

    assert caller.media.stats().path is None


async def test_candidates_may_follow_the_description() -> None:
    caller, callee = pair()
    mine, theirs = await asyncio.gather(caller.media.gather(), callee.media.gather())
    bare = replace(theirs, candidates=())
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(caller.media.connect(bare, complete=False))
        tasks.create_task(callee.media.connect(mine))
        await caller.media.add_candidates(theirs.candidates, last=True)
    path = caller.media.stats().path
    await asyncio.gather(caller.media.close(), callee.media.close())

    assert path == "direct"


async def test_streams_that_cannot_be_received_are_refused() -> None:
    caller, callee = pair()
    theirs = await callee.media.gather()
    with pytest.raises(RefusedError, match="came none"):
        await caller.media.connect(replace(theirs, streams=()))
    await caller.media.close()
    await callee.media.close()


# Text and files.


async def test_text_and_files_arrive() -> None:
    async with connected(*pair(lambda role: Side(role, data=True))) as (caller, callee):
        data = Random(1).randbytes(50_000)
        async with asyncio.timeout(5):
            while True:  # until both ends of the association are there
                try:
                    caller.media.send_text("hello")
                    break
                except MissingError:
                    await caller.media.event()
            caller.media.send_file("../notes.txt", data)
            text = await callee.until(TextReceived)
            file = await callee.until(FileReceived)

    assert (text, file) == (TextReceived("hello"), FileReceived("notes.txt", data))


async def test_without_a_data_channel_no_text_is_sent() -> None:
    async with connected(*pair()) as (caller, _):
        with pytest.raises(MissingError, match="no data channel"):
            caller.media.send_text("hello")


async def test_without_a_data_channel_no_file_is_sent() -> None:
    async with connected(*pair()) as (caller, _):
        with pytest.raises(MissingError, match="no data channel"):
            caller.media.send_file("a", b"x")


# What goes wrong.


async def test_a_speaker_that_breaks_is_told_and_the_call_goes_on() -> None:
    class Broken(Heard):
        def write(self, pcm: bytes) -> None:
            raise OSError(f"unplugged with {len(pcm)} bytes to play")

    caller, callee = Side(CALLER, sink=Broken()), Side(1)
    calling = connected(caller, callee, sources=False)
    async with calling, asyncio.timeout(3):
        told = await caller.until(EndFailed)
        del callee.sink.pcm[:]
        await asyncio.sleep(0.2)

    assert told == EndFailed("unplugged with 1920 bytes to play")
    assert len(callee.sink.pcm) > 0


async def test_events_that_nobody_takes_are_bounded() -> None:
    media = Side(CALLER).media
    for _ in range(MAX_EVENTS + 1):
        media._emit(FirstVerified())
    await media.close()

    assert media._events.qsize() == MAX_EVENTS


class _End:
    """An end of every kind, which knows how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def read(self) -> bytes:
        return SILENCE

    def write(self, pcm: bytes) -> None: ...

    async def picture(self) -> Picture:
        await asyncio.Future[None]()
        raise AssertionError

    def show(self, picture: Picture) -> None: ...

    def close(self) -> None:
        self.closed += 1


async def test_a_call_that_is_over_lets_go_of_every_device() -> None:
    ends = [_End() for _ in range(4)]
    microphone, speaker, camera, window = ends
    media = MediaSession(
        CALLER,
        SECRET,
        MediaPlan(
            audio_source=microphone,
            audio_sink=speaker,
            video_source=camera,
            video_sink=window,
        ),
        LOOPBACK,
        entropy=Random(1).randbytes,
        idle_control=lambda: None,
    )
    await media.gather()
    await media.close()

    assert [end.closed for end in ends] == [1, 1, 1, 1]


async def test_media_that_was_closed_takes_no_part_any_more() -> None:
    """Whoever accepts and hangs up in one breath closes it before it connects."""
    caller, callee = pair()
    remote = await callee.media.gather()
    await caller.media.gather()
    await caller.media.close()

    with pytest.raises(UnreachableError, match="closed"):
        await caller.media.connect(remote)
    with pytest.raises(UnreachableError, match="closed"):
        await caller.media.restart()
    await callee.media.close()


async def test_a_path_gathered_while_the_media_closes_is_closed_with_it() -> None:
    async with connected(*pair()) as (caller, _):
        restarting = asyncio.create_task(caller.media.restart())
        await asyncio.sleep(0)
        await caller.media.close()
        with suppress(UnreachableError):  # or it was quicker
            await restarting

    assert restarting.done()
