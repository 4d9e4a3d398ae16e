"""A source on disk is changed in all but names and contents."""

import os
import stat
from pathlib import Path

import pytest

from reproducible.vary.arrangements import SourceChange
from reproducible.vary.sources import change_source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "a.py").write_text("A = 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "pkg").chmod(0o755)
    (folder / "pkg" / "a.py").chmod(0o644)
    (folder / "run.sh").chmod(0o755)
    return folder


def modes(source: Path) -> list[int]:
    return [
        stat.S_IMODE((source / name).stat().st_mode)
        for name in ("pkg", "pkg/a.py", "run.sh")
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [("private", [0o700, 0o600, 0o700]), ("shared", [0o775, 0o664, 0o775])],
)
def test_a_source_is_closed_or_opened(
    source: Path, change: SourceChange, expected: list[int]
) -> None:
    change_source(source, change)

    assert modes(source) == expected


def test_a_source_is_of_2001(source: Path) -> None:
    change_source(source, "2001")

    assert {path.stat().st_mtime for path in source.rglob("*")} == {986_000_000}


def test_each_file_is_of_another_time(source: Path) -> None:
    change_source(source, "scattered")

    assert len({path.stat().st_mtime for path in source.rglob("*")}) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_source_is_given_away(source: Path) -> None:
    change_source(source, "owned")

    assert {path.stat().st_uid for path in source.rglob("*")} == {12_345}


def test_compiled_code_is_left_beside_modules(source: Path) -> None:
    change_source(source, "stale")

    assert (source / "pkg" / "__pycache__" / "a.cpython-311.pyc").exists()
    assert not (source / "__pycache__").exists()


@pytest.mark.parametrize("change", ["private", "shared", "2001", "scattered", "stale"])
def test_contents_stay_as_they_are(source: Path, change: SourceChange) -> None:
    change_source(source, change)

    assert (source / "pkg" / "a.py").read_text() == "A = 1\n"
