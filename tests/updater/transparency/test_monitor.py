"""Following a log from a folder, over several looks."""

from pathlib import Path

import pytest

from tests.updater.transparency.writers import World, release, yank, yanks
from updater.errors import (
    MisbehaviourError,
    ProofError,
    StoreError,
    UnreachableError,
)
from updater.transparency.evidence import name, parse_evidence, verify
from updater.transparency.monitor import Monitor
from updater.transparency.tiles import tile_path


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path).create()
    world.publish(*yanks(3))
    return world


def monitor(world: World, memory: Path | None = None) -> Monitor:
    return Monitor(
        world.disk.read,
        world.log_key.verifier,
        memory or world.folder / "watch.json",
        policy=world.disk.policy(),
        trust=world.trust,
    )


def look(world: World, *published: str) -> list[str]:
    found = monitor(world).look(world.clock.time, published or None)
    return [f"{each.code} {each.where}" for each in found]


def test_a_good_log_alarms_nobody(world: World) -> None:
    assert look(world) == []
    world.clock.time += 100
    world.publish(*yanks(300, since=3))
    assert look(world) == []


def test_each_entry_is_judged_once(world: World) -> None:
    world.clock.time += 100
    world.publish(release())

    assert look(world, "c3" * 32) == ["unpublished entry 3", f"unlogged {'c3' * 32}"]
    assert look(world, "a1" * 32) == []


def test_a_log_that_is_not_refreshed_looks_withheld(world: World) -> None:
    world.clock.time += 60 * 3_600

    assert look(world) == ["stale checkpoint"]


def test_pages_in_the_place_of_missing_files_are_noticed(world: World) -> None:
    page = world.folder / "public" / tile_path(0, 1)
    page.write_bytes(b"<html>")

    assert look(world) == ["error-page tile"]


def test_nothing_to_look_at_is_unreachable(world: World) -> None:
    (world.folder / "public/checkpoint").unlink()

    with pytest.raises(UnreachableError, match="no checkpoint"):
        look(world)


def test_tiles_that_do_not_lead_to_the_root_are_refused(world: World) -> None:
    (world.folder / "public/tile/0/000.p/3").write_bytes(bytes(96))

    with pytest.raises(ProofError):
        look(world)


@pytest.mark.parametrize("size", [3, 4])
def test_two_trees_of_one_size_are_proven_by_the_log_itself(
    world: World, tmp_path: Path, size: int
) -> None:
    look(world)
    (tmp_path / "fork").mkdir()
    fork = World(tmp_path / "fork").create()
    fork.clock.time = world.clock.time
    fork.publish(*yanks(size, since=9))
    with pytest.raises(MisbehaviourError, match="two trees") as caught:
        list(monitor(fork, world.folder / "watch.json").look(fork.clock.time))

    report = caught.value.report
    verify(parse_evidence(report), world.log_key.verifier)
    kept = world.folder / f"{name(report)}.evidence.json"
    assert kept.read_bytes() == report


def test_an_older_copy_is_an_alarm_and_does_not_replace_the_newer(world: World) -> None:
    old = (world.folder / "public/checkpoint").read_bytes()
    world.clock.time += 100
    world.publish(yank(3))
    new = (world.folder / "public/checkpoint").read_bytes()
    look(world)
    (world.folder / "public/checkpoint").write_bytes(old)
    shrunk = look(world)
    (world.folder / "public/checkpoint").write_bytes(new)

    assert (shrunk, look(world)) == (["shrunk checkpoint"], [])


def test_a_memory_that_is_damaged_is_said(world: World) -> None:
    (world.folder / "watch.json").mkdir()

    with pytest.raises(StoreError):
        look(world)
