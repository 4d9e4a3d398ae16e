"""What causes are found in: two sides, put together by path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reproducible.compare.verdict import Comparison, Difference, Kind
from reproducible.explain.excerpt import Excerpt
from reproducible.explain.members import Member, Members
from updater.errors import MalformedError

_MOST_BYTES = 256 * 1024  # of a file about a package; real ones have a tenth


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of two files that differ."""

    comparison: Comparison
    published: Members
    rebuilt: Members
    excerpts: Sequence[Excerpt]

    def of(self, *kinds: Kind) -> list[Difference]:
        """Give the differences of some classes."""
        return [each for each in self.comparison.differences if each.kind in kinds]

    def pairs(self) -> Iterator[tuple[str, Member, Member]]:
        """Give the files that both sides have."""
        for path, theirs in self.published.items():
            if ours := self.rebuilt.get(path):
                yield path, theirs, ours

    def archives(self) -> Iterator[list[tuple[str, Member, Member]]]:
        """Give the same of each archive: a bundle itself, and each wheel in it.

        Times of a tar and of a zip are told in different ways.
        """
        found: dict[str, list[tuple[str, Member, Member]]] = {}
        for pair in self.pairs():
            found.setdefault(pair[0].rpartition("!")[0], []).append(pair)
        yield from found.values()

    def about(self, *names: str) -> Iterator[tuple[str, str]]:
        """Give the text of a file about the package on both sides, empty without one.

        In a bundle that is one for each wheel in it that could be opened on both. The
        folder may have another name on each side, since the version is part of it.
        """
        theirs, ours = _about(self.published, names), _about(self.rebuilt, names)
        # What could not be opened lacks everything, and that tells nothing.
        opened = _wheels(self.published) & _wheels(self.rebuilt)
        for wheel in theirs | ours:
            if wheel in opened:
                yield _text(theirs.get(wheel)), _text(ours.get(wheel))


def is_about(path: str) -> bool:
    """Tell whether a file is about the package, by a wheel's or an sdist's layout."""
    top, _, rest = path.rpartition("!")[2].partition("/")
    return top.endswith((".dist-info", ".egg-info")) or rest == "PKG-INFO"


def _wheels(members: Members) -> set[str]:
    return {path.rpartition("!")[0] for path in members}


def _about(members: Members, names: tuple[str, ...]) -> dict[str, Member]:
    """Find a file by its wheel, which is empty outside of bundles."""
    return {
        path.rpartition("!")[0]: member
        for path, member in members.items()
        if path.count("/") - path.rpartition("!")[0].count("/") == 1
        and path.rpartition("/")[2] in names
        and is_about(path)
    }


def _text(member: Member | None) -> str:
    if member is None or member.size > _MOST_BYTES:
        return ""
    try:
        return member.read().decode(errors="replace")
    except MalformedError:
        return ""
