"""diffoscope is asked behind the wall, and what it could not do is said."""

import shutil
from pathlib import Path

import pytest

from reproducible.errors import IsolationError, MissingError
from reproducible.explain.diffoscope import ask_diffoscope, heard
from reproducible.explain.examining import examine
from reproducible.explain.explaining import Explained
from reproducible.sandbox.host import Host
from reproducible.sandbox.run import Ran
from tests.reproducible.explain.packages import NAME, different, wheel

_SAID = Explained(different(warnings=("moved tag",)))


def test_without_the_program_there_is_no_second_opinion(tmp_path: Path) -> None:
    host = Host(search="", home=tmp_path)

    with pytest.raises(MissingError, match="diffoscope in /usr/, found none"):
        ask_diffoscope(_SAID, tmp_path / "a", tmp_path / "b", host=host)


def test_a_program_that_every_wall_would_hide_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "diffoscope"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    host = Host(search=str(tmp_path), home=tmp_path)

    with pytest.raises(MissingError, match="found /"):
        ask_diffoscope(_SAID, tmp_path / "a", tmp_path / "b", host=host)


def test_what_it_skipped_becomes_a_warning() -> None:
    log = b"2026-11-22 05:33:37 W: diffoscope.main: no apktool\n--- a\n+++ b\n"
    found = heard(_SAID, Ran(code=1, log=log))

    assert (found.comparison.warnings, found.diffoscope) == (
        ("moved tag", "diffoscope: diffoscope.main: no apktool"),
        "--- a\n+++ b",
    )


def test_a_program_that_broke_becomes_a_warning() -> None:
    found = heard(_SAID, Ran(code=2, log=b"Traceback\xff"))

    assert found.comparison.warnings[1:] == (
        "diffoscope: expected the exit code 1, came 2",
    )


@pytest.mark.slow
def test_two_wheels_have_a_second_opinion(tmp_path: Path) -> None:
    if not (shutil.which("diffoscope") or "").startswith("/usr/"):
        pytest.skip("diffoscope is not installed")
    files = []
    for side, word in (("theirs", "two"), ("ours", "one")):
        (tmp_path / side).mkdir()
        files.append(tmp_path / side / NAME)
        files[-1].write_bytes(wheel({"tally.py": f"print('{word}')\n"}))
    try:
        found = examine(*files, diffoscope=True)
    except IsolationError as error:
        pytest.skip(f"no wall: {error}")

    assert "-print('two')" in found.diffoscope, "\n".join(found.comparison.warnings)
