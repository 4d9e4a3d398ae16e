"""Two people's logs are compared in their call: when, with whom, and what is said."""

import asyncio
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cli.gossip import Gossip, Said, last_talk
from tests.updater.followers import client_of, follow, split, view_of
from tests.updater.transparency.worlds import ORIGIN, Log, World, junk
from tests.voip.pairs import Party
from tests.voip.peers import Home, Wire, at, people, talk
from tests.voip.simulated import simulated
from updater.install.root import Root
from updater.transparency.frames import (
    Done,
    NotePart,
    Offer,
    Row,
    Verdict,
    format_frame,
    log_id,
)
from voip.call import State
from voip.conversation import Conversation
from voip.identity.calllog import CallLog, CallRecord, Direction

THEM, CALL = b"\x01" * 32, b"\x02" * 16


@pytest.fixture
def world() -> World:
    made = World()
    made.now = int(time.time()) - 3600
    return made


@dataclass
class Person:
    """Somebody in a call, and what they are told."""

    home: Home
    call: Conversation
    root: Path
    told: list[Said] = field(default_factory=list)

    @property
    def events(self) -> list[object]:
        return [said.facts["event"] for said in self.told]

    async def compare(self, after_s: float | None = 0.0) -> None:
        gossip = Gossip(root=self.root, store=self.home.keeper, after_s=after_s)
        await gossip.run(self.call, self.told.append)


@asynccontextmanager
async def in_a_call(
    folder: Path, parties: tuple[Party, Party] | None = None
) -> AsyncIterator[tuple[Person, Person]]:
    """Let alice and bob talk; their updaters live below a folder."""
    async with at(Wire(), *(parties or people())) as homes:
        calls = await talk(*homes)
        # Real media pings each second, which carries acknowledgements.
        pings = [asyncio.create_task(_ping(call)) for call in calls]
        yield (
            Person(homes[0], calls[0], folder / "alice"),
            Person(homes[1], calls[1], folder / "bob"),
        )
        for ping in pings:
            ping.cancel()


async def _ping(call: Conversation) -> None:
    while True:
        await asyncio.sleep(1)
        call.set_muted(on=False)


def follow_both(
    world: World, folder: Path, logs: tuple[Log | None, Log | None] = (None, None)
) -> list[Root]:
    """Let alice and bob accept what each is shown: one history, or one of two."""
    return [
        follow(world, folder / name, log)
        for name, log in zip(("alice", "bob"), logs, strict=True)
    ]


async def both(alice: Person, bob: Person) -> None:
    """Compare, and hang up when that is over."""
    async with asyncio.timeout(300), asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(bob.compare())
        await alice.compare()
        await asyncio.sleep(5)
        alice.call.hang_up()
        await hearing


async def compared(folder: Path) -> tuple[Person, Person]:
    """Let alice and bob talk, compare and hang up."""
    async with in_a_call(folder) as (alice, bob):
        await both(alice, bob)
    return alice, bob


# What comes of it ---------------------------


