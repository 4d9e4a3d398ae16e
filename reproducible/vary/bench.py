"""Where and with what builds are made, and what a build under a setup saw and gave.

Carrier.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reproducible.builds.building import Result, build
from reproducible.builds.plan import Plan, choose_interpreter
from reproducible.explain.examining import examine
from reproducible.explain.explaining import Explained
from reproducible.fetch.cache import Cache, Supply
from reproducible.sandbox.choose import Choice, choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Conditions, Level
from reproducible.sandbox.probe import Facts, Report
from reproducible.sandbox.run import USUAL, Action, Built, Order, Sandbox, Site
from reproducible.vary.arrangements import Setup
from reproducible.vary.outcomes import Observation
from reproducible.vary.shims import SHIMS, SHIMS_SHA256, with_shims
from reproducible.vary.sources import change_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What there is to build with.

    Attributes:
        level: of the sandbox; None is the most closed one that works here.
        root: the folder of an unpacked Debian root, for level 2.
        scratch: a folder for what only lives during a run, closed to other users.
        supplies: where locked files may be had, asked in this order.
        now: gives POSIX seconds.
        wait: lets so many seconds pass.
        tell: is told in a few words what is being done.
    """

    host: Host
    level: Level | None
    root: Path | None
    scratch: Path
    cache: Cache
    supplies: Sequence[Supply]
    now: Callable[[], float]
    wait: Callable[[float], None]
    tell: Callable[[str], None] = field(default=lambda _: None)

    def sandbox(self, plan: Plan, level: Level | None = None) -> Choice:
        """Make the sandbox of this level, or the one that is asked for, for a plan.

        Raises:
            IsolationError: there is none of this level, or any at all.
            MissingError: no interpreter that the recipe allows.
        """
        recipe = plan.recipe
        site = Site(
            host=self.host,
            interpreter=choose_interpreter(recipe, self.host.interpreters()),
            scratch=self.scratch,
            limits=recipe.limits,
            root=self.root,
        )
        return choose(self.level if level is None else level, site)

    def build(
        self, plan: Plan, setup: Setup, sandbox: Sandbox, out: Path
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
            self.cache.put(SHIMS_SHA256, SHIMS[1])
            plan = with_shims(plan)

        def prepare(source: Path) -> None:
            if setup.source is not None:
                change_source(source, setup.source)

        result = build(
            plan,
            sandbox=witness,
            cache=self.cache,
            supplies=self.supplies,
            out=out,
            now=self.now,
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
