"""A comparison with its causes and excerpts."""

from dataclasses import dataclass, replace

from reproducible.compare.verdict import Comparison
from reproducible.explain.causes import causes_of
from reproducible.explain.excerpt import Excerpt, excerpts_of
from reproducible.explain.members import open_members
from updater.archive.extent import Extent


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known of two files.

    Attributes:
        comparison: with its causes.
        diffoscope: what that program said, raw; empty where it was not asked.
    """

    comparison: Comparison
    excerpts: tuple[Excerpt, ...] = ()
    diffoscope: str = ""


def explain(
    comparison: Comparison, published: Extent | None, rebuilt: Extent | None
) -> Explained:
    """Say why files differ: causes and excerpts; quick where they do not.

    Nothing in the files makes this raise: what cannot be read is not shown.
    """
    if comparison.verdict == "identical":
        return Explained(comparison)
    entries = [each.entry for each in comparison.differences]
    theirs = open_members(comparison.published.name, published, entries)
    name = comparison.rebuilt.name if comparison.rebuilt else ""
    ours = open_members(name, rebuilt, entries)
    excerpts = excerpts_of(comparison, theirs, ours)
    causes = causes_of(comparison, theirs, ours, excerpts)
    return Explained(replace(comparison, causes=causes), excerpts)
