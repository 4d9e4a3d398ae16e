"""How speech sounds after a call, as numbers: PESQ wide band and STOI.

Segments of 8 s, for STOI of 2 s, after the first 3 s in which a call still learns its
path. Each is aligned by itself, as delay may change within a call, and brought to
16 kHz and to the same peak: both measures want so.
"""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 48_000
SKIPPED_S, SEGMENT_S = 3, 8
MOMENT_S = 2
"""STOI compares moment by moment, so that a delay that changed within a segment, which
nobody hears, would count as if nothing could be understood. PESQ aligns by itself."""
LATEST_S = 0.5
"""More delay than that between mouth and ear is not searched for."""
_DOWN = 3  # 48 kHz to 16 kHz

Sound = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of all segments together.

    Attributes:
        pesq: mean, 1.0 to 4.64.
        worst_pesq: of the worst segment.
        stoi: mean, 0 to 1.
        worst_stoi: of the worst moment.
    """

    pesq: float
    worst_pesq: float
    stoi: float
    worst_stoi: float


def speech() -> Sound:
    """Give the 30 s of speech that the project has made for this, 48 kHz mono."""
    path = Path(__file__).parents[2] / "frozen" / "speech" / "speech.flac"
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype(np.int16)


def score(said: Sound, heard: Sound) -> Scores:
    """Score what was heard against what was said, both at 48 kHz.

    Skips the test where `pesq`, `pystoi` or `scipy` is not installed.
    """
    pesq = pytest.importorskip("pesq", reason="pesq is not installed")
    pystoi = pytest.importorskip("pystoi", reason="pystoi is not installed")
    pesqs = [
        pesq.pesq(16_000, clean, played, "wb")
        for clean, played in _segments(said, heard, SEGMENT_S)
    ]
    stois = [
        pystoi.stoi(clean, played, 16_000)
        for clean, played in _segments(said, heard, MOMENT_S)
    ]
    return Scores(
        pesq=float(np.mean(pesqs)),
        worst_pesq=float(min(pesqs)),
        stoi=float(np.mean(stois)),
        worst_stoi=float(min(stois)),
    )


def _segments(
    said: Sound, heard: Sound, seconds: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    size, room = seconds * RATE, int(LATEST_S * RATE)
    pairs = []
    for start in range(SKIPPED_S * RATE, len(said) - size + 1, size):
        clean = said[start : start + size].astype(np.float64)
        around = heard[start : start + size + room].astype(np.float64)
        around = np.pad(around, (0, size + room - len(around)))
        lag = _delay(clean, around)
        pairs.append((_prepared(clean), _prepared(around[lag : lag + size])))
    return pairs


def _delay(clean: NDArray[np.float64], around: NDArray[np.float64]) -> int:
    """Find by how many samples sound came later than it was said."""
    length = 1 << (len(clean) + len(around)).bit_length()
    spectrum = np.fft.rfft(around, length) * np.conj(np.fft.rfft(clean, length))
    likeness = np.fft.irfft(spectrum, length)[: len(around) - len(clean) + 1]
    return int(np.argmax(likeness))


def _prepared(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring a segment to 16 kHz and a peak of 1."""
    signal = pytest.importorskip("scipy.signal", reason="scipy is not installed")
    down = signal.resample_poly(sound, 1, _DOWN)
    return np.asarray(down / max(np.abs(down).max(), 1e-9), np.float64)
