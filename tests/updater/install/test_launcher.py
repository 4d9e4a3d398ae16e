"""The launcher: what it starts, what it counts, and that nothing stops it."""

import ast
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.places import APP, PLATFORM, PYTHON, place
from updater.archive.tree import Tree, format_tree
from updater.install import launcher
from updater.install.root import Root
from updater.installed import starts
from updater.installed.slots import (
    Attempt,
    Bad,
    InstallState,
    format_state,
    highest_first,
)
from updater.offer.product import interpreter_tag

DIGITS = "0123456789ab"
OLD, NEW = f"1.9-{DIGITS}", f"1.10-{DIGITS}"
_PRINTS = 'import sys\ndef run():\n    print("{}", *sys.argv[1:])\n    return {}\n'
_TAG = interpreter_tag(PLATFORM)
_OLDEST = Path.home() / ".pyenv/versions/3.7.16/bin/python"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Give a managed folder with two versions, the newer one current."""
    root = place(tmp_path / "root")
    root.create()
    path = root.folder / APP.launcher_name
    path.write_bytes(Path(launcher.__file__).read_bytes())
    for slot in (OLD, NEW):
        _lay_out(root, slot)
    root.point(NEW)
    _remember(root, previous=OLD, pythons={_TAG: str(PYTHON)})
    return root


def _lay_out(root: Root, slot: str, *, code: int = 0) -> None:
    package = root.slot(slot) / "lib" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "main.py").write_text(_PRINTS.format(slot, code))
    tree = Tree(
        bundle="0" * 64,
        version=slot.partition("-")[0],
        platform=PLATFORM,
        module="app.main",
        files=(),
    )
    (root.slot(slot) / "tree.json").write_bytes(format_tree(tree))


def _remember(root: Root, **changes: object) -> None:
    with root.changing() as change:
        change.write(replace(change.state, **changes))  # type: ignore[arg-type] # any field


def _start(
    root: Root, *args: str, python: Path = PYTHON
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-I", "-S", root.folder / APP.launcher_name, *args],
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _alive() -> Iterator[Attempt]:
    """Give the attempt of a process that lives."""
    with subprocess.Popen(["sleep", "60"]) as process:
        start = launcher.started(process.pid)
        assert start is not None
        try:
            yield Attempt(process.pid, start)
        finally:
            process.kill()


def _dead() -> Attempt:
    with subprocess.Popen(["true"]) as process:
        start = launcher.started(process.pid)
        assert start is not None
    return Attempt(process.pid, start)


# What starts


def test_what_is_current_starts_with_all_arguments(root: Root) -> None:
    assert _start(root, "call", "--home", "x y").stdout == f"{NEW} call --home x y\n"


def test_the_exit_code_is_that_of_the_program(root: Root) -> None:
    slot = f"2.0-{DIGITS}"
    _lay_out(root, slot, code=3)
    root.point(slot)

    assert _start(root).returncode == 3


def test_a_link_to_the_launcher_starts_the_same(root: Root, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root.folder / APP.launcher_name)
    done = subprocess.run([PYTHON, "-I", "-S", link], capture_output=True, check=True)

    assert done.stdout.decode() == f"{NEW}\n"


def test_nothing_is_compiled_into_a_slot(root: Root) -> None:
    _start(root)

    assert not list(root.slot(NEW).rglob("__pycache__"))


def test_without_a_link_the_previous_version_starts(root: Root) -> None:
    (root.folder / "current").unlink()

    assert _start(root).stdout == f"{OLD}\n"


@pytest.mark.parametrize("target", ["versions/9-0123456789ab", "/tmp", "versions/../x"])
def test_a_link_that_leads_nowhere_is_none(root: Root, target: str) -> None:
    (root.folder / "current").unlink()
    (root.folder / "current").symlink_to(target)

    assert _start(root).stdout == f"{OLD}\n"


def test_without_link_and_state_the_highest_version_starts(root: Root) -> None:
    (root.folder / "current").unlink()
    root.state_file.write_bytes(b"{")

    assert _start(root).stdout == f"{NEW}\n"


def test_without_any_version_it_says_what_helps(root: Root) -> None:
    for slot in (OLD, NEW):
        (root.slot(slot) / "tree.json").unlink()
    done = _start(root)

    assert done.returncode == 69
    assert done.stderr.splitlines() == [
        "app: expected an installed version, found none",
        f"hint: install anew: 'pipx run ringfence update apply --root {root.folder}'",
    ]


def test_an_interpreter_that_is_gone_is_named(root: Root) -> None:
    tree = (root.slot(NEW) / "tree.json").read_bytes()
    (root.slot(NEW) / "tree.json").write_bytes(tree.replace(_TAG.encode(), b"cp399"))
    done = _start(root)

    assert done.returncode == 69
    assert done.stderr.startswith("app: expected python3.99, for which this was")


def test_a_tree_that_cannot_be_read_is_told(root: Root) -> None:
    (root.slot(NEW) / "tree.json").write_bytes(b"{}")

    assert _start(root).stderr.startswith(
        f"app: expected a readable tree.json in {NEW}"
    )


# What is counted


def test_a_start_of_what_proved_itself_changes_nothing(root: Root) -> None:
    before = root.state_file.read_bytes()
    _start(root)

    assert root.state_file.read_bytes() == before


def test_a_start_of_what_has_not_is_counted(root: Root) -> None:
    _remember(root, pending=NEW)
    done = _start(root)
    attempts = root.read().attempts

    assert done.stdout == f"{NEW}\n"
    assert len(attempts) == 1
    assert attempts[0].start > 0


def test_after_two_dead_starts_the_previous_version_runs(root: Root) -> None:
    _remember(root, pending=NEW)
    runs = [_start(root).stdout for _ in range(4)]
    state = root.read()

    assert runs == [f"{NEW}\n", f"{NEW}\n", f"{OLD}\n", f"{OLD}\n"]
    assert root.current() == OLD
    assert [(each.slot, each.why) for each in state.bad] == [(NEW, "boot")]
    assert state.pending is None


def test_going_back_is_said(root: Root) -> None:
    _remember(root, pending=NEW, attempts=(_dead(), _dead()))

    assert _start(root).stderr == "app: 1.10 did not start, back to 1.9\n"


def test_three_windows_at_once_roll_nothing_back(root: Root) -> None:
    with _alive() as one, _alive() as two, _alive() as three:
        _remember(root, pending=NEW, attempts=(one, two, three))

        assert _start(root).stdout == f"{NEW}\n"


def test_a_number_that_another_process_has_now_is_dead(root: Root) -> None:
    with _alive() as living:
        other = Attempt(living.pid, living.start + 1)
        _remember(root, pending=NEW, attempts=(other, other))

        assert _start(root).stdout == f"{OLD}\n"


def test_a_switch_back_that_was_cut_off_is_finished(root: Root) -> None:
    _remember(root, bad=(Bad(at=1, slot=NEW, why="boot"),))
    (root.folder / "current.new").symlink_to("anything")

    assert _start(root).stdout == f"{OLD}\n"
    assert root.current() == OLD


# What stops nothing


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff", b'{"schema":"ringfence-install/2"}'],
)
def test_a_state_that_cannot_be_read_stops_nothing(root: Root, data: bytes) -> None:
    root.state_file.write_bytes(data)

    assert _start(root).stdout == f"{NEW}\n"


def test_a_lock_that_is_held_stops_nothing_and_nothing_counts(root: Root) -> None:
    _remember(root, pending=NEW)
    with root.changing():
        done = _start(root)

    assert done.stdout == f"{NEW}\n"
    assert root.read().attempts == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_stops_nothing(root: Root) -> None:
    _remember(root, pending=NEW, attempts=(_dead(), _dead()))
    root.folder.chmod(0o500)
    try:
        done = _start(root)
    finally:
        root.folder.chmod(0o700)

    assert done.stdout == f"{NEW}\n"


def test_a_state_that_cannot_be_replaced_stops_nothing(root: Root) -> None:
    _remember(root, pending=NEW)
    (root.folder / "state.json.new").mkdir()

    assert _start(root).stdout == f"{NEW}\n"


def test_a_lock_that_is_a_link_is_not_followed(root: Root, tmp_path: Path) -> None:
    (root.folder / "lock").unlink()
    (root.folder / "lock").symlink_to(tmp_path / "elsewhere")

    assert _start(root).stdout == f"{NEW}\n"
    assert not (tmp_path / "elsewhere").exists()


def test_the_lock_of_a_slot_lives_on_in_the_program(root: Root) -> None:
    waits = (
        "import sys\ndef run():\n    print('up', flush=True)\n    sys.stdin.read()\n"
    )
    (root.slot(NEW) / "lib/app/main.py").write_text(waits)
    command = [str(PYTHON), "-I", "-S", str(root.folder / "app")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with root.slot_lock(NEW).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.communicate()


# In other words, the same

_SLOTS = [f"{version}-{DIGITS}" for version in ("1.0", "1.1", "1.2")]
_ATTEMPTS = st.builds(Attempt, st.integers(1, 3), st.integers(0, 1))
_SLOT = st.sampled_from(_SLOTS)
_STATES = st.builds(
    InstallState,
    seed=st.just(bytes(32)),
    pending=st.none() | _SLOT,
    previous=st.none() | _SLOT,
    attempts=st.lists(_ATTEMPTS, max_size=8).map(tuple),
    bad=st.lists(
        st.builds(Bad, at=st.just(0), slot=_SLOT, why=st.just("boot")), max_size=2
    ).map(tuple),
)


@given(
    state=st.none() | _STATES,
    current=st.none() | _SLOT,
    complete=st.sets(_SLOT),
    alive=st.sets(_ATTEMPTS),
)
def test_the_launcher_decides_as_the_table_does(
    state: InstallState | None,
    current: str | None,
    complete: set[str],
    alive: set[Attempt],
) -> None:
    listed = highest_first(complete)
    here = current if current in complete else None
    raw = None if state is None else json.loads(format_state(state))
    living = [{"pid": each.pid, "start": each.start} for each in alive]
    expected = starts.boot(state, here, complete=listed, alive=alive)

    assert launcher.decide(raw, here, listed, living) == (
        expected.action.value,
        expected.slot,
    )


# The file itself


def test_the_launcher_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(launcher.__file__).read_bytes())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    assert names == {"fcntl", "json", "os", "re", "sys", "time"}


def test_the_launcher_has_the_syntax_of_python_3_7() -> None:
    source = Path(launcher.__file__).read_text()

    assert ast.parse(source, feature_version=(3, 7)).body


@pytest.mark.skipif(not _OLDEST.exists(), reason="no Python 3.7 here")
def test_the_launcher_runs_under_python_3_7(root: Root) -> None:
    _remember(root, pending=NEW, attempts=(_dead(), _dead()))
    done = _start(root, "x", python=_OLDEST)

    assert done.stdout == f"{OLD} x\n"


def test_the_launcher_tests_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, "--self-test"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"launcher {launcher.VERSION}\n"
