"""What is to be built: a tree, the recipe in it, and the locks that the recipe names.

A release claims hashes. Its recipe is the file of its tree with the claimed hash,
wherever it lies, and locks are named by the recipe and held to their hashes; so there
is nothing to be configured, and nothing to be believed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reproducible.errors import (
    MissingError,
    RecipeError,
    SourceError,
)
from reproducible.inputs.lock import Lock, parse_lock
from reproducible.inputs.recipe import Recipe
from reproducible.inputs.recipefile import parse_recipe
from reproducible.inputs.rootlock import RootLock, parse_root_lock
from reproducible.inputs.tree import SourceFile, Tree, tree_sha256
from reproducible.record.buildinfo import BuiltFrom
from reproducible.sandbox.levels import Conditions, Interpreter
from updater.errors import MalformedError


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock and the SHA-256 of its bytes, lower hexadecimal."""

    lock: Lock
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides the bytes of a build; hashes in lower hexadecimal."""

    tree: Tree = field(repr=False)
    recipe: Recipe
    recipe_sha256: str
    source: BuiltFrom
    epoch: int | None
    """SOURCE_DATE_EPOCH in POSIX seconds; None leaves it unset."""
    tools: LockFile
    """The toolchain."""
    apps: Mapping[str, LockFile] = field(default_factory=dict)
    """By platform: what goes into a bundle besides the wheel that is built."""
    root: RootLock | None = None
    """The Debian root of sandbox level 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a release says it was built from; None is not said. Hashes are SHA-256."""

    tree_sha256: str | None = None
    recipe_sha256: str
    tools_sha256: str
    apps: Mapping[str, str] = field(default_factory=dict)
    """Locks by platform."""
    epoch: int | None = None


def find_recipe(tree: Tree, sha256: str) -> SourceFile:
    """Find the recipe of a release by its hash.

    Raises:
        SourceError: no file of the tree has it.
    """
    found = tree.find(sha256)
    if found is None:
        raise SourceError(
            f"recipe: the release claims SHA-256 {sha256}, no file of its source has it"
        )
    return found


def recipe_at(tree: Tree, path: str) -> SourceFile:
    """Take the recipe at this path.

    Raises:
        RecipeError: no such file is in the tree.
    """
    return SourceFile(path, _read(tree, path))


def plan_tree(
    tree: Tree,
    recipe: SourceFile,
    *,
    commit: str,
    committed: int,
    tag: str | None = None,
) -> Plan:
    """Plan a build of the tree that the recipe lies in; `committed` in POSIX seconds.

    Raises:
        RecipeError: the recipe or a lock cannot be used, or a lock is not in the tree.
        UnsupportedError: `source-form`: the tree has links; `toolchain-needs-build`.
    """
    read = parse_recipe(recipe.data)
    if read.source.kind != "tree":
        raise RecipeError(
            f"recipe: expected a source of type tree, came {read.source.kind}"
        )
    if read.toolchain.lock is None:
        raise RecipeError("recipe: expected a lock of the toolchain, came none")
    return Plan(
        tree=tree,
        recipe=read,
        recipe_sha256=hashlib.sha256(recipe.data).hexdigest(),
        source=BuiltFrom(
            kind="tree",
            commit=commit,
            tag=tag,
            tree_sha256=tree_sha256(tree, committed),
        ),
        epoch=committed if read.env.epoch == "commit" else read.env.epoch,
        tools=_lock(tree, read.toolchain.lock),
        apps={
            spec.platform: _lock(tree, spec.lock)
            for spec in read.outputs
            if spec.platform is not None and spec.lock is not None
        },
        root=_root(tree, read.toolchain.root),
    )


def check_claimed(plan: Plan, claimed: Claimed) -> None:
    """Hold a plan to what the release claims.

    Raises:
        SourceError: tree, recipe, epoch or a lock is another one.
    """
    pairs: list[tuple[str, str | None, str | None]] = [
        ("source tree", claimed.tree_sha256, plan.source.tree_sha256),
        ("recipe", claimed.recipe_sha256, plan.recipe_sha256),
        ("lock of the toolchain", claimed.tools_sha256, plan.tools.sha256),
    ]
    if claimed.epoch is not None:
        pairs.append(("epoch", str(claimed.epoch), str(plan.epoch)))
    for platform, sha256 in sorted(claimed.apps.items()):
        lock = plan.apps.get(platform)
        has = "none" if lock is None else lock.sha256
        pairs.append((f"lock of {platform}", sha256, has))
    for name, said, found in pairs:
        if said is not None and said != found:
            raise SourceError(
                f"{name}: the release claims {said}, its source gives {found}"
            )


def choose_interpreter(
    recipe: Recipe, interpreters: Iterable[Interpreter]
) -> Interpreter:
    """Choose the first of the interpreters, the newest first, that the recipe allows.

    Raises:
        MissingError: none does.
    """
    # Half a tenth of a second that `--help` need not wait for.
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415

    allowed = SpecifierSet(recipe.env.python)
    passed = []
    for each in interpreters:
        if allowed.contains(each.full, prereleases=True):
            return each
        passed.append(each.full)
    raise MissingError(
        f"expected a Python {recipe.env.python},"
        f" this machine has {', '.join(passed) or 'none'}"
    )


def conditions_of(plan: Plan) -> Conditions:
    """Say what the recipe lets a build see of the world."""
    env = plan.recipe.env
    return Conditions(
        tz=env.tz,
        locale=env.locale,
        hashseed=env.hashseed,
        hostname=env.hostname,
        uid=env.uid,
        path=env.path,
        umask=env.umask,
        epoch=plan.epoch,
        clock=env.clock,
    )


def _lock(tree: Tree, path: str) -> LockFile:
    data = _read(tree, path)
    return LockFile(parse_lock(data), hashlib.sha256(data).hexdigest())


def _root(tree: Tree, path: str | None) -> RootLock | None:
    if path is None:
        return None
    try:
        return parse_root_lock(_read(tree, path))
    except MalformedError as error:
        raise RecipeError(f"{path}: {error}") from None


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except SourceError as error:
        # What a recipe names and does not bring is the recipe's fault.
        raise RecipeError(f"recipe: {error}") from None
