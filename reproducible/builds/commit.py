"""A commit of a repository, built. Carrier."""

from dataclasses import dataclass
from pathlib import Path

from reproducible.builds.building import Result, build
from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.builds.workshop import Workshop
from reproducible.errors import RecipeError
from reproducible.sandbox.levels import Level
from reproducible.source.git import export, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitBuilt:
    """What was built of a commit.

    Attributes:
        plan: what decided the bytes.
        level: of the sandbox.
        warnings: what does not change the bytes and should be known.
    """

    plan: Plan
    level: Level
    result: Result
    warnings: tuple[str, ...]


def build_commit(
    repository: Path | str,
    ref: str,
    *,
    recipe: str,
    workshop: Workshop,
    out: Path,
) -> CommitBuilt:
    """Build a commit, tag or branch by the recipe at a path of its tree.

    The folder `out` is made, or is empty.

    Raises:
        RecipeError: `out` has something in it.
        RebuildError: as `resolve`, `export`, `plan_tree`, `Workshop.sandbox` and
            `build`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RecipeError(f"{out}: expected an empty folder, or none yet")
    workshop.tell(f"fetching {ref}")
    found = resolve(repository, ref, environment=workshop.environment)
    exported = export(
        repository, found.commit, tag=found.tag, environment=workshop.environment
    )
    plan = plan_tree(
        exported.tree,
        recipe_at(exported.tree, recipe),
        commit=exported.commit,
        committed=exported.epoch,
        tag=exported.tag,
    )
    choice = workshop.sandbox(plan)
    workshop.tell(f"building in a sandbox of level {choice.sandbox.level}")
    result = build(
        plan,
        sandbox=choice.sandbox,
        cache=workshop.cache,
        supplies=workshop.supplies,
        out=out,
        now=workshop.now,
    )
    return CommitBuilt(
        plan=plan,
        level=choice.sandbox.level,
        result=result,
        warnings=(*exported.warnings, *choice.fallen),
    )
