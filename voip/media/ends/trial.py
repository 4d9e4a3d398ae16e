"""What a test of microphone and speaker shows, and what to do about it.

Rules, for `ringfence doctor --sound`: two sounds go in, a finding comes out.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from voip.media.ends.meter import FLOOR_DB, decibel
from voip.media.sources import SAMPLE_RATE

SILENT_DB = -60.0
"""A room at night with an open microphone is louder; a muted one is not."""
QUIET_DB = -32.0
"""Speech whose peaks stay below this needs gain that lifts the room's noise, too."""
CLIPPED = 32700
"""From here on a sample counts as cut off; converters stop a little below the top."""
CLIPPED_SHARE = 1e-3
"""A part in a thousand cut off is heard as crackling."""

LIKE = 0.2
"""Correlation from which a sweep counts as heard again. A room colours it: 0.3 to 0.8
where it is heard, below 0.05 where it is not."""
MAX_LAG_S = 1.0
"""No device that is fit for a call is later."""

_Samples = npt.NDArray[np.float64]


class Verdict(Enum):
    """What became of the sound of a microphone; the value says what to do."""

    GOOD = ""
    DEAD = "it gives zeros: it is switched off, or the system keeps it from programs"
    SILENT = "speak during the test, unmute it, or choose another with --audio-in"
    QUIET = "turn it up in the system's settings, or come nearer"
    LOUD = "turn it down in the system's settings: it cuts off what is loud"


@dataclass(frozen=True, slots=True)
class MicrophoneTrial:
    """How a microphone sounded while somebody spoke.

    Attributes:
        peak_db: loudest sample in dBFS.
        rms_db: mean power in dBFS, pauses included.
        verdict: what to do.
    """

    peak_db: float
    rms_db: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LoopTrial:
    """Whether the microphone heard the speaker.

    Attributes:
        delay_ms: from playing to hearing, through both devices; None: not heard.
        likeness: correlation at that delay, 0 to 1.
    """

    delay_ms: float | None
    likeness: float


def judge_microphone(pcm: bytes) -> MicrophoneTrial:
    """Judge what was recorded while a person was asked to speak; s16 mono 48 kHz."""
    samples = _samples(pcm)
    if not np.any(samples):
        return MicrophoneTrial(FLOOR_DB, FLOOR_DB, Verdict.DEAD)
    loud = np.abs(samples)
    peak_db = decibel(float(loud.max()))
    rms_db = decibel(float(np.sqrt(np.mean(samples**2))))
    if peak_db < SILENT_DB:
        verdict = Verdict.SILENT
    elif peak_db < QUIET_DB:
        verdict = Verdict.QUIET
    elif np.mean(loud >= CLIPPED) > CLIPPED_SHARE:
        verdict = Verdict.LOUD
    else:
        verdict = Verdict.GOOD
    return MicrophoneTrial(peak_db, rms_db, verdict)


def judge_loop(played: bytes, heard: bytes) -> LoopTrial:
    """Look for what the speaker played in what the microphone heard.

    Both begin at the same time and are s16 mono 48 kHz; the second is the longer.
    """
    sent, came = _samples(played), _samples(heard)
    span = min(len(came) - len(sent), round(MAX_LAG_S * SAMPLE_RATE))
    if span < 0 or not np.any(sent) or not np.any(came):
        return LoopTrial(None, 0.0)
    size = 1 << (len(sent) + len(came)).bit_length()
    spectrum = np.fft.rfft(came, size) * np.conj(np.fft.rfft(sent, size))
    shared = np.fft.irfft(spectrum, size)[: span + 1]
    lag = int(np.argmax(np.abs(shared)))  # a speaker may turn the sign around
    power = np.dot(sent, sent) * np.dot(*[came[lag : lag + len(sent)]] * 2)
    likeness = float(abs(shared[lag]) / np.sqrt(power)) if power else 0.0
    if likeness < LIKE:
        return LoopTrial(None, likeness)
    return LoopTrial(1000 * lag / SAMPLE_RATE, likeness)


def _samples(pcm: bytes) -> _Samples:
    return np.frombuffer(pcm, np.int16).astype(np.float64)
