"""What stands beside the outputs of a release."""

import hashlib
from dataclasses import replace

import pytest

from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.compare.verdict import FileId
from reproducible.errors import RecipeError
from reproducible.inputs.tree import SourceFile, make_tree
from reproducible.release.dist import (
    file_id,
    format_sums,
    inputs_of,
    toolchain_name,
    toolchain_tar,
)
from tests.reproducible.projects import (
    APP_LOCK,
    BUILD_LOCK,
    EPOCH,
    RECIPE,
    WORDS,
    tally,
)
from tests.updater.wheels import sha256
from updater.archive.extent import in_memory
from updater.archive.ustar import read_members


def plan_of(files: dict[str, bytes]) -> Plan:
    tree = make_tree(SourceFile(path, data) for path, data in files.items())
    recipe = recipe_at(tree, RECIPE)
    return plan_tree(tree, recipe, commit="a" * 40, committed=EPOCH)


def test_recipe_and_locks_are_given_by_their_own_names() -> None:
    files = tally()

    assert inputs_of(plan_of(files), RECIPE) == {
        path.rpartition("/")[2]: files[path] for path in (RECIPE, BUILD_LOCK, APP_LOCK)
    }


def test_a_lock_that_is_named_twice_is_given_once() -> None:
    plan = plan_of(tally())
    bundle = plan.recipe.outputs[-1]
    outputs = (*plan.recipe.outputs, replace(bundle, platform="cp312-linux-x86_64"))
    twice = replace(plan, recipe=replace(plan.recipe, outputs=outputs))

    assert len(inputs_of(twice, RECIPE)) == 3


def test_two_inputs_of_one_name_are_refused() -> None:
    files = tally()
    files[RECIPE] = files[RECIPE].replace(
        b"requirements/pylock.build.toml", b"build/pylock.app-cp311-linux-x86_64.toml"
    )
    files["build/pylock.app-cp311-linux-x86_64.toml"] = files[BUILD_LOCK]

    with pytest.raises(RecipeError, match="locks of different names"):
        inputs_of(plan_of(files), RECIPE)


def test_a_toolchain_is_named_by_its_lock() -> None:
    expected = hashlib.sha256(tally()[BUILD_LOCK]).hexdigest()

    assert toolchain_name(plan_of(tally())) == f"toolchain-{expected}.tar"


def test_a_toolchain_is_a_canonical_tar_of_wheels() -> None:
    name, data = WORDS
    tar = in_memory(toolchain_tar({name: data}))
    found = [
        (member.name, member.mtime, extent.read(0, extent.size))
        for member, extent in read_members(tar, most=9)
    ]

    assert found == [(name, 315_532_800, data)]


def test_the_toolchain_of_the_worked_example_comes_out() -> None:
    assert sha256(toolchain_tar({"a-1-py3-none-any.whl": b"abc"})) == (
        "9f9c2afc21c4600b2a715a4cd96f8eebb82e8c9bdc457aff4a542196af9d137b"
    )


def test_sums_are_sorted_by_name_and_in_the_form_of_sha256sum() -> None:
    files = [FileId("b", 1, sha256="2" * 64), FileId("a", 1, sha256="1" * 64)]

    assert format_sums(files).decode() == f"{'1' * 64}  a\n{'2' * 64}  b\n"


def test_a_file_is_named_by_its_bytes() -> None:
    assert file_id("a", b"abc") == FileId("a", 3, sha256=sha256(b"abc"))
