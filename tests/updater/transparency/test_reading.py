"""Which entries count, and what contradicts."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.updater.transparency import claimants
from tests.updater.transparency.worlds import World, entry, junk
from updater.statement import (
    Statement,
    Subject,
    format_envelope,
    format_statement,
    sign,
)
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.index import Index
from updater.transparency.merkle import hash_leaf
from updater.transparency.reading import MAX_UNJUDGED, Conflict, Reader
from updater.transparency.trust import Trust

FILE = "a1" * 32
OTHER_FILE = "a2" * 32


@pytest.fixture
def world() -> World:
    return World()


def read(
    world: World,
    *,
    judges: Sequence[Trust] = (claimants.TRUST,),
    others: Sequence[Index] = (),
) -> tuple[Index, list[Conflict]]:
    reader = Reader(world.log.origin, Index(), others=others, judges=judges)
    for index, leaf in enumerate(world.log.leaves):
        reader.read(index, leaf)
    return reader.index, reader.conflicts


def test_a_release_is_remembered_file_by_file(world: World) -> None:
    world.log.append(entry(claimants.RELEASE, *claimants.RELEASE_KEYS))

    index, conflicts = read(world)

    assert [(each.platform, each.sha256) for each in index.files] == [
        (each.platform, each.sha256) for each in claimants.RELEASE.artifacts
    ]
    assert index.files[0].place.leaf_hash == hash_leaf(world.log.leaves[0])
    assert conflicts == []


def test_what_nobody_entitled_signed_is_garbage(world: World) -> None:
    world.log.append(entry(claimants.RELEASE, claimants.RELEASE_KEYS[0]))
    world.log.append(entry(claimants.YANK, claimants.RELEASE_KEYS[0]))
    world.log.append(entry(claimants.REBUILD, claimants.RELEASE_KEYS[0]))

    index, _ = read(world)

    assert index == Index(garbage=3)


def test_without_judges_nothing_counts(world: World) -> None:
    world.release("1.0.0", FILE)

    assert read(world, judges=())[0] == Index(garbage=1)


def test_what_one_of_several_trust_files_lets_through_counts(world: World) -> None:
    world.release("1.0.0", FILE)
    roles = {
        **claimants.TRUST.roles,
        "release": claimants.TRUST.roles["yank"],
        "yank": claimants.TRUST.roles["release"],
    }
    other = replace(claimants.TRUST, roles=roles)

    index, _ = read(world, judges=(other, claimants.TRUST))

    assert len(index.files) == 1


def test_junk_is_counted(world: World) -> None:
    world.log.leaves += junk(1, 3)

    assert read(world)[0].garbage == 3


def test_a_claim_of_a_later_kind_is_skipped_and_counted(world: World) -> None:
    statement = Statement(
        "https://ringfence.example/bt/advice/v1", (Subject("a", FILE),), predicate={}
    )
    envelope = sign(format_statement(statement), claimants.RELEASE_KEYS)
    world.log.append(format_envelope(envelope))

    assert read(world)[0].unknown == 1


def test_an_entry_that_stands_twice_counts_once(world: World) -> None:
    world.release("1.0.0", FILE)
    world.release("1.0.0", FILE)

    index, conflicts = read(world)

    assert (len(index.files), index.repeated, conflicts) == (1, 1, [])


def test_an_entry_that_was_read_in_another_run_counts_once(world: World) -> None:
    world.release("1.0.0", FILE)
    first, _ = read(world)
    again = Reader(world.log.origin, first, judges=[claimants.TRUST])

    again.read(1, world.log.leaves[0])

    assert again.index == replace(first, repeated=1)


def test_two_files_for_one_version_and_platform_are_a_conflict(world: World) -> None:
    world.release("1.0.0", FILE)
    world.release("1.0.0", OTHER_FILE)

    index, conflicts = read(world)

    assert [(each.first.index, each.second.index) for each in conflicts] == [(0, 1)]
    assert len(index.files) == 2


def test_a_conflict_with_another_log_is_found(world: World) -> None:
    elsewhere = World()
    elsewhere.release("1.0.0", OTHER_FILE)
    other, _ = read(elsewhere)
    world.release("1.0.0", FILE)

    _, conflicts = read(world, others=[other])

    assert len(conflicts) == 1


def test_the_same_file_on_another_channel_is_no_conflict(world: World) -> None:
    claim = world.release_claim("1.0.0", FILE)
    for channel in ("beta", "stable"):
        world.log.append(
            entry(replace(claim, channel=channel), *claimants.RELEASE_KEYS)
        )

    index, conflicts = read(world)

    assert [each.channel for each in index.files] == ["beta", "stable"]
    assert conflicts == []


def test_a_yank_is_remembered_with_what_it_says(world: World) -> None:
    world.yank(world.release("1.0.0", FILE), FILE)

    (yank,) = read(world)[0].yanks

    assert yank.files == (FILE,)
    assert (yank.reason, yank.replacement) == ("vulnerability", "1.4.1")


def test_a_yank_that_names_no_file_of_its_release_is_garbage(world: World) -> None:
    world.yank(world.release("1.0.0", FILE), OTHER_FILE)

    index, _ = read(world)

    assert (index.yanks, index.garbage) == ((), 1)


def test_a_yank_of_a_release_that_is_not_known_counts(world: World) -> None:
    world.log.append(entry(claimants.YANK, claimants.YANK_KEYS[0]))

    assert len(read(world)[0].yanks) == 1


def test_a_rebuild_is_remembered_whatever_it_found(world: World) -> None:
    world.rebuild(FILE, "anna")
    world.rebuild(FILE, "bert")

    assert [each.index for each in read(world)[0].rebuilds_of(FILE)] == [0, 1]


def test_policies_and_successors_are_remembered_unjudged(world: World) -> None:
    world.log.append(entry(claimants.POLICY, claimants.key(99)))
    world.log.append(entry(claimants.SUCCESSOR, claimants.key(99)))

    index, _ = read(world, judges=())

    assert [each.index for each in index.policies] == [0]
    assert [each.index for each in index.successors] == [1]


@pytest.mark.parametrize(
    ("claim", "keys"),
    [
        (claimants.POLICY, claimants.POLICY_KEYS),
        (claimants.SUCCESSOR, claimants.SUCCESSOR_KEYS),
    ],
)
def test_a_flood_of_entries_by_nobody_has_an_end(
    world: World,
    claim: PolicyClaim | SuccessorClaim,
    keys: Sequence[Ed25519PrivateKey],
) -> None:
    for number in range(MAX_UNJUDGED + 1):
        another = replace(claim, not_before=claim.not_before + number)
        world.log.append(entry(another, claimants.key(99)))
    last = world.log.append(entry(claim, *keys))

    index, _ = read(world)

    kept = index.policies or index.successors
    assert (len(kept), kept[-1].index) == (MAX_UNJUDGED + 1, last)
    assert index.garbage == 1
