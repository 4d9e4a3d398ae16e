"""Recomputing a folder: each thing that is damaged is named."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency.claimants import key, public
from tests.updater.transparency.logs import witness
from tests.updater.transparency.writers import World, yank, yanks
from updater.errors import RefusedError, SignatureError
from updater.transparency.fsck import Finding, Fsck
from updater.transparency.merkle import hash_leaf
from updater.transparency.trust import Role

FIRST = hash_leaf(yank(0)).hex()
OTHER = hash_leaf(yank(1)).hex()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log in two batches, once for all tests."""
    world = World(tmp_path_factory.mktemp("log")).create()
    world.publish(*yanks(3))
    world.clock.time += 100
    world.publish(*yanks(257, since=3))
    return world.folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> World:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    world = World(tmp_path)
    world.clock.time += 100
    return world


def findings(world: World) -> list[Finding]:
    checker = Fsck(
        world.disk.public,
        world.log_key.verifier,
        policy=world.disk.policy(),
        trust=world.trust,
    )
    return list(checker.findings(world.clock.time))


def test_a_good_folder_has_nothing_to_say(world: World) -> None:
    assert findings(world) == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(bytes(data))


def swap_leaf(path: Path) -> None:
    path.write_bytes(yank(1))


@pytest.mark.parametrize(
    ("path", "damage", "where"),
    [
        ("tile/0/000", flip, {"tile/0/000", "tile/entries/000"}),
        ("tile/0/000", Path.unlink, {"tile/0/000", "tile/entries/000"}),
        ("tile/0/000.p/3", flip, {"tile/0/000.p/3"}),
        ("tile/0/001.p/4", flip, {"tile"}),
        ("tile/entries/000", flip, {"tile/entries/000"}),
        ("tile/entries/001.p/4", Path.unlink, {"tile/entries/001.p/4"}),
        ("tile/entries/000.p/3", flip, {"tile/entries/000.p/3"}),
        (f"claims/{FIRST}.json", swap_leaf, {f"proofs/{FIRST}.tlog-proof"}),
        (f"claims/{FIRST}.json", Path.unlink, {f"claims/{FIRST}.json"}),
        (f"proofs/{FIRST}.tlog-proof", flip, {f"proofs/{FIRST}.tlog-proof"}),
        (f"proofs/{FIRST}.tlog-proof", Path.unlink, {f"proofs/{FIRST}.tlog-proof"}),
    ],
    ids=range(11),
)
def test_what_is_damaged_is_named(
    world: World, path: str, damage: Callable[[Path], None], where: set[str]
) -> None:
    damage(world.folder / "public" / path)
    found = findings(world)

    assert where <= {each.where for each in found}
    assert {each.level for each in found} == {"error"}


def test_a_file_of_no_tree_is_named(world: World) -> None:
    for path in ("tile/0/007", "tile/0/001.p/9", "tile/0/001.p/x"):
        (world.folder / "public" / path).write_bytes(b"")

    assert [(each.level, each.text) for each in findings(world)] == [
        ("warning", "is in no tree of this log")
    ] * 3


def test_too_few_witnesses_are_named(world: World) -> None:
    world.clock.time = 0.0
    (found,) = findings(world)

    assert found.text.startswith("quorum not met: 0 of 3")


def test_claims_of_keys_that_were_changed_since_are_a_warning(world: World) -> None:
    role = Role(1, (public(key(99)),))
    world.trust = replace(world.trust, roles={**world.trust.roles, "yank": role})

    assert {each.level for each in findings(world)} == {"warning"}


def test_a_claim_that_stands_twice_has_one_proof_of_either(world: World) -> None:
    proof = world.folder / f"public/proofs/{FIRST}.tlog-proof"
    proof.write_bytes((world.folder / f"public/proofs/{OTHER}.tlog-proof").read_bytes())

    assert [each.where for each in findings(world)] == [f"proofs/{FIRST}.tlog-proof"]


def test_without_its_checkpoint_a_folder_is_none(world: World) -> None:
    (world.folder / "public/checkpoint").unlink()

    with pytest.raises(RefusedError, match="expected a checkpoint"):
        findings(world)


def test_the_checkpoint_of_another_log_is_refused(world: World) -> None:
    checker = Fsck(
        world.disk.public,
        witness(9).verifier,
        policy=world.disk.policy(),
        trust=world.trust,
    )

    with pytest.raises(SignatureError):
        list(checker.findings(world.clock.time))
