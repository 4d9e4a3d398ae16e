"""Files about the quality of a call."""

import csv
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cli.report import Report
from tests.voip.media.quality.samples import GOOD
from voip.errors import MissingError, RefusedError
from voip.media.quality.diary import Diary


@pytest.fixture
def diary() -> Diary:
    diary = Diary(0.0)
    diary.note(GOOD, 1.0)
    return diary


def test_nothing_is_written_unasked(diary: Diary, tmp_path: Path) -> None:
    report = Report()
    report.check()

    assert report.write(diary, 1) == []
    assert list(tmp_path.iterdir()) == []


def test_each_call_of_a_program_has_a_table(diary: Diary, tmp_path: Path) -> None:
    report = Report(table=tmp_path / "call.csv")
    written = report.write(diary, 1) + report.write(diary, 2)
    with written[1].open() as table:
        (row,) = csv.DictReader(table)

    assert [path.name for path in written] == ["call.csv", "call-2.csv"]
    assert (row["word"], row["audio_state"]) == ("excellent", "N1")
    assert written[0].stat().st_mode & 0o777 == 0o600


def test_a_plot_is_a_picture(diary: Diary, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    (path,) = Report(plot=tmp_path / "call.png").write(diary, 1)

    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "make",
    [lambda path: Report(table=path), lambda path: Report(plot=path)],
    ids=["table", "plot"],
)
def test_nothing_is_written_over(
    diary: Diary, tmp_path: Path, make: Callable[[Path], Report]
) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    report = make(there)
    for refused in (report.check, partial(report.write, diary, 1)):
        with pytest.raises(RefusedError, match="exists already"):
            refused()

    assert there.read_text() == "mine"


def test_what_may_be_overwritten_is(diary: Diary, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    report = Report(table=there, overwrite=True)
    report.check()
    report.write(diary, 1)

    assert there.read_text().startswith("at_s,word,")


def test_a_plot_without_the_library_is_told_before_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(MissingError, match=r"pip install 'ringfence\[plot\]'"):
        Report(plot=tmp_path / "call.png").check()
