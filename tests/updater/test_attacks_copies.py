"""Copies of a repository on a stick that somebody prepared."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import app_bundle
from tests.updater.repositories import TufRepository, signer
from tests.updater.world import DAY, World, ready


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    client = Client(world, tmp_path)
    client.is_copy = True
    return client


def test_a_copy_of_last_week_still_installs(world: World, client: Client) -> None:
    client.see(world).now = world.now + 6 * DAY

    assert client.apply().kind == "installed"


def test_a_copy_of_long_ago_is_stale(world: World, client: Client) -> None:
    client.see(world).now = world.now + 31 * DAY

    assert client.check() == {"fresh": "stale"}


def test_a_copy_that_is_older_than_what_was_seen_takes_nothing_back(
    world: World, client: Client
) -> None:
    before = world.copy()
    world.yank(world.releases["1.0"])
    world.wait(60)
    client.check(world)
    client.see(before).now = world.now

    refused = client.check()

    assert refused["tuf"] == "tuf"
    assert refused["select"] == "channel"


def test_witnesses_of_the_future_make_no_copy_young(
    world: World, client: Client
) -> None:
    world.wait(40 * DAY)
    client.see(world).now = world.now - 31 * DAY

    assert client.check()["fresh"] == "stale"


def swap_bundle(client: Client) -> None:
    next(client.site.rglob("*.tar")).write_bytes(app_bundle("6.6"))


def drop_bundle(client: Client) -> None:
    next(client.site.rglob("*.tar")).unlink()


def link_bundle(client: Client) -> None:
    file = next(client.site.rglob("*.tar"))
    file.rename(client.folder / "elsewhere")
    file.symlink_to("/dev/zero")


def fifo_bundle(client: Client) -> None:
    file = next(client.site.rglob("*.tar"))
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    "harm",
    [swap_bundle, drop_bundle, link_bundle, fifo_bundle],
    ids=lambda harm: harm.__name__,
)
def test_a_copy_that_was_tampered_with_installs_nothing(
    harm: Callable[[Client], None], world: World, client: Client
) -> None:
    harm(client.see(world))

    report = client.apply()

    assert report.headline is not None
    assert (report.headline[0], report.kind) == ("fetch", "unreachable")
    assert client.root.current() is None


def test_a_copy_of_another_project_is_refused(client: Client, world: World) -> None:
    other = world.copy()
    other.repository = TufRepository(now=world.now)
    for name in ("root", "targets", "timestamp", "snapshot"):
        other.repository.signers[name] = [signer(f"other {name} {n}") for n in range(5)]
    other.repository.rekey()
    other.publish()

    refused = client.check(other)

    assert refused["tuf"] == "tuf"
