"""What a build gives: wheel, sdist and bundle in their final form."""

from collections.abc import Sequence

from reproducible.builds.plan import Plan
from reproducible.inputs.recipe import OutputSpec
from updater.archive.bundle import BundledWheel, Manifest


def packed(raw: bytes, name: str, spec: OutputSpec, epoch: int | None) -> bytes:
    """Pack what a backend wrote as its recipe says; without a `post`, it stays.

    Raises:
        BuildFailedError: `bad-output`: it is no strict wheel or sdist.
    """
    raise NotImplementedError


def bundle_manifest(
    plan: Plan, spec: OutputSpec, app: BundledWheel, others: Sequence[BundledWheel]
) -> Manifest:
    """Say what is in a bundle of the wheel that was built and those of its lock.

    Raises:
        BuildFailedError: `bad-output`: the wheel's name says no version that a bundle
            can have.
        RecipeError: the recipe's epoch or source is none that a bundle can name.
    """
    raise NotImplementedError
