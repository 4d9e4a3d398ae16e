"""A source tree, laid out on disk for one build. Carrier."""

from pathlib import Path

from reproducible.inputs.recipe import Modes
from reproducible.inputs.tree import Tree


def lay_out(tree: Tree, folder: Path, *, epoch: int | None, modes: Modes) -> None:
    """Write a tree into a new folder, the same whatever umask and clock are here.

    Files have mode 0644 or 0755 and folders 0755, or with `archive` what the archive
    said; times are `epoch` in POSIX seconds, or with None what the archive said.

    Raises:
        StoreError: the disk refuses.
    """
    raise NotImplementedError
