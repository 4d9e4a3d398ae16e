"""A comparison for a terminal: verdict, causes, then what differs."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from reproducible.compare.shown import shortened
from reproducible.compare.verdict import Comparison
from reproducible.explain.excerpt import Excerpt, Row
from reproducible.explain.explaining import Explained
from updater.transparency.claims.rebuild import Verdict

MOST_ENTRIES: Final = 20
MOST_CHARACTERS: Final = 400
"""Of one name, detail or line; twice the longest path in common use."""
MOST_OF_DIFFOSCOPE: Final = 1_000
"""Lines; the page has them all."""

SAID: Final[dict[Verdict, str]] = {
    "identical": "the same bytes",
    "identical-with-exceptions": "proven to differ in header fields alone",
    "different": "not the same",
    "build-failed": "nothing was built that could be compared",
    "unsupported": "not rebuilt here, so nothing is known",
}
"""What a verdict means, in a few words."""


def format_text(explained: Explained, *, with_excerpts: bool = False) -> list[str]:
    """Write lines for people; nothing foreign in them can act on a terminal.

    At most 20 entries; with excerpts all that there are, as a unified diff.
    """
    lines = [*_summary(explained.comparison), *_entries(explained.comparison)]
    if with_excerpts:
        for excerpt in explained.excerpts:
            lines += ["", *unified(excerpt)]
    if explained.diffoscope:
        said = explained.diffoscope.split("\n")
        lines += ["", "diffoscope says:"]
        lines += [_some(line) for line in said[:MOST_OF_DIFFOSCOPE]]
        if len(said) > MOST_OF_DIFFOSCOPE:
            lines.append(f"and {len(said) - MOST_OF_DIFFOSCOPE} more lines: --html")
    return lines


def unified(excerpt: Excerpt) -> Iterator[str]:
    """Write an excerpt as a unified diff (POSIX.1-2024 diff -u, without counts)."""
    name = _some(excerpt.entry)
    yield f"--- published  {name}"
    yield f"+++ rebuilt    {name}"
    for is_change, rows in groupby(excerpt.rows, lambda row: row.kind not in _CALM):
        if is_change:
            changed = list(rows)
            yield from (
                f"-{_some(r.published)}" for r in changed if r.kind != "rebuilt"
            )
            yield from (
                f"+{_some(r.rebuilt)}" for r in changed if r.kind != "published"
            )
        else:
            yield from map(_calm, rows)
    if excerpt.left_out:
        yield f"… and {excerpt.left_out} more lines that differ"


_CALM: Final = frozenset({"same", "gap"})


def _calm(row: Row) -> str:
    if row.kind == "gap":
        return f"@@ -{row.at[0]} +{row.at[1]} @@"
    return f" {_some(row.published)}"


def _summary(comparison: Comparison) -> Iterator[str]:
    published, rebuilt = comparison.published, comparison.rebuilt
    stage = f" ({comparison.stage})" if comparison.stage else ""
    reason = f" ({comparison.reason})" if comparison.reason else ""
    yield f"{_some(published.name)}: {comparison.verdict}{reason}{stage}"
    if comparison.verdict == "identical":
        yield f"  sha256     {published.sha256}, {published.size} bytes"
    else:
        yield f"  published  {published.sha256}, {published.size} bytes"
        if rebuilt is not None:
            name = "" if rebuilt.name == published.name else f", {_some(rebuilt.name)}"
            yield f"  rebuilt    {rebuilt.sha256}, {rebuilt.size} bytes{name}"
    for cause in comparison.causes:
        count = f" ({cause.entries})" if cause.entries > 1 else ""
        yield f"  cause      {_some(cause.text)}{count}"
    for warning in comparison.warnings:
        yield f"  warning    {_some(warning)}"


def _entries(comparison: Comparison) -> Iterator[str]:
    for each in comparison.exceptions:
        first = f"{each.count} times, first in {_some(each.entry)}"
        yield f"  exception  {each.field}: {first} ({_some(each.reason)})"
    for difference in comparison.differences[:MOST_ENTRIES]:
        side = "" if difference.side == "both" else f" only in {difference.side}"
        detail = f": {_some(difference.detail)}" if difference.detail else ""
        yield f"  {difference.kind:9}  {_some(difference.entry)}{side}{detail}"
    more = len(comparison.differences) - MOST_ENTRIES
    if more > 0:
        yield f"  and {more} more: --json or --html"


def _some(text: str) -> str:
    return shortened(text, MOST_CHARACTERS)
