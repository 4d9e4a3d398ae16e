from dataclasses import replace

from reproducible.compare.verdict import Comparison, Difference, FileId
from reproducible.explain.explaining import Explained
from reproducible.inputs.recipe import (
    Env,
    Limits,
    OutputSpec,
    Recipe,
    Source,
    Toolchain,
)
from reproducible.pypi.results import StageResult, Try, best_of, knobs
from updater.transparency.claims.rebuild import Verdict

RECIPE = Recipe(
    source=Source(kind="sdist", sha256="ab" * 32),
    env=Env(python="==3.11.*", epoch=None, epoch_from="artifact"),
    toolchain=Toolchain(backend="b", requires=("flit-core==3.9.0", "tomli>=1")),
    outputs=(OutputSpec("wheel"),),
    limits=Limits(),
)


def tried(verdict: Verdict, differences: int = 0) -> Try:
    comparison = Comparison(
        verdict=verdict,
        method="sha256",
        published=FileId("a-1-py3-none-any.whl", 1, sha256="ab" * 32),
        rebuilt=None,
        differences=(Difference("code", "both", "a.py"),) * differences,
    )
    return Try(
        why="the likeliest",
        recipe=RECIPE,
        lock=None,
        explained=Explained(comparison),
        took_ms=1,
    )


def test_the_best_try_has_the_best_verdict() -> None:
    worse, better = tried("build-failed"), tried("different", 9)

    assert best_of([worse, better]) is better


def test_of_equal_verdicts_fewer_differences_are_better() -> None:
    first, second = tried("different", 2), tried("different", 1)

    assert best_of([first, second]) is second


def test_a_warning_is_added_and_changes_no_verdict() -> None:
    stage = StageResult(
        stage="sdist-to-wheel", explained=tried("identical").explained
    ).warned("a")

    assert stage.warned("b").comparison.warnings == ("a", "b")
    assert stage.comparison.verdict == "identical"


def test_without_a_try_there_is_no_best() -> None:
    stage = StageResult(
        stage="sdist-to-wheel", explained=tried("unsupported").explained
    )

    assert stage.best is None
    assert stage.comparison.verdict == "unsupported"


def test_a_usual_build_has_no_knobs_but_tools() -> None:
    assert knobs(RECIPE) == "python 3.11, flit-core==3.9.0"


def test_whatever_is_unusual_is_a_knob() -> None:
    env = replace(RECIPE.env, epoch=5, umask=0o002, source_modes="archive", tz="UTC-2")

    assert knobs(replace(RECIPE, env=replace(env, clock=6))) == (
        "python 3.11, flit-core==3.9.0, epoch 5, clock 6, umask 002, modes archive,"
        " TZ UTC-2"
    )
