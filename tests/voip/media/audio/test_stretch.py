"""A period of the voice less, or one more, and no seam."""

import numpy as np
import pytest

from voip.media.audio.stretch import cross_fade, is_quiet, lengthen, shorten

FRAME = 960
LOUD = 8000


def voice(hertz: float, level: int = LOUD) -> bytes:
    """Give a frame of a tone with one overtone, which a shorter lag does not fit."""
    phase = 2 * np.pi * hertz * np.arange(FRAME) / 48_000
    return ((np.sin(phase) + np.sin(2 * phase)) * level).astype("<i2").tobytes()


def noise(level: int) -> bytes:
    """Give a frame that resembles itself at no lag."""
    rng = np.random.default_rng(7)
    return rng.normal(0, level, FRAME).clip(-32768, 32767).astype("<i2").tobytes()


def steepest(frame: bytes) -> int:
    return int(np.abs(np.diff(np.frombuffer(frame, "<i2").astype(int))).max())


@pytest.mark.parametrize("hertz", [120, 200, 390])
def test_a_voiced_frame_loses_one_period(hertz: int) -> None:
    shorter = shorten(voice(hertz), 480)

    assert shorter is not None
    lost = FRAME - len(shorter) // 2
    periods = lost * hertz / 48_000
    assert periods == pytest.approx(round(periods), abs=0.02)


@pytest.mark.parametrize("hertz", [120, 200, 390])
def test_a_voiced_frame_gains_one_period(hertz: int) -> None:
    longer = lengthen(voice(hertz), 480)

    assert longer is not None
    gained = len(longer) // 2 - FRAME
    periods = gained * hertz / 48_000
    assert periods == pytest.approx(round(periods), abs=0.02)


@pytest.mark.parametrize("change", [shorten, lengthen])
def test_what_is_changed_has_no_seam(change: type[object]) -> None:
    frame = voice(150)
    changed = change(frame, 480)  # type: ignore[call-arg]  # a function, whose name is shown

    assert isinstance(changed, bytes)
    assert steepest(changed) <= steepest(frame) * 1.1


def test_both_ends_of_a_changed_frame_stay_where_they_were() -> None:
    frame = voice(150)
    shorter, longer = shorten(frame, 480), lengthen(frame, 480)

    assert shorter is not None
    assert longer is not None
    assert [each[:2] for each in (shorter, longer)] == [frame[:2]] * 2
    assert [each[-2:] for each in (shorter, longer)] == [frame[-2:]] * 2


def test_a_frame_that_resembles_itself_nowhere_is_left_alone() -> None:
    frame = noise(2000)

    assert (shorten(frame, 480), lengthen(frame, 480)) == (None, None)


@pytest.mark.parametrize(("wish", "lag"), [(1, 120), (200, 200), (900, 480)])
def test_a_quiet_frame_is_changed_by_what_is_wished(wish: int, lag: int) -> None:
    shorter, longer = shorten(noise(100), wish), lengthen(noise(100), wish)

    assert shorter is not None
    assert longer is not None
    assert (len(shorter), len(longer)) == (2 * (FRAME - lag), 2 * (FRAME + lag))


def test_a_pause_is_quiet_and_speech_is_not() -> None:
    assert is_quiet(noise(100))
    assert not is_quiet(voice(150, 2000))


def test_a_frame_that_ends_in_nothing_is_left_alone() -> None:
    frame = voice(150)[:960] + bytes(960)

    assert shorten(frame, 480) is None


def test_a_frame_that_begins_with_nothing_is_left_alone() -> None:
    frame = bytes(960) + voice(150)[:960]

    assert shorten(frame, 480) is None


def test_sound_at_full_scale_does_not_wrap() -> None:
    loudest = np.full(FRAME, 32767, "<i2").tobytes()

    assert cross_fade(loudest, loudest) == loudest


def test_a_cross_fade_begins_with_the_old_and_ends_with_the_new() -> None:
    old = np.full(FRAME, 1000, "<i2").tobytes()
    new = np.full(FRAME, -1000, "<i2").tobytes()
    faded = np.frombuffer(cross_fade(old, new), "<i2")

    assert faded[0] == 1000
    assert set(faded[480:]) == {-1000}
    assert (np.diff(faded.astype(int)) <= 0).all()
