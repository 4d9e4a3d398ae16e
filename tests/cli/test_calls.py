"""The call log, as its owner sees it."""

import json
from dataclasses import replace

import pytest

from cli.codes import Code
from cli.main import main
from tests.cli.conftest import Keep
from tests.voip.identity.people import BOB, luck, person
from voip.identity.calllog import CallRecord, Direction, Outcome
from voip.identity.keys import format_identity
from voip.identity.signer import NativeSigner

_EVE = NativeSigner(luck(3)(32))
_NOON = 1_800_000_000


@pytest.fixture
def command(keep: Keep) -> list[str]:
    """Give the start of a command line for a store with two calls in its log."""
    vault = person()
    spoken = CallRecord(
        bytes(16),
        BOB.public_key(),
        direction=Direction.OUTGOING,
        started=_NOON,
        answered=_NOON + 10,
        ended=_NOON + 85,
        outcome=Outcome.ENDED,
        recorded_there=True,
    )
    missed = CallRecord(
        b"\1" * 16,
        _EVE.public_key(),
        direction=Direction.INCOMING,
        started=_NOON + 600,
        outcome=Outcome.MISSED,
        seen=False,
    )
    book = vault.contacts.add(BOB.public_key(), "bob", now=_NOON).book
    calls = vault.calls.recorded(spoken).recorded(missed)
    return [*keep(replace(vault, contacts=book, calls=calls)), "calls"]


def test_each_call_is_a_line_with_who_and_what_came_of_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(command)
    bob, eve = capsys.readouterr().out.splitlines()

    assert code == Code.DONE
    assert bob[18:] == "to bob: ended, 1:15, recorded by them"
    assert eve[18:] == f"from stranger {format_identity(_EVE.public_key())}: missed"


def test_unseen_calls_are_told_once_and_by_the_exit_code(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = main([*command, "--unseen", "--json"])
    told = json.loads(capsys.readouterr().out)
    again = main([*command, "--unseen", "--json"])

    assert (first, again, capsys.readouterr().out) == (Code.NO_ANSWER, Code.DONE, "")
    assert (told["outcome"], told["alias"], told["seen"]) == ("missed", None, False)
