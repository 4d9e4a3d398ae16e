"""What a build gives: wheel, sdist and bundle in their final form."""

from collections.abc import Sequence
from typing import assert_never

from reproducible.archive.sdists import canonical_sdist
from reproducible.archive.wheels import canonical_wheel
from reproducible.builds.plan import Plan
from reproducible.errors import BuildFailedError, RecipeError
from reproducible.inputs.recipe import OutputSpec
from updater.archive.bundle import (
    BundledWheel,
    Manifest,
    format_manifest,
    parse_manifest,
)
from updater.archive.wheel import project_of
from updater.errors import MalformedError
from updater.offer.version import check_version


def packed(raw: bytes, name: str, spec: OutputSpec, epoch: int | None) -> bytes:
    """Pack what a backend wrote as its recipe says; without a `post`, it stays.

    Raises:
        BuildFailedError: `bad-output`: it is no strict wheel or sdist.
        RecipeError: there is no epoch to pack it with.
    """
    if spec.post is None:
        return raw
    if epoch is None:
        raise RecipeError(f"recipe: {spec.post} needs an epoch, came none")
    try:
        match spec.post:
            case "canonical-wheel/1":
                return canonical_wheel(raw, name, epoch)
            case "canonical-sdist/1":
                return canonical_sdist(raw, epoch)
            case "bundle/1":
                raise RecipeError(f"recipe: {spec.kind} cannot become a bundle")
            case _:
                assert_never(spec.post)
    except MalformedError as error:
        raise BuildFailedError("bad-output", f"{name}: {error}") from error


def bundle_manifest(
    plan: Plan, platform: str, app: BundledWheel, others: Sequence[BundledWheel]
) -> Manifest:
    """Say what is in a bundle of the wheel that was built and those of its lock.

    Its name is the project of the wheel, with `-` for `_`.

    Raises:
        BuildFailedError: `bad-output`: the wheel's name says no version, or one of the
            values is none that a bundle can name.
        RecipeError: there is no epoch, commit or lock to name.
    """
    source, lock = plan.source, plan.apps.get(platform)
    if None in {plan.epoch, source.commit, source.tree_sha256} or lock is None:
        raise RecipeError(
            f"bundle of {platform}: expected an epoch, a commit and a lock to name"
        )
    assert plan.epoch is not None
    assert source.commit is not None
    assert source.tree_sha256 is not None
    try:
        name = project_of(app.file).replace("_", "-")
        manifest = Manifest(
            name=name,
            version=check_version(app.file.split("-")[1], app.file),
            platform=platform,
            epoch=plan.epoch,
            commit=source.commit,
            tree_sha256=source.tree_sha256,
            recipe_sha256=plan.recipe_sha256,
            lock_sha256=lock.sha256,
            app=app.name,
            wheels=tuple(sorted((app, *others), key=lambda each: each.name)),
        )
        # Only what every reader takes is ever written.
        return parse_manifest(format_manifest(manifest), product=name)
    except MalformedError as error:
        raise BuildFailedError("bad-output", f"bundle of {platform}: {error}") from None
