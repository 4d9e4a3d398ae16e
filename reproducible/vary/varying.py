"""Builds once for each variation, and says what came of it.

Carrier. Wheel and sdist are what a backend makes; bundles are packing, and have tests
of their own. The baseline's files are kept until the end, so that a difference can be
explained and not only noticed.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reproducible.builds.building import Result
from reproducible.builds.commit import plan_commit
from reproducible.builds.plan import Plan, conditions_of
from reproducible.builds.workshop import Workshop
from reproducible.errors import BuildFailedError, MissingError, NoWallError
from reproducible.vary.arrangements import Setup
from reproducible.vary.machine import look
from reproducible.vary.observing import explain_pairs, observe
from reproducible.vary.outcomes import Observation, Outcome, judge
from reproducible.vary.variations import Variation


def vary(
    plan: Plan,
    workshop: Workshop,
    variations: Sequence[Variation],
    *,
    wait: Callable[[float], None],
) -> Iterator[Outcome]:
    """Build a plan for each line, the baseline first, and give what came of it.

    `wait` lets so many seconds pass.

    Raises:
        BuildFailedError: the baseline gave nothing.
        InputError: a file of the toolchain is not to be had.
        IsolationError: there is no sandbox, or a hole in it.
        StoreError: the disk refuses.
    """
    outputs = tuple(each for each in plan.recipe.outputs if each.kind != "bundle")
    plan = replace(plan, recipe=replace(plan.recipe, outputs=outputs), apps={})
    sandbox = workshop.sandbox(plan).sandbox
    conditions, machine = conditions_of(plan), look(sandbox, plan.recipe)
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:

        def build(setup: Setup, name: str) -> tuple[Result, Observation]:
            out = Path(folder, name)
            return observe(plan, setup, sandbox=sandbox, workshop=workshop, out=out)

        first, *others = variations
        began = workshop.now()
        workshop.tell(f"{first.name} {first.about}")
        result, usual = build(first.arrange(conditions, machine), first.name)
        yield judge(first, usual, usual)
        for each in others:
            workshop.tell(f"{each.name} {each.about}")
            try:
                setup = each.arrange(conditions, machine)
                wait(max(0.0, began + setup.wait_s - workshop.now()))
                other, found = build(setup, each.name)
            except (MissingError, NoWallError) as error:
                yield Outcome(each.name, each.about, state="skipped", text=str(error))
            except BuildFailedError as error:
                yield Outcome(each.name, each.about, state="failed", text=str(error))
            else:
                explained = tuple(explain_pairs(result, other))
                yield replace(judge(each, usual, found), explained=explained)


def vary_commit(  # noqa: PLR0913 - what one run needs
    repository: Path | str,
    ref: str,
    *,
    recipe: str,
    workshop: Workshop,
    variations: Sequence[Variation],
    wait: Callable[[float], None],
) -> Iterator[Outcome]:
    """Build a commit, tag or branch for each line, as `vary` does.

    Raises:
        RebuildError: as `plan_commit` and `vary`.
    """
    plan, _ = plan_commit(repository, ref, recipe=recipe, workshop=workshop)
    yield from vary(plan, workshop, variations, wait=wait)
