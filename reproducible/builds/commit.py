"""A commit of a repository, planned and built. Carrier."""

from dataclasses import dataclass, replace
from pathlib import Path

from reproducible.builds.building import Result, build
from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.builds.staging import expect_empty
from reproducible.builds.workshop import Workshop
from reproducible.sandbox.levels import Level
from reproducible.source.git import export, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built of a plan.

    Attributes:
        plan: what decided the bytes.
        level: of the sandbox.
        warnings: what does not change the bytes and should be known.
    """

    plan: Plan
    level: Level
    result: Result
    warnings: tuple[str, ...]


def plan_commit(
    repository: Path | str, ref: str, *, recipe: str, workshop: Workshop
) -> tuple[Plan, tuple[str, ...]]:
    """Plan a build of a commit, tag or branch, by the recipe at a path of its tree.

    Gives the plan, and warnings: what does not change the bytes and should be known.

    Raises:
        RebuildError: as `resolve`, `export` and `plan_tree`.
    """
    workshop.tell(f"fetching {ref}")
    environment = workshop.environment
    found = resolve(repository, ref, environment=environment)
    exported = export(repository, found.commit, tag=found.tag, environment=environment)
    plan = plan_tree(
        exported.tree,
        recipe_at(exported.tree, recipe),
        commit=exported.commit,
        committed=exported.epoch,
        tag=exported.tag,
    )
    return plan, exported.warnings


def build_plan(plan: Plan, *, workshop: Workshop, out: Path) -> Built:
    """Build a plan into the folder `out`, in the sandbox that the workshop chooses.

    Raises:
        RebuildError: as `Workshop.sandbox` and `build`.
    """
    choice = workshop.sandbox(plan)
    level = choice.sandbox.level
    workshop.tell(f"building in a sandbox of level {level}")
    result = build(
        plan,
        sandbox=choice.sandbox,
        facts=choice.facts,
        cache=workshop.cache,
        supplies=workshop.supplies,
        out=out,
        now=workshop.now,
    )
    return Built(plan=plan, level=level, result=result, warnings=choice.fallen)


def build_commit(
    repository: Path | str, ref: str, *, recipe: str, workshop: Workshop, out: Path
) -> Built:
    """Build a commit, tag or branch by the recipe at a path of its tree.

    The folder `out` is new or empty.

    Raises:
        RecipeError: `out` has something in it.
        RebuildError: as `plan_commit` and `build_plan`.
    """
    expect_empty(out)
    plan, warnings = plan_commit(repository, ref, recipe=recipe, workshop=workshop)
    built = build_plan(plan, workshop=workshop, out=out)
    return replace(built, warnings=(*warnings, *built.warnings))
