"""The members of two archives, put side by side."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from reproducible.compare.contents import Change, counted
from reproducible.compare.verdict import KINDS, Difference, Kind

Field = tuple[str, object, object]
"""What a header says: the field, and its value in the published and rebuilt file."""


class Member(Protocol):
    """Anything with a path that is unique in its archive."""

    @property
    def name(self) -> str:
        """The path."""
        ...


M = TypeVar("M", bound=Member)


def pairs(published: Sequence[M], rebuilt: Sequence[M]) -> list[tuple[M, M]]:
    """Pair members of one name, in the order of the published archive."""
    ours = {each.name: each for each in rebuilt}
    return [(each, ours[each.name]) for each in published if each.name in ours]


def file_set(published: Sequence[M], rebuilt: Sequence[M]) -> list[Difference]:
    """Name the members that only one of the archives has."""
    names = [{each.name for each in side} for side in (published, rebuilt)]
    return [
        *(Difference("file-set", "published", n) for n in sorted(names[0] - names[1])),
        *(Difference("file-set", "rebuilt", n) for n in sorted(names[1] - names[0])),
    ]


def changes(
    paired: Sequence[tuple[M, M]],
    change: Callable[[M, M], Change | None],
    kind: Callable[[str], Kind],
) -> list[Difference]:
    """Say how the contents of pairs differ; machine code is of its own kind."""
    return [
        Difference(
            "native" if found.native else kind(theirs.name),
            "both",
            theirs.name,
            found.words,
        )
        for theirs, ours in paired
        if (found := change(theirs, ours)) is not None
    ]


def order(published: Sequence[M], rebuilt: Sequence[M]) -> list[Difference]:
    """Say whether what both archives have stands in another order."""
    paired = pairs(published, rebuilt)
    common = {theirs.name for theirs, _ in paired}
    ours = [each.name for each in rebuilt if each.name in common]
    moved = [
        theirs.name
        for (theirs, _), name in zip(paired, ours, strict=True)
        if theirs.name != name
    ]
    if not moved:
        return []
    words = f"{len(moved)} of {counted(len(paired), 'member')} stand elsewhere"
    return [Difference("order", "both", moved[0], words)]


def said(kind: Kind, entry: str, fields: Iterable[Field]) -> list[Difference]:
    """Make one difference of all fields that differ."""
    odd = [field for field in fields if field[1] != field[2]]
    words = (f"{name} published {old}, rebuilt {new}" for name, old, new in odd)
    return [Difference(kind, "both", entry, "; ".join(words))] if odd else []


def in_order(found: Iterable[Difference]) -> list[Difference]:
    """Sort differences by their class, and within it as they came."""
    return sorted(found, key=lambda each: KINDS.index(each.kind))
