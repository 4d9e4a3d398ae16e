"""Excerpts: the lines in which members differ, within bounds.

Text is aligned line by line (Myers, Algorithmica 1, 1986), other
bytes are shown as a hex dump around the first that differs. The time of `difflib`
cannot be bounded from outside, and whoever packed the archive chooses the text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final, Literal

from reproducible.compare.verdict import Comparison
from reproducible.explain.lines import Block, align, shared
from reproducible.explain.members import Member, Members
from updater.errors import MalformedError

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
        rows: at most 200.
        left_out: how many rows more there are that differ.
    """

    entry: str
    rows: tuple[Row, ...]
    left_out: int = 0


_CONTEXT = 3  # lines around a change, as in every unified diff
_MOST_CHARACTERS = 400  # of a line: minified code has one of 200 KiB
_MOST_TOTAL = 1_000_000  # characters; a page of more is not read, and slow to open
_BEFORE = 100  # characters of a long line that are shown before the first odd one
_MOST_DUMPED = 64  # bytes
_PER_LINE = 16  # bytes, as `xxd` has them
_NO_END = "\\ no line feed at the end"

_TOLD: Final = frozenset({"file-set", "code", "native", "dist-info", "record"})
"""The classes that are about contents."""


def excerpts_of(
    comparison: Comparison, published: Members, rebuilt: Members
) -> tuple[Excerpt, ...]:
    """Show how members differ: at most 50 of them, each of at most 256 KiB.

    First those that only the published file has: what is there and should not be is
    where an attacker would work.
    """
    told = [each for each in comparison.differences if each.kind in _TOLD]
    told.sort(key=lambda each: each.side != "published")
    found: list[Excerpt] = []
    characters = 0
    for entry in dict.fromkeys(each.entry for each in told):
        if len(found) == MOST_MEMBERS or characters > _MOST_TOTAL:
            break
        if excerpt := _excerpt(entry, published.get(entry), rebuilt.get(entry)):
            found.append(excerpt)
            characters += sum(len(r.published) + len(r.rebuilt) for r in excerpt.rows)
    return tuple(found)


def _excerpt(entry: str, theirs: Member | None, ours: Member | None) -> Excerpt | None:
    """Show one member; None if there is nothing to be seen of it."""
    if any(each and each.size > MOST_BYTES for each in (theirs, ours)):
        return None
    try:
        published, rebuilt = (each.read() if each else b"" for each in (theirs, ours))
    except MalformedError:
        return None
    texts = _texts(published, rebuilt) or _dumps(published, rebuilt)
    before, after = map(_lines, texts)
    blocks = align(before, after)
    rows = tuple(islice(_rows(blocks, before, after), MOST_LINES))
    odd = sum(max(len(b.published), len(b.rebuilt)) for b in blocks if not b.is_same)
    seen = sum(row.kind not in {"same", "gap"} for row in rows)
    return Excerpt(entry, rows, odd - seen) if odd else None


def _texts(published: bytes, rebuilt: bytes) -> tuple[str, str] | None:
    if b"\0" in published or b"\0" in rebuilt:
        return None
    try:
        return published.decode(), rebuilt.decode()
    except UnicodeDecodeError:
        return None


def _dumps(published: bytes, rebuilt: bytes) -> tuple[str, str]:
    """Write both in hexadecimal, a little from the line of the first odd byte on."""
    start = shared(published, rebuilt) // _PER_LINE * _PER_LINE
    return _dump(published, start), _dump(rebuilt, start)


def _dump(data: bytes, start: int) -> str:
    lines = ""
    for offset in range(start, min(len(data), start + _MOST_DUMPED), _PER_LINE):
        piece = data[offset : offset + _PER_LINE]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        lines += f"{offset:08x}  {piece.hex(' '):47}  {seen}\n"
    return lines


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: a lone carriage return is a difference, and seen."""
    lines = text.split("\n")
    if lines[-1]:
        return [*lines, _NO_END]
    return lines[:-1]


def _rows(
    blocks: Sequence[Block], before: Sequence[str], after: Sequence[str]
) -> Iterator[Row]:
    for number, block in enumerate(blocks):
        if block.is_same:
            yield from _context(
                block, before, is_first=not number, is_last=block is blocks[-1]
            )
        else:
            yield from _change(block, before, after)


def _context(
    block: Block, before: Sequence[str], *, is_first: bool, is_last: bool
) -> Iterator[Row]:
    """Give the lines next to a change, and one row for those left out."""
    size = len(block.published)
    head = 0 if is_first else min(size, _CONTEXT)
    tail = 0 if is_last else min(size - head, _CONTEXT)
    for place in range(size):
        if head <= place < size - tail:
            if place == head and not is_last:
                yield Row(kind="gap", at=_at(block, size - tail))
            continue
        line = _cut(before[block.published[place]])
        yield Row(kind="same", published=line, rebuilt=line, at=_at(block, place))


def _at(block: Block, place: int) -> tuple[int, int]:
    """Number the lines at a place of a block, from 1."""
    return block.published.start + place + 1, block.rebuilt.start + place + 1


def _change(block: Block, before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    """Put lines that stand in each other's place side by side."""
    for theirs, ours in zip_longest(block.published, block.rebuilt):
        if theirs is None:
            yield Row(kind="rebuilt", rebuilt=_cut(after[ours]), at=(0, ours + 1))
        elif ours is None:
            yield Row(
                kind="published", published=_cut(before[theirs]), at=(theirs + 1, 0)
            )
        else:
            pair = before[theirs], after[ours]
            start = _first_odd(*pair)
            published, rebuilt = (_cut(line, start) for line in pair)
            at = theirs + 1, ours + 1
            yield Row(kind="changed", published=published, rebuilt=rebuilt, at=at)


def _first_odd(theirs: str, ours: str) -> int:
    """Say where a difference has to begin to be shown, in long lines alone."""
    if max(len(theirs), len(ours)) <= _MOST_CHARACTERS:
        return 0
    return max(0, shared(theirs, ours) - _BEFORE)


def _cut(line: str, start: int = 0) -> str:
    """Cut a long line to what is shown of it."""
    before = "… " if start else ""
    rest = line[start:]
    after = " …" if len(rest) > _MOST_CHARACTERS else ""
    return f"{before}{rest[:_MOST_CHARACTERS]}{after}"
