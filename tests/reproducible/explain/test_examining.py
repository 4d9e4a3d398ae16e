"""Files of this machine are compared by the names that they are called by."""

from pathlib import Path

import pytest

from reproducible.compare.verdict import Difference
from reproducible.explain.examining import examine, read_report
from reproducible.explain.report import format_report
from tests.reproducible.explain.packages import NAME, codes, different, wheel
from updater.errors import MalformedError, StoreError


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_two_wheels_are_compared_and_explained(tmp_path: Path) -> None:
    theirs = _write(tmp_path / "theirs" / NAME, wheel({"a.py": "x = 2\n"}))
    ours = _write(tmp_path / "ours" / NAME, wheel({"a.py": "x = 1\n"}))

    assert codes(examine(theirs, ours).comparison.causes) == ["code"]


def test_files_of_our_own_have_no_exceptions(tmp_path: Path) -> None:
    theirs = _write(tmp_path / "theirs" / NAME, wheel({}, epoch=1_760_000_000))
    ours = _write(tmp_path / "ours" / NAME, wheel({}))
    verdicts = [
        examine(theirs, ours, own=own).comparison.verdict for own in (False, True)
    ]

    assert verdicts == ["identical-with-exceptions", "different"]


def test_a_link_is_followed_and_keeps_its_name(tmp_path: Path) -> None:
    file = _write(tmp_path / "blob", wheel({}))
    (tmp_path / NAME).symlink_to(file)
    found = examine(tmp_path / NAME, file).comparison

    assert (found.verdict, found.published.name) == ("identical", NAME)


def test_a_file_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        examine(tmp_path / "a.whl", tmp_path / "b.whl")


def test_a_report_is_read(tmp_path: Path) -> None:
    said = different(Difference("code", "both", "a.py"))
    file = _write(tmp_path / "report.json", format_report(said))

    assert read_report(file).comparison == said


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        read_report(_write(tmp_path / "report.json", b"no report"))
