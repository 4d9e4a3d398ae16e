"""Commits built by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from reproducible.builds.commit import build_commit
from reproducible.errors import RecipeError
from tests.reproducible.projects import RECIPE, commit, tally
from tests.reproducible.workshops import workshop


def test_a_tag_is_built_by_the_recipe_in_it(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    found = commit(repository, tally(), tag="v1.0")
    commit(repository, tally("2.0"))
    told: list[str] = []
    shop = replace(workshop(tmp_path / "shop"), tell=told.append)
    built = build_commit(
        repository, "v1.0", recipe=RECIPE, workshop=shop, out=tmp_path / "out"
    )

    assert (
        built.plan.source.commit,
        built.plan.source.tag,
        built.result.outputs[0].name,
        told,
    ) == (
        found,
        "v1.0",
        "tally-1.0-py3-none-any.whl",
        ["fetching v1.0", f"building in a sandbox of level {built.level}"],
    )


@pytest.mark.parametrize("name", ["out/older", "out"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")

    with pytest.raises(RecipeError, match="expected a new or an empty folder"):
        build_commit(
            tmp_path,
            "HEAD",
            recipe=RECIPE,
            workshop=workshop(tmp_path / "shop"),
            out=tmp_path / "out",
        )
