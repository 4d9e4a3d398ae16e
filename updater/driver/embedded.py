"""Anchors as folders: in a program's own package, or beside an installed program.

Carrier.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from updater.driver.anchor import MAX_FILE_BYTES, Anchor, format_anchor, parse_anchor
from updater.errors import MissingError, StoreError
from updater.files import Files

DATA: Final = "data"
ANCHOR: Final = "anchor"
"""The folder in a managed folder with the anchor that it was made with."""
_MAX_FILES: Final = 16  # there are seven


def read_anchor(folder: Traversable) -> Anchor:
    """Read an anchor from a folder, which may lie in a package.

    Raises:
        MissingError: there is no such folder, or nothing is in it.
        MalformedError: its files are none.
        StoreError: one cannot be read.
    """
    try:
        found = [each for each in folder.iterdir() if each.is_file()]
    except OSError as error:
        raise MissingError(f"{folder}: {error.strerror}") from error
    found = [each for each in found if not each.name.startswith((".", "__"))]
    if not found:
        raise MissingError(f"{folder}: expected the files of an anchor, found none")
    if len(found) > _MAX_FILES:
        raise StoreError(f"{folder}: {len(found)} files, expected those of an anchor")
    return parse_anchor({each.name: _read(each) for each in found})


def built_in_anchor(package: str = "updater") -> Anchor:
    """Read the anchor that a package brings along in its folder ``data``.

    Raises:
        MissingError: it brings none, as a copy from the source tree.
        MalformedError, StoreError: as `read_anchor`.
    """
    try:
        return read_anchor(files(package) / DATA)
    except MissingError:
        raise MissingError(
            f"{package} has no anchor built in: it comes from the publisher, and is"
            " named with --anchor"
        ) from None


def anchor_of(folder: Path) -> Anchor:
    """Read the anchor that a managed folder was made with, or else our own.

    Raises:
        MissingError: there is neither.
        MalformedError, StoreError: as `read_anchor`.
    """
    kept = folder / ANCHOR
    return read_anchor(kept) if kept.is_dir() else built_in_anchor()


def write_anchor(folder: Path, anchor: Anchor, disk: Files) -> None:
    """Write an anchor's files into a folder, and remove those it no longer has.

    Raises:
        StoreError: the disk refuses.
    """
    disk.make_folder(folder)
    wanted = format_anchor(anchor)
    for name, data in wanted.items():
        disk.replace(folder / name, data, 0o644)
    for name in set(disk.names(folder)) - set(wanted):
        if not name.startswith((".", "__")):
            disk.remove(folder / name)


def _read(file: Traversable) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise StoreError(f"{file}: expected at most {MAX_FILE_BYTES} bytes")
    return data
