"""Builds once for each variation, and says what came of it.

Carrier. Wheel and sdist are what a backend makes; bundles are packing, and have tests
of their own. The baseline's files are kept until the end, so that a difference can be
explained and not only noticed.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reproducible.builds.plan import Plan, conditions_of
from reproducible.errors import BuildFailedError, MissingError, NoWallError
from reproducible.vary.bench import Bench, explain_pairs
from reproducible.vary.machine import look
from reproducible.vary.outcomes import Outcome, judge
from reproducible.vary.variations import Variation


def vary(
    plan: Plan, bench: Bench, variations: Sequence[Variation]
) -> Iterator[Outcome]:
    """Build a plan for each line, the baseline first, and give what came of it.

    Raises:
        BuildFailedError: the baseline gave nothing.
        InputError: a file of the toolchain is not to be had.
        IsolationError: there is no sandbox, or a hole in it.
        StoreError: the disk refuses.
    """
    outputs = tuple(each for each in plan.recipe.outputs if each.kind != "bundle")
    plan = replace(plan, recipe=replace(plan.recipe, outputs=outputs), apps={})
    sandbox = bench.sandbox(plan).sandbox
    conditions, machine = conditions_of(plan), look(sandbox, plan.recipe)
    first, *others = variations
    with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
        began = bench.now()
        bench.tell(f"{first.name} {first.about}")
        setup = first.arrange(conditions, machine)
        result, usual = bench.build(plan, setup, sandbox, Path(folder, first.name))
        yield judge(first, usual, usual)
        for each in others:
            bench.tell(f"{each.name} {each.about}")
            try:
                setup = each.arrange(conditions, machine)
                bench.wait(max(0.0, began + setup.wait_s - bench.now()))
                out = Path(folder, each.name)
                other, found = bench.build(plan, setup, sandbox, out)
            except (MissingError, NoWallError) as error:
                yield Outcome(each, "skipped", text=str(error))
            except BuildFailedError as error:
                yield Outcome(each, "failed", text=str(error))
            else:
                explained = tuple(explain_pairs(result, other))
                yield replace(judge(each, usual, found), explained=explained)
