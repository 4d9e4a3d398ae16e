"""Each exit code of `ringfence rebuild`, as a script meets it."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.codes import Code
from reproducible.compare.verdict import FileId
from reproducible.errors import BuildFailedError, SourceError, UnsupportedError
from reproducible.explain.report import format_report
from reproducible.record.attest import unbuilt
from tests.updater.transparency.claimants import REBUILDERS
from updater.jcs import write
from updater.transparency.rebuilders import STAGE, rebuild_policy_json

_PROGRAM = Path(sys.executable).with_name("ringfence")
_FILE = FileId("tally-1.0.tar", 1, sha256="ab" * 32)
_UNBUILT: dict[str, SourceError | UnsupportedError | BuildFailedError] = {
    "unsupported": UnsupportedError("no-sdist", "there is none"),
    "failed": BuildFailedError("timeout", "took too long"),
    "source": SourceError("another commit"),
}
_EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"
_RECORD = "a-1.dist-info/RECORD"
_WHEEL = {"a.py": "", _RECORD: f"a.py,{_EMPTY}\n{_RECORD},,\n"}
_NAME = "a-1-py3-none-any.whl"
_NOBODY = "http://127.0.0.1:9/"
_ROWS: dict[Code, Sequence[str]] = {
    Code.DONE: ("compare", "one", "one"),
    Code.DIFFERENT: ("compare", "one", "other"),
    Code.WITH_EXCEPTIONS: ("compare", f"old/{_NAME}", _NAME),
    Code.UNSUPPORTED: ("explain", "unsupported.json"),
    Code.BUILD_FAILED: ("explain", "failed.json"),
    Code.OTHER_SOURCE: ("explain", "source.json"),
    Code.NO_QUORUM: ("verify", "one", "--policy", "who.json", "--rebuilds", "old"),
    Code.USAGE: ("compare", "one"),
    Code.MISSING: ("compare", "one", "one", "--html", "none/page.html"),
    Code.BUG: ("pypi", "idna==3.10", "--index", _NOBODY),
    Code.UNREACHABLE: ("pypi", "idna==3.10", "--index", _NOBODY),
}
"""A command for each code; 130 is a matter of how it is ended."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out what the commands look at."""
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "old").mkdir()
    for place, year in (("old/", 2001), ("", 2002)):
        name = tmp_path / f"{place}{_NAME}"
        with zipfile.ZipFile(name, "w") as wheel:
            for entry, text in _WHEEL.items():
                info = zipfile.ZipInfo(entry, (year, 1, 1, 0, 0, 0))
                wheel.writestr(info, text)
    for about, error in _UNBUILT.items():
        report = format_report(unbuilt(_FILE, error, STAGE))
        (tmp_path / f"{about}.json").write_bytes(report)
    (tmp_path / "who.json").write_bytes(write(rebuild_policy_json(REBUILDERS)))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/packaging.py").write_text("1 / 0\n")
    return tmp_path


def _command(code: Code) -> list[str]:
    return [str(_PROGRAM), "--home=home", "rebuild", *_ROWS[code]]


def _environment(code: Code) -> dict[str, str]:
    """Break a library, where a fault of ours is wanted."""
    return os.environ | ({"PYTHONPATH": "broken"} if code is Code.BUG else {})


def test_every_code_of_a_rebuild_has_a_command() -> None:
    of_calls = {Code.NO_ENCRYPTION, Code.NOT_ALLOWED}

    assert set(Code) - set(_ROWS) == {Code.INTERRUPTED} | of_calls


@pytest.mark.parametrize("code", _ROWS, ids=int)
def test_a_command_ends_with_its_code(folder: Path, code: Code) -> None:
    done = subprocess.run(
        _command(code), cwd=folder, env=_environment(code), capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("code", _ROWS, ids=int)
def test_a_closed_stdout_changes_no_code(folder: Path, code: Code) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *_command(code)],
        cwd=folder, env=_environment(code), stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == code, done.stderr


def test_a_reader_who_went_away_is_no_verdict(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            _command(Code.DIFFERENT), cwd=folder, stdout=writing, check=False
        )
    finally:
        os.close(writing)

    assert done.returncode == Code.INTERRUPTED
