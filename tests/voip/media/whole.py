"""Calls in virtual time whose media are speech and pictures: all is real but the time.

The send loop of sound, libopus, copies and the jitter buffer; VP8, its packets, pacing,
repeats and assembly; reports and steering. SRTP only counts in sizes.
"""

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np

from tests.voip.media.flow.calls import FRAME_S, End
from tests.voip.media.link import Conditions, Link, Script
from tests.voip.media.scores import Sound, speech
from tests.voip.media.video.watched import Showing, Watching
from tests.voip.media.world import World
from voip.description import Codec, Kind
from voip.media.audio.hearing import Hearing
from voip.media.audio.opus import open_decoder
from voip.media.audio.speaking import Speaking
from voip.media.audio.states import UDP_IP_BYTES
from voip.media.profile import picture_stream
from voip.media.rtp import parse_header
from voip.media.sources import FRAME_BYTES, SAMPLE_RATE

PULL_S, PULL_SAMPLES = 0.01, 480
FIRST_PULL_S = 0.0037
"""So that the pulls do not fall together with the packets."""
TAG_BYTES = 16  # RFC 7714 §5.1
LOOK_S = 0.02
"""How often requests are looked after when nothing comes; a timer does it in a call."""


class WholeEnd(End):
    """One side that speaks and shows something.

    Attributes:
        watching: what came of its pictures on the other side.
        hearing: what came of its sound there.
    """

    def heard(self) -> Sound:
        """Give all that was played there, from the beginning of the call on."""
        ahead = np.zeros(int(FIRST_PULL_S * SAMPLE_RATE), np.int16)
        return np.concatenate((ahead, np.frombuffer(b"".join(self._played), "<i2")))

    @property
    def made_up_s(self) -> float:
        """How much of that was made up."""
        return self.hearing.receiver.made_up / (2 * SAMPLE_RATE)

    def _begin(self, seed: int, at: float) -> None:
        del seed
        world = self.world
        self._played: list[bytes] = []
        self._speaking = Speaking(
            _Talker(),
            self._sound_left,
            ssrc=self.audio,
            sequence=100,
            timestamp=0,
            loop=_Loop(world),
            sleep=_in_no_time,  # as is encoding, in virtual time
        )
        self._speaking.is_open = True
        self.hearing = Hearing(open_decoder())
        world.at(at, self._speaking.start)
        world.every(PULL_S, self._play, start=FIRST_PULL_S)
        stream = picture_stream(Kind.VIDEO, Codec.VP8, self.video, self.repairs)
        self.watching = Watching(stream)
        self._showing = Showing(world, stream, self._picture_left)
        self.reporting.serve(self.video, self._showing)
        world.every(LOOK_S, self._look)

    def _sound_left(self, packet: bytes) -> None:
        came = self._note_sound()

        def deliver() -> None:
            came()
            self.hearing.receive(packet, self.world.now)

        self._packet_left(packet, deliver)
        self._speaking.state = self.steering.audio
        self._showing.outlet.set_rate(self.steering.video_bps, self.world.now)

    def _play(self) -> None:
        self._played.append(self.hearing.pull(PULL_SAMPLES, self.world.now))

    def _picture_left(self, packet: bytes) -> None:
        def deliver() -> None:
            now = self.world.now
            self.video_came.append((now, len(packet) + TAG_BYTES + UDP_IP_BYTES))
            self.watching.take(packet, now)
            self._look()

        self._packet_left(packet, deliver)

    def _packet_left(self, packet: bytes, deliver: Callable[[], None]) -> None:
        header = parse_header(packet)
        size = len(packet) + TAG_BYTES + UDP_IP_BYTES
        self._leave(header.ssrc, header.sequence, size, deliver)

    def _look(self) -> None:
        """Let the other side look at what came, and ask for what did not."""
        assert self.peer is not None
        round_trip_s = self.steering.round_trip_s
        if round_trip_s is not None:
            self._showing.outlet.round_trip_s = round_trip_s
            self.watching.assembly.round_trip_s = round_trip_s
        wants = self.watching.look(self.world.now)
        if wants.missing:
            self.peer.reporting.ask_again(self.video, wants.missing)
        if wants.key:
            self.peer.reporting.ask_picture(self.video, steady=False)


class _Talker:
    """Says `speech` over and over."""

    def __init__(self) -> None:
        whole = _spoken()
        self._frames = itertools.cycle(
            whole[at : at + FRAME_BYTES] for at in range(0, len(whole), FRAME_BYTES)
        )

    def read(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """Let nothing go."""


class _Timer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def __call__(self) -> None:
        if self._callback is not None:
            self._callback()


def _in_no_time(seconds: float) -> None:
    del seconds


class _Loop:
    """As much of a loop as `Speaking` needs, in virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def time(self) -> float:
        return self._world.now

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(callback)
        self._world.at(when, timer)
        return timer

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> _Timer:
        return self.call_at(self._world.now, callback)


def said(seconds: float) -> Sound:
    """Give what was said in the first `seconds` of a call."""
    frames = round(seconds / FRAME_S) * FRAME_BYTES
    whole = _spoken()
    return np.frombuffer((whole * (frames // len(whole) + 1))[:frames], "<i2")


def whole_call(
    conditions: Conditions,
    script: Script = (),
    *,
    seconds: float,
    seed: int = 1,
    both: bool = False,
    video: bool = True,
) -> WholeEnd:
    """Let a call go its way; give the end whose sending was under `conditions`.

    The other end's media are numbers; with `both` it sends under these conditions too.
    """
    world = World()
    there = Link(conditions, seed, script)
    back = Link(conditions, seed + 1, script) if both else Link(Conditions(), seed + 1)
    caller = WholeEnd(world, there, audio=11 + seed, seed=seed, video=video)
    callee = End(world, back, audio=41 + 7 * seed, seed=seed + 1, video=video)
    caller.meet(callee)
    callee.meet(caller)
    world.run(seconds)
    return caller


@cache
def _spoken() -> bytes:
    sound = speech().astype("<i2").tobytes()
    return sound[: len(sound) // FRAME_BYTES * FRAME_BYTES]
