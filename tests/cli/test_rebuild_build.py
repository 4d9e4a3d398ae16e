"""`ringfence rebuild build`, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reproducible.archive.sdists import write_tar
from tests.reproducible.projects import EPOCH, WORDS, commit, tally, wheels_folder
from tests.reproducible.workshops import workshop
from updater.archive.packing import NewEntry

_PROGRAM = Path(sys.executable).with_name("ringfence")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    workshop(tmp_path / "shop")  # skips where nothing can be built
    commit(tmp_path / "repository", tally(), tag="v1.0")
    wheels_folder(tmp_path / "wheels")
    return tmp_path


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    build = ("--home", "home", "rebuild", "build", *arguments)
    source = ("--source", "repository", "--index", "http://127.0.0.1:9/")
    return subprocess.run(
        [_PROGRAM, *build, *source],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_tag_is_built_and_its_files_are_named_with_their_hashes(folder: Path) -> None:
    done = _run(folder, "v1.0", "-o", "out", "--wheels", "wheels")
    check = subprocess.run(
        ["sha256sum", "--check", "--strict"],
        input=done.stdout, cwd=folder / "out", capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, check.stdout.count(": OK\n")) == (0, 3)


def test_locked_files_may_come_in_a_tar(folder: Path) -> None:
    (folder / "wheels.tar").write_bytes(write_tar([NewEntry(*WORDS)], EPOCH))

    assert _run(folder, "v1.0", "-o", "out", "--wheels", "wheels.tar").returncode == 0


def test_programs_get_one_object_a_line(folder: Path) -> None:
    done = _run(folder, "v1.0", "-o", "out", "--wheels", "wheels", "--json")
    facts = [json.loads(line) for line in done.stdout.splitlines()]

    assert [each["kind"] for each in facts if "kind" in each] == [
        "wheel",
        "sdist",
        "bundle",
    ]


def test_a_file_that_is_not_to_be_had_is_no_verdict(folder: Path) -> None:
    done = _run(folder, "v1.0", "-o", "out")

    assert (done.returncode, "words-2.1" in done.stderr) == (75, True)


def test_a_build_that_fails_has_its_own_code(folder: Path) -> None:
    backend = "build/backend.py"
    broken = tally()[backend].replace(b"    about = ", b"    about = 1 / 0 #")
    commit(folder / "repository", tally() | {backend: broken})

    assert _run(folder, "main", "-o", "out", "--wheels", "wheels").returncode == 4
