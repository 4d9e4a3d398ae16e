"""How loud sound is, and making it louder.

Rules. Levels are in dBFS: 0 is the loudest that 16 bits hold, -90 next to nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

FLOOR_DB = -96.0
"""What silence is called; one bit of 16 is -90."""
FALL_DB_S = 20.0
"""How fast a peak falls: the IEC 60268-10 type I meter's 20 dB in 1.7 s is too slow to
follow syllables, and nothing at all too restless to be read."""
FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Level:
    """How loud it is now: the highest sample, falling slowly, and the mean power."""

    peak_db: float
    rms_db: float


class Meter:
    """Follows the level of one stream."""

    def __init__(self) -> None:
        """Begin with silence."""
        self.level = Level(FLOOR_DB, FLOOR_DB)

    def add(self, pcm: bytes) -> None:
        """Take the next sound, s16 mono at 48 kHz, of any length."""
        if not pcm:
            return
        samples = np.frombuffer(pcm, np.int16).astype(np.float32)
        loudest = float(np.abs(samples).max())
        power = float(np.dot(samples, samples)) / len(samples)
        fallen = self.level.peak_db - FALL_DB_S * len(samples) / 48_000
        self.level = Level(max(decibel(loudest), fallen), decibel(math.sqrt(power)))


class Gain:
    """Makes sound louder or softer by a factor; what is too loud is cut off."""

    def __init__(self, db: float = 0.0) -> None:
        """Begin with so many dB."""
        self.db = db

    @property
    def db(self) -> float:
        """The gain in dB; 0 changes nothing and costs nothing."""
        return self._db

    @db.setter
    def db(self, db: float) -> None:
        self._db = db
        self._factor = 10 ** (db / 20)

    def apply(self, pcm: bytes) -> bytes:
        """Change s16 samples by it."""
        if self._db == 0.0:
            return pcm
        louder = np.frombuffer(pcm, np.int16) * self._factor
        made: bytes = np.rint(louder).clip(-32768, 32767).astype(np.int16).tobytes()
        return made


def decibel(amplitude: float) -> float:
    """Give an amplitude of s16 samples in dBFS, `FLOOR_DB` at least."""
    if amplitude <= 0:
        return FLOOR_DB
    return max(20 * math.log10(amplitude / FULL_SCALE), FLOOR_DB)
