"""A source tree, laid out on disk for one build. Carrier."""

import os
from pathlib import Path
from typing import Final

from reproducible.inputs.recipe import Modes
from reproducible.inputs.tree import SourceFile, Tree
from updater.errors import StoreError

_FIRST: Final = 315_532_800  # 1980: no zip can say an earlier time
_FOLDER: Final = 0o755


def lay_out(tree: Tree, folder: Path, *, epoch: int | None, modes: Modes) -> None:
    """Write a tree into a new folder, the same whatever umask and clock are here.

    Files have mode 0644 or 0755 and folders 0755, or with `archive` what the archive
    said. Times are what the archive said, where it did, and else `epoch` in POSIX
    seconds, or the year 1980.

    Raises:
        StoreError: the disk refuses.
    """
    mtime = _FIRST if epoch is None else epoch
    try:
        folder.mkdir()
        made = {folder}
        for file in tree.files:
            path = folder / file.path
            _make_folders(path.parent, made)
            _write(file, path, mtime=mtime, modes=modes)
        for each in sorted(made, reverse=True):  # what a folder holds before it
            each.chmod(_FOLDER)
            os.utime(each, (mtime, mtime))
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error


def _make_folders(path: Path, made: set[Path]) -> None:
    if path not in made:
        _make_folders(path.parent, made)
        path.mkdir()
        made.add(path)


def _write(file: SourceFile, path: Path, *, mtime: int, modes: Modes) -> None:
    if file.link is not None:
        path.symlink_to(file.link)
    else:
        with path.open("xb") as opened:
            opened.write(file.data)
        mode = 0o755 if file.executable else 0o644
        if modes == "archive" and file.mode is not None:
            mode = file.mode
        path.chmod(mode)
    moment = mtime if file.mtime is None else file.mtime
    os.utime(path, (moment, moment), follow_symlinks=False)
