"""A call at a terminal: one region that is drawn again, and keys."""

from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.cells import Cells
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.cli.terminal import Terminal
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback"]
_PATTERN = ["--video", "--video-in=pattern"]


@pytest.fixture
def waiting(start: Start, tmp_path: Path, relay_line: str) -> Side:
    """Let bob wait for a call of alice's, accept it, and show her something."""
    alice, bob = (person(name, parse_relay(relay_line)) for name in ("alice", "bob"))
    introduce(alice, bob)
    for keeper in (alice, bob):
        save(tmp_path / keeper.vault.alias, keeper.vault)
    answering = ("answer", "--once", "--auto", "--json", *_MEDIA, *_PATTERN)
    side = Side(start("bob", *answering))
    side.until(event="listening")
    return side


def test_a_call_is_drawn_and_keys_steer_it(waiting: Side, tmp_path: Path) -> None:
    alice = _calls(tmp_path)
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


def _calls(tmp_path: Path, *options: str) -> Terminal:
    home = [f"--home={tmp_path}/alice", f"--passphrase-file={tmp_path}/pw"]
    return Terminal(tmp_path, *home, "call", "bob", *_MEDIA, *options)


@pytest.mark.parametrize("how", ["q", "TERM"])
def test_pictures_are_drawn_and_the_terminal_comes_back(
    waiting: Side, tmp_path: Path, how: str
) -> None:
    alice = _calls(tmp_path, "--video-out=terminal")
    alice.until_shown("\x1b[?1049h")
    alice.until_shown("▀")
    if how == "q":
        alice.press("q")
    else:
        alice.terminate()
    code = alice.end()
    cells = Cells()
    cells.feed(alice.seen.encode())

    assert code == Code.DONE
    assert waiting.end() == Code.DONE
    assert cells.is_as_it_was
    assert [line for line in cells.lines if line.startswith("bob:")] == [
        "bob: over: hung up"
    ]
    assert not cells.has_picture
    assert "the call: 0:0" in "".join(cells.lines)
