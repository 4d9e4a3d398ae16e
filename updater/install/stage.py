"""A bundle becomes a folder: unpacked, compiled, sealed and read back.

Carrier: which files there are is for `archive.tree` to say. Nothing in the folder
counts before it is renamed, so files are not synced one by one but all at the end.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from updater.archive.bundle import open_bundle, unpack
from updater.archive.extent import CHUNK_BYTES
from updater.archive.opened import opened
from updater.archive.tree import (
    MAX_JSON_BYTES,
    Tree,
    TreeFile,
    check_tree,
    format_tree,
    parse_tree,
    plan_tree,
    with_compiled,
)
from updater.files import Files
from updater.install.probe import Probe
from updater.install.root import TREE
from updater.offer.product import Product

LIB: Final = "lib"
EVIDENCE: Final = "evidence"
_COMPILED: Final = ".pyc"
_FILE, _PROGRAM, _FOLDER = 0o444, 0o555, 0o555  # nobody changes a slot, us included


def stage(  # noqa: PLR0913 - what, whereto and by whom, each of its own kind
    files: Files,
    artifact: Path,
    folder: Path,
    *,
    product: Product,
    sha256: str,
    python: Path,
    compiler: Probe,
    evidence: Mapping[str, bytes],
) -> Tree:
    """Make of a bundle a slot in `folder`, which is there and empty.

    The bundle is read once more and hashed while it is unpacked: what was decided on
    is what is written.

    Raises:
        MalformedError: the bundle is not what it was, or the disk gives other bytes.
        RefusedError: the compiler failed.
        StoreError: the disk refuses.
    """
    lib = folder / LIB
    lib.mkdir()
    with opened(files, artifact) as extent:
        bundle = open_bundle(extent, product=product.name)
        tree = plan_tree(bundle, sha256, module=product.module)
        _make_folders(lib, tree)
        for each, pieces in unpack(bundle, sha256):
            mode = _PROGRAM if each.executable else _FILE
            files.stage(lib / each.path, pieces, mode)
    _compile(compiler, python, lib)
    tree = with_compiled(tree, _compiled(files, lib))
    (folder / EVIDENCE).mkdir()
    for name, data in evidence.items():
        files.stage(folder / EVIDENCE / name, [data])
    _make_read_only(lib)
    files.stage(folder / TREE, [format_tree(tree)], _FILE)
    files.sync_tree(folder)
    check_slot(files, folder)
    return tree


def check_slot(files: Files, folder: Path) -> Tree:
    """Read every file of a slot and compare it with its tree.

    Raises:
        MalformedError: something is missing, changed or foreign.
        StoreError: it cannot be read.
    """
    tree = read_tree(files, folder)
    found = _found(files, folder / LIB)
    check_tree(tree, ((each.path, each.size, each.sha256) for each in found))
    return tree


def read_tree(files: Files, folder: Path) -> Tree:
    """Read the tree of a slot.

    Raises:
        MalformedError: it is none.
        StoreError: it cannot be read.
    """
    return parse_tree(files.read(folder / TREE, most=MAX_JSON_BYTES))


def _make_folders(lib: Path, tree: Tree) -> None:
    folders = {parent for each in tree.files for parent in Path(each.path).parents}
    for each in sorted(folders)[1:]:  # the first is lib itself
        (lib / each).mkdir()


def _compile(compiler: Probe, python: Path, lib: Path) -> None:
    """Compile what compiles: some wheels carry templates that are no Python."""
    options = ["-q", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    # The place where it was staged must not show in tracebacks, nor in any byte.
    place = ["-s", str(lib), "-p", LIB]
    code = "import compileall;compileall.main()"
    compiler.run(
        [str(python), "-I", "-S", "-B", "-c", code, *options, *place, str(lib)]
    )


def _compiled(files: Files, lib: Path) -> Iterator[TreeFile]:
    return (each for each in _found(files, lib) if each.path.endswith(_COMPILED))


def _make_read_only(lib: Path) -> None:
    for folder, _, names in os.walk(lib, topdown=False):
        for name in names:
            if name.endswith(_COMPILED):
                Path(folder, name).chmod(_FILE)
        Path(folder).chmod(_FOLDER)


def _found(files: Files, lib: Path) -> Iterator[TreeFile]:
    """Read every file below a folder."""
    folders = [lib]
    for folder in folders:  # grows while it is read
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                    continue
                with files.open(path) as file:  # refuses links
                    size, digest = _measure(file)
                name = path.relative_to(lib).as_posix()
                yield TreeFile(name, size, sha256=digest, origin="compiled")


def _measure(file: BinaryIO) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()
