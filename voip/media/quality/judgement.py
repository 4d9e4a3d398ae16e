"""How a call sounds, estimated from what the network did to it, in words.

The E-model of ITU-T G.107 in the form of Cole and Rosenbluth ("Voice over IP
performance monitoring", 2001): a rating R from 0 to 100, less for each thing that
hurts, and the words that G.107 Annex B gives it. It is an estimate: a microphone that
crackles, or a room that echoes, is not in it.
"""

from dataclasses import dataclass
from enum import Enum

from voip.media.quality.figures import MediaStats

CODING_MS = 20.0 + 6.5
"""A frame is spoken before it is sent, and Opus looks 6.5 ms ahead."""
DEVICES_MS = 20.0
"""What sound spends in a microphone and a speaker with periods of 10 ms."""

_BEST = 94.2  # G.107 with its default values: no loss, no delay
_ANNOYING_MS = 177.3  # from here on people begin to talk over each other
_ROBUSTNESS = 4.3
"""Packet-loss robustness: how well concealing hides a frame that is missing.

Set so that R falls as PESQ does in our own measurements (docs/benchmarks.md); G.107
lists 4.3 for a codec that fills gaps with silence, and the copies that repair most
losses are counted before, since only what was made up counts here.
"""
_COARSE_BPS = 20_000
_COARSE = 10.0
"""Impairment of Opus below `_COARSE_BPS`, fitted in the same way; above it is none."""


class Word(Enum):
    """The quality of speech as people call it (ITU-T P.800), best first."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    BAD = "bad"

    @classmethod
    def of(cls, rating: float) -> "Word":
        """Give the word for a rating R."""
        found = (word for word, least in _LEAST.items() if rating >= least)
        return next(found, cls.BAD)


_LEAST = {Word.EXCELLENT: 90.0, Word.GOOD: 80.0, Word.FAIR: 70.0, Word.POOR: 60.0}
"""The least R of each word: G.107 Annex B, table B.1."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one second of a call was like.

    Attributes:
        word: in one word.
        rating: R, from 0 to 100.
        delay_ms: from mouth to ear, estimated; the devices of both sides included.
        blame: what hurts most, as a part of a sentence; empty if nothing does.
    """

    word: Word
    rating: float
    delay_ms: float
    blame: str


def judge(stats: MediaStats) -> Judgement | None:
    """Estimate how the other side sounds; None while nothing of it came."""
    audio = stats.audio
    if audio is None or not audio.bit_rate:
        return None
    delay_ms = CODING_MS + DEVICES_MS + audio.hold_ms + (stats.round_trip_ms or 0) / 2
    late = _delay_impairment(delay_ms)
    missing = _loss_impairment(audio.concealed, audio.run)
    coarse = _COARSE if audio.bit_rate < _COARSE_BPS else 0.0
    rating = max(_BEST - late - missing - coarse, 0.0)
    blames = {
        f"{audio.concealed:.0%} of the sound is missing": missing,
        f"{delay_ms:.0f} ms from mouth to ear": late,
        "the path has little room": coarse,
    }
    blame, cost = max(blames.items(), key=lambda each: each[1])
    return Judgement(Word.of(rating), rating, delay_ms, blame if cost > 5.0 else "")


def _delay_impairment(delay_ms: float) -> float:
    return 0.024 * delay_ms + 0.11 * max(delay_ms - _ANNOYING_MS, 0.0)


def _loss_impairment(concealed: float, run: float) -> float:
    """G.107 §3.5: bursts hurt more than the same loss at random."""
    percent = 100 * concealed
    return 95.0 * percent / (percent / max(run, 1.0) + _ROBUSTNESS)
