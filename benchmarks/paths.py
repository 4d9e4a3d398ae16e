"""Whole calls on narrow paths, in virtual time: speech and pictures, all real but time.

One side sends under the conditions, with libopus, VP8 at 640x480 and its steering; what
the other hears and sees is compared with what was said and shown. The first 10 s of the
pictures, in which they find their size, are left out of their figures. STOI of the same
call without a bottleneck stands beside. No time is measured, so the machine makes no
difference.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.figure import Figure, figure, left_out
from tests.voip.media.link import Conditions, Script
from tests.voip.media.scores import Scores, score
from tests.voip.media.whole import WholeEnd, said, whole_call

SEEDS = (1, 2, 3)
SECONDS = 60.0
SETTLED_S = 10.0
KBPS, MBPS = 1e3, 1e6
STEPS: Script = (
    (15.0, Conditions(rate=300 * KBPS)),
    (30.0, Conditions(rate=100 * KBPS)),
    (50.0, Conditions(rate=300 * KBPS)),
    (70.0, Conditions(rate=2 * MBPS)),
)


class Bars(NamedTuple):
    """What has to be reached; None where nothing was asked for."""

    pesq: float | None = None
    stoi_share: float | None = None
    decibels: float | None = None
    gap_s: float | None = None


NO_BARS = Bars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A path, and what is asked of it."""

    name: str
    conditions: Conditions
    script: Script = ()
    seconds: float = SECONDS
    both: bool = False
    bars: Bars = NO_BARS
    pictures: bool = True


CASES = (
    Case(
        name="100 kbit/s both ways",
        conditions=Conditions(rate=100 * KBPS),
        both=True,
        bars=Bars(stoi_share=0.9),
        pictures=False,
    ),
    Case(name="300 kbit/s", conditions=Conditions(rate=300 * KBPS)),
    Case(
        name="300 kbit/s, queue 100 ms",
        conditions=Conditions(rate=300 * KBPS, queue_s=0.1),
    ),
    Case(
        name="300 kbit/s, queue 60 ms",
        conditions=Conditions(rate=300 * KBPS, queue_s=0.06),
    ),
    Case(
        name="500 kbit/s",
        conditions=Conditions(rate=500 * KBPS),
        bars=Bars(pesq=3.6, decibels=38.0, gap_s=1.0),
    ),
    Case(name="2 Mbit/s", conditions=Conditions(rate=2 * MBPS)),
    Case(name="1 Mbit/s, 5 % lost", conditions=Conditions(rate=MBPS, loss=0.05)),
    Case(
        name="2 M, 300 k, 100 k, 300 k, 2 M",
        conditions=Conditions(rate=2 * MBPS),
        script=STEPS,
        seconds=100.0,
        pictures=False,
    ),
)


def figures() -> list[Figure]:
    """Let each call go its way with three seeds."""
    if not all(map(importlib.util.find_spec, ("pesq", "pystoi", "scipy"))):
        return left_out("speech", "pesq, pystoi and scipy are not installed")
    return [each for case in CASES for each in _on_path(case)]


def _on_path(case: Case) -> list[Figure]:
    ends = [
        whole_call(
            case.conditions,
            case.script,
            seconds=case.seconds,
            seed=seed,
            both=case.both,
        )
        for seed in SEEDS
    ]
    scores = [_scored(end, case.seconds) for end in ends]
    sound = _sound(case, ends, scores)
    return sound + (_pictures(case, ends) if case.pictures else [])


def _sound(
    case: Case, ends: Sequence[WholeEnd], scores: Sequence[Scores]
) -> list[Figure]:
    until = case.seconds
    lost = np.mean([end.lost(0, until) for end in ends])
    made_up = np.mean([end.made_up_s for end in ends]) / until
    return [
        figure(
            f"PESQ, {case.name}",
            [each.pesq for each in scores],
            unit="",
            bar=case.bars.pesq,
            at_least=True,
            note=(
                f"worst 8 s {min(each.worst_pesq for each in scores):.2f}; "
                f"{lost:.2%} lost, {made_up:.2%} made up; "
                f"states {_states(ends[0])}"
            ),
        ),
        figure(
            f"STOI / without a bottleneck, {case.name}",
            [each.stoi / _unhindered() for each in scores],
            unit="x",
            bar=case.bars.stoi_share,
            at_least=True,
        ),
    ]


def _pictures(case: Case, ends: Sequence[WholeEnd]) -> list[Figure]:
    since, until = SETTLED_S, case.seconds
    seen = [end.watching for end in ends]
    fps = np.mean([each.fps(since, until) for each in seen])
    kbps = np.mean([end.video_bps(since, until) for end in ends]) / 1000
    return [
        figure(
            f"likeness of pictures, {case.name}",
            [each.decibels(since, until) for each in seen],
            unit="dB",
            bar=case.bars.decibels,
            at_least=True,
            note=f"{fps:.1f} a second, {kbps:.0f} kbit/s",
        ),
        figure(
            f"longest stop of pictures, {case.name}",
            [each.longest_gap_s(since, until) for each in seen],
            unit="s",
            bar=case.bars.gap_s,
        ),
    ]


@cache
def _unhindered() -> float:
    end = whole_call(Conditions(), seconds=SECONDS, video=False)
    return _scored(end, SECONDS).stoi


def _scored(end: WholeEnd, seconds: float) -> Scores:
    return score(said(seconds), end.heard())


def _states(end: WholeEnd) -> str:
    """Say when sound changed its state, in one call."""
    changes: list[str] = []
    for when, _, _, state in end.rates:
        if not changes or changes[-1].split()[0] != state:
            changes.append(f"{state} {when:.0f} s")
    return ", ".join(changes)
