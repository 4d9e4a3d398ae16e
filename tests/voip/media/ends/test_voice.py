"""What voice processing takes out, on speech of the demo: figures, not impressions."""

import math
import sys
from importlib import resources

import numpy as np
import numpy.typing as npt
import pytest

from voip.errors import MissingError
from voip.media.ends.files import read_sound
from voip.media.ends.remember import VoiceSettings
from voip.media.ends.voice import BLOCK_BYTES, Voice
from voip.media.sources import SAMPLE_RATE

Sound = npt.NDArray[np.float64]

SETTLE = 2 * SAMPLE_RATE  # samples; what the canceller may take to find the echo
ALONE = VoiceSettings(noise=False, gain=False)


@pytest.fixture(autouse=True)
def _library() -> None:
    pytest.importorskip("pywebrtc_audio", reason="the extra `devices` is not installed")


def speech(name: str) -> Sound:
    with resources.as_file(resources.files("cli.demo_media") / f"{name}.ogg") as path:
        return np.frombuffer(read_sound(path), np.int16).astype(np.float64)


def echo(played: Sound, delay_ms: float, *, loudness: float = 0.5) -> Sound:
    """What a microphone hears of a speaker: the sound, and once more from a wall."""
    heard = np.zeros(len(played))
    for extra_ms, part in ((0, loudness), (10, loudness / 3)):
        delay = round((delay_ms + extra_ms) * SAMPLE_RATE / 1000)
        heard[delay:] += part * played[:-delay]
    return heard


def run(
    voice: Voice, heard: Sound, played: Sound, *, bursts: int = 1, ppm: float = 0
) -> Sound:
    """Give the voice both, 10 ms at a time; the speaker in bursts and off the clock."""
    near, far = (each.astype(np.int16).tobytes() for each in (heard, played))
    cleaned = []
    given = 0
    for at in range(0, len(near), bursts * BLOCK_BYTES):
        due = at * (1 + ppm / 1e6) + bursts * BLOCK_BYTES
        while given + BLOCK_BYTES <= due:
            voice.played(far[given : given + BLOCK_BYTES])
            given += BLOCK_BYTES
        cleaned.append(voice.clean(near[at : at + bursts * BLOCK_BYTES]))
    return np.frombuffer(b"".join(cleaned), np.int16).astype(np.float64)


def reduction_db(before: Sound, after: Sound) -> float:
    before = before[SETTLE : len(after)]
    return 10 * math.log10(np.mean(before**2) / (np.mean(after[SETTLE:] ** 2) + 1e-9))


@pytest.mark.parametrize("settings", [VoiceSettings(), ALONE], ids=["all", "alone"])
@pytest.mark.parametrize("delay_ms", [30, 50, 120])
def test_an_echo_is_taken_out(delay_ms: int, settings: VoiceSettings) -> None:
    played = speech("alice")
    heard = echo(played, delay_ms)
    cleaned = run(Voice(settings, with_speaker=True), heard, played)

    assert reduction_db(heard, cleaned) >= 25


def test_callbacks_may_come_in_bursts() -> None:
    played = speech("alice")
    heard = echo(played, 50)
    cleaned = run(Voice(ALONE, with_speaker=True), heard, played, bursts=2)

    assert reduction_db(heard, cleaned) >= 25


@pytest.mark.parametrize("ppm", [-300, 300])
def test_two_devices_may_have_two_clocks(ppm: int) -> None:
    played = np.tile(speech("alice"), 3)
    at = np.arange(len(played)) * (1 + ppm / 1e6)
    heard = np.interp(at, np.arange(len(played)), echo(played, 60))
    cleaned = run(Voice(ALONE, with_speaker=True), heard, played, ppm=ppm)

    assert reduction_db(heard, cleaned) >= 15


def test_who_speaks_meanwhile_is_heard() -> None:
    played, said = np.tile(speech("alice"), 2), np.tile(speech("bob"), 2) / 2
    size = min(len(played), len(said))
    heard = echo(played, 50)[:size] + said[:size]
    cleaned = run(Voice(ALONE, with_speaker=True), heard, played)

    assert likeness(said, cleaned) > likeness(said, heard) + 0.1


def likeness(said: Sound, heard: Sound) -> float:
    """Correlate at the best delay up to 20 ms."""
    size = len(heard) - SETTLE - 960
    wanted = said[SETTLE : SETTLE + size]
    return max(
        float(np.corrcoef(wanted, heard[SETTLE + lag : SETTLE + lag + size])[0, 1])
        for lag in range(0, 960, 8)
    )


@pytest.mark.parametrize(
    ("settings", "with_speaker"),
    [
        (VoiceSettings(headphones=True), True),
        (VoiceSettings(echo=False), True),
        (VoiceSettings(), False),
    ],
    ids=["headphones", "switched off", "no speaker"],
)
def test_an_echo_that_cannot_be_is_not_sought(
    settings: VoiceSettings, *, with_speaker: bool
) -> None:
    assert not Voice(settings, with_speaker=with_speaker).cancels_echo


def test_with_headphones_what_is_played_does_not_matter() -> None:
    settings = VoiceSettings(noise=False, gain=False, high_pass=False, headphones=True)
    said = speech("bob")
    cleaned = run(Voice(settings, with_speaker=True), said, speech("alice"))

    assert likeness(said, cleaned) > 0.95


def test_noise_is_taken_out() -> None:
    noise = np.random.default_rng(1).normal(0, 300, 5 * SAMPLE_RATE)
    settings = VoiceSettings(gain=False)
    cleaned = run(Voice(settings, with_speaker=False), noise, noise)

    assert reduction_db(noise, cleaned) >= 5


def test_a_quiet_voice_is_made_louder() -> None:
    quiet = np.tile(speech("bob"), 2) / 30
    cleaned = run(Voice(VoiceSettings(), with_speaker=False), quiet, quiet)

    assert reduction_db(quiet, cleaned) < -6


@pytest.mark.parametrize("size", [2, 480, 1000, 4096])
def test_odd_block_sizes_lose_nothing(size: int) -> None:
    voice = Voice(VoiceSettings(), with_speaker=True)
    pcm = bytes(size)
    given = sum(len(voice.clean(pcm)) for _ in range(100))

    assert 100 * size - BLOCK_BYTES < given <= 100 * size
    assert given % BLOCK_BYTES == 0


def test_without_the_library_headphones_are_advised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)

    with pytest.raises(MissingError, match="no echo cancellation: use headphones"):
        Voice(VoiceSettings(), with_speaker=True)
