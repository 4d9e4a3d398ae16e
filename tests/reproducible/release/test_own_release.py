"""This repository builds to the same bytes, whoever builds it, where and how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.io_map import CHECKOUT

_PROGRAM = Path(sys.executable).with_name("ringfence")
_NOT_HERE = {69: "no sandbox can be made", 75: "the locked files are not to be had"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (CHECKOUT / ".git").exists(), reason="this is no git repository"
    ),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of this repository in which the newest commit is a release."""
    folder = tmp_path_factory.mktemp("own") / "ringfence"
    git("clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(folder))
    git("-C", str(folder), "tag", "v0.1.0")
    return folder


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def run(repository: Path, *arguments: str, umask: int = 0o022, tz: str = "UTC") -> str:
    """Run a command of `rebuild`; what was fetched for one is kept for the next."""
    home = ("--home", str(repository.parent / "home"))
    done = subprocess.run(
        [_PROGRAM, *home, "rebuild", *arguments, "--source", str(repository)],
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
        env=os.environ | {"TZ": tz},
    )
    if done.returncode in _NOT_HERE:
        pytest.skip(f"{_NOT_HERE[done.returncode]}: {done.stderr[-300:]}")

    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_of_it_is_the_same_under_all_conditions(repository: Path) -> None:
    said = run(repository, "release", "verify")
    states = [line.split()[1] for line in said.splitlines()]

    assert set(states) <= {"baseline", "same", "skipped"}
    assert states.count("same") > 20


def test_two_people_make_the_same_release(repository: Path, tmp_path: Path) -> None:
    make = ("release", "make", "0.1.0")
    first, second = tmp_path / "first", tmp_path / "a second place" / "far away"
    second.parent.mkdir()
    run(repository, *make, "-o", str(first))
    run(
        repository, *make, "-o", str(second), "--level", "0",
        umask=0o077, tz="Pacific/Auckland",
    )  # fmt: skip
    names = sorted(path.name for path in first.iterdir())
    sums = [(each / "SHA256SUMS").read_bytes() for each in (first, second)]

    assert names == sorted(path.name for path in second.iterdir())
    assert sums[0] == sums[1]


def test_a_release_can_be_made_of_what_it_ships(
    repository: Path, tmp_path: Path
) -> None:
    make = ("release", "make", "0.1.0")
    run(repository, *make, "-o", str(tmp_path / "first"))
    (shipped,) = (tmp_path / "first").glob("toolchain-*.tar")
    bundles = (tmp_path / "first").glob("ringfence-*.tar")
    supplies = [f"--wheels={path}" for path in (shipped, *bundles)]
    offline = ("--home", str(tmp_path / "home"), "rebuild", *make)
    done = subprocess.run(
        [
            _PROGRAM, *offline, "-o", str(tmp_path / "second"), *supplies,
            "--index", "http://127.0.0.1:9/", "--source", str(repository),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    sums = [(tmp_path / x / "SHA256SUMS").read_bytes() for x in ("first", "second")]

    assert done.returncode == 0, done.stderr
    assert sums[0] == sums[1]
