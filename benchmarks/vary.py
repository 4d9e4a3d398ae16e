"""Building under many conditions, against as many bare repetitions of one build.

The project is as small as one can be, so that what varying adds shows most.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure, figure, left_out
from reproducible.builds.building import build
from reproducible.builds.commit import plan_commit
from reproducible.builds.workshop import Workshop
from reproducible.errors import IsolationError
from reproducible.fetch.cache import Cache, FolderSupply
from reproducible.sandbox.host import Host
from reproducible.vary.variations import VARIATIONS
from reproducible.vary.varying import vary
from tests.reproducible.projects import RECIPE, commit, tally, wheels_folder
from updater.files import Files

ROUNDS = 3


def figures() -> list[Figure]:
    """Vary a commit, and build it as often without varying anything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commit(folder / "tally", tally())
        shop = _workshop(folder)
        try:
            return [_varied(folder, shop)]
        except IsolationError as error:
            return left_out("vary", str(error))


def _varied(folder: Path, shop: Workshop) -> Figure:
    plan, _ = plan_commit(folder / "tally", "HEAD", recipe=RECIPE, workshop=shop)
    outputs = tuple(each for each in plan.recipe.outputs if each.kind != "bundle")
    plan = replace(plan, recipe=replace(plan.recipe, outputs=outputs), apps={})
    sandbox = shop.sandbox(plan).sandbox
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    def varied() -> int:
        outcomes = list(vary(plan, shop, VARIATIONS, wait=wait))
        return sum(each.state != "skipped" for each in outcomes)

    def built() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            build(
                plan, sandbox=sandbox, cache=shop.cache, supplies=shop.supplies,
                out=Path(out), now=shop.now,
            )  # fmt: skip

    values, count = [], varied()
    for _ in range(ROUNDS):
        waited.clear()
        began = time.perf_counter()
        varied()
        between = time.perf_counter()
        for _ in range(count):
            built()
        ended = time.perf_counter()
        values.append((between - began - sum(waited)) / (ended - between))
    note = f"{count} times wheel and sdist; waits {sum(waited):.1f} s for the clock"
    return figure("vary, waiting apart / as many builds", values, bar=1.5, note=note)


def _workshop(folder: Path) -> Workshop:
    scratch = folder / "scratch"
    scratch.mkdir()
    return Workshop(
        host=Host.here(),
        scratch=scratch,
        cache=Cache(folder / "cache", Files()),
        supplies=[FolderSupply(wheels_folder(folder / "wheels"), Files())],
        now=time.time,
    )
