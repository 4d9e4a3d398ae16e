"""How alike two sounds are: did what was said arrive.

A call delays sound, starts in its middle and codes it with loss, so bytes cannot be
compared. What can be is the waveform: find the delay, then correlate. `demo`, `doctor`
and the tests use the figure.
"""

import cmath
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, mul, sub
from typing import Any

import numpy as np

from voip.errors import MalformedError
from voip.media.sources import SAMPLE_RATE

RATE = 8000
"""Samples a second that are compared: telephone bandwidth, where speech's energy is."""
_DIVIDE = 6  # 48 kHz to RATE
_PIECE_S = 0.3  # shorter, and any vowel is like any other
_STRAY_S = 0.25  # how far a stretched sound is from its delay; a buffer holds less
_LEAST = RATE // 10  # an overlap under 100 ms says nothing


@dataclass(frozen=True, slots=True)
class Similarity:
    """What came of a comparison.

    `correlation` is -1 to 1 (1: the same up to volume; 0: nothing in common, or one of
    the two silent); `lag_s` is how many seconds the received sound is behind.
    """

    correlation: float
    lag_s: float


def similarity(sent: bytes, received: bytes, *, max_lag_s: float = 1.0) -> Similarity:
    """Correlate two sounds at the delay that suits them best.

    Both are signed 16-bit mono at 48 kHz; delays from -`max_lag_s` to
    `max_lag_s` are tried, as long as they leave half of the shorter sound to compare.
    Trying each delay on each sample would take minutes, so a Fourier transform at 4 kHz
    finds the delay and only its neighbours are tried in full: half a second for 6 s of
    sound.

    Raises:
        MalformedError: half a sample in either sound.
    """
    a = _thin(_samples(sent), _DIVIDE)
    # A delay is no whole number of thinned samples; each remainder is tried as well.
    heard = _samples(received)
    shifted = [_thin(heard[shift:], _DIVIDE) for shift in range(_DIVIDE)]
    b = shifted[0]
    if min(len(a), len(b)) < _LEAST:
        return Similarity(0.0, 0.0)
    least = max(_LEAST, min(len(a), len(b)) // 2)
    span = round(max_lag_s * RATE)
    lags = range(max(-span, least - len(a)), min(span, len(b) - least) + 1)
    delay = 2 * _delay(a, b, range(lags.start // 2, (lags.stop + 1) // 2))
    near = [lag for lag in range(delay - 2, delay + 3) if lag in lags]
    delay = max(near, key=lambda lag: _correlation(*_overlap(a, b, lag)))
    correlation, finest = max(
        (_correlation(*_overlap(a, shifted[shift], lag)), lag * _DIVIDE + shift)
        for lag in (delay - 1, delay)
        if lag in lags
        for shift in range(_DIVIDE)
    )
    return Similarity(correlation, finest / SAMPLE_RATE)


def similarity_of_pieces(
    sent: bytes, received: bytes, *, max_lag_s: float = 1.0
) -> Similarity:
    """Compare a sound that was stretched here and there on its way.

    A receiver shortens and lengthens what it plays by some milliseconds, so each piece
    of what was received has a delay of its own, near the one that `similarity` finds.
    Gives that one, and the mean correlation of the pieces, louder ones counting more.

    Raises:
        MalformedError: half a sample in either sound.
    """
    whole = similarity(sent, received, max_lag_s=max_lag_s)
    a, b = (
        np.array(_thin(_samples(each), _DIVIDE), dtype=float)
        for each in (sent, received)
    )
    size, reach = round(_PIECE_S * RATE), round(_STRAY_S * RATE)
    found, weights = [0.0], [0.0]
    for start in range(0, len(b) - size, size):
        piece = b[start : start + size]
        first = max(0, start - round(whole.lag_s * RATE) - reach)
        found.append(_best(a[first : first + size + 2 * reach], piece))
        weights.append(float(np.sum((piece - piece.mean()) ** 2)))
    if not sum(weights):
        return Similarity(0.0, whole.lag_s)
    return Similarity(float(np.average(found, weights=weights)), whole.lag_s)


def _best(region: "np.ndarray[Any, Any]", piece: "np.ndarray[Any, Any]") -> float:
    """Give Pearson's coefficient where the piece fits best into a region."""
    size = len(piece)
    if len(region) < size:
        return 0.0
    piece = piece - piece.mean()
    sums = np.concatenate(([0.0], np.cumsum(region)))
    squares = np.concatenate(([0.0], np.cumsum(region**2)))
    means = (sums[size:] - sums[:-size]) / size
    spreads = squares[size:] - squares[:-size] - size * means**2
    scale = np.sqrt(np.maximum(spreads, 1.0) * max(float(piece @ piece), 1.0))
    return float(np.max(np.correlate(region, piece, mode="valid") / scale))


def _samples(pcm: bytes) -> Sequence[int]:
    if len(pcm) % 2:
        raise MalformedError(f"16-bit samples make an even length, got {len(pcm)}")
    return struct.unpack(f"={len(pcm) // 2}h", pcm)


def _thin(samples: Sequence[int], divide: int) -> list[int]:
    """Lower the rate; adding up neighbours is filter enough for a figure."""
    return list(map(sum, zip(*[iter(samples)] * divide, strict=False)))


def _delay(a: Sequence[int], b: Sequence[int], lags: range) -> int:
    """Find how far `b` is behind `a`, in samples of half the rate.

    The two are one complex signal, so that one transform does for both; the product of
    their spectra turns back into the correlation at every delay.
    """
    half_a, half_b = _thin(a, 2), _thin(b, 2)
    size = 1 << (len(half_a) + len(half_b)).bit_length()
    half_a += [0] * (size - len(half_a))
    half_b += [0] * (size - len(half_b))
    turns = [cmath.exp(-2j * math.pi * index / size) for index in range(size // 2)]
    both = _transform(list(map(complex, half_a, half_b)), turns)
    mirrored = [z.conjugate() for z in (both[0], *both[:0:-1])]
    # With Z = A + iB and Z' its mirror: A = (Z + Z')/2, B = (Z - Z')/2i. Wanted is
    # conj(A) B; the transform of its conjugate is the inverse, up to scale.
    product = [
        (z + m) * ((z - m) * -1j).conjugate()
        for z, m in zip(both, mirrored, strict=True)
    ]
    shared = _transform(product, turns)
    return max(lags, key=lambda lag: shared[lag % size].real)


def _transform(signal: list[complex], turns: list[complex]) -> list[complex]:
    """Fourier transform of a power of two, by halves; `turns` are half the roots."""
    if len(signal) == 1:
        return signal
    even = _transform(signal[::2], turns[::2])
    odd = list(map(mul, _transform(signal[1::2], turns[::2]), turns))
    return [*map(add, even, odd), *map(sub, even, odd)]


def _overlap(
    a: Sequence[int], b: Sequence[int], lag: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Return what lies opposite each other when `b` is `lag` samples behind."""
    start = max(0, -lag)
    end = max(start, min(len(a), len(b) - lag))
    return a[start:end], b[start + lag : end + lag]


def _correlation(a: Sequence[int], b: Sequence[int]) -> float:
    """Return Pearson's coefficient; 0 where either side does not change at all."""
    count, sum_a, sum_b = len(a), sum(a), sum(b)
    spread_a = count * sum(map(mul, a, a)) - sum_a * sum_a
    spread_b = count * sum(map(mul, b, b)) - sum_b * sum_b
    if not spread_a or not spread_b:
        return 0.0
    shared = count * sum(map(mul, a, b)) - sum_a * sum_b
    # Rounding may leave a hair over 1.
    found: float = shared / math.sqrt(spread_a) / math.sqrt(spread_b)
    return max(-1.0, min(1.0, found))
