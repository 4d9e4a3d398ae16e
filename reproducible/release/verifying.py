"""Builds a release twice, differently, and compares.

Carrier. First as well as this machine can, then as differently as it can: in a lower
sandbox, under a long path, another umask, time zone, locale, hash seed, home, user,
clock and Python, from files of other times, listed in another order. Then the wheel is
built from the sdist instead of from git.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reproducible.builds.building import Result
from reproducible.builds.commit import plan_commit
from reproducible.builds.plan import Plan, conditions_of
from reproducible.builds.workshop import Workshop
from reproducible.errors import BuildFailedError, NoWallError
from reproducible.explain.examining import examine
from reproducible.inputs.recipe import check_own
from reproducible.sandbox.levels import LEVELS, Interpreter
from reproducible.sandbox.run import Sandbox
from reproducible.source.sdist import sdist_tree
from reproducible.vary.arrangements import Setup
from reproducible.vary.machine import look
from reproducible.vary.observing import explain_pairs, observe
from reproducible.vary.outcomes import Observation, Outcome, judge
from reproducible.vary.variations import Variation, together
from reproducible.vary.varying import vary
from updater.archive.bundle import MAX_BUNDLE_BYTES
from updater.files import Files

AT_ONCE: Final = (
    "V03", "V05", "V07", "V09", "V12", "V13", "V14", "V15", "V17", "V18", "V20", "V21",
    "V23",
)  # fmt: skip
"""The lines of the table that are drawn together for the second build."""


def verify_commit(  # noqa: PLR0913 - what one verification needs
    repository: Path | str,
    ref: str,
    *,
    recipe: str,
    workshop: Workshop,
    variations: Sequence[Variation],
    wait: Callable[[float], None],
) -> Iterator[Outcome]:
    """Show that a commit, tag or branch always builds to the same bytes.

    All outputs of its recipe are built twice, the wheel once more from the sdist, and
    wheel and sdist once for each variation. `wait` lets so many seconds pass.

    Raises:
        RebuildError: as `plan_commit` and `verify_plan`.
    """
    plan, _ = plan_commit(repository, ref, recipe=recipe, workshop=workshop)
    check_own(plan.recipe)
    yield from verify_plan(plan, workshop)
    yield from vary(plan, workshop, variations, wait=wait)


def verify_plan(plan: Plan, workshop: Workshop) -> Iterator[Outcome]:
    """Build a plan twice, as differently as can be, and its wheel from its sdist.

    Raises:
        BuildFailedError: the first build gave nothing.
        InputError: a locked file is not to be had.
        IsolationError: there is no sandbox, or a hole in one.
        StoreError: the disk refuses.
    """
    sandbox = workshop.sandbox(plan).sandbox
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:
        yield from _Proof(plan, workshop, sandbox, Path(folder)).outcomes()


@dataclass(frozen=True, slots=True)
class _Proof:
    """Builds of one plan, kept in a folder until they are compared."""

    plan: Plan
    workshop: Workshop
    sandbox: Sandbox
    folder: Path

    def outcomes(self) -> Iterator[Outcome]:
        """Give the first build, then what came of the others."""
        setup = Setup(conditions=conditions_of(self.plan))
        first, seen = self._build("first", self.plan, setup, self.sandbox)
        about = f"all outputs, {_place(self.sandbox, self.sandbox.interpreter)}"
        yield Outcome("first", about, state="baseline", files=seen.files)
        yield self._second(first, seen)
        yield self._from_sdist(first, setup)

    def _second(self, first: Result, seen: Observation) -> Outcome:
        """Build everything once more, with much drawn from the table at once."""
        sandbox = _lower(self.sandbox)
        machine = look(sandbox, self.plan.recipe)
        drawn = together(AT_ONCE, conditions_of(self.plan), machine)
        setup = drawn.arrange(conditions_of(self.plan), machine)
        place = _place(sandbox, setup.interpreter or sandbox.interpreter)
        drawn = replace(drawn, name="second", about=f"{place}, {drawn.about}")
        try:
            second, found = self._build("second", self.plan, setup, sandbox)
        except BuildFailedError as error:
            return Outcome("second", drawn.about, state="failed", text=str(error))
        outcome = judge(drawn, seen, found)
        return replace(outcome, explained=tuple(explain_pairs(first, second)))

    def _from_sdist(self, first: Result, setup: Setup) -> Outcome:
        """Build the wheel from what the sdist holds: it has to be the same."""
        name, about = "sdist", "the wheel built from the sdist"
        made = {each.kind: each for each in first.outputs}
        specs = tuple(x for x in self.plan.recipe.outputs if x.kind == "wheel")
        if not specs or "sdist" not in made:
            return Outcome(name, about, state="skipped", text="expected both outputs")
        data = Files().read(made["sdist"].path, most=MAX_BUNDLE_BYTES)
        recipe = replace(self.plan.recipe, outputs=specs)
        plan = replace(self.plan, tree=sdist_tree(data), recipe=recipe, apps={})
        try:
            third, found = self._build("third", plan, setup, self.sandbox)
        except BuildFailedError as error:
            return Outcome(name, about, state="failed", text=str(error))
        explained = examine(made["wheel"].path, third.outputs[0].path, own=True)
        is_same = explained.comparison.verdict == "identical"
        return Outcome(
            name,
            about,
            state="same" if is_same else "different",
            files=found.files,
            explained=() if is_same else (explained,),
        )

    def _build(
        self, name: str, plan: Plan, setup: Setup, sandbox: Sandbox
    ) -> tuple[Result, Observation]:
        self.workshop.tell(f"{name} build, sandbox level {sandbox.level}")
        out = self.folder / name
        return observe(plan, setup, sandbox=sandbox, workshop=self.workshop, out=out)


def _lower(sandbox: Sandbox) -> Sandbox:
    """Make the most closed sandbox that is less closed; the same if there is none.

    Raises:
        IsolationError: there is one, and it has a hole.
    """
    for level in LEVELS:
        if level < sandbox.level:
            with contextlib.suppress(NoWallError):
                lower = Sandbox(level, sandbox.site)
                lower.probe()
                return lower
    return sandbox


def _place(sandbox: Sandbox, interpreter: Interpreter) -> str:
    return f"sandbox level {sandbox.level}, Python {interpreter.full}"