@simulated
async def test_two_with_one_history_are_told_so_quietly(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    alice, bob = await compared(tmp_path)

    agreed = Said(
        {
            "event": "logs-agree",
            "origin": world.log.origin,
            "size": 0,
            "people": 1,
        },
        ("your update logs agree, size 0",),
    )
    assert (alice.told, bob.told) == ([agreed], [agreed])


def exported(hint: str, out: Path) -> bytes:
    """Run what the alarm says, but for where it writes."""
    words = shlex.split(hint.partition(" ringfence ")[2])
    words[words.index("fork.json")] = str(out)
    subprocess.run([sys.executable, "-m", "cli", *words], check=True)
    return out.read_bytes()


@simulated
async def test_two_with_two_histories_are_told_and_frozen(
    world: World, tmp_path: Path
) -> None:
    roots = follow_both(world, tmp_path, split(world))
    alice, bob = await compared(tmp_path)

    frozen = [view_of(world, root).evidence for root in roots]
    assert frozen == [person.told[0].facts["evidence"] for person in (alice, bob)]
    assert None not in frozen
    path = alice.told[0].facts["path"]
    assert alice.told[0].is_alarm
    *said, hint = alice.told[0].lines
    assert said == [
        f"UPDATE LOG FORKED: {ORIGIN} has shown you and bob two different histories",
        f"your updates are frozen; the evidence is saved: {path}",
    ]
    assert exported(hint, tmp_path / "fork.json") == Path(str(path)).read_bytes()  # noqa: ASYNC240 - nobody waits


@simulated
async def test_what_was_proven_before_the_call_ended_is_kept(
    world: World, tmp_path: Path
) -> None:
    follow_both(world, tmp_path, split(world))
    async with in_a_call(tmp_path) as (alice, bob), asyncio.TaskGroup() as tasks:
        tasks.create_task(bob.compare())
        comparing = tasks.create_task(alice.compare())
        # Bob's own note is what proves it to him, before anybody says DONE.
        await asyncio.sleep(2.5)
        bob.call.hang_up()
        await comparing

    assert alice.events == ["logs-fork"]


@simulated
async def test_evidence_that_was_looked_at_is_shown_without_a_freeze(
    world: World, tmp_path: Path
) -> None:
    follow_both(world, tmp_path, split(world))
    alice, _ = await compared(tmp_path)
    root = Root(tmp_path / "alice", now=time.time, entropy=bytes)
    client_of(world, root).unfreeze(str(alice.told[0].facts["evidence"]))
    alice, _ = await compared(tmp_path)

    assert alice.told[0].facts["frozen"] is False
    assert "let updates go on in spite of" in alice.told[0].lines[1]


@simulated
async def test_a_fork_is_told_although_nothing_can_be_kept(
    world: World, tmp_path: Path
) -> None:
    roots = follow_both(world, tmp_path, split(world))
    (roots[0].folder / "log" / "evidence").write_text("in the way")
    alice, _ = await compared(tmp_path)

    assert alice.told[0].is_alarm
    assert alice.told[0].facts["evidence"] is None
    assert alice.told[0].lines[2] == "install no update"


@simulated
async def test_an_agreement_that_cannot_be_kept_is_none(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    roots = follow_both(world, tmp_path)
    held = roots[0].folder / "log" / "lock"
    held.unlink()
    held.mkdir()
    alice, bob = await compared(tmp_path)

    assert (alice.events, bob.events) == (["logs-not-compared"], ["logs-agree"])


# When, and with whom ---------------------------


@simulated
async def test_who_has_no_updater_asks_nobody_and_hears_nobody(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow(world, tmp_path / "alice")
    async with in_a_call(tmp_path) as (alice, bob):
        await both(alice, bob)
        unread = bob.call._session.frames._unread

    assert unread is None
    assert (alice.told, bob.told) == ([], [])


@simulated
async def test_it_begins_some_time_after_the_call_stands(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    now = asyncio.get_running_loop().time
    async with in_a_call(tmp_path) as (alice, bob), asyncio.TaskGroup() as tasks:
        since = now()
        comparing = tasks.create_task(alice.compare(after_s=None))
        await anext(bob.call.frames())
        after = now() - since
        bob.call.hang_up()
        await comparing

    assert 20 <= after <= 62


@simulated
async def test_who_hangs_up_before_is_asked_nothing(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    async with in_a_call(tmp_path) as (alice, bob), asyncio.TaskGroup() as tasks:
        tasks.create_task(alice.compare(after_s=None))
        tasks.create_task(bob.compare())
        await asyncio.sleep(5)
        alice.call.hang_up()

    assert (alice.told, bob.told) == ([], [])


@simulated
async def test_who_is_called_does_not_begin(world: World, tmp_path: Path) -> None:
    world.publish()
    follow_both(world, tmp_path)
    async with in_a_call(tmp_path) as (alice, bob), asyncio.TaskGroup() as tasks:
        comparing = tasks.create_task(alice.compare(after_s=20.0))
        bob.call.send_frame(b"too early")
        await comparing
        still = alice.call.state

    assert (still, alice.told) == (State.ACTIVE, [])


@simulated
async def test_a_peer_that_breaks_the_rules_ends_it_and_not_the_call(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    async with in_a_call(tmp_path) as (alice, bob):
        comparing = asyncio.create_task(bob.compare())
        await asyncio.sleep(1)
        alice.call.send_frame(b"RFG1 and no more")
        await comparing
        still = bob.call.state

    assert still is State.ACTIVE
    assert bob.events == ["logs-not-compared"]


@simulated
async def test_a_peer_that_cannot_prove_what_it_says_is_shown_as_such(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow(world, tmp_path / "bob")
    log, xid = log_id(world.log.origin), bytes(8)
    lies = (
        Offer((Row(log, 812, root=bytes(32)),)),
        NotePart(log, 812, part=0, parts=1, data=b"no note"),
        Done(((log, Verdict.DECLINED),)),
    )
    async with in_a_call(tmp_path) as (alice, bob):
        comparing = asyncio.create_task(bob.compare())
        for lie in lies:
            alice.call.send_frame(format_frame(xid, lie))
        await comparing

    assert bob.events == ["logs-not-compared"]
    assert bob.told[0].lines == (
        "update logs not compared: the other side said what it could not prove",
    )


@simulated
async def test_what_nobody_can_prove_any_more_is_not_spoken_of(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow(world, tmp_path / "bob")
    world.log.leaves += junk(1, 3)
    world.publish()
    root = follow(world, tmp_path / "alice")
    world.log.leaves += junk(2, 3)
    world.publish()
    follow(world, tmp_path / "bob")
    shutil.rmtree(tmp_path / "bob" / "log" / "cache")
    alice, bob = await compared(tmp_path)

    assert (alice.told, bob.told) == ([], [])
    assert view_of(world, root).behind_peers is None


@simulated
async def test_silence_is_no_agreement(world: World, tmp_path: Path) -> None:
    world.publish()
    root = follow(world, tmp_path / "alice")
    async with in_a_call(tmp_path) as (alice, _):
        await alice.compare()

    assert alice.told == []
    assert view_of(world, root).agreements == ()


@simulated
async def test_a_state_that_cannot_be_read_is_told_and_the_call_goes_on(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    root = follow(world, tmp_path / "alice")
    (root.folder / "log" / "state.json").write_text("{")
    async with in_a_call(tmp_path) as (alice, bob):
        await alice.compare()
        still = bob.call.state

    assert (still, alice.events) == (State.ACTIVE, ["logs-not-compared"])


@simulated
async def test_nothing_is_compared_with_somebody_whose_trust_is_broken(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    async with in_a_call(tmp_path) as (alice, bob):
        await bob.call.compared(matched=False)
        await both(alice, bob)

    assert bob.told == []


@simulated
async def test_nothing_is_compared_with_a_stranger(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    follow_both(world, tmp_path)
    async with in_a_call(tmp_path) as (alice, bob):
        vault = bob.home.keeper.vault
        alone = vault.contacts.remove("alice")
        bob.home.keeper.vault = replace(vault, contacts=alone)
        await both(alice, bob)

    assert bob.told == []


def call_of(identity: bytes, answered: int | None, ended: int | None) -> CallRecord:
    return CallRecord(
        bytes([len(identity), *identity[:15]]),
        identity,
        direction=Direction.INCOMING,
        started=100,
        answered=answered,
        ended=ended,
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (call_of(THEM, 100, 120), 100),
        (call_of(THEM, 100, None), 100),  # the process was killed, or still holds it
        (call_of(THEM, 100, 119), None),
        (call_of(THEM, None, 160), None),
        (call_of(b"\x03" * 32, 100, 160), None),
    ],
)
def test_only_a_talk_of_some_length_with_them_counts(
    call: CallRecord, expected: int | None
) -> None:
    log = CallLog().recorded(call)

    assert last_talk(log, THEM, besides=CALL, least_s=20.0) == expected


def test_the_present_call_does_not_count() -> None:
    call = call_of(THEM, 100, None)
    log = CallLog().recorded(call)

    assert last_talk(log, THEM, besides=call.call_id, least_s=20.0) is None


@simulated
async def test_once_an_hour_is_enough(world: World, tmp_path: Path) -> None:
    world.publish()
    follow_both(world, tmp_path)
    parties = people()
    for person, other in (parties, parties[::-1]):
        call = call_of(other.vault.identity, int(time.time()) - 600, None)
        calls = person.vault.calls.recorded(call)
        person.vault = replace(person.vault, calls=calls)
    async with in_a_call(tmp_path, parties) as (alice, bob):
        await both(alice, bob)

    assert (alice.told, bob.told) == ([], [])


def test_without_an_updater_a_call_loads_nothing_of_it() -> None:
    listing = "import cli.calling, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", listing], text=True)

    assert {each for each in loaded.split() if each.startswith("updater")} == {
        "updater",
        "updater.errors",  # for the exit codes
    }
