"""How something is built.

A recipe is all that a build may depend on besides the source. It stands in a file that
people write, or that is found out for a package: `recipefile`.
"""

from dataclasses import dataclass, field
from typing import Literal

from reproducible.errors import RecipeError

SourceKind = Literal["tree", "git", "sdist"]
OutputKind = Literal["wheel", "sdist", "bundle"]
Post = Literal["canonical-wheel/1", "canonical-sdist/1", "bundle/1"]
EpochFrom = Literal["commit", "artifact", "given"]
Modes = Literal["normal", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the source comes from.

    Attributes:
        kind: `tree` is the tree that the recipe lies in; `git` and `sdist` are fetched.
        subdir: where the project lies in it; `.` is its top.
        url: of a git repository or an sdist.
        tag: of a git source, for people: the commit counts.
        commit: 40 or 64 hexadecimal digits, with `git` only.
        sha256: of an sdist, with `sdist` only.
        git_dir: whether the build sees a `.git`, with `git` only.
        via_sdist: whether the wheel is built from the sdist that is built first.
    """

    kind: SourceKind = "tree"
    subdir: str = "."
    url: str | None = None
    tag: str | None = None
    commit: str | None = None
    sha256: str | None = None
    git_dir: bool = False
    via_sdist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """What a build sees of the world.

    Attributes:
        python: which interpreters will do, a version specifier (PEP 440).
        epoch: SOURCE_DATE_EPOCH in POSIX seconds; `commit` is the committer time of the
            source, None is unset.
        epoch_from: where it was taken from.
        clock: what time it is during the build, in POSIX seconds; None is the truth.
        umask: as a number.
        source_modes: `normal` is 0644 and 0755, `archive` what the source's archive
            says.
        tz, locale, hostname: as in the variables of these names.
        hashseed: PYTHONHASHSEED.
        uid: the number of the user who builds, and of its group.
        path: where the source stands, from sandbox level 1 on.
    """

    python: str
    epoch: int | Literal["commit"] | None = "commit"
    epoch_from: EpochFrom = "commit"
    clock: int | None = None
    umask: int = 0o022
    source_modes: Modes = "normal"
    tz: str = "UTC"
    locale: str = "C.UTF-8"
    hashseed: int = 0
    hostname: str = "repro"
    uid: int = 1000
    path: str = "/build/src"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What builds.

    Attributes:
        backend: the object of PEP 517, `module` or `module:object`.
        backend_path: folders of the source that it is looked for in first (PEP 517).
        lock: the lock of all its wheels, a path in the source or beside the recipe.
        root: the lock of a Debian root for sandbox level 2, likewise.
        requires: what to resolve where there is no lock yet (PEP 508).
        exclude_newer: POSIX seconds; what was uploaded later does not exist for it.
    """

    backend: str
    backend_path: tuple[str, ...] = ()
    lock: str | None = None
    root: str | None = None
    requires: tuple[str, ...] = ()
    exclude_newer: int | None = None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A file to build.

    Attributes:
        kind: a bundle is made of the wheel that was built and those of its lock.
        post: how it is packed anew, None as the backend wrote it.
        platform: of a bundle, as `cp312-linux-x86_64`.
        lock: of a bundle: all wheels besides the built one.
    """

    kind: OutputKind
    post: Post | None = None
    platform: str | None = field(default=None, kw_only=True)
    lock: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a build may take: seconds of wall clock, MiB of memory, MiB of output."""

    timeout_s: int = 1800
    memory_mib: int = 2048
    output_mib: int = 1024


@dataclass(frozen=True, slots=True)
class Exemption:
    """A header field that is known to differ, and why; each use is proven anew."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How something is built."""

    source: Source
    env: Env
    toolchain: Toolchain
    outputs: tuple[OutputSpec, ...]
    limits: Limits
    exceptions: tuple[Exemption, ...] = ()


def check_own(recipe: Recipe) -> None:
    """Check that a recipe is fit for releases that this project's updater installs.

    The source is the recipe's own tree, the toolchain is locked, every output is packed
    canonically at the epoch of the commit, and nothing is exempt.

    Raises:
        RecipeError: it is not.
    """
    if recipe.source.kind != "tree":
        raise RecipeError(
            f"own recipe: expected a source of type tree, came {recipe.source.kind}"
        )
    if recipe.toolchain.lock is None:
        raise RecipeError("own recipe: expected a lock, came requires")
    if any(each.post is None for each in recipe.outputs):
        raise RecipeError("own recipe: expected a canonical form (post) of each output")
    if recipe.env != Env(python=recipe.env.python):
        raise RecipeError(
            "own recipe: expected nothing but python in env, as all else has one value"
        )
    # Whoever installs compares hashes: there is nobody who could weigh an exception.
    if recipe.exceptions:
        raise RecipeError(
            f"own recipe: expected no exception, came {recipe.exceptions[0].field}"
        )
