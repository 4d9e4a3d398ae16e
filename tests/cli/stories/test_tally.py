"""The demo's own program: strangers build it again, and one release is broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.stories import tally
from reproducible.archive.wheels import canonical_wheel
from reproducible.inputs.recipe import check_own
from reproducible.inputs.recipefile import parse_recipe
from updater.offer.product import PLATFORM

EVERY = {**tally.SOURCES, tally.TARGETED[0]: tally.TARGETED[1]}


def built(folder: Path, version: str = "1.0") -> bytes:
    """Build a version from a source in a new folder."""
    tally.write_source(folder, version, EVERY[version])
    return tally.build_here(folder, version)


def run(folder: Path, argv0: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a source by the name it was started with."""
    code = (
        f"import sys; sys.path.append({str(folder)!r}); sys.argv[:] = sys.argv[1:];"
        "import tally.main; sys.exit(tally.main.run())"
    )
    command = [sys.executable, "-I", "-B", "-c", code, argv0, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_whoever_builds_the_same_source_gets_the_same_bytes(tmp_path: Path) -> None:
    assert built(tmp_path / "one") == built(tmp_path / "other")


def test_another_source_gives_another_bundle(tmp_path: Path) -> None:
    bundles = {built(tmp_path / each, each) for each in EVERY}

    assert len(bundles) == len(EVERY)


@pytest.mark.parametrize("version", EVERY)
def test_every_version_works_when_it_is_tried_by_its_name(
    tmp_path: Path, version: str
) -> None:
    tally.write_source(tmp_path, version, EVERY[version])
    tried = run(tmp_path, "tally", *tally.TALLY.probe)

    assert (tried.returncode, tried.stdout) == (0, f"tally {version}\n")


def test_version_1_2_fails_where_it_is_installed(tmp_path: Path) -> None:
    tally.write_source(tmp_path, "1.2", EVERY["1.2"])
    started = run(tmp_path, "/home/carol/tally/tally")

    assert started.stderr.endswith("KeyError: '/home/carol/tally/tally'\n")


def test_this_machine_has_a_platform() -> None:
    assert PLATFORM.fullmatch(tally.platform())


def test_its_recipe_is_fit_for_releases(tmp_path: Path) -> None:
    tally.write_source(tmp_path, "1.0", EVERY["1.0"])
    recipe = parse_recipe((tmp_path / tally.RECIPE).read_bytes())

    check_own(recipe)
    assert recipe.outputs[-1].platform == tally.platform()


def test_its_backend_builds_a_wheel_that_is_read_strictly(tmp_path: Path) -> None:
    tally.write_source(tmp_path, "1.0", EVERY["1.0"])
    code = (
        "import sys; sys.path.append('build'); import backend; backend.build_wheel('.')"
    )
    command = [sys.executable, "-I", "-B", "-c", code]
    subprocess.run(command, cwd=tmp_path, check=True)
    (wheel,) = tmp_path.glob("*.whl")

    assert canonical_wheel(wheel.read_bytes(), wheel.name, 1_790_000_000)
