"""Two lists of lines, aligned in bounded time.

The greedy form of Myers (Algorithmica 1, 1986, "Difference Algorithm"). The time
of `difflib` cannot be bounded from outside, and whoever packed an archive chooses what
is compared here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

MOST_STEPS: Final = 200_000
"""About a tenth of a second. Lines that differ in some 500 places are within it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of both lists: the same lines, or lines in the place of others."""

    published: range
    rebuilt: range
    is_same: bool


def align(published: Sequence[str], rebuilt: Sequence[str]) -> tuple[Block, ...]:
    """Cut two lists into stretches that are the same and stretches that differ.

    Where that is too much work, all from the first to the last difference is one.
    """
    head = shared(published, rebuilt)
    most = min(len(published), len(rebuilt)) - head
    tail = min(most, shared(reversed(published), reversed(rebuilt)))
    theirs = published[head : len(published) - tail]
    ours = rebuilt[head : len(rebuilt) - tail]
    pairs = [(number, number) for number in range(head)]
    pairs += [(head + at, head + to) for at, to in _matches(theirs, ours)]
    pairs += [
        (len(published) - back, len(rebuilt) - back) for back in range(tail, 0, -1)
    ]
    return tuple(_blocks(pairs, len(published), len(rebuilt)))


def shared(one: Iterable[object], other: Iterable[object]) -> int:
    """Say how many items two sequences begin with that are the same."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _matches(theirs: Sequence[str], ours: Sequence[str]) -> list[tuple[int, int]]:
    """Pair the lines of a longest common subsequence; none if it takes too long."""
    numbers: dict[str, int] = {}  # long lines are compared once
    a = [numbers.setdefault(line, len(numbers)) for line in theirs]
    b = [numbers.setdefault(line, len(numbers)) for line in ours]
    reached = {1: 0}  # on each diagonal x - y, how far along `theirs` one can come
    rounds: list[dict[int, int]] = []  # as it was before each edit more
    steps = 0
    while steps <= MOST_STEPS:
        edits = len(rounds)
        rounds.append(dict(reached))
        for k in range(-edits, edits + 1, 2):
            came_from = _neighbour(reached, k, edits)
            x = start = reached[came_from] + (came_from < k)
            while x < len(a) and x - k < len(b) and a[x] == b[x - k]:
                x += 1
            reached[k] = x
            steps += x - start + 1
            if x >= len(a) and x - k >= len(b):
                return _way_back(rounds, x, x - k)
    return []


def _neighbour(reached: dict[int, int], k: int, edits: int) -> int:
    """Choose the diagonal from which to come to `k`: the one that leads further."""
    is_down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
    return k + 1 if is_down else k - 1


def _way_back(rounds: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """List the pairs on the way that ends at (x, y)."""
    pairs: list[tuple[int, int]] = []
    for edits in range(len(rounds) - 1, -1, -1):
        came_from = _neighbour(rounds[edits], x - y, edits) if edits else 0
        to_x = rounds[edits][came_from] if edits else 0
        to_y = to_x - came_from
        while x > to_x and y > to_y:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = to_x, to_y
    return pairs[::-1]


def _blocks(
    pairs: Sequence[tuple[int, int]], theirs: int, ours: int
) -> Iterator[Block]:
    """Gather pairs that follow one another, and what lies between them."""
    x = y = start_x = start_y = 0
    for to_x, to_y in [*pairs, (theirs, ours)]:
        if (to_x, to_y) == (x, y) and (x, y) != (theirs, ours):
            x, y = x + 1, y + 1
            continue
        if x > start_x:
            yield Block(range(start_x, x), range(start_y, y), is_same=True)
        if (to_x, to_y) != (x, y):
            yield Block(range(x, to_x), range(y, to_y), is_same=False)
        start_x, start_y = to_x, to_y
        x, y = to_x + 1, to_y + 1
