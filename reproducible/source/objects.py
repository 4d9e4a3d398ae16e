"""What git says of a commit and its tree, read strictly.

The objects themselves were checked by git when it fetched them; what is left to check
is what a tree of strangers may be called and hold.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs.tree import (
    MAX_BYTES,
    MAX_FILES,
    SourceFile,
    Tree,
    make_tree,
)
from updater.errors import MalformedError

COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
"""An object id, of SHA-1 or of SHA-256."""

_NAME = re.compile(r"(?!.*(\.\.|//|@\{))[A-Za-z0-9_][A-Za-z0-9._/+@-]{0,199}")
_ADDRESS = re.compile(r"(git\+)?(?P<url>(https|ssh)://(?!-)[!-~]{1,500})")
_COMMITTER = re.compile(rb"committer [^\n]* (0|[1-9][0-9]{0,11}) [+-][0-9]{4}")
_PLAIN, _EXECUTABLE, _OLD_PLAIN = "100644", "100755", "100664"
_LINK, _SUBMODULE = "120000", "160000"
_ROW = re.compile(
    rb"(?P<mode>[0-7]{6}) (?P<kind>[a-z]+) (?P<id>[0-9a-f]{40,64}) +(?P<size>-|[0-9]+)"
    rb"\t(?P<path>.+)",
    re.DOTALL,
)
_HEADER = re.compile(rb"(?P<id>[0-9a-f]{40,64}) blob (?P<size>[0-9]+)\n")
_REF = re.compile(r"(?P<id>[0-9a-f]{40}|[0-9a-f]{64})\t(?P<name>[!-~]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """A file of a tree, of which only the contents are missing."""

    path: str
    id: str
    """Of the blob."""
    size: int = field(kw_only=True)
    mode: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Ref:
    """A commit that was asked for by a name; `tag` is that name if it was a tag."""

    commit: str
    tag: str | None = None


def parse_address(address: str) -> str:
    """Take the URL of a repository, with or without `git+` in front of it.

    Raises:
        RecipeError: it is not one with https or ssh; others authenticate nobody, or run
            programs.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise RecipeError(f"{address[:200]!r}: expected a folder, https://… or ssh://…")
    return found["url"]


def check_name(ref: str) -> None:
    """Expect what can be the name of a tag or branch.

    Raises:
        RecipeError: it is something else.
    """
    if not _NAME.fullmatch(ref):
        raise RecipeError(f"{ref[:200]!r}: expected a commit, tag or branch")


def parse_refs(data: bytes) -> Mapping[str, str]:
    """Read what `git ls-remote` prints: object ids by names.

    Raises:
        MalformedError: it is something else.
    """
    refs = {}
    for line in data.decode("ascii", errors="replace").splitlines():
        found = _REF.fullmatch(line)
        if found is None:
            raise MalformedError(f"git: expected a name, came {line[:200]!r}")
        refs[found["name"]] = found["id"]
    return refs


def tag_of(refs: Mapping[str, str], tag: str) -> str | None:
    """Give what a tag points to, itself or through its tag object."""
    name = f"refs/tags/{tag}"
    return refs.get(name + "^{}", refs.get(name))


def choose_ref(refs: Mapping[str, str], ref: str) -> Ref | None:
    """Find what a name stands for: a tag before a branch, as git has it."""
    tagged = tag_of(refs, ref)
    if tagged is not None:
        return Ref(tagged, ref)
    found = refs.get("HEAD" if ref == "HEAD" else f"refs/heads/{ref}")
    return None if found is None else Ref(found)


def committed(commit: bytes) -> int:
    """Read the committer's time out of a commit, in POSIX seconds.

    Raises:
        MalformedError: it has none.
    """
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        found = _COMMITTER.fullmatch(line)
        if found is not None:
            return int(found[1])
    raise MalformedError("git: expected a commit with a committer and a time")


def parse_listing(data: bytes) -> tuple[Row, ...]:
    """Read what `git ls-tree -r -z -l` prints.

    Raises:
        UnsupportedError: `source-form`: there is a submodule, a path that is not UTF-8,
            or too much.
        MalformedError: it is something else.
    """
    rows = [_row(each) for each in data.split(b"\0")[:-1]]
    size = sum(row.size for row in rows)
    if len(rows) > MAX_FILES or size > MAX_BYTES:
        raise UnsupportedError(
            "source-form",
            f"source: expected at most {MAX_FILES} files of {MAX_BYTES} bytes,"
            f" came {len(rows)} of {size}",
        )
    return tuple(rows)


def batch_size(rows: Iterable[Row]) -> int:
    """Compute how many bytes `git cat-file --batch` prints for all rows, or fewer."""
    return sum(row.size + len(row.id) + 32 for row in rows)


def tree_of(rows: Sequence[Row], batch: bytes) -> Tree:
    """Put a listing and what `git cat-file --batch` printed for it together.

    Raises:
        UnsupportedError: `source-form`: a path is not plain, or a link leaves the tree.
        MalformedError: what was printed is not of these rows.
    """
    files, at = [], 0
    for row in rows:
        header = _HEADER.match(batch, at)
        if header is None or header["id"] != row.id.encode():
            raise MalformedError(f"git: expected blob {row.id}")
        start = header.end()
        end = start + int(header["size"])
        if int(header["size"]) != row.size or batch[end : end + 1] != b"\n":
            raise MalformedError(f"git: blob {row.id}: expected {row.size} bytes")
        files.append(_file(row, batch[start:end]))
        at = end + 1
    if at != len(batch):
        raise MalformedError("git: expected nothing after the last blob")
    return make_tree(files)


def _row(line: bytes) -> Row:
    found = _ROW.fullmatch(line)
    if found is None:
        raise MalformedError(f"git: expected a row of a tree, came {line[:200]!r}")
    try:
        path = found["path"].decode()
    except UnicodeDecodeError:
        raise UnsupportedError(
            "source-form", f"source: {found['path'][:80]!r}: expected UTF-8"
        ) from None
    mode = found["mode"].decode()
    if mode == _SUBMODULE:
        # Its commit names another repository, whose bytes no claim covers.
        raise UnsupportedError("source-form", f"source: {path!r} is a submodule")
    if mode not in {_PLAIN, _OLD_PLAIN, _EXECUTABLE, _LINK} or found["size"] == b"-":
        raise MalformedError(f"git: {path!r}: expected a file, came mode {mode}")
    return Row(path, found["id"].decode(), size=int(found["size"]), mode=mode)


def _file(row: Row, data: bytes) -> SourceFile:
    if row.mode != _LINK:
        return SourceFile(row.path, data, executable=row.mode == _EXECUTABLE)
    try:
        return SourceFile(row.path, b"", link=data.decode())
    except UnicodeDecodeError:
        raise UnsupportedError(
            "source-form", f"source: {row.path!r}: expected a link in UTF-8"
        ) from None
