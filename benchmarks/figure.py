"""A figure, what it is held against, and how both were timed.

Absolute times say more about a machine than about a program. So each figure is a ratio
against something that ran in the same process and in turns with it, or against a
physical limit of the machine, and its value is the median of five rounds.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 5
"""The median of five survives two rounds that something else on the machine spoilt."""

SLICES = 15
SLICE_S = 0.003
"""Turns are this short, so that a busy neighbour slows both sides alike."""

Contender = Callable[[], float]
"""Runs a slice and gives the seconds of one operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    spread: tuple[float, float]
    """Least and most of the rounds."""
    unit: str = "x"
    bar: float | None = None
    """What it has to reach; None for a figure that only explains another."""
    at_least: bool = False
    """Whether more is better."""
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it reaches its bar, or has none."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def figure(  # noqa: PLR0913 - the fields of a figure
    name: str,
    values: Sequence[float],
    *,
    unit: str = "x",
    bar: float | None = None,
    at_least: bool = False,
    note: str = "",
) -> Figure:
    """Make a figure from the values of its rounds."""
    return Figure(
        name=name,
        value=statistics.median(values),
        spread=(min(values), max(values)),
        unit=unit,
        bar=bar,
        at_least=at_least,
        note=note,
    )


def left_out(name: str, reason: str) -> list[Figure]:
    """Say beside the table why there is no figure."""
    print(f"  {name}: left out: {reason}", file=sys.stderr)
    return []


def race(*contenders: Contender) -> list[list[float]]:
    """Run contenders in turns; give for each its seconds a round."""
    rounds = [_round(contenders) for _ in range(ROUNDS)]
    return [list(times) for times in zip(*rounds, strict=True)]


def turns(
    *operations: Callable[[], object],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Run long operations in turns, as they are; give for each its seconds a round.

    With `time.process_time` as the clock children are not counted, nor is waiting.
    """
    table = [[_timed(each, clock) for each in operations] for _ in range(rounds)]
    return [list(times) for times in zip(*table, strict=True)]


def _timed(operation: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    operation()
    return clock() - began


def _round(contenders: Sequence[Contender]) -> list[float]:
    slices = [[run() for run in contenders] for _ in range(SLICES)]
    # What else runs on the machine only ever adds, so the quickest slice is the truest.
    return [min(times) for times in zip(*slices, strict=True)]


def repeated(operation: Callable[[], object]) -> Contender:
    """Make a contender of an operation that may be repeated as it is."""
    operation()  # what is remembered after the first time is not timed
    began = time.perf_counter()
    operation()
    count = max(1, round(SLICE_S / (time.perf_counter() - began)))

    def run() -> float:
        started = time.perf_counter()
        for _ in range(count):
            operation()
        return (time.perf_counter() - started) / count

    return run


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Divide round by round."""
    return [mine / theirs for mine, theirs in zip(ours, peer, strict=True)]


def microseconds(times: Sequence[float]) -> str:
    """Write the median of some times."""
    return f"{statistics.median(times) * 1e6:.1f} us"
