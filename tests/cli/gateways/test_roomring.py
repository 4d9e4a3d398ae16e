"""Who waits for calls is asked into a room, and comes or does not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.cli.terminal import Terminal
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]
_NAMES = ("alice", "bob", "carol")

Run = Callable[..., Side]


@pytest.fixture
def run(start: Start, tmp_path: Path, relay_line: str) -> Iterator[Run]:
    """Give a function that runs a command of one of three friends."""
    keepers = {name: person(name, parse_relay(relay_line)) for name in _NAMES}
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        introduce(keepers[one], keepers[other])
    for name, keeper in keepers.items():
        save(tmp_path / name, keeper.vault)
    with ExitStack() as left:

        def begin(name: str, *words: str) -> Side:
            side = Side(start(name, *words, *_MEDIA))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        yield begin


def _hears(side: Side, *names: str) -> None:
    while True:
        members = side.until(event="members")["members"]
        if {each["alias"] for each in members if each["heard"]} == set(names):
            return


def _invite(side: Side, name: str) -> None:
    """Ask somebody in again, as soon as the call before it is over for both."""
    answer = ""
    while answer != "invited":
        side.say(f"invite {name}")
        while answer not in {"invited", "error"}:
            answer = side.until()["event"]
        answer = "" if answer == "error" else answer


@pytest.fixture
def asked(run: Run) -> tuple[Side, Side, Side]:
    """Two are in a room, and ask a third in, who waits for calls."""
    bob, carol = run("bob", "gateway", "room", "join"), run("carol", "answer")
    for side in (bob, carol):
        side.until(event="listening")
    alice = run("alice", "gateway", "room", "open", "bob")
    _hears(alice, "bob")
    alice.say("invite carol")
    return alice, bob, carol


@pytest.mark.slow
def test_who_answers_is_told_who_is_in_the_room_and_comes(
    asked: tuple[Side, Side, Side],
) -> None:
    alice, bob, carol = asked
    first = carol.until(event="invitation")
    named: list[str] = []
    while sorted(named) != ["alice", "bob"]:
        named = carol.until(event="invitation")["members"] or []
    carol.say("nonsense")
    complaint = carol.until(event="error")
    carol.say("accept")
    _hears(carol, "alice", "bob")
    carol.say("leave")
    carol.until(event="closed")
    _hears(alice, "bob")
    _invite(alice, "carol")
    carol.until(event="invitation")  # who left goes on waiting for calls
    for side in (alice, bob):
        side.say("leave")
        side.end()

    assert (first["alias"], first["members"]) == ("alice", None)
    assert complaint["sentence"].startswith("expected accept or decline")


@pytest.mark.slow
def test_at_a_terminal_a_key_takes_it_and_then_lines_are_typed(
    run: Run, tmp_path: Path
) -> None:
    home = [f"--home={tmp_path}/carol", f"--passphrase-file={tmp_path}/pw"]
    carol = Terminal(tmp_path, *home, "answer", *_MEDIA[:-1])
    carol.until_shown("waiting for calls")
    alice = run("alice", "gateway", "room", "open", "carol")
    alice.until(event="invited")
    carol.until_shown("alice asks you into a room; 'a' comes, 'd' declines")
    carol.until_shown("a room of 1: alice")
    carol.press("a")
    _hears(alice, "carol")
    carol.until_shown("2 in the room:")
    carol.type("leave")
    carol.until_shown("out of the room: you left")
    _invite(alice, "carol")
    carol.until_shown("alice asks you into a room")
    carol.press("d")
    carol.until_shown("not in the room of alice: declined")
    carol.terminate()

    assert carol.end() in {Code.INTERRUPTED, Code.REFUSED}  # may be leaving still


@pytest.mark.slow
def test_who_declines_an_invitation_goes_on_waiting(
    asked: tuple[Side, Side, Side],
) -> None:
    alice, _, carol = asked
    carol.until(event="invitation")
    carol.say("decline")
    end = carol.until(event="ended")
    declined = alice.until(event="not-coming")
    _invite(alice, "carol")
    carol.until(event="invitation")

    assert end["end"] in {"declined", "not-taken"}
    assert (declined["alias"], declined["end"]) == ("carol", "declined")


@pytest.mark.slow
def test_an_invitation_may_be_taken_by_itself_once(run: Run) -> None:
    bob = run("bob", "answer", "--auto", "--once")
    bob.until(event="listening")
    alice = run("alice", "gateway", "room", "open", "bob")
    _hears(alice, "bob")
    _hears(bob, "alice")
    bob.say("leave")

    assert bob.end() == Code.DONE


@pytest.mark.slow
def test_who_is_interrupted_while_it_rings_takes_no_call_any_more(
    asked: tuple[Side, Side, Side],
) -> None:
    _, _, carol = asked
    carol.until(event="invitation")
    carol.process.terminate()

    assert carol.end() == Code.REFUSED


@pytest.mark.slow
def test_who_is_not_asked_any_more_is_told_so(asked: tuple[Side, Side, Side]) -> None:
    alice, _, carol = asked
    carol.until(event="invitation")
    alice.say("leave")
    end = carol.until(event="ended")

    assert end["end"] == "missed"
