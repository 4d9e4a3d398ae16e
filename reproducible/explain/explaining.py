"""A comparison with its causes and excerpts."""

from dataclasses import dataclass

from reproducible.compare.verdict import Comparison
from reproducible.explain.excerpt import Excerpt
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
    raise NotImplementedError
