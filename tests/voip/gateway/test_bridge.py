"""Ports hear each other, each behind a gate."""

import asyncio
from collections.abc import Callable

import pytest

from voip.errors import MalformedError, MissingError, UnexpectedEventError
from voip.gateway.bridge import Bridge, Port
from voip.media.pattern import Discard, Silence, Tone
from voip.media.plan import MediaPlan
from voip.media.sources import (
    FRAME_BYTES,
    SILENCE,
    AudioSink,
    DrivenSink,
    Picture,
    Pull,
)

ONE = b"\x01\x00" * (FRAME_BYTES // 2)
TWO = b"\x02\x00" * (FRAME_BYTES // 2)
THREE = b"\x03\x00" * (FRAME_BYTES // 2)


def opened(bridge: Bridge, *names: str) -> list[Port]:
    ports = [bridge.port(name) for name in names]
    for port in ports:
        port.open()
    return ports


def sink(plan: MediaPlan) -> AudioSink:
    assert not isinstance(plan.audio_sink, DrivenSink)
    return plan.audio_sink


def test_each_hears_all_others() -> None:
    alice, bob, carol = opened(Bridge(), "alice", "bob", "carol")
    plans = [port.plan() for port in (alice, bob, carol)]
    sink(plans[0]).write(ONE)
    sink(plans[1]).write(TWO)

    assert [plan.audio_source.read() for plan in plans] == [TWO, ONE, THREE]


def test_nobody_hears_what_they_may_not() -> None:
    def only_the_local_one(one: str, other: str) -> bool:
        return "me" in {one, other} and one != other

    me, bob, carol = opened(Bridge(only_the_local_one), "me", "bob", "carol")
    for port, frame in ((me, ONE), (bob, TWO)):
        port.say(frame)

    assert [port.listen() for port in (me, bob, carol)] == [TWO, ONE, ONE]


@pytest.mark.parametrize("shut", ["alice", "bob"])
def test_nothing_passes_a_shut_gate(shut: str) -> None:
    bridge = Bridge()
    ports = {port.name: port for port in opened(bridge, "alice", "bob")}
    ports[shut].shut()
    ports["alice"].say(ONE)

    assert ports["bob"].listen() == SILENCE


def test_a_port_is_shut_at_first() -> None:
    bridge = Bridge()
    alice, (bob,) = bridge.port("alice"), opened(bridge, "bob")
    alice.say(ONE)

    assert not alice.is_open
    assert bob.listen() == SILENCE


def test_a_gate_that_opens_lets_nothing_through_of_before() -> None:
    alice, bob = opened(Bridge(), "alice", "bob")
    bob.shut()
    alice.say(ONE)
    bob.open()

    assert bob.listen() == SILENCE


def test_a_gate_that_shuts_takes_back_what_is_on_its_way() -> None:
    alice, bob = opened(Bridge(), "alice", "bob")
    alice.say(ONE)
    alice.shut()

    assert bob.listen() == SILENCE


def test_a_muted_port_hears_and_is_not_heard() -> None:
    alice, bob = opened(Bridge(), "alice", "bob")
    alice.is_muted = True
    alice.say(ONE)
    bob.say(TWO)

    assert (alice.listen(), bob.listen()) == (TWO, SILENCE)


def test_what_waits_stays_when_somebody_joins() -> None:
    bridge = Bridge()
    alice, bob = opened(bridge, "alice", "bob")
    alice.say(ONE)
    opened(bridge, "carol")

    assert bob.listen() == ONE


def test_who_left_is_heard_no_more_and_cannot_come_back() -> None:
    bridge = Bridge()
    alice, bob = opened(bridge, "alice", "bob")
    alice.close()
    alice.open()
    alice.say(ONE)

    assert bob.listen() == SILENCE
    assert bridge.port("alice") is not alice


def test_a_port_that_was_closed_twice_takes_nobody_with_it() -> None:
    bridge = Bridge()
    bridge.port("alice").close()
    again = bridge.port("alice")
    again.close()
    again.close()

    assert bridge.port("alice") is not again


def test_a_name_is_taken_once() -> None:
    bridge = Bridge()
    bridge.port("alice")

    with pytest.raises(UnexpectedEventError, match="'alice' already"):
        bridge.port("alice")


async def test_the_end_of_the_bridge_shuts_all() -> None:
    async with Bridge() as bridge:
        alice, _ = opened(bridge, "alice", "bob")

    assert not alice.is_open


def test_a_frame_of_another_size_is_malformed() -> None:
    (alice,) = opened(Bridge(), "alice")

    with pytest.raises(MalformedError, match="expected 1920 bytes, came 2"):
        alice.say(b"\x00\x00")


def test_a_port_knows_how_loud_it_is() -> None:
    (alice,) = opened(Bridge(), "alice")
    before = alice.loudness
    alice.say(Tone(amplitude=0.5).read())

    assert round(before) == -96
    assert round(alice.loudness) == -6


def test_what_nobody_read_is_counted() -> None:
    alice, bob = opened(Bridge(), "alice", "bob")
    for _ in range(7):
        alice.say(ONE)

    assert bob.dropped == 2


# Pictures.


def picture(luma: int) -> Picture:
    return Picture(2, 2, bytes([luma] * 4 + [128, 128]))


async def seen(plan: MediaPlan, *, within_s: float = 1.0) -> Picture:
    assert plan.video_source is not None
    return await asyncio.wait_for(plan.video_source.picture(), within_s)


def show(plan: MediaPlan, shown: Picture) -> None:
    assert plan.video_sink is not None
    plan.video_sink.show(shown)


async def test_the_newest_picture_of_the_other_is_seen_once() -> None:
    alice, bob = (p.plan(video=True) for p in opened(Bridge(), "alice", "bob"))
    show(alice, picture(1))
    show(alice, picture(2))

    assert await seen(bob) == picture(2)
    with pytest.raises(TimeoutError):
        await seen(bob, within_s=0.01)


async def test_whoever_waits_sees_a_picture_from_another_thread() -> None:
    alice, bob = (p.plan(video=True) for p in opened(Bridge(), "alice", "bob"))
    waiting = asyncio.create_task(seen(bob))
    await asyncio.sleep(0)
    await asyncio.to_thread(show, alice, picture(1))

    assert await waiting == picture(1)


async def test_the_one_who_speaks_is_seen_and_sees_another() -> None:
    ports = opened(Bridge(), "alice", "bob", "carol")
    alice, bob, carol = (port.plan(video=True) for port in ports)
    ports[1].say(Tone().read())
    for plan, luma in ((alice, 1), (bob, 2), (carol, 3)):
        show(plan, picture(luma))

    assert [await seen(alice), await seen(carol)] == [picture(2), picture(2)]
    assert await seen(bob) in (picture(1), picture(3))


async def test_a_screen_is_seen_before_the_camera_of_whoever_speaks() -> None:
    ports = opened(Bridge(), "alice", "bob", "carol")
    alice, bob, carol = (port.plan(video=True) for port in ports)
    ports[0].is_presenting = True
    ports[1].say(Tone().read())
    for plan, luma in ((bob, 2), (alice, 1), (bob, 3)):
        show(plan, picture(luma))

    assert await seen(carol) == picture(1)
    assert ports[2].watched == "alice"


async def test_who_speaks_without_a_camera_hides_nobody() -> None:
    ports = opened(Bridge(), "alice", "bob", "carol")
    alice, _, carol = (port.plan(video=True) for port in ports)
    ports[1].say(Tone().read())
    show(alice, picture(1))

    assert await seen(carol) == picture(1)


def test_who_sees_nobody_watches_nobody() -> None:
    alice, bob = opened(Bridge(), "alice", "bob")
    face, _ = alice.plan(video=True), bob.plan(video=True)
    before = bob.watched
    show(face, picture(1))
    alice.shut()

    assert (before, bob.watched) == (None, None)


@pytest.mark.parametrize("shut", [0, 1], ids=["alice", "bob"])
async def test_no_picture_passes_a_shut_gate(shut: int) -> None:
    ports = opened(Bridge(), "alice", "bob")
    alice, bob = (port.plan(video=True) for port in ports)
    ports[shut].shut()
    show(alice, picture(1))

    with pytest.raises(TimeoutError):
        await seen(bob, within_s=0.01)


async def test_a_plan_that_is_closed_sees_nothing_more() -> None:
    alice, bob = (p.plan(video=True) for p in opened(Bridge(), "alice", "bob"))
    bob.close()
    bob.close()
    show(alice, picture(1))

    with pytest.raises(TimeoutError):
        await seen(bob, within_s=0.01)


# Devices.


class DrivenSpeaker:
    """Asks for sound when it likes."""

    def __init__(self) -> None:
        self.pull: Pull | None = None
        self.is_closed = False

    def drive(self, pull: Pull) -> None:
        self.pull = pull

    def close(self) -> None:
        self.is_closed = True


class PacedMicrophone(Silence):
    """Says when it has something."""

    wake: Callable[[], None]

    def read(self) -> bytes:
        return ONE

    def pace(self, wake: Callable[[], None]) -> None:
        self.wake = wake


class Kept(Discard):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, pcm: bytes) -> None:
        self.frames.append(pcm)


class Full(Discard):
    """A disk without room."""

    def write(self, pcm: bytes) -> None:
        del pcm
        raise OSError("no space left on device")


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_devices_keep_their_own_pace() -> None:
    bridge, microphone, speaker = Bridge(), PacedMicrophone(), DrivenSpeaker()
    me, bob = opened(bridge, "me", "bob")
    plan = MediaPlan(audio_source=microphone, audio_sink=speaker)
    attached = asyncio.create_task(bridge.attach(me, plan))
    await turn()
    await asyncio.to_thread(microphone.wake)
    await turn()
    bob.say(TWO)
    bob.say(THREE)
    assert speaker.pull is not None
    pulled = [speaker.pull(samples) for samples in (480, 960, 480, 10)]
    attached.cancel()
    await asyncio.wait({attached})

    assert bob.listen() == ONE
    assert pulled == [TWO[:960], TWO[960:] + THREE[:960], THREE[960:], bytes(20)]
    assert speaker.is_closed


async def test_files_are_read_and_written_every_20_ms() -> None:
    bridge, kept = Bridge(), Kept()
    me, bob = opened(bridge, "me", "bob")
    plan = MediaPlan(audio_source=Silence(), audio_sink=kept)
    attached = asyncio.create_task(bridge.attach(me, plan))
    bob.say(TWO)
    await turn()
    attached.cancel()
    await asyncio.wait({attached})

    assert kept.frames == [TWO]
    assert bob.listen() == SILENCE


async def test_a_full_disk_ends_what_is_attached_with_a_sentence() -> None:
    bridge = Bridge()
    (me,) = opened(bridge, "me")
    plan = MediaPlan(audio_source=Silence(), audio_sink=Full())

    with pytest.RaisesGroup(
        pytest.RaisesExc(MissingError, match="no space left on device")
    ):
        await bridge.attach(me, plan)


class Camera:
    """Shows one picture, then nothing."""

    def __init__(self) -> None:
        self._pictures = [picture(9)]

    async def picture(self) -> Picture:
        if not self._pictures:
            await asyncio.sleep(3600)
        return self._pictures.pop()

    def close(self) -> None:
        pass


class Window:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.shown: list[Picture] = []

    def show(self, picture: Picture) -> None:
        self.shown.append(picture)

    def close(self) -> None:
        pass


async def test_a_camera_and_a_window_are_joined() -> None:
    bridge, window = Bridge(), Window()
    me, bob = opened(bridge, "me", "bob")
    theirs = bob.plan(video=True)
    plan = MediaPlan(
        audio_source=Silence(),
        audio_sink=Discard(),
        video_source=Camera(),
        video_sink=window,
    )
    attached = asyncio.create_task(bridge.attach(me, plan))
    mine = await seen(theirs)
    show(theirs, picture(7))
    await turn()
    attached.cancel()
    await asyncio.wait({attached})

    assert mine == picture(9)
    assert window.shown == [picture(7)]
