import numpy as np
import pytest

from voip.media.ends.trial import (
    LIKE,
    MicrophoneTrial,
    Verdict,
    judge_loop,
    judge_microphone,
)
from voip.media.pattern import Sweep, Tone
from voip.media.sources import SILENCE


def tone(amplitude: float) -> bytes:
    source = Tone(amplitude=amplitude)
    return b"".join(source.read() for _ in range(50))


def sweep() -> bytes:
    source = Sweep(seconds=1.0)
    return b"".join(source.read() for _ in range(50))


@pytest.mark.parametrize(
    ("amplitude", "verdict"),
    [
        (0.0, Verdict.DEAD),
        (0.0005, Verdict.SILENT),
        (0.01, Verdict.QUIET),
        (0.3, Verdict.GOOD),
        (1.0, Verdict.LOUD),
    ],
)
def test_a_microphone_is_judged_by_its_loudest(
    amplitude: float, verdict: Verdict
) -> None:
    assert judge_microphone(tone(amplitude)).verdict is verdict


def test_a_recording_of_nothing_is_dead() -> None:
    assert judge_microphone(b"") == MicrophoneTrial(-96.0, -96.0, Verdict.DEAD)


def test_levels_are_told() -> None:
    trial = judge_microphone(tone(0.5))

    assert (trial.peak_db, trial.rms_db) == pytest.approx((-6.0, -9.0), abs=0.1)


@pytest.mark.parametrize("loudness", [0.02, -0.5])
def test_a_sweep_is_heard_again_with_its_delay(loudness: float) -> None:
    random = np.random.default_rng(1)
    played = np.frombuffer(sweep(), np.int16)
    heard = random.normal(0, 50, 2 * len(played))
    heard[3000 : 3000 + len(played)] += loudness * played
    trial = judge_loop(sweep(), heard.astype(np.int16).tobytes())

    assert trial.delay_ms == pytest.approx(62.5, abs=0.1)
    assert 0.8 < trial.likeness <= 1


def test_noise_is_no_sweep() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(0, 500, 2 * 48_000).astype(np.int16)
    trial = judge_loop(sweep(), noise.tobytes())

    assert trial.delay_ms is None
    assert trial.likeness < 0.05


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (sweep(), SILENCE * 100),
        (SILENCE, sweep()),
        (sweep(), SILENCE),
        (b"", b""),
        (sweep()[:1920], SILENCE * 3 + b"\1\0"),
    ],
    ids=["deaf", "dumb", "short", "nothing", "one sample"],
)
def test_what_was_not_heard_has_no_delay(played: bytes, heard: bytes) -> None:
    trial = judge_loop(played, heard)

    assert trial.delay_ms is None
    assert trial.likeness < LIKE
