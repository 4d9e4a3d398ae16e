"""What the owner of a store is shown of a contact, and how trust is settled."""

import json
from dataclasses import replace

import pytest

from cli.codes import Code
from cli.main import main
from tests.cli.conftest import Keep
from tests.voip.identity.people import ALICE, BOB, NOW, person
from voip.identity.contact import Device
from voip.identity.keys import safety_number
from voip.identity.person import add_contact, change_contact
from voip.identity.trust import DeviceTrust, Reason, Trust, TrustState

_PHONE = b"\5" * 16
_NUMBER = safety_number(ALICE.public_key(), BOB.public_key())


@pytest.fixture
def command(keep: Keep) -> list[str]:
    """Give the start of a command line; Bob's only device is broken."""
    broken = Trust(TrustState.BROKEN, Reason.WORDS_DIFFER, since=NOW)
    phone = Device(_PHONE, DeviceTrust(broken))
    vault = add_contact(person(), person(BOB, "bob").card, alias=None, now=NOW)
    vault = change_contact(vault, "bob", lambda bob: replace(bob, devices=(phone,)))
    return [*keep(vault), "contact"]


def test_broken_is_on_every_line_about_a_contact(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command, "list"])
    main([*command, "show", "bob"])

    listed, headline, _, number, device, _ = capsys.readouterr().out.splitlines()
    assert listed == headline == "bob: BROKEN since 2023-11-14: the words differ"
    assert device == f"device {_PHONE.hex()}: BROKEN since 2023-11-14: the words differ"
    assert number == f"safety number: {_NUMBER}"


def test_only_the_owner_leads_out_of_broken(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "accept-new", "bob", "--json"])
    shown = json.loads(capsys.readouterr().out)

    assert (code, shown["trust"]) == (Code.DONE, "new")
    assert shown["log"][-1]["what"] == "new: accepted as new"


def test_a_number_that_is_the_same_is_kept_and_broken_stays_broken(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "verify", "bob", "--number", _NUMBER, "--json"])
    shown = json.loads(capsys.readouterr().out)

    assert (code, shown["trust"]) == (Code.DONE, "broken")
    assert shown["number_verified_at"] > NOW


def test_nobody_is_asked_for_a_number_where_nobody_sits(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "verify", "bob"])

    assert (code, "give --number" in capsys.readouterr().err) == (Code.USAGE, True)
