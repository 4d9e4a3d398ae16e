"""Sandboxes for a plan."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from reproducible.builds.plan import Plan
from reproducible.builds.workshop import Workshop
from reproducible.errors import InputError, IsolationError, MissingError
from reproducible.inputs.rootlock import RootLock, RootPackage
from reproducible.sandbox.levels import Level
from tests.reproducible.projects import EPOCH, commit, tally
from tests.reproducible.workshops import plan_of, workshop


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path / "repository", commit(tmp_path / "repository", tally()))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return workshop(tmp_path / "shop")


def _with_root(plan: Plan, sha256: str) -> Plan:
    package = RootPackage("base", "1", arch="amd64", sha256="2" * 64)
    root = RootLock(
        suite="bookworm",
        arch="amd64",
        epoch=EPOCH,
        tool="mmdebstrap 1.3.5",
        tar_sha256=sha256,
        packages=(package,),
    )
    return replace(plan, root=root)


def _tar(folder: Path) -> tuple[Path, str]:
    """Make a root that holds nothing but the two folders that are looked at."""
    for name in ("usr", "etc"):
        (folder / name).mkdir()
    path = folder / "root.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("./usr", "./etc"):
            tar.add(folder / name, name)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sandbox_has_an_interpreter_that_the_recipe_allows(
    shop: Workshop, plan: Plan
) -> None:
    assert shop.sandbox(plan).sandbox.interpreter.version >= (3, 11)


def test_a_recipe_that_allows_none_lacks_one(shop: Workshop, plan: Plan) -> None:
    recipe = replace(plan.recipe, env=replace(plan.recipe.env, python="<3"))

    with pytest.raises(MissingError, match="expected a Python <3"):
        shop.sandbox(replace(plan, recipe=recipe))


def test_a_root_with_another_hash_than_locked_is_not_used(
    shop: Workshop, plan: Plan, tmp_path: Path
) -> None:
    path, _ = _tar(tmp_path)

    with pytest.raises(InputError, match=f"expected SHA-256 {'0' * 64}"):
        replace(shop, root=path).sandbox(_with_root(plan, "0" * 64))


def test_level_2_takes_a_root_that_the_recipe_locks(
    shop: Workshop, plan: Plan, tmp_path: Path
) -> None:
    path, _ = _tar(tmp_path)

    with pytest.raises(IsolationError, match="expected a Debian root, found none"):
        replace(shop, root=path, level=2).sandbox(plan)


def test_a_root_is_unpacked_from_the_bytes_that_are_locked(
    shop: Workshop, plan: Plan, tmp_path: Path
) -> None:
    path, sha256 = _tar(tmp_path)
    with pytest.raises(MissingError, match="python3"):
        replace(shop, root=path, level=2).sandbox(_with_root(plan, sha256))

    assert sorted(each.name for each in shop.scratch.glob("root-*/*")) == ["etc", "usr"]


@pytest.mark.parametrize("level", [0, 1])
def test_lower_levels_leave_the_root_alone(
    tmp_path: Path, plan: Plan, level: Level
) -> None:
    shop = replace(workshop(tmp_path / "low", level), root=tmp_path / "nowhere")
    choice = shop.sandbox(_with_root(plan, "0" * 64))

    assert choice.sandbox.level == level
