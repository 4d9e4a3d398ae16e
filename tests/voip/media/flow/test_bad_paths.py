"""Whole calls on bad paths, in virtual time: sound lives, and pictures fit in.

The links are those of `tests/voip/media/link.py`: 20 ms one way and, where a rate is
limited, a queue of 300 ms that drops what does not fit.
"""

import itertools
import random

import pytest

from tests.voip.media.flow.calls import End, call
from tests.voip.media.link import DOWN, Conditions, Link
from tests.voip.media.world import World
from voip.media.audio.states import AudioState
from voip.media.flow.report import UNTIMED, Arrivals, Feedback

FREE = Conditions()
KBPS = 1000.0
MBPS = 1_000_000.0
STEPS = (
    (15.0, Conditions(rate=300 * KBPS)),
    (30.0, Conditions(rate=100 * KBPS)),
    (50.0, Conditions(rate=300 * KBPS)),
    (70.0, Conditions(rate=2 * MBPS)),
)


def _call(
    conditions: Conditions,
    *script: tuple[float, Conditions],
    seconds: float,
    seed: int = 1,
    both: bool = False,
    video: bool = True,
) -> End:
    """Let a call go its way; give the end whose sending was under `conditions`."""
    there = Link(conditions, seed, script)
    back = Link(conditions, seed + 1, script) if both else Link(FREE, seed + 1)
    world, caller, _ = call(there, back, seed=seed, video=video)
    world.run(seconds)
    return caller


def _states(end: End, since: float) -> set[str]:
    return {state for when, _, _, state in end.rates if when >= since}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_steps_of_the_rate_are_followed(seed: int) -> None:
    end = _call(Conditions(rate=2 * MBPS), *STEPS, seconds=101, seed=seed)

    assert end.slowest_s(17.0, 30.0) < 0.25
    assert end.slowest_s(32.0, 50.0) < 0.3  # pictures are tried, and given up
    assert end.lost(0.0, 100.0) < 0.01
    assert end.concealed(0.0, 100.0) < 0.03
    assert end.video_bps(8.0, 15.0) > 1.2 * MBPS
    assert end.video_bps(20.0, 30.0) > 0.1 * MBPS
    assert end.video_bps(90.0, 100.0) > 1.0 * MBPS


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_100_kbit_per_second_both_ways_speech_stays_clear(seed: int) -> None:
    end = _call(Conditions(rate=100 * KBPS), seconds=61, seed=seed, both=True)

    assert end.lost(0.0, 60.0) < 0.005
    assert end.concealed(0.0, 60.0) < 0.04
    assert "S2" not in _states(end, 0.0)


def test_at_60_kbit_per_second_the_call_lives() -> None:
    end = _call(Conditions(rate=60 * KBPS), seconds=31)

    assert end.lost(5.0, 30.0) < 0.1  # a larger state is tried, and given up
    assert _states(end, 5.0) <= {"S2", "S0"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_loss_leaves_most_of_the_rate(seed: int) -> None:
    lossy = _call(Conditions(rate=MBPS, loss=0.1), seconds=61, seed=seed)
    clean = _call(Conditions(rate=MBPS), seconds=61, seed=seed)

    assert lossy.video_bps(20.0, 60.0) > 0.7 * 0.9 * clean.video_bps(20.0, 60.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_calls_share_a_path(seed: int) -> None:
    world, link = World(), Link(Conditions(rate=MBPS), seed)
    ends: list[End] = []
    for index in range(2):
        end = End(world, link, audio=11 + 100 * index, seed=seed + 10 * index)
        back = Link(FREE, seed + 20 + index)
        peer = End(world, back, audio=41 + 100 * index, seed=seed + 5, video=False)
        end.meet(peer)
        peer.meet(end)
        ends.append(end)
        world.run(10.0 * (index + 1))
    world.run(121.0)
    first, second = (end.video_bps(80.0, 120.0) for end in ends)

    assert 0.5 < first / second < 2
    assert first + second > 0.6 * MBPS
    assert max(end.concealed(20.0, 120.0) for end in ends) < 0.005


@pytest.mark.parametrize("reorders", [True, False], ids=["reordered", "in order"])
@pytest.mark.parametrize("video", [True, False], ids=["pictures", "sound"])
def test_jitter_does_not_look_like_a_queue(*, reorders: bool, video: bool) -> None:
    jitter = Conditions(jitter_s=0.06, reorders=reorders)
    end = _call(jitter, seconds=16, video=video)

    assert _states(end, 5.0) == {"N1"}
    assert not video or end.video_bps(10.0, 15.0) > 1.5 * MBPS


def test_lost_reports_cost_little() -> None:
    chance = random.Random(1)
    world, end, peer = call(Link(Conditions(rate=MBPS), 1), Link(FREE, 2))
    peer.lose_reports = lambda _: chance.random() < 0.3
    world.run(31.0)

    assert end.video_bps(15.0, 30.0) > 0.6 * MBPS
    assert end.concealed(0.0, 30.0) == 0.0


def test_when_reports_stop_pictures_stop_and_sound_goes_on() -> None:
    world, end, peer = call(Link(Conditions(rate=MBPS), 1), Link(FREE, 2))
    peer.lose_reports = lambda now: now > 10.0
    world.run(25.0)

    assert end.video_bps(11.5, 24.0) == 0.0
    assert end.concealed(0.0, 24.0) == 0.0
    assert _states(end, 21.0) == {"S1"}


def test_after_an_outage_all_is_back_soon() -> None:
    outage = (15.0, DOWN), (20.0, Conditions(rate=MBPS))
    end = _call(Conditions(rate=MBPS), *outage, seconds=31, both=True)

    assert end.lost(20.5, 30.0) < 0.01
    assert "S2" not in _states(end, 0.0)
    assert end.video_bps(25.0, 30.0) > 0.6 * MBPS


def test_a_longer_path_is_not_starved() -> None:
    longer = (10.0, Conditions(rate=MBPS, delay_s=0.15))
    end = _call(Conditions(rate=MBPS), longer, seconds=31)

    assert end.video_bps(25.0, 30.0) > 0.4 * MBPS
    assert end.lost(0.0, 30.0) == 0.0


def test_a_hostile_peer_who_praises_a_narrow_path_hurts_only_himself() -> None:
    """He tells that all came at once; what is sent grows no faster than it may."""
    world, end, peer = call(Link(Conditions(rate=200 * KBPS), 1), Link(FREE, 2))
    peer.lose_reports = lambda _: True

    def praise() -> None:
        number = end.newest(end.audio)
        offsets = Arrivals(end.audio, number - 23 & 0xFFFF, (0,) * 24)
        clock = int(world.now * 65536)
        end.steering.feedback(Feedback(9, (offsets,), clock), world.now)

    world.every(0.2, praise, start=1.0)
    world.run(10.0)
    rates = [available for _, available, _, _ in end.rates]

    assert all(after <= 1.6 * before for before, after in itertools.pairwise(rates))


def test_a_hostile_peer_who_tells_no_times_gets_sound() -> None:
    world, end, peer = call(Link(FREE, 1), Link(FREE, 2))
    peer.lose_reports = lambda _: True

    def tell() -> None:
        number = end.newest(end.audio)
        offsets = Arrivals(end.audio, number - 23 & 0xFFFF, (UNTIMED,) * 24)
        end.steering.feedback(Feedback(9, (offsets,), 0), world.now)

    world.every(0.2, tell, start=1.0)
    world.run(15.0)

    assert end.steering.video_bps == 0
    assert end.steering.audio is AudioState.S1
