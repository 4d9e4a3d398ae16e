"""Lines are aligned, in bounded time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.explain.lines import MOST_STEPS, Block, align, shared

_LINES = st.lists(st.sampled_from("abc"), max_size=12)


def test_a_changed_line_stands_between_the_same_ones() -> None:
    assert align("abc", "axc") == (
        Block(range(1), range(1), is_same=True),
        Block(range(1, 2), range(1, 2), is_same=False),
        Block(range(2, 3), range(2, 3), is_same=True),
    )


def test_a_line_that_was_put_in_moves_the_others() -> None:
    assert align("ab", "xab") == (
        Block(range(0), range(1), is_same=False),
        Block(range(2), range(1, 3), is_same=True),
    )


def test_lists_without_lines_have_no_blocks() -> None:
    assert align("", "") == ()


def test_lines_that_repeat_are_not_paired_twice() -> None:
    assert align("aaa", "aa") == (
        Block(range(2), range(2), is_same=True),
        Block(range(2, 3), range(2, 2), is_same=False),
    )


@given(_LINES, _LINES)
def test_the_blocks_are_both_lists(published: list[str], rebuilt: list[str]) -> None:
    blocks = align(published, rebuilt)
    covered = [
        [number for block in blocks for number in block.published],
        [number for block in blocks for number in block.rebuilt],
    ]

    assert covered == [list(range(len(published))), list(range(len(rebuilt)))]


@given(_LINES, _LINES)
def test_what_is_called_the_same_is(published: list[str], rebuilt: list[str]) -> None:
    same = [block for block in align(published, rebuilt) if block.is_same]

    assert [published[n] for b in same for n in b.published] == [
        rebuilt[n] for b in same for n in b.rebuilt
    ]


@given(_LINES, _LINES)
def test_no_longer_common_subsequence_is_missed(
    published: list[str], rebuilt: list[str]
) -> None:
    same = sum(len(b.published) for b in align(published, rebuilt) if b.is_same)

    assert same == _longest_common(published, rebuilt)


def test_too_much_work_gives_one_block() -> None:
    count = MOST_STEPS // 200
    published = ["head", *(f"old {n}" for n in range(count)), "tail"]
    rebuilt = ["head", *(f"new {n}" for n in range(count)), "tail"]

    assert [block.is_same for block in align(published, rebuilt)] == [True, False, True]


@pytest.mark.parametrize(
    ("one", "other", "count"), [("abc", "abd", 2), ("", "a", 0), ("ab", "ab", 2)]
)
def test_a_common_start_is_counted(one: str, other: str, count: int) -> None:
    assert shared(one, other) == count


def _longest_common(one: list[str], other: list[str]) -> int:
    """The textbook's table, which needs the product of both lengths."""
    row = [0] * (len(other) + 1)
    for a in one:
        before = row
        row = [0]
        for number, b in enumerate(other):
            row.append(
                before[number] + 1 if a == b else max(before[number + 1], row[number])
            )
    return row[-1]
