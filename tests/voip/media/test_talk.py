"""Sound of a call between its ends and its packets."""

import asyncio
import threading
from collections.abc import Callable
from random import Random

from voip.media.audio.states import START
from voip.media.pattern import Tone
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, AudioSink, DrivenSink, Pull
from voip.media.talk import FEW, Talk


class Driven:
    """A speaker that pulls from a thread of its own when the test says so."""

    def __init__(self) -> None:
        self.pull: Pull | None = None

    def drive(self, pull: Pull) -> None:
        self.pull = pull

    def ask(self, samples: int) -> bytes:
        """Pull once, on another thread."""
        assert self.pull is not None
        heard: list[bytes] = []
        pull = self.pull
        thread = threading.Thread(target=lambda: heard.append(pull(samples)))
        thread.start()
        thread.join()
        return heard[0]

    def close(self) -> None:
        """Let nothing go."""


class Written:
    """A speaker that is handed frames."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.is_full = False

    def write(self, pcm: bytes) -> None:
        if self.is_full:
            raise OSError("no space left")
        self.frames.append(pcm)

    def close(self) -> None:
        """Let nothing go."""


class Rig:
    """One side, whose packets the test carries."""

    def __init__(self, sink: AudioSink | DrivenSink) -> None:
        self.sent: list[bytes] = []
        self.beats: list[float] = []
        self.failures: list[str] = []
        self.slept: list[float] = []
        self.talk = Talk(
            Tone(),
            sink,
            ssrc=7,
            entropy=Random(1).randbytes,
            send=self.sent.append,
            beat=self.beats.append,
            failed=self.failures.append,
            sleep=self.slept.append,
        )
        self.talk.speaking.is_open = True

    async def run(self, until: Callable[[], bool]) -> None:
        self.talk.start()
        async with asyncio.timeout(5):
            while not until():  # noqa: ASYNC110 -- looked at from outside
                await asyncio.sleep(0.01)
        self.talk.stop()

    def loop_back(self) -> None:
        """Let it hear itself."""
        now = asyncio.get_running_loop().time()
        for packet in self.sent:
            self.talk.receive(packet, now)


async def test_each_packet_is_followed_by_a_frame_and_a_beat() -> None:
    sink = Written()
    rig = Rig(sink)
    await rig.run(lambda: len(rig.sent) >= 5)

    assert len(sink.frames) == len(rig.beats) == len(rig.sent)
    assert {len(frame) for frame in sink.frames} == {FRAME_BYTES}
    assert {len(packet) for packet in rig.sent} == {12 + START.value.payload_bytes}


async def test_with_many_calls_no_packet_is_held_back() -> None:
    rigs = [Rig(Written()) for _ in range(FEW + 1)]
    for rig in rigs[1:]:
        rig.talk.start()
        rig.slept.clear()  # they were few so far
    await rigs[0].run(lambda: len(rigs[0].sent) >= 5)
    during = [list(rig.slept) for rig in rigs]
    for rig in rigs:
        rig.talk.stop()

    assert during == [[]] * len(rigs)


async def test_the_first_number_leaves_room_before_the_wrap() -> None:
    rig = Rig(Written())

    assert rig.talk.speaking.sequence < 32768


async def test_a_speaker_with_a_clock_pulls_from_its_own_thread() -> None:
    sink = Driven()
    rig = Rig(sink)
    await rig.run(lambda: len(rig.sent) >= 8)
    rig.loop_back()
    heard = b"".join(sink.ask(FRAME_SAMPLES // 2) for _ in range(10))

    assert len(heard) == 5 * FRAME_BYTES
    assert any(heard)


async def test_on_hold_what_came_is_taken_and_not_played() -> None:
    sink = Driven()
    rig = Rig(sink)
    await rig.run(lambda: len(rig.sent) >= 8)
    rig.loop_back()
    rig.talk.set_held(on=True)
    held = sink.ask(FRAME_SAMPLES)
    rig.talk.set_held(on=False)

    assert (held, rig.talk.speaking.is_held) == (bytes(FRAME_BYTES), False)


async def test_a_speaker_that_fails_is_told_once_and_packets_go_on() -> None:
    sink = Written()
    sink.is_full = True
    rig = Rig(sink)
    await rig.run(lambda: len(rig.sent) >= 4)

    assert rig.failures == ["no space left"]
    assert len(rig.beats) == len(rig.sent)


async def test_a_touch_tone_is_heard_as_a_digit() -> None:
    rig = Rig(Written())
    rig.talk.speaking.tone("7")
    await rig.run(lambda: len(rig.sent) >= 12)
    rig.loop_back()

    assert (rig.talk.digits(), rig.talk.digits()) == ("7", "")


async def test_frames_of_both_sides_can_be_kept() -> None:
    ours: list[int] = []
    theirs: list[int] = []
    rig = Rig(Written())
    rig.talk.hook(lambda _, at: ours.append(at), lambda _, at: theirs.append(at))
    await rig.run(lambda: len(rig.sent) >= 4)
    rig.loop_back()
    kept = len(ours), len(theirs)
    rig.talk.hook(None, None)
    rig.loop_back()

    assert kept == (len(rig.sent), len(rig.sent))
    assert ours[:3] == [0, FRAME_SAMPLES, 2 * FRAME_SAMPLES]
    assert len(theirs) == len(rig.sent)


async def test_what_keeps_the_sound_may_unhook_itself() -> None:
    sink = Driven()
    rig = Rig(sink)
    pulled: list[bytes] = []

    def full(_frame: bytes, _at: int) -> None:
        pulled.append(sink.ask(FRAME_SAMPLES))
        rig.talk.hook(None, None)

    await rig.run(lambda: len(rig.sent) >= 2)
    rig.talk.hook(None, full)
    rig.loop_back()

    assert [len(pcm) for pcm in pulled] == [FRAME_BYTES]


async def test_how_sound_came_can_be_asked() -> None:
    rig = Rig(Written())
    await rig.run(lambda: len(rig.sent) >= 4)
    rig.loop_back()

    assert rig.talk.reception().target_ms >= 20
    assert rig.talk.state is START


async def test_a_packet_that_is_no_sound_is_counted() -> None:
    rig = Rig(Written())
    await rig.run(lambda: len(rig.sent) >= 1)
    rig.talk.receive(rig.sent[0][:40], 0.0)

    assert rig.talk.malformed == 1
