"""`ringfence gateway invites`: links that can still be used, and those no longer."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import save
from tests.voip.people import person
from voip.identity.guestlink import GuestLink

HOUR_S = 3600


def link(number: int, *, expires_s: int = HOUR_S, spent: bool = False) -> GuestLink:
    return GuestLink(
        number.to_bytes(16),
        b"" if spent else bytes(32),
        origin="https://talk.example",
        number=number,
        expires=int(time.time()) + expires_s,
        spent=spent,
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> None:
    """Give alice a link that can be used, one that was, and one that expired."""
    links = (link(1), link(2, spent=True), link(3, expires_s=-1))
    vault = replace(person("alice", None).vault, guest_links=links)
    save(tmp_path / "alice", vault)


def test_links_that_have_not_expired_are_listed(start: Start) -> None:
    listed, _ = start("alice", "gateway", "invites").communicate(timeout=20)
    one, two = listed.splitlines()

    assert one.startswith("link 1  https://talk.example  can be used until ")
    assert two == "link 2  https://talk.example  used"


def test_a_program_reads_the_same(start: Start) -> None:
    listed, _ = start("alice", "gateway", "invites", "--json").communicate(timeout=20)
    facts = [json.loads(line) for line in listed.splitlines()]

    assert [(each["number"], each["used"]) for each in facts] == [
        (1, False),
        (2, True),
    ]


def test_a_revoked_link_is_listed_no_longer(start: Start) -> None:
    start("alice", "gateway", "invites", "--revoke=1").communicate(timeout=20)
    listed, _ = start("alice", "gateway", "invites").communicate(timeout=20)

    assert listed == "link 2  https://talk.example  used\n"


def test_a_link_that_is_not_there_is_not_revoked(start: Start) -> None:
    process = start("alice", "gateway", "invites", "--revoke=9")
    _, complaint = process.communicate(timeout=20)

    assert (process.returncode, "there is no link 9" in complaint) == (
        Code.REFUSED,
        True,
    )
