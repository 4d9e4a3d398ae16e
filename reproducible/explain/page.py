"""Comparisons as one static HTML page: no script, nothing from outside."""

from collections.abc import Sequence

from reproducible.explain.explaining import Explained


def format_page(explained: Sequence[Explained], *, title: str = "Rebuild") -> bytes:
    """Write a page in UTF-8 with a section for each comparison.

    The result depends on nothing else: no time, no version.
    """
    raise NotImplementedError
