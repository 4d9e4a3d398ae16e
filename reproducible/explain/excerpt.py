"""Excerpts: the lines in which members differ, within bounds.

Text is aligned line by line (Myers, "An O(ND) Difference Algorithm", 1986), other
bytes are shown as a hex dump around the first that differs. The time of `difflib`
cannot be bounded from outside, and whoever packed the archive chooses the text.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from reproducible.compare.verdict import Comparison
from reproducible.explain.members import Members

MOST_MEMBERS: Final = 50
MOST_LINES: Final = 200
MOST_BYTES: Final = 256 * 1024

RowKind = Literal["same", "changed", "published", "rebuilt", "gap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of both files, side by side; raw, as all text here.

    Attributes:
        kind: `changed` has two lines that differ, `published` and `rebuilt` have one,
            `gap` stands for lines that are the same and left out.
        at: the line's number on each side, from 1; 0 where there is none.
    """

    kind: RowKind
    published: str = ""
    rebuilt: str = ""
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a member's contents differ in.

    Attributes:
        rows: at most 200 but for gaps.
        left_out: how many rows more there are.
    """

    entry: str
    rows: tuple[Row, ...]
    left_out: int = 0


def excerpts_of(
    comparison: Comparison, published: Members, rebuilt: Members
) -> tuple[Excerpt, ...]:
    """Show how members differ: at most 50 of them, each of at most 256 KiB.

    First those that only the published file has: what is there and should not be is
    where an attacker would work.
    """
    raise NotImplementedError
