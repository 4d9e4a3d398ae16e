"""Makes the files of a release, from its tag and nothing else.

Carrier. The tag is exported, so what is not committed has no part in it. Everything
that decided over the bytes is written beside them.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reproducible.builds.building import BUILDINFO, LOG, Result
from reproducible.builds.commit import build_plan, plan_commit
from reproducible.builds.plan import Plan
from reproducible.builds.staging import expect_empty, staged
from reproducible.builds.toolchain import fetch_locked
from reproducible.builds.workshop import Workshop
from reproducible.compare.verdict import FileId
from reproducible.errors import RecipeError
from reproducible.inputs.recipe import check_own
from reproducible.record.attest import Facts, format_jsonl, sign_provenance
from reproducible.record.buildinfo import Buildinfo, format_buildinfo
from reproducible.release.dist import (
    SUMS,
    file_id,
    format_sums,
    inputs_of,
    toolchain_name,
    toolchain_tar,
)
from updater.archive.bundle import MAX_BUNDLE_BYTES
from updater.archive.wheel import project_of
from updater.files import Files
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import Environment, Rebuilder

_PUBLIC = 0o644


@dataclass(frozen=True, slots=True)
class Maker:
    """Who says how the files came about, and signs it."""

    rebuilder: Rebuilder
    key: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The files of a release.

    Attributes:
        files: those that anybody can make again, sorted by name.
        level: of the sandbox.
        warnings: what does not change the bytes and should be known.
    """

    plan: Plan
    files: tuple[FileId, ...]
    level: int
    warnings: tuple[str, ...]


def make_release(  # noqa: PLR0913 - what one release needs
    repository: Path | str,
    version: str,
    *,
    recipe: str,
    workshop: Workshop,
    out: Path,
    maker: Maker | None = None,
) -> Made:
    """Build the tag `vVERSION` into the folder `out`, which is new or empty.

    Beside wheel, sdist and bundles it then has recipe, locks, the wheels of the
    toolchain in one tar, SHA256SUMS of all these, how the build went, and with a
    `maker` a signed statement of it. A publisher's own statement counts for nothing
    where rebuilders are counted: it says where to look. All of it appears together; if
    it fails, how the build went is all that does.

    Raises:
        RecipeError: there is no such tag, the recipe is not fit for releases of ours,
            the wheel is of another version, or `out` has something in it.
        RebuildError: as `plan_commit` and `build_plan`.
    """
    files, tag = Files(), f"v{version}"
    expect_empty(out)
    plan, warnings = plan_commit(repository, tag, recipe=recipe, workshop=workshop)
    if plan.source.tag != tag:
        raise RecipeError(f"expected a tag {tag}, came a branch or another commit")
    check_own(plan.recipe)
    with staged(out, account=(LOG, BUILDINFO)) as stage:
        built = build_plan(plan, workshop=workshop, out=stage)
        result = built.result
        project = _check_version(result, version)
        outputs = [FileId(x.name, x.size, sha256=x.sha256) for x in result.outputs]
        beside = _beside(plan, recipe, workshop, files)
        made = outputs + [file_id(name, data) for name, data in beside.items()]
        beside[SUMS] = format_sums(made)
        if maker is not None:
            signed = _signed(outputs, plan, result.buildinfo, maker)
            beside[f"{project}-{version}.intoto.jsonl"] = signed
        for name, data in beside.items():
            files.create(stage / name, data, _PUBLIC)
    return Made(
        plan=plan,
        files=tuple(sorted(made, key=lambda each: each.name)),
        level=built.level,
        warnings=(*warnings, *built.warnings),
    )


def _check_version(result: Result, version: str) -> str:
    """Expect the wheel to say what the tag says; gives its project, with `-`.

    Raises:
        RecipeError: it says another version, or there is none.
    """
    names = [each.name for each in result.outputs if each.kind == "wheel"]
    for name in names:
        if name.split("-")[1] == version:
            return project_of(name).replace("_", "-")
    raise RecipeError(
        f"tag v{version}: expected a wheel of this version, came {names or 'none'}"
    )


def _beside(
    plan: Plan, recipe: str, workshop: Workshop, files: Files
) -> dict[str, bytes]:
    """Give what is published with the outputs, by file name."""
    beside = inputs_of(plan, recipe)
    lock = plan.tools.lock
    if lock.packages:
        paths = fetch_locked(lock, workshop.cache, workshop.supplies)
        names = [package.wheel.file for package in lock.packages]
        wheels = {
            name: files.read(path, most=MAX_BUNDLE_BYTES)
            for name, path in zip(names, paths, strict=True)
        }
        beside[toolchain_name(plan)] = toolchain_tar(wheels)
    return beside


def _signed(made: list[FileId], plan: Plan, info: Buildinfo, maker: Maker) -> bytes:
    """Sign how the outputs came about, one envelope to a line."""
    walls, source = info.sandbox, plan.source
    facts = Facts(
        source=Resource(git_commit=source.commit, sha256=source.tree_sha256),
        recipe=Resource(sha256=plan.recipe_sha256),
        buildinfo=_resource(file_id(BUILDINFO, format_buildinfo(info))),
        log=Resource(name=LOG, sha256=info.log_sha256),
        environment=Environment(
            info.runtime.arch,
            walls.level,
            Resource(sha256=walls.root_sha256) if walls.root_sha256 else None,
        ),
        rebuilder=maker.rebuilder,
        started_on=info.started,
        finished_on=info.finished,
        locks=(
            Resource(sha256=plan.tools.sha256),
            *(Resource(name=x, sha256=lock.sha256) for x, lock in plan.apps.items()),
        ),
        toolchain=tuple(
            Resource(name=each.wheel.file, sha256=each.wheel.sha256)
            for each in plan.tools.lock.packages
        ),
    )
    return format_jsonl([sign_provenance(made, facts, maker.key)])


def _resource(file: FileId) -> Resource:
    return Resource(name=file.name, sha256=file.sha256)
