"""At a terminal a passphrase is asked for, unseen, and a new one twice."""

import os
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Keep
from tests.cli.terminal import Terminal
from tests.voip.identity.people import BOB, NOW, person
from voip.identity.keys import safety_number
from voip.identity.person import add_contact


@pytest.fixture
def created(tmp_path: Path) -> Terminal:
    """Create a store at a terminal, as far as its result."""
    terminal = Terminal(tmp_path, "identity", "create", "--alias=alice", "--kdf-mib=64")
    terminal.until("New passphrase: ")
    terminal.type("correct horse")
    terminal.until("Repeat for confirmation: ")
    terminal.type("correct horse")

    assert terminal.end() == Code.DONE
    return terminal


def test_a_new_passphrase_is_asked_twice_and_not_shown(created: Terminal) -> None:
    assert "alias: alice" in created.seen
    assert "correct horse" not in created.seen


@pytest.mark.usefixtures("created")
def test_the_passphrase_opens_the_store(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "identity", "card")
    terminal.until("Passphrase: ")
    terminal.type("correct horse")

    assert terminal.end() == Code.DONE
    assert terminal.seen.startswith("Passphrase: \nringfence card 1\n")


@pytest.mark.usefixtures("created")
def test_ctrl_c_at_a_prompt_is_an_interrupt(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "identity", "card")
    terminal.until("Passphrase: ")
    terminal.type("\x03")

    assert terminal.end() == Code.INTERRUPTED


def test_the_number_is_shown_to_read_out_and_asked_for(
    tmp_path: Path, keep: Keep
) -> None:
    vault = add_contact(person(), person(BOB, "bob").card, alias=None, now=NOW)
    number = safety_number(vault.identity, BOB.public_key())
    terminal = Terminal(tmp_path, *keep(vault), "contact", "verify", "bob")
    terminal.until("The number they read out: ")
    terminal.type(number)

    assert terminal.end() == Code.DONE
    assert terminal.seen.startswith(f"ringfence: note: your number: {number}\n")
    assert "bob: number compared on" in terminal.seen


def test_what_is_under_way_makes_room_for_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    file = str(tmp_path / "file")
    terminal = Terminal(tmp_path, "rebuild", "compare", file, file)

    assert (terminal.end(), terminal.seen.partition("\n")[0]) == (
        Code.DONE,
        "\r\x1b[Kcomparing file\r\x1b[Kfile: identical",
    )


def test_what_is_under_way_is_gone_when_it_fails(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe = str(tmp_path / "pipe")
    terminal = Terminal(tmp_path, "rebuild", "compare", pipe, pipe)

    assert terminal.end() == Code.MISSING
    assert terminal.seen.startswith("\r\x1b[Kcomparing pipe\r\x1b[Kringfence: error: ")
