"""Two programs find each other on the local network, which here is loopback."""

from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.programs import Program, settle
from tests.voip.people import introduce, person

LAN = ["--lan", "--interface=127.0.0.1"]
CALL = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]


@pytest.fixture
def acquainted(start: Start, tmp_path: Path) -> Start:
    """Two people who have each other's card; nobody has a relay."""
    alice, bob = person("alice", None), person("bob", None)
    introduce(alice, bob)
    settle(tmp_path, "alice", alice.vault)
    settle(tmp_path, "bob", bob.vault)
    return start


def test_a_listener_is_found_and_called(acquainted: Start) -> None:
    callee = Program(
        acquainted("bob", "listen", "127.0.0.1:0", "--auto", "--once", *LAN, *CALL)
    )
    callee.until(event="listening")
    caller = Program(acquainted("alice", "call", "bob", *LAN, *CALL))
    caller.until(event="state", state="active")
    caller.give("hangup\n")
    callee.until(event="ended", end="hung up")

    assert (caller.ends(), callee.ends()) == (Code.DONE, Code.DONE)
