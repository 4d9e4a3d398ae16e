"""Why files differ, in plain words, as far as can be told from them.

A cause is a guess at what happened and never part of a verdict. The codes are stable
and stand in docs/formats/compare-report.md.
"""

from collections.abc import Sequence

from reproducible.compare.verdict import Cause, Comparison
from reproducible.explain.excerpt import Excerpt
from reproducible.explain.members import Members


def causes_of(
    comparison: Comparison,
    published: Members,
    rebuilt: Members,
    excerpts: Sequence[Excerpt],
) -> tuple[Cause, ...]:
    """Name what likely made the files differ, what matters most first."""
    raise NotImplementedError
