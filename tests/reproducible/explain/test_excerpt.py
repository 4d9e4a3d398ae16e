"""Excerpts show how members differ, within bounds."""

import pytest

from reproducible.compare.verdict import Difference
from reproducible.explain.excerpt import (
    MOST_BYTES,
    MOST_LINES,
    MOST_MEMBERS,
    Row,
    excerpts_of,
)
from reproducible.explain.members import Member
from tests.reproducible.explain.packages import code, different, excerpt, member
from updater.errors import MalformedError


def test_a_changed_line_stands_beside_the_one_in_its_place() -> None:
    assert excerpt("a\nb\n", "a\nc\n").rows == (
        Row(kind="same", published="a", rebuilt="a", at=(1, 1)),
        Row(kind="changed", published="b", rebuilt="c", at=(2, 2)),
    )


def test_a_line_of_one_side_stands_alone() -> None:
    kinds = [(row.kind, row.at) for row in excerpt("a\nb\n", "b\nc\n").rows]

    assert kinds == [("published", (1, 0)), ("same", (2, 1)), ("rebuilt", (0, 2))]


def test_three_lines_around_a_change_are_shown() -> None:
    lines = [f"{number}\n" for number in range(20)]
    changed = [*lines[:10], "new\n", *lines[11:]]
    found = excerpt("".join(lines), "".join(changed)).rows

    assert [(row.kind, row.at[0]) for row in found] == [
        ("gap", 8),
        ("same", 8),
        ("same", 9),
        ("same", 10),
        ("changed", 11),
        ("same", 12),
        ("same", 13),
        ("same", 14),
    ]


def test_what_is_left_out_between_two_changes_is_one_row() -> None:
    lines = [f"{number}\n" for number in range(20)]
    changed = ["new\n", *lines[1:-1], "new\n"]
    found = excerpt("".join(lines), "".join(changed)).rows

    assert [row.at[0] for row in found] == [1, 2, 3, 4, 17, 17, 18, 19, 20]


def test_a_missing_line_feed_at_the_end_is_seen() -> None:
    (row,) = excerpt("a\n", "a").rows[1:]

    assert (row.kind, row.rebuilt) == ("rebuilt", r"\ no line feed at the end")


def test_other_line_endings_are_a_difference() -> None:
    (row,) = excerpt("a\r\n", "a\n").rows

    assert (row.published, row.rebuilt) == ("a\r", "a")


def test_at_most_so_many_lines_are_shown_and_the_rest_is_counted() -> None:
    found = excerpt("a\n" * (MOST_LINES + 7), "b\n")

    assert (len(found.rows), found.left_out) == (MOST_LINES, 7)


def test_of_a_long_line_the_part_that_differs_is_shown() -> None:
    (row,) = excerpt("x" * 900 + "old\n", "x" * 900 + "new" + "y" * 900 + "\n").rows

    assert (row.published, row.rebuilt) == (
        "… " + "x" * 100 + "old",
        "… " + "x" * 100 + "new" + "y" * 297 + " …",
    )


@pytest.mark.parametrize("odd", [b"\0", b"\xff"], ids=["nul", "not utf-8"])
def test_what_is_no_text_is_dumped_from_the_first_odd_byte_on(odd: bytes) -> None:
    (row,) = excerpt(bytes(range(65, 85)) + odd, bytes(range(65, 85)) + b"!").rows

    assert row.rebuilt == "00000010  51 52 53 54 21" + " " * 35 + "QRST!"


def test_a_dump_ends_after_some_lines() -> None:
    assert len(excerpt(b"\0" * 999, b"\1" * 999).rows) == 4


def test_bytes_that_only_follow_a_dump_are_not_shown() -> None:
    assert excerpts_of(code("a"), {"a": member("x")}, {"a": member("x")}) == ()


def test_what_only_the_published_file_has_comes_first() -> None:
    told = different(
        Difference("code", "both", "changed"),
        Difference("file-set", "rebuilt", "ours"),
        Difference("file-set", "published", "theirs"),
        Difference("header", "both", "header"),
    )
    published = {"changed": member("1"), "theirs": member("2"), "header": member("3")}
    rebuilt = {"changed": member("4"), "ours": member("5"), "header": member("6")}
    found = excerpts_of(told, published, rebuilt)

    assert [each.entry for each in found] == ["theirs", "changed", "ours"]


def test_a_member_that_differs_in_two_ways_is_shown_once() -> None:
    assert len(excerpts_of(code("a", "a"), {"a": member("1")}, {})) == 1


def test_no_more_members_than_a_person_reads_are_shown() -> None:
    names = [str(number) for number in range(MOST_MEMBERS + 1)]
    found = excerpts_of(code(*names), {name: member("1") for name in names}, {})

    assert len(found) == MOST_MEMBERS


def test_no_more_text_than_a_page_holds_is_shown() -> None:
    names = [str(number) for number in range(MOST_MEMBERS)]
    long = member(("x" * 400 + "\n") * MOST_LINES)
    found = excerpts_of(code(*names), dict.fromkeys(names, long), {})

    assert len(found) == 13


def test_a_large_member_is_not_even_read() -> None:
    def read() -> bytes:
        raise AssertionError("read")

    large = Member(size=MOST_BYTES + 1, stamp=0, mode=0, system=0, read=read)

    assert excerpts_of(code("a"), {"a": large}, {"a": member()}) == ()


def test_a_member_that_does_not_unpack_is_not_shown() -> None:
    def read() -> bytes:
        raise MalformedError("cut short")

    broken = Member(size=1, stamp=0, mode=0, system=0, read=read)

    assert excerpts_of(code("a"), {"a": broken}, {"a": member()}) == ()


def test_a_member_that_neither_side_has_is_not_shown() -> None:
    assert excerpts_of(code("a"), {}, {}) == ()
