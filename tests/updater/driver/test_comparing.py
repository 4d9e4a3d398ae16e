"""Two people's managed folders, compared over a perfect line."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.followers import (
    anchor_of,
    client_of,
    follow,
    split,
    view_of,
)
from tests.updater.transparency.worlds import Log, World, junk
from updater.driver.comparing import Comparing, open_logs
from updater.errors import StoreError
from updater.files import Files, Step
from updater.install.root import Root
from updater.transparency.claims.parts import Head
from updater.transparency.evidence import parse_evidence, verify
from updater.transparency.frames import Verdict
from updater.transparency.gossip import Result
from updater.transparency.honour import POLICY, TRUST, read_set
from updater.transparency.key import Kind, SigningKey
from updater.transparency.trust import format_trust

ALICE, BOB = b"alice", b"bob"


@pytest.fixture
def world() -> World:
    return World()


def opened(world: World, root: Root) -> Comparing:
    return open_logs(root, anchor_of(world))


def exchanged(alice: Comparing, bob: Comparing) -> tuple[Result, Result]:
    """Let both talk until there is nothing to say."""
    ends = (alice.exchange(initiator=True), bob.exchange(initiator=False))
    ends[1].start(0.0)
    waiting = [(1, frame) for frame in ends[0].start(0.0)]
    while waiting:
        to, frame = waiting.pop(0)
        waiting += [(1 - to, each) for each in ends[to].receive(frame, 0.0)]
    for end in ends:
        end.tick(1e9)
    results = (ends[0].result, ends[1].result)
    assert results[0] is not None
    assert results[1] is not None
    return results[0], results[1]


def test_two_who_saw_one_history_agree_and_are_counted(
    world: World, tmp_path: Path
) -> None:
    world.log.leaves += junk(1, 300)
    world.publish()
    alice = follow(world, tmp_path / "alice")
    world.log.leaves += junk(2, 300)
    world.publish()
    bob = follow(world, tmp_path / "bob")
    ours, theirs = opened(world, alice), opened(world, bob)
    results = exchanged(ours, theirs)

    kept = [*ours.keep(results[0], BOB), *theirs.keep(results[1], ALICE)]

    assert [(each.verdict, each.size, each.people) for each in kept] == [
        (Verdict.CONSISTENT, 300, 1)
    ] * 2
    assert view_of(world, alice).behind_peers == 600
    assert view_of(world, bob).behind_peers is None


@pytest.mark.parametrize("ahead", [-2, 0, 2])
def test_two_who_saw_two_histories_both_hold_proof_and_are_frozen(
    world: World, tmp_path: Path, ahead: int
) -> None:
    logs = split(world, ahead=ahead)
    roots = [
        follow(world, tmp_path / name, log)
        for name, log in zip(("alice", "bob"), logs, strict=True)
    ]
    sides = [opened(world, root) for root in roots]
    results = exchanged(*sides)

    kept = [
        side.keep(result, b"peer")[0]
        for side, result in zip(sides, results, strict=True)
    ]

    for each in kept:
        assert each.evidence is not None
        verify(parse_evidence(each.evidence.read_bytes()), world.log.key.verifier)
    assert [each.is_frozen for each in kept] == [True, True]
    assert all(view_of(world, root).evidence for root in roots)
    assert [view_of(world, root).agreements for root in roots] == [(), ()]


def test_evidence_that_the_user_has_looked_at_freezes_no_more(
    world: World, tmp_path: Path
) -> None:
    ours, theirs = split(world)
    alice = follow(world, tmp_path / "alice", ours)
    bob = follow(world, tmp_path / "bob", theirs)
    result, _ = exchanged(opened(world, alice), opened(world, bob))
    kept = opened(world, alice).keep(result, BOB)[0]
    assert kept.evidence is not None
    client_of(world, alice).unfreeze(kept.evidence.stem)

    again = opened(world, alice).keep(result, BOB)[0]

    assert (again.evidence, again.is_frozen) == (kept.evidence, False)


def test_what_was_proven_stands_however_the_exchange_ends(
    world: World, tmp_path: Path
) -> None:
    ours, theirs = split(world)
    alice = follow(world, tmp_path / "alice", ours)
    bob = follow(world, tmp_path / "bob", theirs)
    result, _ = exchanged(opened(world, alice), opened(world, bob))

    kept = opened(world, alice).keep(replace(result, ending="breach"), BOB)

    assert kept[0].is_frozen


def test_agreement_counts_only_where_it_was_carried_through(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    sides = [opened(world, follow(world, tmp_path / name)) for name in ("alice", "bob")]
    result, _ = exchanged(*sides)

    kept = sides[0].keep(replace(result, ending="timeout"), BOB)

    assert (kept[0].verdict, kept[0].people) == (Verdict.SAME, 0)


def test_a_peer_is_remembered_by_no_name(world: World, tmp_path: Path) -> None:
    world.publish()
    alice = follow(world, tmp_path / "alice")
    bob = follow(world, tmp_path / "bob")
    result, _ = exchanged(opened(world, alice), opened(world, bob))
    opened(world, alice).keep(result, b"\xb0\xb1" * 16)
    kept = (alice.folder / "log" / "state.json").read_bytes()

    assert b"agreed" in kept
    assert (b"\xb0\xb1" * 16).hex().encode() not in kept


def test_a_fork_is_told_although_the_disk_is_full(world: World, tmp_path: Path) -> None:
    class Full(Files):
        def about_to(self, step: Step) -> None:
            raise StoreError(f"{step.path}: the disk is full")

    ours, theirs = split(world)
    alice = follow(world, tmp_path / "alice", ours)
    bob = follow(world, tmp_path / "bob", theirs)
    result, _ = exchanged(opened(world, alice), opened(world, bob))
    full = Root(alice.folder, now=alice.now, entropy=bytes, files=Full())

    kept = opened(world, full).keep(result, BOB)

    assert [(each.verdict, each.evidence) for each in kept] == [(Verdict.FORK, None)]
    assert kept[0].trouble.endswith("the disk is full")


def test_a_closed_log_is_not_compared_but_the_one_after_it(
    world: World, tmp_path: Path
) -> None:
    world.publish()
    alice = follow(world, tmp_path / "alice")
    after = Log(SigningKey("bt.example/ringfence/2", Kind.LOG, seed=bytes(32)))
    after.publish(*world.witnesses, at=world.now)
    head = Head(world.log.origin, world.log.size, world.log.root)
    rows = f"log {after.key.verifier}\n".encode() + world.policy_text
    closing = replace(world.trust, closed_logs=(head,))
    trust = read_set({POLICY: rows, TRUST: format_trust(closing)})
    client_of(world, alice, after, trust=trust).update()

    logs = open_logs(alice, replace(anchor_of(world), trust=trust))

    assert [each.origin for each in logs.heads()] == [after.origin]
