"""How speech sounds after a link that loses, in virtual time, with real Opus."""

from functools import cache

import numpy as np
import pytest

from tests.voip.media.link import DOWN, Conditions
from tests.voip.media.scores import Scores, Sound, score, speech
from tests.voip.media.talk import Heard, talk
from voip.media.audio.states import AudioState

LOSS_AT = 20.003  # a moment at which no packet is under way
SPIKE = Conditions(delay_s=0.17)
CALM = Conditions()

_NEAR = 0.1
"""Of another version of libopus, or another seed, PESQ tells no more than that."""
_COLUMNS = {
    "0%": Conditions(),
    "1%": Conditions(loss=0.01),
    "5%": Conditions(loss=0.05),
    "10%": Conditions(loss=0.1),
    "20%": Conditions(loss=0.2),
    "30%": Conditions(loss=0.3),
    "5% in bursts": Conditions(loss=0.05, run=4),
    "10% in bursts": Conditions(loss=0.1, run=4),
}
TABLE = {
    AudioState.N1: (4.08, 4.06, 3.99, 3.70, 2.60, 2.00, 2.98, 2.33),
    AudioState.N2: (4.22, 4.21, 4.09, 4.20, 3.82, 3.24, 3.22, 2.66),
    AudioState.N3: (4.22, 4.21, 4.09, 4.20, 4.16, 3.93, 3.32, 2.94),
    AudioState.N4: (4.22, 4.19, 4.13, 4.22, 3.77, 3.42, 3.61, 3.16),
    AudioState.N5: (4.22, 4.21, 4.00, 4.19, 3.99, 3.97, 3.72, 3.36),
    AudioState.S1: (4.22, 4.21, 4.13, 3.81, 2.68, 2.03, 3.09, 2.40),
    AudioState.S0: (4.00, 3.95, 3.72, 3.35, 2.41, 1.91, 2.87, 2.23),
    AudioState.S2: (3.53, 3.27, 2.36, 1.80, 1.38, 1.24, 2.35, 1.86),
}
"""PESQ of each state under each of `_COLUMNS`, as it was when this was written."""


@cache
def minute() -> Sound:
    """Give a minute of speech: the same words twice, of which others are lost."""
    said = speech()
    return np.concatenate((said, said))


def scored(heard: Heard) -> Scores:
    return score(minute(), heard.sound)


def test_without_loss_nothing_is_made_up() -> None:
    heard = talk(speech()[: 10 * 48_000], CALM)

    assert heard.made_up_s <= 0.03  # before the first word
    assert heard.states == [(1.0, AudioState.N1)]


def test_losses_bring_copies_and_little_is_made_up() -> None:
    heard = talk(speech()[: 10 * 48_000], Conditions(loss=0.1))

    assert heard.made_up_s < 0.3
    assert heard.mouth_to_ear_s < 0.11


def test_the_same_seed_gives_the_same_sound() -> None:
    said = speech()[: 2 * 48_000]
    first, second = (talk(said, Conditions(loss=0.1), seed=3) for _ in range(2))

    assert np.array_equal(first.sound, second.sound)


def back_after(heard: Heard, since: float) -> float:
    """Say how long after `since` the hold stays within 10 ms of its target."""
    off = [at for at, hold, to in heard.holds if at > since and abs(hold - to) > 0.01]
    return max(off, default=since) - since


@pytest.mark.slow
def test_one_lost_packet_costs_no_more_than_its_frame() -> None:
    script = ((LOSS_AT, DOWN), (LOSS_AT + 0.02, CALM))
    heard = talk(minute(), CALM, script=script, state=AudioState.S2)

    assert heard.made_up_s <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
def test_after_one_loss_the_hold_is_back_within_two_seconds(state: AudioState) -> None:
    script = ((LOSS_AT, DOWN), (LOSS_AT + 0.02, CALM))
    heard = talk(minute(), CALM, script=script, state=state)

    assert back_after(heard, LOSS_AT) <= 2.0


@pytest.mark.slow
def test_after_a_spike_the_hold_is_back_within_two_seconds() -> None:
    script = ((LOSS_AT, SPIKE), (LOSS_AT + 0.4, CALM))
    heard = talk(minute(), CALM, script=script)
    during = [hold for at, hold, _ in heard.holds if LOSS_AT < at < LOSS_AT + 1]
    after = [hold for at, hold, _ in heard.holds if at > LOSS_AT + 2.4]

    assert max(during) > 0.1
    assert max(after) < 0.04


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("loss", "bar"), [(0.05, 3.8), (0.1, 3.5), (0.2, 3.3)], ids=["5%", "10%", "20%"]
)
def test_speech_stays_clear_under_scattered_losses(
    loss: float, bar: float, seed: int
) -> None:
    heard = talk(minute(), Conditions(loss=loss), seed=seed)

    assert scored(heard).pesq >= bar
    assert heard.mouth_to_ear_s <= 0.11


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("loss", "bar"), [(0.05, 3.3), (0.1, 3.0)], ids=["5%", "10%"])
def test_speech_stays_clear_under_bursts_of_losses(
    loss: float, bar: float, seed: int
) -> None:
    heard = talk(minute(), Conditions(loss=loss, run=4), seed=seed)

    assert scored(heard).pesq >= bar
    assert heard.mouth_to_ear_s <= 0.15


@pytest.mark.slow
def test_speech_stays_clear_where_packets_overtake_each_other() -> None:
    heard = talk(minute(), Conditions(jitter_s=0.1, reorders=True))

    assert scored(heard).pesq >= 3.4
    assert heard.median_hold_s <= 0.12


@pytest.mark.slow
@pytest.mark.parametrize("clock", [0.9995, 1.0005])
def test_a_device_with_another_clock_hears_speech_without_a_gap(clock: float) -> None:
    heard = talk(minute(), CALM, clock=clock)

    assert heard.made_up_s <= 0.03
    assert scored(heard).pesq >= 3.7


@pytest.mark.slow
@pytest.mark.parametrize("column", range(len(_COLUMNS)), ids=list(_COLUMNS))
@pytest.mark.parametrize("state", TABLE, ids=lambda state: state.name)
def test_each_state_sounds_as_it_did(state: AudioState, column: int) -> None:
    conditions = list(_COLUMNS.values())[column]
    heard = talk(minute(), conditions, state=state)

    assert scored(heard).pesq == pytest.approx(TABLE[state][column], abs=_NEAR)
