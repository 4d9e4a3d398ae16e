"""Where statements go, once and again."""

from pathlib import Path

import pytest

from reproducible.drive.outlets import Outbox, OwnLog
from tests.updater.transparency import claimants
from tests.updater.transparency.writers import World
from updater.errors import NotYetError, SignatureError, UnreachableError
from updater.transparency.merkle import hash_leaf
from updater.transparency.publishing import shown_checkpoint

LEAF = claimants.entry(claimants.REBUILD, claimants.OPERATOR_KEYS["anna"])
FOREIGN = claimants.entry(claimants.REBUILD, claimants.key(99))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path).create()


def own_log(world: World) -> OwnLog:
    return OwnLog(world.disk, world.means)


def size(world: World) -> int:
    shown = shown_checkpoint(world.disk)
    return shown.checkpoint.size if shown else 0


def test_an_outbox_is_a_folder_that_anybody_may_read(tmp_path: Path) -> None:
    Outbox(tmp_path / "box").hand_out("a.claim.json", LEAF)

    file = tmp_path / "box/a.claim.json"
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (LEAF, 0o644)


def test_a_newer_statement_takes_the_place_of_the_older(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    box.hand_out("a.claim.json", b"old")
    box.hand_out("a.claim.json", LEAF)

    assert (tmp_path / "a.claim.json").read_bytes() == LEAF


def test_a_statement_is_published_in_a_log_of_ones_own(world: World) -> None:
    own_log(world).hand_out("a", LEAF)

    assert (size(world), world.disk.index_of(hash_leaf(LEAF).hex())) == (1, 0)


def test_a_statement_stands_there_once(world: World) -> None:
    own_log(world).hand_out("a", LEAF)
    own_log(world).hand_out("a", LEAF)

    assert size(world) == 1


def test_what_witnesses_did_not_sign_is_shown_later_and_once(world: World) -> None:
    world.silent = {"w1", "w2", "w3"}
    with pytest.raises((NotYetError, UnreachableError)):
        own_log(world).hand_out("a", LEAF)
    world.silent = set()
    own_log(world).hand_out("a", LEAF)

    assert size(world) == 1


def test_a_key_that_no_policy_names_is_refused(world: World) -> None:
    with pytest.raises(SignatureError):
        own_log(world).hand_out("a", FOREIGN)
