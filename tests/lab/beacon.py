"""A voice and an ear that measure how long sound takes, and where it is missing.

The voice hums, and once a second, as the machine's clock strikes, it is louder for a
tenth. All people of the laboratory share that clock, so the ear knows from when it
hears the stroke how old the sound is: from being read at the source to being handed to
the sink.
"""

import array
import math
import time
from collections.abc import Callable

from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE

STROKE_S = 0.1
HERTZ = 500  # ten periods in a frame: frames join without a seam
HUM, STROKE = 2000, 16000  # amplitudes of 16 bits
AUDIBLE, LOUD = 500, 8000  # codecs and stretching keep well above and below
QUIET_S = 0.1  # so long without sound is a gap; what is concealed sounds

Tell = Callable[..., None]
"""Takes a kind of event and what is to be known of it."""


def _wave(amplitude: int) -> bytes:
    turn = 2 * math.pi * HERTZ / SAMPLE_RATE
    samples = (round(amplitude * math.sin(turn * at)) for at in range(FRAME_SAMPLES))
    return array.array("h", samples).tobytes()


_HUM, _STROKE = _wave(HUM), _wave(STROKE)


class Voice:
    """Hums, and strikes the seconds."""

    def read(self) -> bytes:
        """Give the 20 ms that begin now."""
        at = time.monotonic() % 1.0
        if at < STROKE_S:
            # Only its beginning counts.
            return _STROKE
        rest = round((1.0 - at) * SAMPLE_RATE)
        if rest < FRAME_SAMPLES:
            return _HUM[: 2 * rest] + _STROKE[2 * rest :]
        return _HUM

    def close(self) -> None:
        """Let nothing go; there is no microphone."""


class Ear:
    """Tells when sound comes and goes (`hears`), and how old it is (`stroke`)."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._heard_at: float | None = None  # when there was sound last
        self._is_hearing = False
        self._was_loud = True  # a stroke that was half over says nothing

    def write(self, pcm: bytes) -> None:
        """Hear 20 ms that are played from now on."""
        now = time.monotonic()
        samples = array.array("h", pcm)
        loudest = max(samples)
        if loudest >= AUDIBLE:
            self._heard_at = now
            if not self._is_hearing:
                self._is_hearing = True
                self._tell("hears", on=True)
        elif self._is_hearing and now - (self._heard_at or 0.0) > QUIET_S:
            self._is_hearing = False
            self._was_loud = True
            self._tell("hears", on=False, since=self._heard_at)
        is_loud = loudest >= LOUD
        if is_loud and not self._was_loud:
            first = next(at for at, each in enumerate(samples) if each >= LOUD)
            age_s = (now + first / SAMPLE_RATE) % 1.0
            self._tell("stroke", ms=round(age_s * 1000))
        if self._is_hearing:
            self._was_loud = is_loud

    def close(self) -> None:
        """Let nothing go; there is no speaker."""


class Eye:
    """Tells the first picture, and each time that it stood still for too long."""

    FROZEN_S = 0.5

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._at: float | None = None
        self.count = 0

    def show(self, picture: object) -> None:
        """See a picture."""
        del picture
        now = time.monotonic()
        self.count += 1
        if self._at is None:
            self._tell("sees")
        elif now - self._at > self.FROZEN_S:
            self._tell("froze", seconds=round(now - self._at, 2))
        self._at = now

    def close(self) -> None:
        """Let nothing go; there is no window."""


assert len(_HUM) == len(_STROKE) == FRAME_BYTES
