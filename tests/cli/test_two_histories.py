"""Two people call each other; each has an updater, and their log was forked or not."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.updater.followers import follow, split, view_of
from tests.updater.transparency.worlds import Log, World
from tests.voip.people import introduce, person
from updater.install.root import Root
from updater.transparency.evidence import parse_evidence, verify
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]

Call = Callable[..., tuple[Side, Side]]


@pytest.fixture
def world() -> World:
    made = World()
    made.now = int(time.time()) - 3600
    return made


@pytest.fixture
def call(start: Start, tmp_path: Path, relay_line: str) -> Iterator[Call]:
    """Let alice call bob, and compare logs as soon as the call stands."""
    keepers = [person(name, parse_relay(relay_line)) for name in ("alice", "bob")]
    introduce(*keepers)
    for keeper in keepers:
        save(tmp_path / keeper.vault.alias, keeper.vault)
    with ExitStack() as left:

        def opened(who: str, *arguments: str) -> Side:
            side = Side(start(who, *arguments, *_MEDIA, "--gossip-after=0"))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        def run(*options: str) -> tuple[Side, Side]:
            bob = opened("bob", "answer", "--once", "--auto", *options)
            bob.until(event="listening")
            return opened("alice", "call", "bob", *options), bob

        yield run


def updaters(world: World, homes: Path, *logs: Log) -> list[Root]:
    """Give alice and bob each an updater that accepted what one log shows."""
    return [
        follow(world, homes / name / "update", log)
        for name, log in zip(("alice", "bob"), logs, strict=True)
    ]


@pytest.mark.slow
def test_one_history_is_told_quietly(call: Call, world: World, tmp_path: Path) -> None:
    world.publish()
    updaters(world, tmp_path, world.log, world.log)
    alice, bob = call()
    said = [side.until(event="logs-agree")["size"] for side in (alice, bob)]
    alice.say("hangup")

    assert said == [0, 0]
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


@pytest.mark.slow
def test_two_histories_are_seen_proven_and_stop_the_updates(
    call: Call, world: World, tmp_path: Path
) -> None:
    roots = updaters(world, tmp_path, *split(world))
    alice, bob = call()
    said = [side.until(event="logs-fork") for side in (alice, bob)]
    alice.say("text the call goes on")
    alice.until(event="error")  # there is no data channel, but there is a call
    alice.say("hangup")

    for each in said:
        evidence = parse_evidence(Path(each["path"]).read_bytes())
        verify(evidence, world.log.key.verifier)  # by the log's key alone
    assert [view_of(world, root).evidence for root in roots] == [
        each["evidence"] for each in said
    ]
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)
