"""A commit of a repository, planned. Carrier."""

from pathlib import Path

from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.builds.workshop import Workshop
from reproducible.source.git import export, resolve


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
