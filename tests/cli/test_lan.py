"""Two programs find each other on the local network, which here is loopback."""

from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.programs import Program, made

LAN = ["--lan", "--interface=127.0.0.1"]
CALL = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]


@pytest.fixture
def acquainted(start: Start, tmp_path: Path) -> Start:
    """Two people who have each other's card; nobody has a relay."""
    for person in ("alice", "bob"):
        made(start, person, "identity", "create", f"--alias={person}", "--kdf-mib=64")
        card = made(start, person, "identity", "card")
        (tmp_path / f"{person}.card").write_text(card)
    for person, other in (("alice", "bob"), ("bob", "alice")):
        made(start, person, "contact", "add", str(tmp_path / f"{other}.card"))
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


def test_nobody_there_could_not_be_asked(acquainted: Start) -> None:
    process = acquainted("alice", "call", "bob", *LAN, *CALL)
    _, complaint = process.communicate(timeout=30)

    assert process.returncode == Code.UNREACHABLE
    assert "no listener on the local network" in complaint
