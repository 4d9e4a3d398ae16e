"""Pictures come with their sound, in virtual time: reports, jitter buffer, show times.

Somebody claps once a second. How far is the sound from the picture of it?
"""

import statistics
from random import Random

import pytest

from tests.voip.media.world import World
from voip.media.audio.hearing import Hearing
from voip.media.audio.red import Redundancy
from voip.media.audio.states import AudioState
from voip.media.flow.arrivals import Reporter, Window
from voip.media.flow.report import Compound, parse
from voip.media.profile import AUDIO_PT
from voip.media.rtp import Header, format_header
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE
from voip.media.video.showtime import ShowTimes

SOUND, CAMERA = 1, 2
SETTING = AudioState.S0.value
PICTURES_PER_S = 25
SOUND_BEGAN, PICTURE_BEGAN = 2**32 - 5000, 2**32 - 70_000  # random in a call
SECONDS = 30


class Clapping:
    """One side that claps, and one that hears and sees it.

    Attributes:
        heard: when the sound of each second was decoded, to be heard then.
        shown: when the picture of each second was shown.
    """

    def __init__(self, *, sound_late_s: float, jitter_s: float) -> None:
        self.world = World()
        self.heard: dict[int, float] = {}
        self.shown: dict[int, float] = {}
        self._sound_late_s, self._jitter_s = sound_late_s, jitter_s
        self._chance = Random(1)
        self._hearing = Hearing(self)
        self._times = ShowTimes()
        self._there = Reporter(9, 0.0, offset_s=0.0)
        self._sound = self._there.expect(SOUND, Window.SOUND, SAMPLE_RATE)
        self._camera = self._there.expect(CAMERA, Window.PICTURES, 90_000)
        self._reporter = Reporter(SOUND, 0.0, offset_s=777.0)
        self._departed = {
            SOUND: self._reporter.send(SOUND, SAMPLE_RATE),
            CAMERA: self._reporter.send(CAMERA, 90_000),
        }
        self._redundancy = Redundancy()
        self._said = self._taken = 0
        world = self.world
        world.every(0.02, self._say)
        world.every(1 / PICTURES_PER_S, self._take)
        world.every(0.02, self._report)
        world.every(0.01, self._listen, start=0.0037)
        world.every(1.0, self._follow)

    # A decoder that knows the number of the frame.

    def decode(self, frame: bytes) -> bytes:
        number = int.from_bytes(frame[1:5])
        if number % 50 == 0:
            self.heard[number // 50] = self.world.now
        return bytes(FRAME_BYTES)

    def recover(self, following: bytes) -> bytes:
        del following
        return bytes(FRAME_BYTES)

    def conceal(self) -> bytes:
        return bytes(FRAME_BYTES)

    def off_s(self, since: int) -> list[float]:
        """Say by how much the sound of each second came later than its picture."""
        return [
            self.heard[second] - self.shown[second]
            for second in range(since, SECONDS - 1)
        ]

    def _say(self) -> None:
        number = self._said
        self._said += 1
        stamp = (SOUND_BEGAN + number * FRAME_SAMPLES) % 2**32
        self._departed[SOUND].note(100, stamp, self.world.now)
        header = Header(
            marker=False,
            payload_type=AUDIO_PT,
            sequence=number,
            timestamp=stamp,
            ssrc=SOUND,
        )
        frame = bytes([0xF8]) + number.to_bytes(4) + bytes(SETTING.frame_bytes - 5)
        packet = format_header(header) + self._redundancy.payload(frame, SETTING, None)
        late = self._sound_late_s + self._jitter_s * self._chance.random()
        self.world.at(
            self.world.now + late,
            lambda: self._hearing.receive(packet, self.world.now),
        )

    def _take(self) -> None:
        number, taken_at = self._taken, self.world.now
        self._taken += 1
        stamp = (PICTURE_BEGAN + round(taken_at * 90_000)) % 2**32
        queued_s = 0.005 + 0.03 * self._chance.random()

        def leave() -> None:
            self._departed[CAMERA].note(1000, stamp, self.world.now)

        def show() -> None:
            at = self._times.show_at(stamp, self.world.now, after_gap=False)
            if number % PICTURES_PER_S == 0:
                self.shown[number // PICTURES_PER_S] = at

        self.world.at(taken_at + queued_s, leave)
        self.world.at(taken_at + queued_s + 0.02, show)

    def _report(self) -> None:
        for datagram in self._reporter.due(self.world.now):
            for report in parse(datagram):
                if isinstance(report, Compound):
                    self._there.heard(report, self.world.now)

    def _listen(self) -> None:
        self._hearing.pull(480, self.world.now)

    def _follow(self) -> None:
        sound, picture = self._sound.moment, self._camera.moment
        if sound is None or picture is None:
            return
        heard = self._hearing.heard_at(sound.at(picture.clock, SAMPLE_RATE))
        shown = self._times.unmoved(picture.timestamp)
        if heard is not None and shown is not None:
            self._times.audio_offset_s = heard - shown


@pytest.mark.parametrize(
    ("late_s", "jitter_s"),
    [(0.02, 0.0), (0.05, 0.06), (0.08, 0.02)],
    ids=["calm", "jitter", "far"],
)
def test_pictures_come_with_their_sound(late_s: float, jitter_s: float) -> None:
    call = Clapping(sound_late_s=late_s, jitter_s=jitter_s)
    call.world.run(SECONDS)
    off_s = call.off_s(since=8)

    assert abs(statistics.fmean(off_s)) < 0.03
    assert max(map(abs, off_s)) < 0.05
