"""Why files differ, in plain words, as far as can be told from them.

A cause is a guess at what happened and never part of a verdict. The codes are stable
and stand in docs/formats/compare-report.md.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reproducible.compare.bundles import FIRST
from reproducible.compare.verdict import Cause, Comparison, Kind
from reproducible.explain import metadata
from reproducible.explain.evidence import Evidence, is_about
from reproducible.explain.excerpt import Excerpt
from reproducible.explain.leaks import leaks
from reproducible.explain.members import UNIX, Members

_OTHERS_MAY_WRITE = 0o022
_MAY_RUN = 0o111
_DEFLATE = "the same contents, packed by another compression library or level"
_STAMPS: Final = {
    "build-time": "the backend stamped its own files with the time of the build",
    "other-epoch": "all members of the published file have one time, and another one"
    " than here: another SOURCE_DATE_EPOCH",
    "no-epoch": "published without SOURCE_DATE_EPOCH: its members have times of their"
    " own",
}
_CONTENTS: Final[tuple[Kind, ...]] = ("file-set", "code", "native", "dist-info")


def causes_of(
    comparison: Comparison,
    published: Members,
    rebuilt: Members,
    excerpts: Sequence[Excerpt],
) -> tuple[Cause, ...]:
    """Name what likely made the files differ, what matters most first."""
    evidence = Evidence(
        comparison=comparison, published=published, rebuilt=rebuilt, excerpts=excerpts
    )
    return tuple(cause for rule in _RULES for cause in rule(evidence))


def _malformed(evidence: Evidence) -> Iterator[Cause]:
    if odd := evidence.of("malformed"):
        yield Cause(
            "malformed",
            "not a well-formed archive: two programs may find different files in it",
            len(odd),
        )


def _source(evidence: Evidence) -> Iterator[Cause]:
    if odd := evidence.of("source"):
        yield Cause(
            "source", "what was fetched is not what the release claims", len(odd)
        )


def _start_up(evidence: Evidence) -> Iterator[Cause]:
    odd = [
        each
        for each in evidence.of("file-set", "code")
        if _inner(each.entry).endswith(".pth")
    ]
    if odd:
        yield Cause(
            "start-up",
            "a .pth file can run code whenever Python starts: look at it first",
            len(odd),
        )


def _one_side(evidence: Evidence) -> Iterator[Cause]:
    lone = [each for each in evidence.of("file-set") if not _is_stale(each.entry)]
    about = [each for each in lone if is_about(each.entry)]
    lone = [each for each in lone if not is_about(each.entry)]
    published = sum(each.side == "published" for each in lone)
    if published:
        yield Cause(
            "published-only",
            "only the published file has them, look at these first: built from a"
            " folder with uncommitted or untracked files?",
            published,
        )
    if rebuilt := len(lone) - published:
        yield Cause(
            "rebuilt-only",
            "only the rebuilt file has them: left out of what was published?",
            rebuilt,
        )
    if about:
        yield Cause(
            "about-files",
            "files about the package are there on one side only, as with another"
            " version of the backend",
            len(about),
        )


def _stale(evidence: Evidence) -> Iterator[Cause]:
    if odd := sum(_is_stale(each.entry) for each in evidence.of("file-set")):
        yield Cause(
            "stale-build", "compiled code or a build folder was left lying there", odd
        )


def _native(evidence: Evidence) -> Iterator[Cause]:
    if odd := evidence.of("native"):
        yield Cause(
            "native", "machine code of another compiler, or of other sources", len(odd)
        )


def _name(evidence: Evidence) -> Iterator[Cause]:
    published, rebuilt = evidence.comparison.published, evidence.comparison.rebuilt
    if rebuilt is None or published.name == rebuilt.name:
        return
    theirs, ours = (each.name.split("-", 2) for each in (published, rebuilt))
    if theirs[0] == ours[0] and theirs[1:2] != ours[1:2]:
        yield Cause(
            "version",
            "another version: computed from the repository's state, or by a plugin"
            " that is missing here",
            1,
        )
    else:
        yield Cause("file-name", "the files have different names", 1)


def _code(evidence: Evidence) -> Iterator[Cause]:
    """Say of contents that they differ, unless it is in line endings alone.

    Nothing else silences this: a leaked date on one line explains not the next line.
    """
    calm = {each.entry for each in evidence.excerpts if _is_line_endings(each)}
    changed = {each.entry for each in evidence.of("code") if each.side == "both"}
    if odd := len(changed - calm):
        yield Cause("code", "what the package holds differs: read the lines", odd)
    if calm:
        yield Cause(
            "line-endings",
            "only line endings differ: a checkout that converts them?",
            len(calm),
        )


def _is_line_endings(excerpt: Excerpt) -> bool:
    return not excerpt.left_out and all(
        row.kind in {"same", "gap"}
        or (
            row.kind == "changed"
            and row.published.rstrip("\r") == row.rebuilt.rstrip("\r")
        )
        for row in excerpt.rows
    )


def _record(evidence: Evidence) -> Iterator[Cause]:
    if evidence.of("record") and not evidence.of(*_CONTENTS):
        yield Cause(
            "record",
            "only RECORD differs, in order or spelling: another version of the backend",
            1,
        )


def _executable(evidence: Evidence) -> Iterator[Cause]:
    odd = [
        (path, bool(theirs.mode & _MAY_RUN))
        for path, theirs, ours in evidence.pairs()
        if bool(theirs.mode & _MAY_RUN) != bool(ours.mode & _MAY_RUN)
    ]
    if odd:
        path, is_published = odd[0]
        side = "published" if is_published else "rebuilt"
        yield Cause(
            "executable", f"may be run in the {side} file alone: {path!r}", len(odd)
        )


def _umask(evidence: Evidence) -> Iterator[Cause]:
    odd = [
        theirs.mode & ~ours.mode
        for _, theirs, ours in evidence.pairs()
        if theirs.mode != ours.mode
        and not (theirs.mode ^ ours.mode) & ~_OTHERS_MAY_WRITE
    ]
    if odd:
        side = "published" if any(odd) else "rebuilt"
        yield Cause(
            "umask",
            f"{side} under umask 002, or from a checkout with such modes",
            len(odd),
        )


def _system(evidence: Evidence) -> Iterator[Cause]:
    odd = [
        theirs.system != UNIX
        for _, theirs, ours in evidence.pairs()
        if (theirs.system == UNIX) != (ours.system == UNIX)
    ]
    if odd:
        side = "published" if odd[0] else "rebuilt"
        yield Cause("windows", f"{side} from Windows, by its zip entries", len(odd))


def _stamps(evidence: Evidence) -> Iterator[Cause]:
    odd = Counter[str]()
    for pairs in evidence.archives():
        paths = [path for path, theirs, ours in pairs if theirs.stamp != ours.stamp]
        if paths and len(paths) < len(pairs) and all(map(is_about, paths)):
            odd["build-time"] += len(paths)
        elif len({theirs.stamp for _, theirs, _ in pairs}) == 1:
            odd["other-epoch"] += len(paths)
        else:
            odd["no-epoch"] += len(paths)
    for code, text in _STAMPS.items():
        if odd[code]:
            yield Cause(code, text, odd[code])


def _packing(evidence: Evidence) -> Iterator[Cause]:
    if odd := evidence.of("order"):
        yield Cause(
            "order", "packed in the order of a folder, which nothing fixes", len(odd)
        )
    if odd := evidence.of("deflate"):
        yield Cause("deflate", _DEFLATE, len(odd))
    odd = [each for each in evidence.of("container") if each.entry != FIRST]
    if odd:
        yield Cause("container", "packed by another program, or otherwise", len(odd))
    fields = [each.field for each in evidence.comparison.exceptions]
    # Another tar is another stream, whatever packed it.
    if "gzip.deflate" in fields and not any(each.startswith("tar.") for each in fields):
        yield Cause("deflate", _DEFLATE, 1)
    if evidence.of("gzip") or {"gzip.mtime", "gzip.name", "gzip.os"} & set(fields):
        yield Cause("gzip", "the gzip header has another time, name or system", 1)
    owners = [theirs.owner != ours.owner for _, theirs, ours in evidence.pairs()]
    if any(owners):
        yield Cause("owner", "packed by another user", sum(owners))


def _leaks(evidence: Evidence) -> Iterator[Cause]:
    yield from leaks(evidence.excerpts)


def _is_stale(entry: str) -> bool:
    parts = _inner(entry).split("/")
    return "__pycache__" in parts or parts[-1].endswith((".pyc", ".pyo"))


def _inner(entry: str) -> str:
    """Give the path in a wheel of a bundle, or the path."""
    return entry.rpartition("!")[2]


_RULES: Final[tuple[Callable[[Evidence], Iterator[Cause]], ...]] = (
    _malformed,
    _source,
    _start_up,
    _one_side,
    metadata.runnable,
    metadata.manifests,
    metadata.headers,
    _executable,
    _native,
    _code,
    _name,
    _leaks,
    _stale,
    metadata.habits,
    _system,
    _record,
    _stamps,
    _umask,
    _packing,
)
"""What may be somebody's work stands before what a machine does by itself."""
