"""Recipes tried one after the other, each from the same source against the same file.

Carrier: has tools resolved and fetched, builds behind the wall, compares. Which recipe
is next, and when to stop, is for `pypi.infer` to say.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from reproducible.builds.building import build
from reproducible.builds.layout import lay_out
from reproducible.builds.plan import LockFile, Plan, choose_interpreter, conditions_of
from reproducible.builds.toolchain import unpack_toolchain
from reproducible.compare.comparing import compare
from reproducible.compare.verdict import FileId
from reproducible.errors import BuildFailedError, UnsupportedError
from reproducible.explain.explaining import Explained, explain
from reproducible.fetch.cache import Cache
from reproducible.fetch.index import Index
from reproducible.fetch.simple import MAX_FILE_BYTES
from reproducible.inputs.fields import requirement
from reproducible.inputs.lock import Lock, format_lock
from reproducible.inputs.recipe import Recipe
from reproducible.inputs.recipefile import format_recipe
from reproducible.inputs.tree import Tree
from reproducible.pypi.infer import MAX_TRIES, Candidate, is_worth_trying
from reproducible.pypi.resolve import Resolver
from reproducible.pypi.results import StageResult, Try, best_of
from reproducible.record.attest import unbuilt
from reproducible.record.buildinfo import BuiltFrom
from reproducible.sandbox.choose import choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Interpreter
from reproducible.sandbox.run import Order, Sandbox, Site
from updater.archive.extent import in_memory
from updater.errors import MalformedError
from updater.files import Files
from updater.transparency.claims.rebuild import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What there is to rebuild packages with; for one thread.

    Attributes:
        level: of the sandbox; None is the more closed one that works here. A Debian
            root has one Python alone, so there is no level 2 for packages.
        pythons: what builds, the newest first.
        scratch: a folder for what only lives during a run.
        newest: what was uploaded after this is no tool, in POSIX seconds; None is the
            time of the package itself.
        now: gives POSIX seconds.
        tell: is told in a few words what is being done.
    """

    host: Host
    level: Literal[0, 1] | None
    pythons: tuple[Interpreter, ...]
    scratch: Path
    index: Index
    resolver: Resolver
    cache: Cache
    newest: int | None = None
    now: Callable[[], float]
    tell: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one stage is about.

    Attributes:
        asks: whether the backend is to be asked what else it needs.
        committed: of a commit, in POSIX seconds.
        published: the file that should come out.
        lock: of the tools, where they need not be resolved any more.
    """

    tree: Tree = field(repr=False)
    source: BuiltFrom
    committed: int | None = None
    asks: bool = False
    published: bytes = field(repr=False)
    name: str
    candidates: Iterator[Candidate]
    lock: Lock | None = None

    @property
    def file(self) -> FileId:
        """The published file."""
        sha256 = hashlib.sha256(self.published).hexdigest()
        return FileId(self.name, len(self.published), sha256=sha256)


def search(material: Material, stage: Stage, shop: Workshop) -> StageResult:
    """Try recipes until the file comes out, none is worth it, or there were enough.

    Raises:
        InputError: a tool is not to be had.
        IsolationError, MissingError: this machine cannot build it.
        StoreError: the disk refuses.
        UnsupportedError: nothing can be tried.
    """
    tries: list[Try] = []
    for candidate in material.candidates:
        best = best_of(tries)
        if not is_worth_trying(candidate, best.comparison if best else None):
            continue
        shop.tell(f"{material.name}: {stage}: try {len(tries) + 1}: {candidate.why}")
        tries.append(_Attempt(material, candidate, stage, shop).run())
        if len(tries) == MAX_TRIES:
            break
    best = best_of(tries)
    if best is None:
        raise UnsupportedError("backend", "no recipe to try")
    return StageResult(stage=stage, explained=best.explained, tries=tuple(tries))


class _Attempt:
    """One recipe, from tools to comparison."""

    def __init__(
        self, material: Material, candidate: Candidate, stage: Stage, shop: Workshop
    ) -> None:
        self._material, self._candidate = material, candidate
        self._stage, self._shop = stage, shop
        self._lock = material.lock
        self._recipe = candidate.recipe

    def run(self) -> Try:
        started = self._shop.now()
        folder = tempfile.TemporaryDirectory(dir=self._shop.scratch)
        try:
            with folder as scratch:
                explained = self._compared(*self._built(Path(scratch)))
        except (BuildFailedError, UnsupportedError) as error:
            comparison = unbuilt(self._material.file, error, self._stage)
            explained = explain(comparison, None, None)
        return Try(
            why=self._candidate.why,
            recipe=self._recipe,
            lock=self._lock,
            explained=explained,
            took_ms=round((self._shop.now() - started) * 1000),
        )

    def _built(self, scratch: Path) -> tuple[str, bytes]:
        """Build the one output; give its name and bytes."""
        python = choose_interpreter(self._recipe, self._shop.pythons)
        sandbox = self._sandbox(python, scratch)
        if self._lock is None:
            self._lock = self._resolved(self._recipe, python)
            if self._material.asks:
                self._ask(sandbox, python, scratch)
        plan = self._plan(self._lock)
        result = build(
            plan,
            sandbox=sandbox,
            conditions=conditions_of(plan),
            cache=self._shop.cache,
            supplies=(self._shop.index,),
            out=scratch / "out",
            now=self._shop.now,
        )
        output = result.outputs[0]
        return output.name, Files().read(output.path, most=MAX_FILE_BYTES)

    def _sandbox(self, python: Interpreter, scratch: Path) -> Sandbox:
        site = Site(
            host=self._shop.host,
            interpreter=python,
            scratch=scratch,
            limits=self._recipe.limits,
        )
        if self._shop.level is None:
            return choose(None, site).sandbox
        return Sandbox(self._shop.level, site)

    def _resolved(self, recipe: Recipe, python: Interpreter) -> Lock:
        lock = self._shop.resolver.resolve(recipe.toolchain, python.version)
        if lock is None:
            wanted = ", ".join(recipe.toolchain.requires)
            raise UnsupportedError(
                "toolchain-gone", f"no wheels of its time fit {wanted}"
            )
        return lock

    def _ask(self, sandbox: Sandbox, python: Interpreter, scratch: Path) -> None:
        """Have the backend say what else it needs, and lock that too."""
        assert self._lock is not None
        tools, source = scratch / "asked-tools", scratch / "asked-source"
        unpack_toolchain(self._lock, self._shop.cache, (self._shop.index,), tools)
        lay_out(self._material.tree, source, epoch=None, modes="normal")
        toolchain = self._recipe.toolchain
        order = Order(
            source=source,
            backend=toolchain.backend,
            backend_path=toolchain.backend_path,
            tools=tools,
            subdir=self._recipe.source.subdir,
            writable=True,
        )
        kind = self._recipe.outputs[0].kind
        more = sandbox.requires("sdist" if kind == "sdist" else "wheel", order)
        try:
            wanted = tuple(requirement(each, "requires") for each in more)
        except MalformedError as error:
            raise BuildFailedError("bad-output", str(error)) from error
        missing = [each for each in wanted if each not in toolchain.requires]
        if missing:
            requires = (*toolchain.requires, *missing)
            self._recipe = replace(
                self._recipe, toolchain=replace(toolchain, requires=requires)
            )
            self._lock = self._resolved(self._recipe, python)

    def _plan(self, lock: Lock) -> Plan:
        epoch = self._recipe.env.epoch
        written = format_lock(lock)
        return Plan(
            tree=self._material.tree,
            recipe=self._recipe,
            recipe_sha256=hashlib.sha256(format_recipe(self._recipe)).hexdigest(),
            source=self._material.source,
            epoch=self._material.committed if epoch == "commit" else epoch,
            tools=LockFile(lock, hashlib.sha256(written).hexdigest()),
        )

    def _compared(self, name: str, rebuilt: bytes) -> Explained:
        theirs, ours = in_memory(self._material.published), in_memory(rebuilt)
        reasons = {each.field: each.reason for each in self._recipe.exceptions}
        comparison = compare(
            theirs,
            ours,
            name=self._material.name,
            rebuilt_name=name,
            reasons=reasons,
        )
        return explain(comparison.at(self._stage), theirs, ours)
