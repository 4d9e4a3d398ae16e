"""What is heard here while it rings there, if the exchange plays nothing itself.

Rules. ITU-T E.180 §5: a ringing tone of 400 to 450 Hz, of 0.67 to 1.5 s, and then 3 to
5 s of silence; 425 Hz, 1 s and 4 s, as most of Europe has it.
"""

import numpy as np

from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SILENCE

HERTZ = 425
"""Whole cycles in a second: the tone begins and ends at zero, without a click."""
LEVEL = 3277  # a tenth of full scale: a voice is louder
ON_FRAMES = 50
EVERY_FRAMES = 250

_RATE = ON_FRAMES * FRAME_SAMPLES  # samples of the second that is heard


def _second() -> bytes:
    at = np.arange(_RATE)
    tone = LEVEL * np.sin(2 * np.pi * HERTZ * at / _RATE)
    return bytes(np.rint(tone).astype("<i2"))


_SECOND = _second()


class Ringback:
    """The tone of one call."""

    def __init__(self) -> None:
        """Begin with the tone, not with the silence."""
        self._at = 0

    def take(self) -> bytes:
        """Give the next 20 ms: 48 kHz, one channel, 16 bit."""
        at, self._at = self._at, (self._at + 1) % EVERY_FRAMES
        if at >= ON_FRAMES:
            return SILENCE
        return _SECOND[at * FRAME_BYTES : (at + 1) * FRAME_BYTES]
