"""One build: probed, laid out, run behind the wall, packed, recorded.

Carrier. Files are fetched by their hashes before anything runs; after that nothing
knows a network. Each step sees its source fresh, and what it leaves is the one file
that the sandbox took out; whatever it printed is log.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from reproducible.builds.account import account
from reproducible.builds.plan import Plan, choose_interpreter, conditions_of
from reproducible.builds.staging import staged
from reproducible.builds.steps import PUBLIC, Output, Steps
from reproducible.builds.toolchain import fetch_locked, unpack_toolchain
from reproducible.errors import BuildFailedError, RebuildError, RecipeError
from reproducible.fetch.cache import Cache, Supply
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFile,
    Walls,
    format_buildinfo,
)
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.probe import Facts
from reproducible.sandbox.run import Sandbox
from updater.files import Files

BUILDINFO: Final = "buildinfo.json"
LOG: Final = "build.log"
"""What stands beside the outputs, also where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a build gave, in the order of the recipe."""

    outputs: tuple[Output, ...]
    buildinfo: Buildinfo
    log: bytes = field(repr=False)
    """What the build said, as it came: show it escaped."""


def build(  # noqa: PLR0913 - what one build needs
    plan: Plan,
    *,
    sandbox: Sandbox,
    cache: Cache,
    supplies: Sequence[Supply],
    out: Path,
    now: Callable[[], float],
    facts: Facts | None = None,
    conditions: Conditions | None = None,
    prepare: Callable[[Path], None] | None = None,
) -> Result:
    """Build all outputs of a plan into the folder `out`, which is made.

    `facts` are what a probe of the sandbox found; without them it is probed.
    `conditions` stands for what the recipe says of the environment, and `prepare` is
    called with the source once it lies there: so variations are made. `now` gives POSIX
    seconds. The outputs appear together, and `BUILDINFO` and `LOG` also when the build
    fails.

    Raises:
        BuildFailedError: it gave nothing that can be compared.
        InputError: a locked file is not to be had.
        IsolationError: the sandbox is not closed; nothing was run.
        MalformedError: a wheel of the toolchain is not of the strict form.
        MissingError: the sandbox has an interpreter that the recipe does not allow.
        RecipeError: the recipe asks for what cannot be done.
        StoreError: the disk refuses.
    """
    choose_interpreter(plan.recipe, [sandbox.interpreter])
    if plan.recipe.source.git_dir:
        raise RecipeError("recipe: expected no git_dir, a build sees no repository")
    started = int(now())
    seen = conditions or conditions_of(plan)
    # What it preloads comes with the tools, which are not there yet.
    held = facts or sandbox.probe(replace(seen, preload=None)).facts
    walls = _walls(plan, sandbox)
    log = bytearray()

    def record(outputs: Sequence[Output]) -> Buildinfo:
        return _record(
            stage, plan, seen, held,
            walls=walls, started=started, finished=int(now()), outputs=outputs,
            log=bytes(log),
        )  # fmt: skip

    with (
        staged(out, account=(LOG, BUILDINFO)) as stage,
        tempfile.TemporaryDirectory(dir=sandbox.site.scratch) as scratch,
    ):
        tools = Path(scratch, "tool")
        unpack_toolchain(plan.tools.lock, cache, supplies, tools)
        steps = Steps(
            plan=plan,
            sandbox=sandbox,
            conditions=seen,
            out=stage,
            tools=tools,
            wheels=_wheels(plan, cache, supplies),
            scratch=Path(scratch),
            log=log,
            prepare=prepare,
        )
        try:
            outputs = steps.outputs()
        except BuildFailedError as error:
            log += error.log
            record(())
            raise
        except RebuildError:
            record(())
            raise
        info = record(outputs)
    outputs = tuple(replace(each, path=out / each.name) for each in outputs)
    return Result(outputs=outputs, buildinfo=info, log=bytes(log))


def _wheels(plan: Plan, cache: Cache, supplies: Sequence[Supply]) -> dict[str, Path]:
    """Have all wheels that go into bundles, by SHA-256."""
    found: dict[str, Path] = {}
    for app in plan.apps.values():
        paths = fetch_locked(app.lock, cache, supplies)
        for package, path in zip(app.lock.packages, paths, strict=True):
            found[package.wheel.sha256] = path
    return found


def _walls(plan: Plan, sandbox: Sandbox) -> Walls:
    root = None
    if sandbox.level == 2:
        if plan.root is None:
            raise RecipeError("recipe: expected a root for level 2, came none")
        root = plan.root.tar_sha256
    return Walls(
        level=sandbox.level,
        tool=sandbox.tool(),
        probe="no-network",
        root_sha256=root,
    )


def _record(  # noqa: PLR0913 - as `account`
    out: Path,
    plan: Plan,
    conditions: Conditions,
    facts: Facts,
    *,
    walls: Walls,
    started: int,
    finished: int,
    outputs: Sequence[Output],
    log: bytes,
) -> Buildinfo:
    """Write what happened beside the outputs."""
    written = account(
        plan,
        conditions,
        facts,
        walls=walls,
        started=started,
        finished=finished,
        outputs=[
            BuiltFile(
                each.name,
                each.kind,
                size=each.size,
                sha256=each.sha256,
                raw_sha256=each.raw_sha256,
            )
            for each in outputs
        ],
        log=log,
    )
    Files().replace(out / LOG, log, PUBLIC)
    Files().replace(out / BUILDINFO, format_buildinfo(written), PUBLIC)
    return written
