"""A room of three, each a process with a home of their own."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.gateways.operators import free_address, named, read_pages
from tests.cli.side import Side, save
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]
_NAMES = ("alice", "bob", "carol")

Enter = Callable[..., Side]


@pytest.fixture
def enter(start: Start, tmp_path: Path, relay_line: str) -> Iterator[Enter]:
    """Give a function that has one of three friends open a room, or come to one."""
    keepers = {name: person(name, parse_relay(relay_line)) for name in _NAMES}
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        introduce(keepers[one], keepers[other])
    for name, keeper in keepers.items():
        save(tmp_path / name, keeper.vault)
    with ExitStack() as left:

        def run(name: str, *arguments: str) -> Side:
            side = Side(start(name, "gateway", "room", *arguments, *_MEDIA))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        yield run


def _hears(side: Side, *names: str) -> None:
    """Wait until somebody hears all of these."""
    while True:
        members = side.until(event="members")["members"]
        if {each["alias"] for each in members if each["heard"]} == set(names):
            return


@pytest.fixture
def three(enter: Enter) -> list[Side]:
    """Three in a room."""
    others = [enter("bob", "join"), enter("carol", "join", "alice")]
    for side in others:
        side.until(event="listening")
    alice = enter("alice", "open", "bob", "carol")
    sides = [alice, *others]
    for side, name in zip(sides, _NAMES, strict=True):
        _hears(side, *(each for each in _NAMES if each != name))
    return sides


@pytest.mark.slow
def test_three_commands_make_a_room_of_three(three: list[Side]) -> None:
    for side in three:
        side.say("leave")

    assert [side.end() for side in three] == [Code.DONE] * 3


@pytest.mark.slow
def test_orders_are_carried_out_and_seen_by_the_others(three: list[Side]) -> None:
    alice, bob, _ = three
    for order in ("hand", "mute", "members", "stats", "words bob", "nonsense"):
        alice.say(order)
    seen: dict[str, object] = {}
    while not (seen.get("hand") and seen.get("muted")):
        members = bob.until(event="members")["members"]
        seen = next(each for each in members if each["alias"] == "alice")
    complaint = alice.until(event="error")

    assert complaint["sentence"].startswith("expected one of mute")
    assert alice.seen[-2]["event"] == "words"


@pytest.mark.slow
def test_who_leaves_is_gone_for_the_others(three: list[Side]) -> None:
    alice, bob, carol = three
    bob.say("leave")
    bob.end()
    _hears(alice, "carol")
    _hears(carol, "alice")


@pytest.mark.slow
def test_an_interrupt_leaves_the_room(three: list[Side]) -> None:
    alice, bob, _ = three
    bob.process.terminate()

    assert bob.end() == Code.DONE
    _hears(alice, "carol")


@pytest.mark.slow
async def test_pages_for_operators_count_a_session_and_name_nobody(
    enter: Enter,
) -> None:
    pages_at = free_address()
    bob = enter("bob", "join")
    await asyncio.to_thread(bob.until, event="listening")
    alice = enter("alice", "open", "bob", f"--metrics={pages_at}")
    await asyncio.to_thread(_hears, alice, "bob")
    pages = await read_pages(pages_at)

    leg = 'ringfence_gateway_legs{kind="room",mark="end_to_end"} 1.0'
    assert leg in pages
    assert named(pages, "alice", "bob", "127.0.0.1") == []


def test_somebody_unknown_is_not_asked(enter: Enter) -> None:
    side = enter("alice", "open", "bob", "dave")

    assert side.end() == Code.REFUSED
