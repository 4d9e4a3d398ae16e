"""Microphone and speaker.

Carrier. Each keeps one device of the sound system running; what happens when it is
unplugged, `voip.media.ends.keeping` says. Nothing here raises once it runs: a device
that is away is silence, and the call does not notice.

A device calls back on a thread of its own, 10 ms at a time. The speaker takes sound
from the call in its callback, so it is the clock of what is heard. The microphone
leaves sound in a ring and wakes the call every 20 ms.
"""

import threading
from collections.abc import Callable

from voip.media.ends.kept import Beat, Kept, Opener, Tell
from voip.media.ends.listed import SoundDevice, Way
from voip.media.ends.meter import Gain, Level, Meter
from voip.media.ends.ring import Ring
from voip.media.ends.sound import Running, Sound
from voip.media.ends.voice import Voice
from voip.media.sources import FRAME_BYTES, Pull

MIC_RING = 5 * FRAME_BYTES
"""100 ms: what a call that was held up makes good at once. Full: the oldest goes."""


class DeviceEnd:
    """What microphone and speaker have in common.

    Attributes:
        gain: makes it louder or softer, at any time.
        way: microphone or speaker.
    """

    def __init__(
        self,
        way: Way,
        sound: Sound,
        device: SoundDevice | None,
        opener: Opener,
        gain_db: float,
    ) -> None:
        """Keep one device, which `opener` opens."""
        self.gain = Gain(gain_db)
        self.way = way
        self._meter = Meter()
        self._kept = Kept(way, sound, device, opener)

    @property
    def device(self) -> str | None:
        """Name of what runs now, `default` for the system's; None: nothing does.

        It comes from the system: escape it before it is shown.
        """
        return self._kept.device

    @property
    def failure(self) -> str | None:
        """Why there is silence now, in a sentence; None while a device runs."""
        return self._kept.failure

    @property
    def level(self) -> Level:
        """How loud it is, for a meter; after everything else was done to the sound."""
        return self._meter.level

    @property
    def late(self) -> int:
        """How many callbacks came late: the machine is too busy for clear sound."""
        return self._kept.late

    def on_change(self, tell: Tell) -> None:
        """Have devices lost and found told to `tell` too, from a thread of ours."""
        self._kept.tells.append(tell)

    def listed(self) -> list[SoundDevice]:
        """List what could be chosen; takes some milliseconds."""
        return self._kept.listed()

    def choose(self, device: SoundDevice | None) -> None:
        """Use this one from now on, or with None the system's default."""
        self._kept.choose(device)

    def close(self) -> None:
        """Switch it off; a second call does nothing."""
        self._kept.close()


class Microphone(DeviceEnd):
    """A microphone, a `PacedSource`; it opens at the first `pace` or `read`.

    Nobody is heard before their own call has verified who listens.
    """

    def __init__(
        self,
        sound: Sound,
        device: SoundDevice | None = None,
        *,
        voice: Voice | None = None,
        gain_db: float = 0.0,
    ) -> None:
        """Choose a device, or with None the system's default.

        `voice` processes what is heard; the speaker of the call feeds it, too.
        """
        super().__init__(Way.IN, sound, device, self._open, gain_db)
        self._voice = voice
        self._ring = Ring(MIC_RING)
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._fresh = 0

    def pace(self, wake: Callable[[], None]) -> None:
        """Switch it on, and call `wake` whenever 20 ms more were heard."""
        self._wake = wake
        self._kept.start()

    def read(self) -> bytes:
        """Return the next 20 ms; silence while the device is away."""
        self._kept.start()
        with self._lock:
            return self._ring.pull(FRAME_BYTES)

    def _open(self, sound: Sound, device: SoundDevice | None, beat: Beat) -> Running:
        def push(pcm: bytes) -> None:
            if beat():
                self._hear(pcm)

        return sound.record(device, push, beat.end)

    def _hear(self, pcm: bytes) -> None:
        if self._voice is not None:
            pcm = self._voice.clean(pcm)
        pcm = self.gain.apply(pcm)
        self._meter.add(pcm)
        with self._lock:
            self._ring.push(pcm)
        self._fresh += len(pcm)
        while self._fresh >= FRAME_BYTES:
            self._fresh -= FRAME_BYTES
            if self._wake is not None:
                self._wake()


class Speaker(DeviceEnd):
    """A speaker, a `DrivenSink`; it opens when it is first driven."""

    def __init__(
        self,
        sound: Sound,
        device: SoundDevice | None = None,
        *,
        voice: Voice | None = None,
        gain_db: float = 0.0,
    ) -> None:
        """Choose a device, or with None the system's default.

        `voice` is told what is played, to know it again as echo.
        """
        super().__init__(Way.OUT, sound, device, self._open, gain_db)
        self._voice = voice
        self._pull: Pull = _silence

    def drive(self, pull: Pull) -> None:
        """Switch it on, and play what `pull` gives."""
        self._pull = pull
        self._kept.start()

    def _open(self, sound: Sound, device: SoundDevice | None, beat: Beat) -> Running:
        def give(samples: int) -> bytes:
            return self._say(samples) if beat() else _silence(samples)

        return sound.play(device, give, beat.end)

    def _say(self, samples: int) -> bytes:
        pcm = self.gain.apply(self._pull(samples))
        self._meter.add(pcm)
        if self._voice is not None:
            self._voice.played(pcm)
        return pcm


def _silence(samples: int) -> bytes:
    return bytes(2 * samples)
