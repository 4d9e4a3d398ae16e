"""What ships is what is tested: the locks agree with the pinned requirements."""

import re

import pytest

from reproducible.inputs.lock import Lock, parse_lock
from reproducible.inputs.recipe import Recipe, check_own
from reproducible.inputs.recipefile import parse_recipe
from tests.io_map import CHECKOUT


def _recipe() -> Recipe:
    return parse_recipe((CHECKOUT / "requirements/recipe.toml").read_bytes())


def _lock(path: str | None) -> Lock:
    assert path is not None
    return parse_lock((CHECKOUT / path).read_bytes())


def _pinned(name: str) -> set[str]:
    text = (CHECKOUT / "requirements" / name).read_text()
    return set(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))


def _hashes(lock: Lock) -> set[str]:
    return {each.wheel.sha256 for each in lock.packages}


def test_our_recipe_is_one_for_a_release_of_ours() -> None:
    check_own(_recipe())

    assert {each.kind for each in _recipe().outputs} == {"wheel", "sdist", "bundle"}


def test_build_tools_are_the_pinned_ones() -> None:
    tools = _lock(_recipe().toolchain.lock)

    assert "hatchling" in tools.by_name
    assert _hashes(tools) <= _pinned("build.txt")


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_bundle_holds_what_the_tests_run_with(minor: int) -> None:
    platform = f"cp3{minor}-linux-x86_64"
    (bundle,) = (each for each in _recipe().outputs if each.platform == platform)
    wheels = _lock(bundle.lock)

    assert {"aiortc", "cryptography", "sigstore", "tuf"} <= wheels.by_name.keys()
    assert _hashes(wheels) <= _pinned("run.txt")
