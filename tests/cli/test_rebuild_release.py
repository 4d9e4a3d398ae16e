"""`ringfence rebuild vary` and `release`, as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reproducible.projects import commit, tally, wheels_folder
from tests.reproducible.workshops import workshop

_PROGRAM = Path(sys.executable).with_name("ringfence")
_BACKEND = "build/backend.py"
_METADATA = b'    members[about + "METADATA"] = METADATA.encode()\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    workshop(tmp_path / "shop")  # skips where nothing can be built
    commit(tmp_path / "repository", tally(), tag="v1.0")
    wheels_folder(tmp_path / "wheels")
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    where = ("--source", "repository", "--index", "http://127.0.0.1:9/")
    return subprocess.run(
        [_PROGRAM, "--home", "home", "rebuild", *arguments, *where],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_is_the_same_under_a_condition_is_said(folder: Path) -> None:
    done = run(folder, "vary", "v1.0", "--only", "V03", "--wheels", "wheels")

    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["V01     baseline   as the recipe says", "V03     same       umask 077"],
    )


def test_what_is_not_the_same_is_shown_and_has_the_code_of_a_verdict(
    folder: Path,
) -> None:
    leak = b"    members['tally/where.txt'] = os.uname().nodename.encode()\n"
    backend = tally()[_BACKEND].replace(_METADATA, _METADATA + leak)
    commit(folder / "repository", tally() | {_BACKEND: backend})
    done = run(folder, "vary", "--only", "V21", "--wheels", "wheels")

    assert done.returncode == 1
    assert "tally/where.txt" in done.stdout


def test_what_could_not_be_varied_is_no_pass_if_asked(folder: Path) -> None:
    strict = ("--only", "V15", "--level", "0", "--strict", "--wheels", "wheels")

    assert run(folder, "vary", *strict).returncode == 69


def test_a_release_is_verified_for_programs(folder: Path) -> None:
    arguments = ("release", "verify", "--ref", "v1.0", "--only", "V03", "--json")
    done = run(folder, *arguments, "--wheels", "wheels")
    facts = map(json.loads, done.stdout.splitlines())
    states = {each["name"]: each["state"] for each in facts if "state" in each}

    assert done.returncode == 0
    assert states == {
        "first": "baseline",
        "second": "same",
        "sdist": "same",
        "V01": "baseline",
        "V03": "same",
    }


def test_a_release_is_made_where_nobody_else_made_one(folder: Path) -> None:
    first = run(folder, "release", "make", "1.0", "--wheels", "wheels")
    again = run(folder, "release", "make", "1.0", "--wheels", "wheels")
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=folder / "dist" / "1.0", capture_output=True, check=False,
    )  # fmt: skip

    assert (first.returncode, check.returncode, again.returncode) == (0, 0, 64)


def test_a_release_is_signed_by_its_maker(folder: Path) -> None:
    keygen = ("rebuild", "keygen", "-o", "a.key", "--insecure-plain-key")
    subprocess.run([_PROGRAM, *keygen], cwd=folder, check=True, capture_output=True)
    who = ("--attest", "a.key", "--operator", "anna")
    done = run(folder, "release", "make", "1.0", "--wheels", "wheels", *who)
    signed = folder / "dist" / "1.0" / "tally-1.0.intoto.jsonl"

    assert (done.returncode, len(signed.read_bytes().splitlines())) == (0, 1)
