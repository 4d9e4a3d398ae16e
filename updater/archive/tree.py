"""The files that a bundle becomes, and the list that says so.

`ringfence-tree/1` lies in every slot as `tree.json`: what was unpacked from the wheels
and what was compiled from that, with hashes, so that a slot can be checked at any time
without its bundle. `docs/formats/bundle.md` has it to the byte.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from updater import jcs
from updater.archive.bundle import PLATFORM, VERSION, Bundle
from updater.archive.names import check_path, check_together
from updater.archive.wheel import open_wheel
from updater.errors import MalformedError
from updater.shape import SHA256, integer, items, one_of, record, text

MODULE = "cli.main"
"""What the launcher runs of our own releases; other applications have theirs."""

MAX_FILES = 40_000
"""Ten times our own."""
MAX_TREE_BYTES = 2 * 1024 * 1024 * 1024
"""Of all files together."""
MAX_JSON_BYTES = 16 * 1024 * 1024
"""40,000 rows of 400 bytes."""

Origin = Literal["wheel", "compiled"]

_SCHEMA = "ringfence-tree/1"
_KEYS = ("bundle", "files", "module", "platform", "schema", "version")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,7}")
_ANY = re.compile(r"(?s).*")
_COMPILED = re.compile(r"(?P<folder>(?:.+/)?)__pycache__/(?P<stem>[^/]+)\.[^/.]+\.pyc")
_SHOWN = 5  # paths that a sentence about differences names


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of an installed version; `path` is relative to its `lib/`."""

    path: str
    size: int
    sha256: str = field(kw_only=True)
    origin: Origin = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All files of an installed version, and what of it to run."""

    bundle: str
    """SHA-256 of the bundle."""
    version: str
    platform: str
    module: str
    files: tuple[TreeFile, ...]
    """Sorted by the bytes of their paths."""


def plan_tree(bundle: Bundle, sha256: str, *, module: str = MODULE) -> Tree:
    """List what the wheels of a bundle will become; no file is unpacked for it.

    Opens every wheel, so that whatever could be refused before unpacking is.

    Raises:
        MalformedError: a wheel is not of the strict form, two wheels hold the same
            path, or there is too much of them.
    """
    files: list[TreeFile] = []
    for listed in bundle.manifest.wheels:
        wheel = open_wheel(listed.file, bundle.wheel(listed))
        files += (
            TreeFile(each.path, each.size, sha256=each.sha256, origin="wheel")
            for each in wheel.files
        )
    return _checked(
        Tree(
            bundle=sha256,
            version=bundle.manifest.version,
            platform=bundle.manifest.platform,
            module=module,
            files=_sorted(files),
        )
    )


def with_compiled(tree: Tree, compiled: Iterable[TreeFile]) -> Tree:
    """Add what was compiled from the files of the wheels.

    Raises:
        MalformedError: a file lies where no compiler puts it, or has no source.
    """
    return _checked(replace(tree, files=_sorted([*tree.files, *compiled])))


def check_tree(tree: Tree, found: Iterable[tuple[str, int, str]]) -> None:
    """Expect exactly the files of the tree: (path, size, SHA-256) of each on disk.

    Raises:
        MalformedError: one is missing, changed or not of the tree; some are named.
    """
    wanted = {(each.path, each.size, each.sha256) for each in tree.files}
    odd = sorted({path for path, _, _ in wanted.symmetric_difference(found)})
    if odd:
        named = ", ".join(repr(path) for path in odd[:_SHOWN])
        raise MalformedError(
            f"tree: {len(odd)} files are missing, changed or foreign: {named}"
        )


def parse_tree(data: bytes) -> Tree:
    """Read `tree.json`.

    Raises:
        MalformedError: it is not of the form.
    """
    fields = record(jcs.parse_canonical(data, most=MAX_JSON_BYTES), "tree", _KEYS)
    one_of(fields["schema"], "tree: schema", _SCHEMA)
    rows = items(fields["files"], "tree: files", most=MAX_FILES)
    return _checked(
        Tree(
            bundle=text(fields["bundle"], "tree: bundle", SHA256),
            version=text(fields["version"], "tree: version", VERSION),
            platform=text(fields["platform"], "tree: platform", PLATFORM),
            module=text(fields["module"], "tree: module", _MODULE),
            files=tuple(_file(row) for row in rows),
        )
    )


def format_tree(tree: Tree) -> bytes:
    """Write a tree as `parse_tree` reads it."""
    files: list[jcs.Json] = [
        {
            "from": each.origin,
            "path": each.path,
            "sha256": each.sha256,
            "size": each.size,
        }
        for each in tree.files
    ]
    return jcs.write(
        {
            "schema": _SCHEMA,
            "bundle": tree.bundle,
            "version": tree.version,
            "platform": tree.platform,
            "module": tree.module,
            "files": files,
        }
    )


def _file(value: jcs.Json) -> TreeFile:
    fields = record(value, "tree: file", ("from", "path", "sha256", "size"))
    path = text(fields["path"], "tree: path", _ANY)
    check_path(path)
    return TreeFile(
        path,
        integer(fields["size"], "tree: size", most=MAX_TREE_BYTES),
        sha256=text(fields["sha256"], "tree: sha256", SHA256),
        origin=cast(  # one_of has just said so
            "Origin", one_of(fields["from"], "tree: from", "wheel", "compiled")
        ),
    )


def _sorted(files: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
    return tuple(sorted(files, key=lambda each: each.path.encode()))


def _checked(tree: Tree) -> Tree:
    """Check what holds for the files together."""
    paths = [each.path for each in tree.files]
    if len(paths) > MAX_FILES:
        raise MalformedError(
            f"tree: expected at most {MAX_FILES} files, came {len(paths)}"
        )
    total = sum(each.size for each in tree.files)
    if total > MAX_TREE_BYTES:
        raise MalformedError(
            f"tree: expected at most {MAX_TREE_BYTES} bytes, came {total}"
        )
    if tree.files != _sorted(tree.files):
        raise MalformedError("tree: expected files sorted by path")
    check_together(paths)
    sources = {each.path for each in tree.files if each.origin == "wheel"}
    for each in tree.files:
        _check_origin(each, sources)
    return tree


def _check_origin(file: TreeFile, sources: set[str]) -> None:
    """Expect compiled code beside its source, and nothing else there.

    Compiled code runs in the place of the source that people read.
    """
    found = _COMPILED.fullmatch(file.path)
    if file.origin == "compiled":
        if found is None or f"{found['folder']}{found['stem']}.py" not in sources:
            raise MalformedError(f"tree: {file.path!r}: expected a source to it")
    elif found is not None:
        raise MalformedError(f"tree: {file.path!r}: expected to be compiled here")
