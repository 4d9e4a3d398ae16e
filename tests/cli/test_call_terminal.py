"""A call at a terminal: one region that is drawn again, and keys."""

from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.cli.terminal import Terminal
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback"]


@pytest.fixture
def waiting(start: Start, tmp_path: Path, relay_line: str) -> Side:
    """Let bob wait for a call of alice's, and accept it."""
    alice, bob = (person(name, parse_relay(relay_line)) for name in ("alice", "bob"))
    introduce(alice, bob)
    for keeper in (alice, bob):
        save(tmp_path / keeper.vault.alias, keeper.vault)
    side = Side(start("bob", "answer", "--once", "--auto", "--json", *_MEDIA))
    side.until(event="listening")
    return side


def test_a_call_is_drawn_and_keys_steer_it(waiting: Side, tmp_path: Path) -> None:
    home = [f"--home={tmp_path}/alice", f"--passphrase-file={tmp_path}/pw"]
    alice = Terminal(tmp_path, *home, "call", "bob", *_MEDIA)
    alice.until_shown("bob: connected, direct, 0:00")
    alice.until_shown("keys: m mute")
    alice.press("m")
    alice.until_shown("you: muted")
    waiting.until(event="peer", muted=True)
    alice.press("w")
    alice.until_shown("which of these does the other side read?")
    alice.press("0")
    alice.until_shown("BROKEN since")
    alice.until_shown("c continue")
    alice.press("ccontinue\n")
    alice.until_shown("microphone open for this call")
    alice.press("t\x1bq")
    alice.until_shown("bob: over: hung up")

    assert alice.end() == Code.DISTRUST
    assert waiting.end() == Code.DONE
    assert "\x1b[31m" in alice.seen  # broken trust is red
    assert not alice.seen.endswith("q")  # what was pressed is not echoed
