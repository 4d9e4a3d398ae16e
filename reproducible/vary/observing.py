"""One build under a setup: what it saw, and what it gave. Carrier."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reproducible.builds.building import Result, build
from reproducible.builds.plan import Plan
from reproducible.builds.workshop import Workshop
from reproducible.explain.examining import examine
from reproducible.explain.explaining import Explained
from reproducible.sandbox.jobs import Action
from reproducible.sandbox.levels import Conditions, Level
from reproducible.sandbox.probe import Facts, Report
from reproducible.sandbox.run import USUAL, Built, Order, Sandbox, Site
from reproducible.vary.arrangements import Setup
from reproducible.vary.outcomes import Observation
from reproducible.vary.shims import SHIMS, SHIMS_SHA256, with_shims
from reproducible.vary.sources import change_source


def observe(
    plan: Plan, setup: Setup, *, sandbox: Sandbox, workshop: Workshop, out: Path
) -> tuple[Result, Observation]:
    """Build a plan as a setup says, and tell what each step of it saw.

    Raises:
        BuildFailedError: it gave nothing.
        InputError: a locked file is not to be had.
        IsolationError: there is no such sandbox, or it has a hole.
        StoreError: the disk refuses.
    """
    scratch = sandbox.site.scratch / setup.below
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    interpreter = setup.interpreter or sandbox.site.interpreter
    site = replace(sandbox.site, scratch=scratch, interpreter=interpreter)
    witness = _Witness(sandbox.level, site)
    if setup.conditions.preload is not None:
        workshop.cache.put(SHIMS_SHA256, SHIMS[1])
        plan = with_shims(plan)

    def prepare(source: Path) -> None:
        for change in setup.sources:
            change_source(source, change)

    result = build(
        plan,
        sandbox=witness,
        cache=workshop.cache,
        supplies=workshop.supplies,
        out=out,
        now=workshop.now,
        conditions=setup.conditions,
        prepare=prepare,
    )
    files = {output.name: output.sha256 for output in result.outputs}
    return result, Observation(witness.facts, files)


class _Witness(Sandbox):
    """A sandbox that remembers what each build in it saw."""

    def __init__(self, level: Level, site: Site) -> None:
        super().__init__(level, site)
        self.facts = list[Facts]()

    def probe(self, conditions: Conditions = USUAL) -> Report:
        # There is no toolchain yet that a module could come from.
        return super().probe(replace(conditions, preload=None))

    def run(
        self, action: Action, order: Order, *, out: Path, conditions: Conditions = USUAL
    ) -> Built:
        built = super().run(action, order, out=out, conditions=conditions)
        self.facts.append(built.facts)
        return built


def explain_pairs(usual: Result, other: Result) -> Iterator[Explained]:
    """Compare what two builds of one recipe gave, and explain what is not the same.

    Raises:
        InputError: a file changed while it was read.
        StoreError: a file cannot be read.
    """
    for one, two in zip(usual.outputs, other.outputs, strict=True):
        if (one.name, one.sha256) != (two.name, two.sha256):
            yield examine(one.path, two.path, own=True)
