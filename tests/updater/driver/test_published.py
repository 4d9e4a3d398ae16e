"""Releases as those see them who build them again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import PLATFORM, app_bundle
from tests.updater.world import DAY, World, ready
from updater.archive.bundle import Manifest
from updater.driver.published import Published, Releases, open_releases
from updater.errors import (
    MisbehaviourError,
    RefusedError,
    RepositoryError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.findings import Failed


@contextmanager
def opened(client: Client, world: World) -> Iterator[Releases]:
    client.see(world)
    with open_releases(client.root, client.anchor, client.given) as releases:
        yield releases


def fetched(client: Client, world: World, version: str) -> Published:
    with opened(client, world) as releases:
        return releases.fetch(version, PLATFORM)


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    return Client(world, tmp_path)


def test_a_release_is_fetched_with_its_claim(world: World, client: Client) -> None:
    found = fetched(client, world, "1.0")

    assert found.path.read_bytes() == world.releases["1.0"].bundle
    assert (found.claim.version, found.artifact.platform) == ("1.0", PLATFORM)
    assert isinstance(found.manifest, Manifest)


def test_a_release_need_not_wait_for_time_or_rebuilders(
    world: World, client: Client
) -> None:
    world.release("1.1", rebuilt_by=())

    assert client.check(world).keys() >= {"cooldown", "rebuild"}
    assert fetched(client, world, "1.1").claim.version == "1.1"


def test_old_releases_are_there_too(world: World, client: Client) -> None:
    world.release("1.1")

    with opened(client, world) as releases:
        versions = [each.version for each in releases.listed()]

    assert versions == ["1.0", "1.1"]


def test_a_release_on_two_channels_is_listed_once(world: World, client: Client) -> None:
    again = world.releases["1.0"]
    world.submit(world.claim("1.0", again.bundle, channel="beta"))
    world.publish()

    with opened(client, world) as releases:
        channels = [each.channel for each in releases.listed()]

    assert channels == ["stable"]


def test_a_version_without_an_order_is_not_listed(world: World, client: Client) -> None:
    world.submit(world.claim("1.0+local", app_bundle("1.0")))
    world.publish()

    with opened(client, world) as releases:
        versions = [each.version for each in releases.listed()]

    assert versions == ["1.0"]


def test_the_platforms_of_a_version_are_named(world: World, client: Client) -> None:
    with opened(client, world) as releases:
        assert releases.platforms("1.0") == (PLATFORM,)


def test_what_was_withdrawn_says_so(world: World, client: Client) -> None:
    world.yank(world.releases["1.0"])
    world.publish()

    with opened(client, world) as releases:
        (row,) = releases.listed()
        found = releases.fetch("1.0", PLATFORM)

        assert releases.is_yanked(row)
        assert len(found.yanks) == 1


def test_an_unknown_version_is_refused(world: World, client: Client) -> None:
    with pytest.raises(RefusedError, match=r"no release 9\.9 is in the log"):
        fetched(client, world, "9.9")


def test_an_unknown_platform_is_refused_with_those_that_are_there(
    world: World, client: Client
) -> None:
    with (
        opened(client, world) as releases,
        pytest.raises(
            RefusedError, match=f"not there for cp399-x-y, but for {PLATFORM}"
        ),
    ):
        releases.fetch("1.0", "cp399-x-y")


def test_a_claim_without_a_file_is_refused(world: World, client: Client) -> None:
    world.submit(world.claim("1.1", app_bundle("1.1")))
    world.publish()

    with pytest.raises(RepositoryError, match="no role lists"):
        fetched(client, world, "1.1")


def test_another_file_than_the_claimed_one_is_refused(
    world: World, client: Client
) -> None:
    bundle = app_bundle("1.1")
    world.list_release("1.1", app_bundle("1.1", code="def run(): return 1\n"))
    world.log_release("1.1", bundle, world.claim("1.1", bundle))
    world.publish()

    with pytest.raises(RefusedError, match=r"claimed are .* listed"):
        fetched(client, world, "1.1")


def test_a_claim_that_too_few_signed_is_no_release(
    world: World, client: Client
) -> None:
    thief = world.thief(
        "releases", "snapshot", "timestamp", "claims", "log", "channels"
    )
    thief.release("1.1")

    with opened(client, thief) as releases:
        assert [each.version for each in releases.listed()] == ["1.0"]


def test_bytes_that_are_no_bundle_are_fetched_all_the_same(
    world: World, client: Client
) -> None:
    world.release("1.1", bundle=b"no tar at all")

    assert isinstance(fetched(client, world, "1.1").manifest, Failed)


def test_a_file_that_was_dropped_is_fetched_again(world: World, client: Client) -> None:
    with opened(client, world) as releases:
        found = releases.fetch("1.0", PLATFORM)
        releases.drop(found)

        assert not found.path.exists()
        assert releases.fetch("1.0", PLATFORM).path.exists()


def test_a_damaged_file_is_removed_and_said(world: World, client: Client) -> None:
    path = fetched(client, world, "1.0").path
    path.write_bytes(b"x")

    with pytest.raises(StoreError, match="damaged, and removed"):
        fetched(client, world, "1.0")
    assert fetched(client, world, "1.0").path == path


def test_a_history_that_was_rewritten_is_misbehaviour(
    world: World, client: Client
) -> None:
    fetched(client, world, "1.0")
    forger = world.thief(
        *("log", "timestamp", "snapshot", "claims", "channels"),
        *(f"witness:{each.name}" for each in world.witnesses),
    )
    forger.rewind_log(1)
    forger.ledger.log.leaves.append(b"another")
    forger.publish()

    with pytest.raises(MisbehaviourError) as caught:
        fetched(client, forger, "1.0")
    assert caught.value.report
    for _ in range(3):  # so that its metadata is newer than the forger's
        world.publish()
    with pytest.raises(MisbehaviourError):  # and stays one, in the honest world too
        fetched(client, world, "1.0")


def test_too_few_witnesses_are_no_answer(world: World, client: Client) -> None:
    for each in world.witnesses:
        each.is_silent = True
    world.release("1.1")

    with pytest.raises(UpdateError):
        fetched(client, world, "1.1")


def test_no_repository_is_unreachable(world: World, client: Client) -> None:
    client.bases = ("file:///nowhere/at/all/",)

    with pytest.raises(UnreachableError):
        fetched(client, world, "1.0")


def test_a_month_of_silence_does_not_hide_a_release(
    world: World, client: Client
) -> None:
    client.see(world)
    world.wait(40 * DAY)

    assert fetched(client, world, "1.0").claim.version == "1.0"
