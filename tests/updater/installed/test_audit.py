"""The audit file: lines that are chained by their hashes."""

import hashlib

import pytest

from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError
from updater.installed.audit import (
    START,
    Head,
    Line,
    Tail,
    find_tail,
    format_line,
    last_head,
    next_line,
    parse_line,
    read_chain,
)

NOW = 1_790_000_000


def _chain(length: int, head: Head = START) -> tuple[list[bytes], list[Head]]:
    lines, heads = [], [head]
    for number in range(length):
        line, head = next_line(head, "check", {"number": number}, NOW + number)
        lines.append(line)
        heads.append(head)
    return lines, heads


LINES, HEADS = _chain(4)
FILE = b"".join(LINES)


def test_a_line_is_what_its_format_says() -> None:
    line, _ = next_line(START, "check", {}, NOW + 0.9)

    assert line == (
        b'{"at":"2026-09-21T14:13:20Z","data":{},"event":"check","prev":"'
        + b"0" * 64
        + b'","seq":1}\n'
    )


def test_the_head_is_the_hash_of_the_line_without_its_line_feed() -> None:
    line, head = next_line(START, "check", {}, NOW)

    assert head == Head(1, hashlib.sha256(line[:-1]).hexdigest())


def test_a_line_has_one_spelling() -> None:
    assert_one_spelling(parse_line, format_line, LINES[1][:-1])


@pytest.mark.parametrize(
    "change",
    [
        (b'"check"', b'"chat"'),
        (b'{"number":1}', b"[]"),
        (b'"seq":2', b'"seq":0'),
        (b"2026-09-21T", b"2026-09-21 "),
    ],
)
def test_another_shape_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(MalformedError):
        parse_line(LINES[1][:-1].replace(*change))


def test_a_chain_is_read_with_its_head() -> None:
    lines, head = read_chain(FILE, START)

    assert [line.data["number"] for line in lines] == [0, 1, 2, 3]
    assert head == HEADS[-1]


def test_an_empty_file_has_the_head_it_began_with() -> None:
    assert read_chain(b"", HEADS[2]) == ([], HEADS[2])


def test_a_chain_whose_beginning_was_put_away_is_read() -> None:
    lines, head = read_chain(b"".join(LINES[2:]), None)

    assert len(lines) == 2
    assert head == HEADS[-1]


def test_an_empty_file_without_a_beginning_has_the_first_head() -> None:
    assert read_chain(b"", None) == ([], START)


def test_a_changed_line_breaks_the_chain_after_it() -> None:
    changed = FILE.replace(b'"number":1', b'"number":7')

    with pytest.raises(MalformedError, match="line 3: does not continue"):
        read_chain(changed, START)


def test_a_line_that_is_gone_breaks_the_chain() -> None:
    with pytest.raises(MalformedError, match="line 2: does not continue"):
        read_chain(LINES[0] + LINES[2], START)


def test_numbers_follow_each_other() -> None:
    line, head = parse_line(LINES[0][:-1]), HEADS[1]
    skipped = format_line(
        Line(at=line.at, event="check", data={}, seq=9, prev=head.sha256)
    )

    with pytest.raises(MalformedError, match="expected number 2, came 9"):
        read_chain(LINES[0] + skipped + b"\n", START)


def test_a_torn_line_is_no_line() -> None:
    with pytest.raises(MalformedError, match="last 9 bytes"):
        read_chain(FILE + LINES[0][:9], START)


def test_the_tail_of_a_file_that_was_remembered_is_its_end() -> None:
    assert find_tail(FILE, HEADS[-1]) == Tail(HEADS[-1], 0, lost=False)


@pytest.mark.parametrize("remembered", HEADS)
def test_lines_that_were_not_remembered_count(remembered: Head) -> None:
    assert find_tail(FILE, remembered) == Tail(HEADS[-1], 0, lost=False)


def test_a_torn_line_is_measured() -> None:
    assert find_tail(FILE + b'{"at":', HEADS[2]) == Tail(HEADS[-1], 6, lost=False)


def test_everything_after_a_line_that_does_not_follow_is_torn() -> None:
    file = LINES[0] + LINES[2] + LINES[3] + b"xx"
    torn = len(LINES[2]) + len(LINES[3]) + 2

    assert find_tail(file, HEADS[1]) == Tail(HEADS[1], torn, lost=False)


def test_a_line_that_was_remembered_and_is_gone_is_told() -> None:
    assert find_tail(LINES[0], HEADS[3]) == Tail(HEADS[3], 0, lost=True)


def test_a_file_that_is_gone_is_told() -> None:
    assert find_tail(b"", HEADS[3]) == Tail(HEADS[3], 0, lost=True)


def test_a_file_that_goes_on_after_the_remembered_line_counts() -> None:
    assert find_tail(b"".join(LINES[2:]), HEADS[2]) == Tail(HEADS[4], 0, lost=False)


def test_without_memory_the_last_line_is_the_head() -> None:
    assert last_head(FILE + b"torn") == HEADS[-1]


def test_without_memory_and_lines_the_chain_starts() -> None:
    assert last_head(b"torn\n") == START
