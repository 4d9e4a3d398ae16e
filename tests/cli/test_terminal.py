"""At a terminal a passphrase is asked for, unseen, and a new one twice."""

import os
import pty
import select
import sys
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Keep
from tests.voip.identity.people import BOB, NOW, person
from voip.identity.keys import safety_number
from voip.identity.person import add_contact

_PROGRAM = Path(sys.executable).with_name("ringfence")


class Terminal:
    """A person at a terminal that runs the program."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.execve(
                _PROGRAM, [str(_PROGRAM), *arguments], {"HOME": str(folder), "TERM": ""}
            )
        self.seen = ""

    def until(self, prompt: str) -> None:
        """Read what the terminal shows, up to a prompt; 10 s at most."""
        while not self.seen.endswith(prompt):
            ready, _, _ = select.select([self._terminal], [], [], 10)
            assert ready, self.seen
            self.seen += self._read()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{line}\n".encode())

    def end(self) -> int:
        """Read to the end; give the exit code."""
        while chunk := self._read():
            self.seen += chunk
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 4096).decode().replace("\r\n", "\n")
        except OSError:  # how Linux says that the other end is closed
            return ""


@pytest.fixture
def created(tmp_path: Path) -> Terminal:
    """Create a store at a terminal, as far as its result."""
    terminal = Terminal(tmp_path, "identity", "create", "--alias=alice", "--kdf-mib=64")
    terminal.until("Passphrase: ")
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
