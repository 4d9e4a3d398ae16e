"""Two programs call each other by texts that a third one carries: this test."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.programs import Program, made, settle
from tests.voip.people import introduce, person
from voip.dialling import with_announcement
from voip.signalling.board import format_entry
from voip.upkeep import own_entry

CALL = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]


@pytest.fixture
def introduced(start: Start, tmp_path: Path) -> Start:
    """Let Alice know Bob's device, and Bob her card; nobody has a relay."""
    alice, bob = person("alice", None), person("bob", None)
    introduce(alice, bob)
    known = with_announcement(
        alice.vault.contacts.find("bob"),
        format_entry(own_entry(bob.vault)),
        int(time.time()),
    )
    contacts = alice.vault.contacts.put(known)
    settle(tmp_path, "alice", replace(alice.vault, contacts=contacts))
    settle(tmp_path, "bob", bob.vault)
    return start


def test_an_introduction_and_three_texts_make_a_call(
    start: Start, tmp_path: Path
) -> None:
    for name in ("alice", "bob"):
        made(start, name, "identity", "create", f"--alias={name}", "--kdf-mib=64")
    (tmp_path / "bob.txt").write_text(made(start, "bob", "paste", "card"))
    (tmp_path / "alice.card").write_text(made(start, "alice", "identity", "card"))
    made(start, "alice", "contact", "add", str(tmp_path / "bob.txt"))
    made(start, "bob", "contact", "add", str(tmp_path / "alice.card"))
    caller = Program(start("alice", "paste", "call", "bob", *CALL))
    callee = Program(start("bob", "paste", "answer", *CALL))
    callee.give(caller.until(event="text", step=1)["text"])
    caller.give(callee.until(event="text", step=2)["text"])
    callee.give(caller.until(event="text", step=3)["text"])
    for side in (caller, callee):
        side.until(event="state", state="active")
    caller.give("hangup\n")
    callee.until(event="ended", end="hung up")

    assert (caller.ends(), callee.ends()) == (Code.DONE, Code.DONE)


def test_a_text_that_does_not_do_is_said_to_be_so(introduced: Start) -> None:
    caller = Program(introduced("alice", "paste", "call", "bob", *CALL))
    text = caller.until(event="text", step=1)["text"]
    caller.give(text)
    said = caller.until(event="error")["sentence"]

    assert said == "pasted text: expected step 2 of 3, came step 1"
    assert caller.ends() == Code.REFUSED  # its input ended


def test_the_end_of_the_input_is_the_end_of_waiting_for_a_text(
    introduced: Start,
) -> None:
    callee = introduced("bob", "paste", "answer", *CALL)
    _, complaint = callee.communicate("nothing of use", timeout=30)

    assert callee.returncode == Code.REFUSED
    assert "expected a pasted text, and the input ended" in complaint


def test_a_contact_whose_device_is_unknown_cannot_be_called_by_hand(
    introduced: Start,
) -> None:
    process = introduced("bob", "paste", "call", "alice", *CALL)
    _, complaint = process.communicate("", timeout=30)

    assert process.returncode == Code.UNREACHABLE
    assert "has no device that can be called" in complaint
