"""A terminal gets the verdict, the causes, and what differs, in this order."""

import pytest

from reproducible.compare.verdict import Cause, Comparison, Difference
from reproducible.explain.explaining import Explained
from reproducible.explain.text import (
    MOST_ENTRIES,
    MOST_OF_DIFFOSCOPE,
    format_text,
    unified,
)
from tests.reproducible.explain.packages import NAME, a_file, different, excerpt
from updater.transparency.claims.rebuild import Exemption

_A, _B = "aa" * 32, "bb" * 32


def test_identical_files_take_two_lines() -> None:
    said = Comparison(
        verdict="identical",
        method="sha256",
        published=a_file(),
        rebuilt=a_file(),
        stage="git-to-wheel",
    )

    assert format_text(Explained(said)) == [
        f"{NAME}: identical (git-to-wheel)",
        f"  sha256     {_A}, 10 bytes",
    ]


def test_causes_stand_before_what_differs() -> None:
    said = different(
        Difference("file-set", "published", "evil.py"),
        Difference("code", "both", "tally.py", "2 lines"),
        causes=(Cause("published-only", "look at these first", 2), Cause("x", "y", 1)),
        warnings=("moved tag",),
        rebuilt=a_file("other.whl", "bb"),
    )

    assert format_text(Explained(said)) == [
        f"{NAME}: different",
        f"  published  {_A}, 10 bytes",
        f"  rebuilt    {_B}, 10 bytes, other.whl",
        "  cause      look at these first (2)",
        "  cause      y",
        "  warning    moved tag",
        "  file-set   evil.py only in published",
        "  code       tally.py: 2 lines",
    ]


def test_what_was_not_built_has_a_reason() -> None:
    said = Comparison(
        verdict="unsupported",
        method="sha256",
        published=a_file(),
        rebuilt=None,
        reason="platform-wheel",
    )

    assert format_text(Explained(said)) == [
        f"{NAME}: unsupported (platform-wheel)",
        f"  published  {_A}, 10 bytes",
    ]


def test_each_exception_is_named() -> None:
    said = different(
        verdict="identical-with-exceptions",
        exceptions=(
            Exemption(field="zip.create", count=2, entry="a.py", reason="unlisted"),
        ),
    )

    assert format_text(Explained(said))[-1] == (
        "  exception  zip.create: 2 times, first in a.py (unlisted)"
    )


def test_only_so_many_entries_are_listed() -> None:
    each = Difference("code", "both", "a")
    lines = format_text(Explained(different(*[each] * 100_000)))

    assert (len(lines), lines[-1]) == (
        MOST_ENTRIES + 4,
        "  and 99980 more: --json or --html",
    )


def test_excerpts_are_left_out_unless_they_are_asked_for() -> None:
    found = Explained(different(), (excerpt("a\n", "b\n"),))

    assert len(format_text(found)) == 3


def test_excerpts_are_shown_as_a_unified_diff() -> None:
    lines = [f"{number}\n" for number in range(9)]
    changed = [*lines[:7], "seven\n", "eight\n", "nine\n"]
    found = Explained(different(), (excerpt("".join(lines), "".join(changed)),))

    assert format_text(found, with_excerpts=True)[3:] == [
        "",
        "--- published  a",
        "+++ rebuilt    a",
        "@@ -5 +5 @@",
        " 4",
        " 5",
        " 6",
        "-7",
        "-8",
        "+seven",
        "+eight",
        "+nine",
    ]


def test_lines_that_are_left_out_are_counted() -> None:
    found = excerpt("a\n" * 300, "b\n")

    assert list(unified(found))[-1] == "… and 100 more lines that differ"


def test_what_diffoscope_says_is_shown_and_cut() -> None:
    said = "\n".join(["\x1b[2J"] * (MOST_OF_DIFFOSCOPE + 5))
    lines = format_text(Explained(different(), diffoscope=said))

    assert (lines[4:6], lines[-1]) == (
        ["diffoscope says:", r"\x1b[2J"],
        "and 5 more lines: --html",
    )


def test_a_little_of_diffoscope_is_shown_whole() -> None:
    lines = format_text(Explained(different(), diffoscope="a\nb"))

    assert lines[-2:] == ["a", "b"]


_ATTACK = "\x1b]0;\a\u202e\u200b\r\n"


@pytest.mark.parametrize(
    "said",
    [
        different(Difference("code", "both", _ATTACK, _ATTACK)),
        different(causes=(Cause("x", _ATTACK, 1),), warnings=(_ATTACK,)),
        different(published=a_file(_ATTACK), rebuilt=a_file(_ATTACK + "2")),
        different(
            exceptions=(
                Exemption(field="zip.create", count=1, entry=_ATTACK, reason=_ATTACK),
            )
        ),
    ],
    ids=["difference", "cause", "name", "exception"],
)
def test_nothing_foreign_can_act_on_a_terminal(said: Comparison) -> None:
    found = Explained(said, (excerpt(_ATTACK, "x\n", _ATTACK),))
    lines = format_text(found, with_excerpts=True)

    assert all(line.isprintable() for line in lines)
