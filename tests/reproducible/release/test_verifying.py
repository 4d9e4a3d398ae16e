"""A release is built twice, differently; what is not the same is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from reproducible.errors import RecipeError
from reproducible.release.verifying import verify_commit, verify_plan
from reproducible.vary.outcomes import Outcome
from reproducible.vary.variations import choose_variations
from tests.reproducible.projects import RECIPE, commit, tally
from tests.reproducible.workshops import plan_of, workshop

BACKEND = "build/backend.py"
METADATA = b'    members[about + "METADATA"] = METADATA.encode()\n'


def verified(folder: Path, files: dict[str, bytes]) -> list[Outcome]:
    revision = commit(folder / "repository", files)
    shop = workshop(folder / "shop")
    return list(verify_plan(plan_of(folder / "repository", revision), shop))


def states(found: list[Outcome]) -> dict[str, str]:
    return {each.name: each.state for each in found}


def test_a_careful_project_is_built_to_the_same_bytes(tmp_path: Path) -> None:
    found = verified(tmp_path, tally())

    assert states(found) == {"first": "baseline", "second": "same", "sdist": "same"}
    assert len(found[0].files) == 3


def test_the_second_build_is_as_different_as_this_machine_allows(
    tmp_path: Path,
) -> None:
    _, second, _ = verified(tmp_path, tally())

    assert "umask 077" in second.about
    assert "a random hash seed" in second.about


def test_a_wheel_that_depends_on_its_surroundings_is_found(tmp_path: Path) -> None:
    leak = b"    members['tally/where.txt'] = os.getcwd().encode()\n"
    backend = tally()[BACKEND].replace(METADATA, METADATA + leak)
    found = verified(tmp_path, tally() | {BACKEND: backend})

    assert (states(found)["second"], states(found)["sdist"]) == ("different", "same")
    # The wheel, and the bundle that holds it.
    assert len(found[1].explained) == 2


def test_a_wheel_that_is_not_made_of_the_sdist_is_found(tmp_path: Path) -> None:
    leak = b"    members['tally/made.txt'] = str(os.path.exists('PKG-INFO')).encode()\n"
    backend = tally()[BACKEND].replace(METADATA, METADATA + leak)
    found = verified(tmp_path, tally() | {BACKEND: backend})

    assert (states(found)["second"], states(found)["sdist"]) == ("same", "different")
    assert [each.entry for each in found[2].explained[0].comparison.differences] == [
        "tally/made.txt"
    ]


def test_an_sdist_without_the_source_is_found(tmp_path: Path) -> None:
    backend = tally()[BACKEND].replace(b'path != "./PKG-INFO"', b'"tally/" not in path')
    found = verified(tmp_path, tally() | {BACKEND: backend})

    assert found[2].state != "same"


def test_a_build_that_fails_elsewhere_is_found(tmp_path: Path) -> None:
    breaking = b"    assert os.environ['TZ'] == 'UTC'\n"
    backend = tally()[BACKEND].replace(METADATA, METADATA + breaking)
    found = verified(tmp_path, tally() | {BACKEND: backend})

    assert states(found)["second"] == "failed"


def test_a_recipe_without_an_sdist_says_that_this_was_not_looked_at(
    tmp_path: Path,
) -> None:
    revision = commit(tmp_path / "repository", tally())
    plan = plan_of(tmp_path / "repository", revision)
    outputs = tuple(each for each in plan.recipe.outputs if each.kind == "wheel")
    plan = replace(plan, recipe=replace(plan.recipe, outputs=outputs), apps={})
    found = list(verify_plan(plan, workshop(tmp_path / "shop")))

    assert states(found)["sdist"] == "skipped"


def test_variations_follow(tmp_path: Path) -> None:
    commit(tmp_path / "repository", tally())
    found = verify_commit(
        tmp_path / "repository",
        "HEAD",
        recipe=RECIPE,
        workshop=workshop(tmp_path / "shop"),
        variations=choose_variations(("V03",)),
        wait=lambda _: None,
    )

    assert [each.name for each in found] == ["first", "second", "sdist", "V01", "V03"]


def test_only_a_recipe_that_is_fit_for_releases_is_verified(tmp_path: Path) -> None:
    files = tally()
    files[RECIPE] = files[RECIPE].replace(b'epoch = "commit"', b"epoch = 1750000000")
    commit(tmp_path / "repository", files)
    found = verify_commit(
        tmp_path / "repository",
        "HEAD",
        recipe=RECIPE,
        workshop=workshop(tmp_path / "shop"),
        variations=(),
        wait=lambda _: None,
    )

    with pytest.raises(RecipeError, match="own recipe"):
        next(found)
