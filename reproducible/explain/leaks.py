"""What a build left of the machine it ran on: paths, hosts and dates in a diff."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from reproducible.compare.verdict import Cause
from reproducible.explain.excerpt import Excerpt

_MOST_CHARACTERS = 120  # of a line that is quoted

_LEAKS: Final = (
    (
        "local-path",
        "a folder of the machine that built it",
        re.compile(
            r"(?<![\w.])/(?:home|Users|root|tmp|private/var|var/(?:tmp|folders)|build"
            r"|builds|builddir|workspace|github|opt|mnt|srv|usr/src)/[\w.@+/-]{1,80}"
            r"|\b[A-Za-z]:\\[\w.@+ \\-]{1,80}"
        ),
    ),
    (
        "host-name",
        "the name of the machine that built it",
        re.compile(
            r"\b[\w-]{1,63}\.(?:local|localdomain|lan|internal|home\.arpa)\b"
            r"|\bfv-az[\d-]{1,20}\b|\b[\w.-]{1,32}@(?:localhost|[\w-]{1,32}(?=[\s:'\"]))"
        ),
    ),
    (
        "date",
        "a moment of the build",
        re.compile(
            r"\b20\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d\S{0,12})?"
            r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [\w ]{3,8}"
            r" [0-2]?\d:[0-5]\d:[0-5]\d\b"
            r"|\b20\d{6}T?[0-2]\d[0-5]\d[0-5]\d\b|\b1[5-9]\d{8}\b"
        ),
    ),
)
"""The code and text of a cause, and how its tokens look; each pattern is linear."""


def leaks(excerpts: Sequence[Excerpt]) -> Iterator[Cause]:
    """Find tokens that a line of one side has, and the line in its place has not.

    Files that only one side has leak nothing: they are there, or not, as a whole.
    """
    paired = [each for each in excerpts if not _is_one_sided(each)]
    for code, text, token in _LEAKS:
        found = {
            each.entry: line
            for each in paired
            if (line := next(_leaking(each, token), None)) is not None
        }
        if found:
            entry, line = next(iter(found.items()))
            quoted = f"{entry}: {line.strip()[:_MOST_CHARACTERS]!r}"
            yield Cause(code, f"{text} is in it, {quoted}", len(found))


def _is_one_sided(excerpt: Excerpt) -> bool:
    kinds = {row.kind for row in excerpt.rows}
    return kinds in ({"published"}, {"rebuilt"})


def _leaking(excerpt: Excerpt, token: re.Pattern[str]) -> Iterator[str]:
    for row in excerpt.rows:
        if row.kind in {"same", "gap"}:
            continue
        theirs, ours = (
            set(token.findall(line)) for line in (row.published, row.rebuilt)
        )
        if theirs - ours:
            yield row.published
        elif ours - theirs:
            yield row.rebuilt
