"""Causes that files about a package tell: METADATA, WHEEL, entry points, manifests."""

from collections.abc import Iterator
from typing import Final

from reproducible.compare.bundles import FIRST
from reproducible.compare.verdict import Cause
from reproducible.explain.evidence import Evidence
from reproducible.explain.members import Members
from updater import jcs
from updater.archive.bundle import MAX_MANIFEST_BYTES
from updater.errors import MalformedError

_MOST_QUOTED = 3  # values; METADATA may have thousands of lines of one key
_MOST_CHARACTERS = 80

_METADATA: Final = ("METADATA", "PKG-INFO")

_KEYS: Final = (
    (
        _METADATA,
        ("Requires-Dist", "Requires-Python", "Provides-Extra"),
        "dependencies",
        "it asks for other packages or another Python",
    ),
    (
        ("WHEEL",),
        ("Tag", "Root-Is-Purelib"),
        "python-tag",
        "built for another Python or platform",
    ),
    (
        ("WHEEL",),
        ("Generator",),
        "generator",
        "built by another backend, or version of it",
    ),
    (
        _METADATA,
        ("Metadata-Version",),
        "metadata-version",
        "its metadata is of another version, as other backends write it",
    ),
)
"""The file, its keys, and the code and text of a cause where they differ."""

_MANIFEST: Final = (
    ("commit", "source-commit", "built from different commits"),
    ("tree_sha256", "source-tree", "built from different sources"),
    ("recipe_sha256", "recipe", "built by different recipes"),
    ("lock_sha256", "lock", "the other wheels come from different locks"),
    ("epoch", "epoch", "built for different times, in POSIX seconds"),
    ("platform", "platform", "built for different platforms"),
    ("version", "version", "of different versions"),
    ("name", "product", "of different products"),
    ("app", "app", "another of the wheels is said to be the application"),
)
"""A key of a bundle's manifest, and the code and text of a cause where it differs."""


def manifests(evidence: Evidence) -> Iterator[Cause]:
    """Find what two bundles say that they were made of."""
    theirs, ours = map(_manifest, (evidence.published, evidence.rebuilt))
    if not theirs or not ours:
        return
    for key, code, text in _MANIFEST:
        if theirs.get(key) != ours.get(key):
            said = _sides([theirs.get(key, "")], [ours.get(key, "")])
            yield Cause(code, f"{text}: {said}", 1)


def runnable(evidence: Evidence) -> Iterator[Cause]:
    """Find commands and plugins that only one side would install."""
    sides = evidence.about("entry_points.txt")
    if count := sum(theirs != ours for theirs, ours in sides):
        yield Cause(
            "entry-points", "other commands or plugins would be installed", count
        )


def headers(evidence: Evidence) -> Iterator[Cause]:
    """Find lines of METADATA and WHEEL that say what built it, and what it needs."""
    for files, keys, code, text in _KEYS:
        odd = [
            (theirs, ours)
            for one, other in evidence.about(*files)
            if one and other
            for key in keys
            if (theirs := _values(one, key)) != (ours := _values(other, key))
        ]
        if odd:
            yield Cause(code, f"{text}: {_sides(*odd[0])}", len(odd))


def habits(evidence: Evidence) -> Iterator[Cause]:
    """Find what old versions of setuptools write, and builds on Windows."""
    texts = [each for each in evidence.about(*_METADATA, "WHEEL") if all(each)]
    unknown = [
        ["UNKNOWN" in _values(text, "Platform") for text in each] for each in texts
    ]
    if count := sum(theirs != ours for theirs, ours in unknown):
        yield Cause(
            "old-setuptools",
            "one side says 'Platform: UNKNOWN', as old versions of setuptools do",
            count,
        )
    feeds = [tuple("\r\n" in text for text in each) for each in texts]
    if count := sum(theirs != ours for theirs, ours in feeds):
        side = "published" if (True, False) in feeds else "rebuilt"
        yield Cause("windows", f"{side} from Windows: its lines end in CR LF", count)


def _manifest(members: Members) -> dict[str, str]:
    """Read what matters here of a manifest; nothing if it is none."""
    member = members.get(FIRST)
    if member is None or member.size > MAX_MANIFEST_BYTES:
        return {}
    try:
        said = jcs.parse(member.read(), most=MAX_MANIFEST_BYTES)
    except MalformedError:
        return {}
    if not isinstance(said, dict):
        return {}
    source = said.get("source")
    every = {**said, **(source if isinstance(source, dict) else {})}
    return {key: str(every[key]) for key, _, _ in _MANIFEST if key in every}


def _values(text: str, key: str) -> list[str]:
    """Give the values of a header; a blank line ends them (PEP 566)."""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    found = (line.partition(":") for line in head.split("\n"))
    return [value.strip() for name, _, value in found if name == key]


def _sides(theirs: list[str], ours: list[str]) -> str:
    """Quote the values that only one side has; all, if it is their order."""
    only_theirs = [each for each in theirs if each not in ours]
    only_ours = [each for each in ours if each not in theirs]
    if not only_theirs and not only_ours:
        only_theirs, only_ours = theirs, ours
    return f"published {_quoted(only_theirs)}, rebuilt {_quoted(only_ours)}"


def _quoted(values: list[str]) -> str:
    if not values:
        return "none"
    some = [repr(each[:_MOST_CHARACTERS]) for each in values[:_MOST_QUOTED]]
    more = len(values) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")
