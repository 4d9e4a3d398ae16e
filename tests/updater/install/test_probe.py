"""Running a version to see whether it works: bounded in time, memory and reach."""

import sys
import time
from pathlib import Path

import pytest

from updater.errors import MissingError, RefusedError
from updater.install.probe import Probe, interpreter


def _run(home: Path, code: str, *, timeout_s: float = 20.0) -> str:
    probe = Probe(home, timeout_s=timeout_s)
    return probe.run([sys.executable, "-I", "-S", "-c", code])


def test_what_was_printed_is_given(tmp_path: Path) -> None:
    assert _run(tmp_path, "print('here')") == "here\n"


def test_nothing_of_the_user_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    found = _run(tmp_path, "import os; print(os.getcwd(), sorted(os.environ))")

    assert found.startswith(f"{tmp_path} ['HOME', 'LANG'")
    assert "SECRET" not in found


def test_who_prints_without_end_is_stopped_and_fills_no_memory(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"took more than 0\.3 s"):
        _run(tmp_path, "while True: print('x' * 1000)", timeout_s=0.3)


def test_a_long_answer_is_cut_to_its_end(tmp_path: Path) -> None:
    found = _run(tmp_path, "print('x' * 100_000 + 'end')")

    assert len(found) == 4096
    assert found.endswith("end\n")


def test_children_do_not_outlive_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c',"
        " 'import time; time.sleep(60)'], stdout=-3, stderr=-3).pid)"
    )
    child = Path("/proc", _run(tmp_path, code).strip(), "stat")
    for _ in range(100):
        if not child.exists() or ") Z " in child.read_text():
            break
        time.sleep(0.01)  # until the kernel has ended it

    assert not child.exists() or ") Z " in child.read_text()


def test_who_keeps_the_output_open_is_stopped_too(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c',"
        " 'import time; time.sleep(60)'])"
    )
    with pytest.raises(RefusedError, match="took more than"):
        _run(tmp_path, code, timeout_s=0.3)


def test_a_failure_is_told_with_the_last_line(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="ended with 3 and said 'sorry'"):
        _run(tmp_path, "import sys; print('a\\nsorry'); sys.exit(3)")


def test_a_silent_failure_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="said 'nothing'"):
        _run(tmp_path, "import sys; sys.exit(3)")


def test_a_program_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="/no/such: No such file"):
        Probe(tmp_path).run(["/no/such"])


def test_an_interpreter_is_where_it_was_said_to_be() -> None:
    assert interpreter("cp399", {"cp399": sys.executable}) == Path(sys.executable)


def test_an_interpreter_that_is_gone_is_missing() -> None:
    with pytest.raises(MissingError, match=r"expected Python 3\.99, found none"):
        interpreter("cp399", {"cp399": "/no/such"})
