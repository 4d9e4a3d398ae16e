"""Sources on disk, the same under any umask and clock."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reproducible.builds.layout import lay_out
from reproducible.inputs.recipe import Modes
from reproducible.inputs.tree import SourceFile, Tree, make_tree
from tests.reproducible.projects import EPOCH
from updater.errors import StoreError

_TREE = make_tree(
    [
        SourceFile("a/b/c.py", b"pass\n"),
        SourceFile("a/run.sh", b"#!/bin/sh\n", executable=True),
        SourceFile("link", b"", link="a/run.sh"),
    ]
)


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=["022", "077", "000"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def _seen(folder: Path) -> dict[str, tuple[int, int]]:
    paths = [folder, *folder.rglob("*")]
    found = {str(path.relative_to(folder)): path.lstat() for path in paths}
    return {
        path: (each.st_mode & 0o777, int(each.st_mtime)) for path, each in found.items()
    }


@pytest.mark.usefixtures("umask")
def test_modes_and_times_are_the_same_everywhere(tmp_path: Path) -> None:
    lay_out(_TREE, tmp_path / "source", epoch=EPOCH, modes="normal")

    assert _seen(tmp_path / "source") == {
        ".": (0o755, EPOCH),
        "a": (0o755, EPOCH),
        "a/b": (0o755, EPOCH),
        "a/b/c.py": (0o644, EPOCH),
        "a/run.sh": (0o755, EPOCH),
        "link": (0o777, EPOCH),
    }


def test_bytes_and_links_are_those_of_the_tree(tmp_path: Path) -> None:
    source = tmp_path / "source"
    lay_out(_TREE, source, epoch=EPOCH, modes="normal")

    assert ((source / "a/b/c.py").read_bytes(), (source / "link").readlink()) == (
        b"pass\n",
        Path("a/run.sh"),
    )


@pytest.mark.parametrize(
    ("tree", "modes", "expected"),
    [
        ((0o664, 1_700_000_000), "normal", (0o644, 1_700_000_000)),
        ((0o664, 1_700_000_000), "archive", (0o664, 1_700_000_000)),
        ((None, None), "archive", (0o644, 315_532_800)),
    ],
    ids=["normal", "archive", "no archive"],
)
def test_an_archives_times_are_kept_and_its_modes_if_wanted(
    tmp_path: Path,
    tree: tuple[int | None, int | None],
    modes: Modes,
    expected: tuple[int, int],
) -> None:
    mode, mtime = tree
    files = make_tree([SourceFile("a", b"", mode=mode, mtime=mtime)])
    lay_out(files, tmp_path / "source", epoch=None, modes=modes)

    assert _seen(tmp_path / "source")["a"] == expected


def test_a_folder_that_is_there_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File exists"):
        lay_out(Tree(()), tmp_path, epoch=EPOCH, modes="normal")
