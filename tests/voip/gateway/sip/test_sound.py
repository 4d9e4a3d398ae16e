"""A telephone's sound, made into ours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.sip.sound import Widened
from voip.media.sources import FRAME_BYTES, SILENCE


def tone(hertz: float, rate: int, frames: int = 50) -> bytes:
    at = np.arange(rate // 50 * frames)
    made = np.rint(8000 * np.sin(2 * np.pi * hertz * at / rate)).astype("<i2")
    return bytes(made)


def widened(hertz: float) -> np.ndarray:
    narrow, one = tone(hertz, 8000), Widened()
    wide = b"".join(
        one.take(narrow[at : at + 320]) for at in range(0, len(narrow), 320)
    )
    return np.frombuffer(wide, "<i2")[4800:].astype(float)


def spectrum(samples: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples))))


def test_nothing_is_silence() -> None:
    assert Widened().take(b"") == SILENCE


def test_sound_of_our_form_stays_as_it_is() -> None:
    assert Widened().take(b"ab" * 960) == b"ab" * 960


def test_two_channels_become_their_middle() -> None:
    both = np.tile(np.array([300, -100], "<i2"), 960).tobytes()

    assert Widened().take(both) == np.full(960, 100, "<i2").tobytes()


def test_two_loud_channels_do_not_overflow() -> None:
    both = np.full(1920, 32767, "<i2").tobytes()

    assert Widened().take(both) == np.full(960, 32767, "<i2").tobytes()


@pytest.mark.parametrize("hertz", [300, 1000, 3400])
def test_a_telephone_tone_keeps_its_pitch_and_loudness(hertz: int) -> None:
    samples = widened(hertz)
    found = np.argmax(spectrum(samples)) * 48000 / len(samples)

    assert found == pytest.approx(hertz, abs=2)
    assert samples.std() == pytest.approx(8000 / 2**0.5, rel=0.15)


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_images_above_the_band_are_60_db_down(hertz: int) -> None:
    samples = widened(hertz)
    lines = spectrum(samples)
    image = round((8000 - hertz) * len(samples) / 48000)

    assert lines[image - 20 : image + 20].max() < lines.max() / 1000


def test_frames_join_without_a_step() -> None:
    samples = widened(400)

    assert np.abs(np.diff(samples)).max() < 8000 * 2 * np.pi * 400 / 48000 * 1.05


@given(st.binary(min_size=320, max_size=320))
def test_any_narrow_frame_gives_a_frame(pcm: bytes) -> None:
    assert len(Widened().take(pcm)) == FRAME_BYTES


def test_another_size_is_refused() -> None:
    with pytest.raises(MalformedError, match="no 20 ms of sound has 7 bytes"):
        Widened().take(bytes(7))
