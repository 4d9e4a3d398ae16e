"""The call log, as its owner sees it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cli import paths
from cli.codes import Code
from cli.main import main
from voip.identity.calllog import CallRecord, Direction, Outcome
from voip.identity.keys import format_identity
from voip.identity.person import begin
from voip.identity.sealed import Cost
from voip.identity.signer import NativeSigner
from voip.identity.store import Passphrase, Store
from voip.identity.vault import SignerKind, SignerSource

_ALICE, _BOB, _EVE = (NativeSigner(bytes([n]) * 32) for n in (1, 2, 3))
_NOON = 1_800_000_000


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Give the start of a command line for a store with two calls in its log."""
    vault = begin(
        "alice",
        _ALICE,
        source=SignerSource(SignerKind.NATIVE, seed=_ALICE.seed),
        relay=None,
        now=_NOON,
        entropy=os.urandom,
    )
    spoken = CallRecord(
        bytes(16),
        _BOB.public_key(),
        direction=Direction.OUTGOING,
        started=_NOON,
        answered=_NOON + 10,
        ended=_NOON + 85,
        outcome=Outcome.ENDED,
    )
    missed = CallRecord(
        b"\1" * 16,
        _EVE.public_key(),
        direction=Direction.INCOMING,
        started=_NOON + 600,
        outcome=Outcome.MISSED,
        seen=False,
    )
    book = vault.contacts.add(_BOB.public_key(), "bob", now=_NOON).book
    calls = vault.calls.recorded(spoken).recorded(missed)
    Store.create(
        paths.store(tmp_path / "home"),
        replace(vault, contacts=book, calls=calls),
        Passphrase(b"pw"),
        cost=Cost(64 << 10, 2, lanes=1),
    )
    (tmp_path / "pw").write_text("pw\n")
    return [f"--home={tmp_path}/home", f"--passphrase-file={tmp_path}/pw", "calls"]


def test_each_call_is_a_line_with_who_and_what_came_of_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(command)
    bob, eve = capsys.readouterr().out.splitlines()

    assert code == Code.DONE
    assert bob[18:] == "to bob: ended, 1:15"
    assert eve[18:] == f"from stranger {format_identity(_EVE.public_key())}: missed"


def test_unseen_calls_are_told_once_and_by_the_exit_code(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = main([*command, "--unseen", "--json"])
    told = json.loads(capsys.readouterr().out)
    again = main([*command, "--unseen", "--json"])

    assert (first, again, capsys.readouterr().out) == (Code.NO_ANSWER, Code.DONE, "")
    assert (told["outcome"], told["alias"], told["seen"]) == ("missed", None, False)
