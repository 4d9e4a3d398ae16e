import struct

import pytest

from voip.media.ends.meter import FALL_DB_S, FLOOR_DB, Gain, Level, Meter, decibel
from voip.media.pattern import Tone
from voip.media.sources import SILENCE


def test_a_meter_begins_with_silence() -> None:
    meter = Meter()
    meter.add(b"")
    meter.add(SILENCE)

    assert meter.level == Level(FLOOR_DB, FLOOR_DB)


def test_half_of_full_scale_is_6_db_down_and_a_sine_3_more() -> None:
    meter = Meter()
    tone = Tone(amplitude=0.5)
    for _ in range(5):
        meter.add(tone.read())

    assert meter.level.peak_db == pytest.approx(-6.0, abs=0.1)
    assert meter.level.rms_db == pytest.approx(-9.0, abs=0.1)


def test_a_peak_falls_slowly_and_power_at_once() -> None:
    meter = Meter()
    meter.add(Tone(amplitude=0.5).read())
    peak = meter.level.peak_db
    for _ in range(50):
        meter.add(SILENCE)

    assert meter.level.peak_db == pytest.approx(peak - FALL_DB_S)
    assert meter.level.rms_db == FLOOR_DB


def test_a_gain_of_nothing_changes_nothing() -> None:
    assert Gain().apply(b"ab") == b"ab"


def test_6_db_are_twice_the_amplitude() -> None:
    gain = Gain(6.0206)

    assert struct.unpack("=2h", gain.apply(struct.pack("=2h", 100, -7))) == (200, -14)


def test_what_becomes_too_loud_is_cut_off() -> None:
    gain = Gain()
    gain.db = 20

    assert gain.db == 20
    assert struct.unpack("=2h", gain.apply(struct.pack("=2h", 9000, -9000))) == (
        32767,
        -32768,
    )


def test_no_sound_at_all_is_the_floor() -> None:
    assert (decibel(0.0), decibel(0.1), decibel(32768.0)) == (FLOOR_DB, FLOOR_DB, 0.0)
