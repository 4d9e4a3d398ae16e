from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.quality.samples import GOOD, speech
from voip.media.quality.judgement import Judgement, Word, judge


def _judged(**changes: float | str | None) -> Judgement:
    judgement = judge(speech(**changes))
    assert judgement is not None
    return judgement


def test_a_call_on_a_good_path_is_excellent_and_blames_nothing() -> None:
    judgement = judge(GOOD)

    assert judgement is not None
    assert (judgement.word, judgement.blame) == (Word.EXCELLENT, "")


def test_the_delay_counts_coding_devices_waiting_and_half_a_round_trip() -> None:
    assert _judged(hold_ms=30.0).delay_ms == pytest.approx(26.5 + 20.0 + 30.0 + 20.0)


def test_missing_sound_is_blamed() -> None:
    judgement = _judged(concealed=0.05)

    assert judgement.word is Word.BAD
    assert judgement.blame == "5% of the sound is missing"


def test_a_long_wait_is_blamed() -> None:
    judgement = _judged(hold_ms=350.0)

    assert judgement.blame == "416 ms from mouth to ear"


def test_a_low_bit_rate_is_blamed() -> None:
    judgement = _judged(bit_rate=16_000)

    assert judgement.word is Word.GOOD
    assert judgement.blame == "the path has little room"


def test_bursts_hurt_more_than_the_same_loss_at_random() -> None:
    assert _judged(concealed=0.03, run=4.0).rating < _judged(concealed=0.03).rating


def test_nothing_is_said_of_a_call_without_sound() -> None:
    assert judge(replace(GOOD, audio=None)) is None


def test_nothing_is_said_before_sound_came() -> None:
    assert judge(speech(bit_rate=0)) is None


def test_an_unknown_round_trip_counts_as_none() -> None:
    judgement = judge(replace(GOOD, round_trip_ms=None))

    assert judgement is not None
    assert judgement.delay_ms == pytest.approx(76.5)


@given(
    concealed=st.floats(0, 1),
    run=st.floats(0, 100),
    hold_ms=st.floats(0, 10_000),
)
def test_a_rating_is_never_outside_its_scale(
    concealed: float, run: float, hold_ms: float
) -> None:
    assert 0 <= _judged(concealed=concealed, run=run, hold_ms=hold_ms).rating <= 100
