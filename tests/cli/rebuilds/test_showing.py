"""What a rebuild found decides the exit code, and the worst of several counts."""

from itertools import pairwise
from pathlib import Path

import click
import pytest

from cli.codes import Code
from cli.rebuilds.showing import (
    WORST_FIRST,
    Wanted,
    code_of,
    report_options,
    show_comparisons,
    worst,
)
from reproducible.compare.verdict import Difference
from reproducible.explain.explaining import Explained
from tests.reproducible.explain.packages import a_file, different
from updater.errors import StoreError
from updater.transparency.claims.rebuild import VERDICTS

_SAME = different(verdict="identical", rebuilt=a_file())
_DIFFERENT = different(Difference("code", "both", "a"))
_UNSUPPORTED = different(verdict="unsupported", rebuilt=None, reason="no-sdist")


def test_each_verdict_has_a_code_of_its_own() -> None:
    found = [code_of(different(verdict=verdict)) for verdict in VERDICTS]

    assert found == [0, 2, 1, 4, 3]


def test_another_source_has_a_code_of_its_own() -> None:
    assert code_of(different(Difference("source", "published", "a"))) == 5


def test_what_could_not_be_looked_at_outweighs_a_verdict() -> None:
    assert [int(code) for code in WORST_FIRST] == [70, 69, 75, 64, 5, 1, 6, 4, 3, 2, 0]


@pytest.mark.parametrize(("bad", "good"), list(pairwise(WORST_FIRST)))
def test_the_worst_of_several_counts(bad: Code, good: Code) -> None:
    assert worst([good, bad, good]) == bad


def test_several_comparisons_end_with_the_worst(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    @report_options
    def command(*, wanted: Wanted) -> Code:
        every = [Explained(each) for each in (_SAME, _DIFFERENT, _UNSUPPORTED)]
        return show_comparisons(every, wanted)

    code = command.main(["--json"], standalone_mode=False)

    assert (code, capsys.readouterr().out.count("\n")) == (1, 3)


def test_nothing_is_printed_where_quiet_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_comparisons([Explained(_DIFFERENT)], Wanted(quiet=True))

    assert capsys.readouterr().out == ""


def test_the_badge_shows_the_worst(tmp_path: Path) -> None:
    badge = tmp_path / "badge.svg"
    every = [Explained(each) for each in (_SAME, _UNSUPPORTED)]
    show_comparisons(every, Wanted(badge=badge, quiet=True))

    assert b'<title id="t">rebuild: unsupported</title>' in badge.read_bytes()


def test_an_old_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    show_comparisons([Explained(_SAME)], Wanted(html=page, quiet=True))

    assert page.read_bytes().startswith(b"<!doctype html>")


def test_a_page_that_cannot_be_written_is_no_verdict(tmp_path: Path) -> None:
    wanted = Wanted(html=tmp_path / "none" / "page.html", quiet=True)

    with pytest.raises(StoreError):
        show_comparisons([Explained(_SAME)], wanted)
