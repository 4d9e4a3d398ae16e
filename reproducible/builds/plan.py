"""What is to be built: a tree, the recipe in it, and the locks that the recipe names.

A release claims hashes. Its recipe is the file of its tree with the claimed hash,
wherever it lies, and locks are named by the recipe and held to their hashes; so there
is nothing to be configured, and nothing to be believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reproducible.inputs.lock import Lock
from reproducible.inputs.recipe import Recipe
from reproducible.inputs.tree import SourceFile, Tree
from reproducible.record.buildinfo import BuiltFrom
from reproducible.sandbox.levels import Interpreter


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
    raise NotImplementedError


def recipe_at(tree: Tree, path: str) -> SourceFile:
    """Take the recipe at this path.

    Raises:
        RecipeError: no such file is in the tree.
    """
    raise NotImplementedError


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
    raise NotImplementedError


def check_claimed(plan: Plan, claimed: Claimed) -> None:
    """Hold a plan to what the release claims.

    Raises:
        SourceError: tree, recipe, epoch or a lock is another one.
    """
    raise NotImplementedError


def choose_interpreter(
    recipe: Recipe, interpreters: Iterable[Interpreter]
) -> Interpreter:
    """Choose the newest interpreter that the recipe allows.

    Raises:
        MissingError: none does.
    """
    raise NotImplementedError
