"""Sound made shorter or longer without a change of pitch, by one period of the voice.

Sound is signed 16-bit mono at 48 kHz, 960 samples a frame. What is taken out or put in
is as long as the lag at which the frame resembles itself most, and a cross-fade covers
the seam (WSOLA: Verhelst and Roelands, ICASSP 1993).
"""

import numpy as np
from numpy.typing import NDArray

FRAME = 960
WINDOW = 480
"""10 ms: a period of the deepest voices, and what a cross-fade takes."""
LEAST_LAG, MOST_LAG = 120, 480
"""2.5 to 10 ms: periods of 400 to 100 Hz. A shorter step is not worth its seam, and a
longer one does not fit into a frame beside the window."""
RESEMBLANCE = 0.8
"""Normalised correlation from which on the seam is not heard in speech."""
QUIET_RMS = 150.0
"""47 dB under full scale: pauses and room noise, in which no seam is heard at all."""

_RISE = np.linspace(0.0, 1.0, WINDOW, dtype=np.float32)
_FALL = 1 - _RISE


def is_quiet(frame: bytes) -> bool:
    """Tell whether a change of a frame's length is not heard, whatever it is."""
    sound = _samples(frame)
    return float(np.dot(sound, sound)) < QUIET_RMS**2 * FRAME


def shorten(frame: bytes, wish: int) -> bytes | None:
    """Take one period of 2.5 to 10 ms out of a frame; None if it would be heard.

    `wish` is by how many samples it should be shorter, which only a quiet frame obeys.
    """
    sound = _samples(frame)
    lag = _period(sound, wish)
    if lag is None:
        return None
    seam = _fade(sound[:WINDOW], sound[lag : lag + WINDOW])
    return seam + frame[2 * (lag + WINDOW) :]


def lengthen(frame: bytes, wish: int) -> bytes | None:
    """Repeat one period of 2.5 to 10 ms of a frame; None if it would be heard.

    `wish` is by how many samples it should be longer, which only a quiet frame obeys.
    """
    sound = _samples(frame)
    lag = _period(sound, wish)
    if lag is None:
        return None
    seam = _fade(sound[lag : lag + WINDOW], sound[:WINDOW])
    return frame[: 2 * lag] + seam + frame[2 * WINDOW :]


def cross_fade(old: bytes, new: bytes) -> bytes:
    """Begin `new` with its first 10 ms faded in over those of `old` faded out."""
    seam = _fade(_samples(old)[:WINDOW], _samples(new)[:WINDOW])
    return seam + new[2 * WINDOW :]


def _samples(frame: bytes) -> NDArray[np.float32]:
    return np.frombuffer(frame, "<i2").astype(np.float32)


def _fade(old: NDArray[np.float32], new: NDArray[np.float32]) -> bytes:
    return np.rint(old * _FALL + new * _RISE).astype("<i2").tobytes()


def _period(sound: NDArray[np.float32], wish: int) -> int | None:
    """Find the lag at which a frame goes on most as it began; None if at none."""
    energy = np.concatenate(([0.0], np.cumsum(np.square(sound, dtype=np.float64))))
    lags = slice(LEAST_LAG, MOST_LAG + 1)
    if energy[FRAME] < QUIET_RMS**2 * FRAME:
        return min(max(wish, LEAST_LAG), MOST_LAG)
    windows = (energy[WINDOW:] - energy[:-WINDOW])[lags]
    products = np.correlate(sound[LEAST_LAG:], sound[:WINDOW])
    resemblance = products / np.sqrt(windows * energy[WINDOW] + 1.0)  # 1: no 0
    best = int(np.argmax(resemblance))
    return LEAST_LAG + best if resemblance[best] >= RESEMBLANCE else None
