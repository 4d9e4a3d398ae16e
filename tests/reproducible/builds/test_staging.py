"""Files appear together, or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from reproducible.builds.staging import STAGE, expect_empty, staged
from reproducible.errors import RecipeError
from tests.reproducible.projects import write
from updater.errors import StoreError


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_there_before_all_of_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with staged(out) as stage:
        write(stage, {"one": b"1", "two": b"2"})
        before = _names(out)

    assert (before, _names(out)) == ([STAGE], ["one", "two"])


def _failing(out: Path) -> None:
    with staged(out, account=("log", "info")) as stage:
        write(stage, {"one": b"1", "log": b"no"})
        raise ZeroDivisionError


def test_of_what_failed_only_the_account_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        _failing(tmp_path)

    assert _names(tmp_path) == ["log"]


def _in_the_way(out: Path) -> None:
    write(out, {"two/in-the-way": b""})
    with staged(out) as stage:
        write(stage, {"one": b"1", "two": b"2"})


def test_a_file_that_cannot_appear_takes_the_others_with_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="two"):
        _in_the_way(tmp_path)

    assert _names(tmp_path) == ["two"]


_KILLED = """
import os, pathlib, sys
from reproducible.builds.staging import staged
with staged(pathlib.Path(sys.argv[1])) as stage:
    (stage / "one").write_bytes(b"1")
    os.kill(os.getpid(), 9)
"""


def test_what_a_kill_leaves_is_not_in_the_way(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    left = _names(tmp_path)
    expect_empty(tmp_path)
    with staged(tmp_path) as stage:
        write(stage, {"two": b"2"})

    assert (left, _names(tmp_path)) == ([STAGE], ["two"])


@pytest.mark.parametrize("name", ["out/older", "out"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: b""})

    with pytest.raises(RecipeError, match="expected a new or an empty folder"):
        expect_empty(tmp_path / "out")
