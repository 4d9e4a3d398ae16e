"""Locks of a project that needs nothing, so that no index is asked."""

from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.inputs.lock import parse_lock
from reproducible.release.locking import relock
from tests.reproducible.projects import write

PLATFORM = "cp312-linux-x86_64"
TOOLS, APP = "pylock.build.toml", f"pylock.app-{PLATFORM}.toml"
PROJECT = {
    "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "own"\n'
    b'[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n',
    "recipe.toml": f"""
schema = "ringfence-recipe/1"
source = {{ type = "tree" }}
env = {{ python = ">=3.11" }}
toolchain = {{ lock = "{TOOLS}", backend = "own", backend_path = ["."] }}
output = [
    {{ kind = "wheel", post = "canonical-wheel/1" }},
    {{ kind = "bundle", post = "bundle/1", platform = "{PLATFORM}", lock = "{APP}" }},
]
""".encode(),
}


def test_every_lock_that_a_recipe_names_is_written(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)

    written = list(relock(tmp_path, recipe="recipe.toml", extras=()))

    assert [each.path for each in written] == [TOOLS, APP]
    assert parse_lock((tmp_path / APP).read_bytes()).packages == ()


def test_versions_are_those_of_the_project_if_it_lists_them(tmp_path: Path) -> None:
    write(tmp_path, PROJECT | {"requirements/run.txt": b"no requirement at all\n"})

    with pytest.raises(InputError, match=r"run\.txt"):
        list(relock(tmp_path, recipe="recipe.toml", extras=()))


def test_what_the_installer_says_is_one_line(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)

    with pytest.raises(InputError, match=r"^uv: exit 2: error: .*nowhere\.txt\Z"):
        list(
            relock(tmp_path, recipe="recipe.toml", extras=(), constraints="nowhere.txt")
        )
