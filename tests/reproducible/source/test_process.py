"""A git that does not behave."""

import itertools
import os
from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.source.process import TIMEOUT_S, Git


def _git(folder: Path, script: str, seconds: float = 0.0) -> Git:
    """Make a git that is this script, with a clock that takes such steps."""
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    path = f"{folder}:{os.defpath}"
    clock = itertools.count(0.0, seconds)
    return Git(folder, {"PATH": path}, clock=lambda: next(clock))


def test_what_it_prints_is_given(tmp_path: Path) -> None:
    assert _git(tmp_path, "echo said; cat").run("x", given=b"asked", most=10) == (
        b"said\nasked"
    )


def test_it_may_not_print_more_than_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git x: expected 10 bytes at most"):
        _git(tmp_path, "yes").run("x", most=10)


def test_its_complaints_are_cut_and_passed_on(tmp_path: Path) -> None:
    script = "head -c 1000000 /dev/zero | tr '\\0' a >&2; echo the end >&2; exit 3"

    with pytest.raises(InputError, match=r"^git x: a{4000,4096}the end$"):
        _git(tmp_path, script).run("x")


def test_its_memory_and_its_files_have_limits(tmp_path: Path) -> None:
    printed = _git(tmp_path, "ulimit -v; ulimit -f").run("x", most=100)

    assert printed.split() == [b"4194304", b"4194304"]


def test_a_silent_failure_is_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git x: exit 3"):
        _git(tmp_path, "exit 3").run("x")


def test_it_is_ended_with_all_it_started_when_its_time_is_over(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    script = f"(exec 9> {alive}; echo; exec sleep 600) & wait"
    git = _git(tmp_path, script, seconds=TIMEOUT_S / 1.5)
    with pytest.raises(InputError, match="git x: took longer than 600 s"):
        git.run("x", most=1)
    os.set_blocking(reader, True)
    try:
        # Ends only once nobody is left who could write.
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_a_git_that_says_nothing_more_and_stays_is_ended(tmp_path: Path) -> None:
    late = tmp_path / "late"
    _git(tmp_path, f"touch {late}; exec >&- 2>&-; sleep 600")
    path = {"PATH": f"{tmp_path}:{os.defpath}"}
    git = Git(tmp_path, path, clock=lambda: TIMEOUT_S * late.exists())

    with pytest.raises(InputError, match="git x: took longer"):
        git.run("x")


def test_only_what_says_how_to_reach_the_network_is_passed_on(tmp_path: Path) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    user = {
        "PATH": f"{tmp_path}:{os.defpath}",
        "https_proxy": "http://proxy.example:1",
        "GIT_PROXY_COMMAND": "evil",
        "LD_PRELOAD": "evil",
        "SECRET": "evil",
    }
    seen = Git(tmp_path, user).run("x", most=10_000).decode()

    assert ("https_proxy=http://proxy.example:1" in seen, "evil" in seen) == (
        True,
        False,
    )
