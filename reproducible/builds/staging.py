"""Files that appear in a folder together, or not at all.

Carrier. They are made in a folder below, and moved up once all are there, those that
tell of the others last. A process that is killed in that moment leaves the folder below
behind, and no account: what lies beside it is not known to be complete.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reproducible.errors import RecipeError
from updater.files import NEW, Files

STAGE: Final = f"outputs{NEW}"
"""Name of the folder below."""


def expect_empty(out: Path) -> None:
    """Expect a folder to be new, or empty but for what a killed process left.

    Raises:
        RecipeError: it has something in it, or is no folder.
        StoreError: it cannot be read.
    """
    if out.exists() and not (out.is_dir() and set(Files().names(out)) <= {STAGE}):
        raise RecipeError(f"{out}: expected a new or an empty folder")


@contextlib.contextmanager
def staged(out: Path, *, account: Sequence[str] = ()) -> Iterator[Path]:
    """Give a folder below `out`, which is made; its files move up when the block ends.

    If the block fails, only those named in `account` do, as far as they were written.

    Raises:
        StoreError: the disk refuses; what was moved is gone again.
    """
    files = Files()
    files.make_folder(out, 0o755)
    stage = out / STAGE
    files.remove_tree(stage)  # of a process that was killed
    files.make_folder(stage)
    try:
        try:
            yield stage
        except BaseException:
            there = files.names(stage)
            _move(files, stage, out, [name for name in account if name in there])
            raise
        others = sorted(set(files.names(stage)) - set(account))
        _move(files, stage, out, [*others, *account])
    finally:
        files.remove_tree(stage)


def _move(files: Files, stage: Path, out: Path, names: Sequence[str]) -> None:
    with contextlib.ExitStack() as moved:
        for name in names:
            files.rename(stage / name, out / name)
            moved.callback(files.remove, out / name)
        moved.pop_all()
