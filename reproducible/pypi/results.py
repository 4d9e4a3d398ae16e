"""What came of rebuilding a package: every try, and the best of them for each stage.

Rules. Stages are never merged into one word: that a wheel follows from its source
archive does not say that the archive follows from the repository.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from reproducible.compare.verdict import Comparison
from reproducible.explain.explaining import Explained
from reproducible.inputs.lock import Lock
from reproducible.inputs.recipe import Env, Recipe
from reproducible.pypi.choice import Release
from updater.transparency.claims.rebuild import Stage, Verdict

RANKS: Final[tuple[Verdict, ...]] = (
    "identical", "identical-with-exceptions", "different", "build-failed",
    "unsupported",
)  # fmt: skip
"""Verdicts, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One recipe, and what it gave.

    Attributes:
        why: in which way it is another recipe than the first one.
        lock: None where no tools fitted together, so that nothing was built.
        took_ms: wall clock, from the tools to the comparison.
    """

    why: str
    recipe: Recipe
    lock: Lock | None
    explained: Explained
    took_ms: int

    @property
    def comparison(self) -> Comparison:
        """How what was built compares."""
        return self.explained.comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """A step of the way from source to file: all tries in order, and the best."""

    stage: Stage
    explained: Explained
    tries: tuple[Try, ...] = ()

    @property
    def comparison(self) -> Comparison:
        """The best."""
        return self.explained.comparison

    def warned(self, warning: str) -> Self:
        """Add what does not change the verdict and should be known."""
        comparison = self.comparison
        warnings = (*comparison.warnings, warning)
        told = replace(comparison, warnings=warnings)
        return replace(self, explained=replace(self.explained, comparison=told))

    @property
    def best(self) -> Try | None:
        """The try that it came from; None where nothing was tried."""
        return best_of(self.tries)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A package that was rebuilt, stage by stage."""

    release: Release
    stages: tuple[StageResult, ...] = field(kw_only=True)


def best_of(tries: Sequence[Try]) -> Try | None:
    """Choose the best try: by verdict, then by the number of differences, then time."""
    return min(tries, key=_badness, default=None)


def knobs(recipe: Recipe) -> str:
    """Say in a line how a recipe differs from a build that nobody thought about."""
    env, usual = recipe.env, Env(python=recipe.env.python)
    said = [f"python {env.python.removeprefix('==').removesuffix('.*')}"]
    said += [each for each in recipe.toolchain.requires if "==" in each]
    if isinstance(env.epoch, int):
        said.append(f"epoch {env.epoch}")
    if env.clock is not None:
        said.append(f"clock {env.clock}")
    if env.umask != usual.umask:
        said.append(f"umask {env.umask:03o}")
    if env.source_modes != usual.source_modes:
        said.append(f"modes {env.source_modes}")
    if env.tz != usual.tz:
        said.append(f"TZ {env.tz}")
    return ", ".join(said)


def _badness(one: Try) -> tuple[int, int]:
    found = one.comparison
    return RANKS.index(found.verdict), len(found.differences)
