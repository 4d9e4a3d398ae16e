"""A room of three over a real Janus, each a process with a home of their own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.voip.gateway.forwarders import ADMIN_KEY, NotHereError, running_janus
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

_NAMES = ("alice", "bob", "carol")
_MEDIA = ["--audio-in=tone", "--audio-out=null", "--json"]

Enter = Callable[..., Side]


@contextmanager
def _janus(folder: Path) -> Iterator[str]:
    """Run Janus beside the test; gives where it listens."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = running_janus(folder)
    try:
        entering = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop)
        try:
            url = entering.result().url
        except NotHereError as error:
            pytest.skip(str(error))
        yield url
        leaving = context.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "janus"
    folder.mkdir()
    with _janus(folder) as url:
        yield url


@pytest.fixture
def enter(start: Start, tmp_path: Path, relay_line: str, url: str) -> Iterator[Enter]:
    """Give a function that has one of three friends open a room, or come to one."""
    keepers = {name: person(name, parse_relay(relay_line)) for name in _NAMES}
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        introduce(keepers[one], keepers[other])
    for name, keeper in keepers.items():
        save(tmp_path / name, keeper.vault)
    with ExitStack() as left:

        def run(name: str, *arguments: str) -> Side:
            server = f"--server={url}"
            given = (*arguments, server, *_MEDIA)
            side = Side(start(name, "gateway", "room", *given))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        yield run


def _heard_by(side: Side) -> set[str]:
    """Name those of whom a second of sound came."""
    told = [each for each in side.seen if each["event"] == "stats"]
    return {each["alias"] for each in told if each["received"] >= 50}


def test_three_talk_over_a_server(enter: Enter, tmp_path: Path) -> None:
    key = tmp_path / "admin.key"
    key.write_text(ADMIN_KEY + "\n")
    others = [enter("bob", "join"), enter("carol", "join")]
    for side in others:
        side.until(event="listening")
    alice = enter("alice", "open", "bob", "carol", f"--admin-key-file={key}")
    while _heard_by(alice) != {"bob", "carol"}:
        alice.say("stats")
        alice.say("members")  # which is always answered
        alice.until(event="members")
    for side in (*others, alice):
        side.say("leave")

    assert [side.end() for side in (alice, *others)] == [Code.DONE] * 3


def test_a_server_makes_no_room_with_another_key(enter: Enter, tmp_path: Path) -> None:
    key = tmp_path / "admin.key"
    key.write_text("guessed")
    side = enter("alice", "open", "bob", f"--admin-key-file={key}")

    assert side.end() == Code.REFUSED


def test_to_open_a_room_at_a_server_needs_its_key(enter: Enter) -> None:
    assert enter("alice", "open", "bob").end() == Code.MISSING
