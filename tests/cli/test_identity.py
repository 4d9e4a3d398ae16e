"""What opens a store is changed by the person whose store it is."""

from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start

KDF = "--kdf-mib=64"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Write another passphrase than the store's."""
    path = tmp_path / "new"
    path.write_text("battery staple\n")
    return path


@pytest.fixture(autouse=True)
def alice(start: Start) -> None:
    """Make alice's store."""
    with start("alice", "identity", "create", "--alias=alice", KDF) as made:
        assert made.wait() == 0


def end_of(start: Start, *arguments: str) -> tuple[int, str]:
    with start("alice", *arguments) as program:
        _, said = program.communicate()
        return program.returncode, said


def test_another_passphrase_opens_the_store_and_the_old_one_does_not(
    start: Start, tmp_path: Path, new: Path
) -> None:
    changed = end_of(
        start, "identity", "passphrase", f"--new-passphrase-file={new}", KDF
    )
    code, said = end_of(start, "identity", "show")
    new.replace(tmp_path / "pw")

    assert changed == (0, "")
    assert (code, "wrong passphrase" in said) == (Code.STORE, True)
    assert end_of(start, "identity", "show") == (0, "")


def test_without_a_terminal_the_new_passphrase_must_be_in_a_file(start: Start) -> None:
    code, said = end_of(start, "identity", "passphrase")

    assert code == Code.USAGE
    assert "no terminal to ask for the passphrase: give --new-passphrase-file" in said


def test_a_store_has_one_lock(start: Start, new: Path) -> None:
    both = "--new-keyring", f"--new-passphrase-file={new}"
    code, said = end_of(start, "identity", "passphrase", *both)

    assert (code, "give one" in said) == (Code.USAGE, True)
