"""A new version proves itself by being used."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.places import CONFIRMING, PYTHON, offer, place
from updater.install.install import Installer
from updater.install.proving import Proving, prove, running_slot
from updater.install.root import Root
from updater.installed.audit import START, read_chain


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Give a managed folder in which 1.0 is installed and has not proved itself."""
    root = place(tmp_path / "root")
    Installer(root, CONFIRMING, python=PYTHON).install(offer(tmp_path, "1.0"), {})
    return root


def _module(root: Root) -> Path:
    slot = root.current()
    assert slot is not None
    return root.slot(slot) / "lib/app/main.py"


def test_what_was_installed_has_not_proved_itself(root: Root) -> None:
    state = root.read()

    assert (state.pending, state.floor) == (root.current(), None)


@pytest.mark.parametrize("code", [0, 1, 2, 64, 75, 130])
def test_a_program_that_ends_has_proved_its_version(root: Root, code: int) -> None:
    with Proving.of(_module(root)) as proving:
        ended = proving.ended(code)
    state = root.read()

    assert (ended, state.pending, state.floor) == (code, None, "1.0")


def test_a_bug_proves_nothing(root: Root) -> None:
    with Proving.of(_module(root)) as proving:
        proving.ended(70)

    assert root.read().pending == root.current()


def test_a_program_that_is_cut_off_proves_nothing(root: Root) -> None:
    with pytest.raises(KeyboardInterrupt), Proving.of(_module(root)):
        raise KeyboardInterrupt

    assert root.read().pending == root.current()


def test_a_program_that_runs_for_long_has_proved_its_version(root: Root) -> None:
    slot = root.current()
    assert slot is not None
    with Proving(root, slot, long_s=0.0) as proving:
        proving.wait()

    assert root.read().pending is None


def test_a_lock_that_is_held_stops_nothing(root: Root) -> None:
    slot = root.current()
    assert slot is not None
    with root.changing():
        assert Proving(place(root.folder), slot).ended(0) == 0

    assert root.read().pending == slot


def test_an_older_version_that_still_runs_proves_nothing(root: Root) -> None:
    with root.changing() as change:
        change.write(replace(change.state, pending="2.0-0123456789ab"))
    with Proving.of(_module(root)) as proving:
        proving.ended(0)

    assert root.read().pending == "2.0-0123456789ab"


def test_what_proves_itself_is_in_the_audit_once(root: Root) -> None:
    slot = root.current()
    assert slot is not None
    prove(root, slot)
    prove(root, slot)
    lines, _ = read_chain(root.audit_file().read_bytes(), START)

    assert [line.event for line in lines].count("confirm") == 1


@pytest.mark.parametrize("path", [Path("/a/b.py"), Path("/"), Path(__file__)])
def test_a_program_from_elsewhere_proves_nothing(path: Path) -> None:
    assert running_slot(path) is None
    with Proving.of(path) as proving:
        assert proving.ended(0) == 0


def test_a_start_imports_nothing_heavy() -> None:
    probe = "import sys, updater.install.proving; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    heavy = {"tuf", "sigstore", "backports.zstd", "cryptography", "asyncio", "http"}

    assert heavy & set(done.stdout.split()) == set()
