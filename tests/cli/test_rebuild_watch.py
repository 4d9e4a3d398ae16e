"""`ringfence rebuild watch`, as cron runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.updater.world import ready
from updater.driver.embedded import write_anchor
from updater.files import Files

_PROGRAM = Path(sys.executable).with_name("ringfence")
_SIGNER = ("--attest", "key", "--operator", "anna")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out an anchor, whose publisher does not answer, and a key."""
    write_anchor(tmp_path / "anchor", ready().anchor, Files())
    made = _run(tmp_path, "keygen", "-o", "key", "--insecure-plain-key")
    assert made.returncode == 0, made.stderr
    return tmp_path


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [_PROGRAM, "--home=home", "rebuild", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _watch(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    nobody = ("--dev", "--repository", "http://127.0.0.1:9/")
    options = ("watch", "at", "--anchor", "anchor", "--once", *nobody)
    return _run(folder, *options, *arguments)


def test_a_look_that_failed_is_no_success_and_stands_on_the_page(folder: Path) -> None:
    done = _watch(folder, *_SIGNER)
    status = json.loads((folder / "at/public/status.json").read_bytes())

    assert (done.returncode, status["trouble"] != "") == (75, True), done.stderr


def test_who_does_not_sign_is_no_rebuilder(folder: Path) -> None:
    done = _watch(folder)

    assert (done.returncode, "give --attest and --operator" in done.stderr) == (
        64,
        True,
    )


def test_a_folder_where_another_is_at_work_is_left_alone(folder: Path) -> None:
    files = Files()
    files.make_folder(folder / "at")
    with files.lock(folder / "at/lock"):
        done = _watch(folder, *_SIGNER)

    assert (done.returncode, (folder / "at/state.json").exists()) == (75, False)
