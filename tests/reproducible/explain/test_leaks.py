"""What a build left of the machine it ran on is found in changed lines."""

import pytest

from reproducible.explain.leaks import leaks
from tests.reproducible.explain.packages import codes, excerpt


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("root = '/home/alice/src/tally'", "local-path"),
        ("root = '/Users/alice/tally'", "local-path"),
        ("from /tmp/build-env-x1/a.py", "local-path"),
        (r"root = C:\Users\alice", "local-path"),
        ("built on fv-az123-456", "host-name"),
        ("built on oak.internal", "host-name"),
        ("by alice@oak: ok", "host-name"),
        ("built 2026-11-22 05:33:37", "date"),
        ("built Sun Nov 22 05:33:37 2026", "date"),
        ("stamp = 1750000000", "date"),
        ("stamp = 20261122T053337", "date"),
    ],
    ids=lambda text: text[:24],
)
def test_a_token_that_only_one_line_has_is_a_leak(line: str, code: str) -> None:
    assert codes(leaks([excerpt(f"{line}\n", "nothing\n")])) == [code]


@pytest.mark.parametrize(
    "line",
    ["version = '2.0.1'", "see /usr/bin/env", "me@example.com", "http://a/home/x"],
    ids=str,
)
def test_what_only_looks_like_one_is_none(line: str) -> None:
    assert codes(leaks([excerpt(f"{line}\n", "nothing\n")])) == []


def test_a_token_in_both_lines_is_no_leak() -> None:
    assert codes(leaks([excerpt("/tmp/a x\n", "/tmp/a y\n")])) == []


def test_what_the_rebuilt_side_leaks_is_told_too() -> None:
    (cause,) = leaks([excerpt("same\nx\n", "same\n  /tmp/here\n", "a.py")])

    assert (
        cause.text
        == "a folder of the machine that built it is in it, a.py: '/tmp/here'"
    )


def test_a_file_of_one_side_leaks_nothing() -> None:
    assert codes(leaks([excerpt("/tmp/a\n", "")])) == []


def test_entries_that_leak_are_counted_once_each() -> None:
    found = leaks([excerpt("/tmp/a\n/tmp/b\n", "x\ny\n", name) for name in "ab"])

    assert [cause.entries for cause in found] == [2]
