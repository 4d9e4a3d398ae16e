"""Hostile patches: whatever comes as one, the bundle is the bundle, or nothing is.

Whoever attacks has the keys that list files; a patch carries no trust of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import APP, PLATFORM
from tests.updater.versions import noise
from tests.updater.wheels import EPOCH, bundle_of, manifest_of
from tests.updater.world import DAY, Release, World, ready
from updater.archive.bundle import open_bundle
from updater.archive.diff import make_patch
from updater.archive.extent import in_memory
from updater.archive.packing import pure_wheel
from updater.driver.settings import Settings
from updater.fetch.fetch import Network
from updater.testing.hostile import HostileServer, page


def bundle(version: str) -> bytes:
    """Make a bundle with much in it that stays as it is."""
    code = f"def run():\n    print('app {version}')\n    return 0\n".encode()
    files = {
        "app/__init__.py": b"",
        "app/main.py": code,
        "app/data.bin": noise("data", 40_000),
    }
    wheels = dict([pure_wheel("app", version, files, epoch=EPOCH)])
    manifest = manifest_of(wheels, version=version, product="app", platform=PLATFORM)
    return bundle_of(manifest, wheels)


OLD, NEW, OTHER = bundle("1.1"), bundle("1.2"), bundle("1.3")


def patch_between(old: bytes, new: bytes) -> bytes:
    """Make the patch from one bundle to another."""
    ends = [
        (open_bundle(in_memory(each), product=APP.name), _sha256(each))
        for each in (old, new)
    ]
    return make_patch(ends[0], ends[1])


def _sha256(data: bytes) -> str:
    return Release(version="1.0", bundle=data, leaf=b"", index=0).sha256


GOOD = patch_between(OLD, NEW)
PATCHES = {
    "empty": b"\0",
    "garbage": bytes(range(256)) * 8,
    "cut": GOOD[:-1_024],
    "a changed byte": GOOD[: len(GOOD) // 2] + b"\xff" + GOOD[len(GOOD) // 2 + 1 :],
    "to another bundle": patch_between(OLD, OTHER),
    "from another bundle": patch_between(OTHER, NEW),
    "the bundle itself": NEW,
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Client]:
    """A machine with 1.1, and the project."""
    world = ready()
    world.release("1.1", bundle=OLD)
    world.wait(8 * DAY)
    client = Client(world, tmp_path_factory.mktemp("installed"))
    assert client.apply(world).kind == "installed"
    return world, client


@pytest.fixture
def world(installed: tuple[World, Client]) -> World:
    return installed[0].copy()


@pytest.fixture
def client(installed: tuple[World, Client], tmp_path: Path) -> Client:
    client = installed[1].copy(tmp_path / "client")
    client.network = Network(loopback=True)
    return client


@pytest.fixture
def server(client: Client) -> Iterator[HostileServer]:
    with HostileServer(client.site) as serving:
        client.bases = (serving.url,)
        yield serving


def release(world: World, client: Client, patch: bytes) -> Release:
    """Release 1.2 with a patch from 1.1, and let the client see it."""
    path = f"{APP.target('1.2', PLATFORM)}.from-{_sha256(OLD)[:12]}.patch"
    world.repository.add(path, patch, "releases")
    made = world.release("1.2", bundle=NEW)
    world.offer("1.2", delta_from=("1.1",))
    world.wait(8 * DAY)
    client.see(world)
    return made


def whole_was_asked(server: HostileServer, made: Release) -> bool:
    return any(
        each.path.endswith(f"{made.sha256}.{made.name}") for each in server.asked
    )


def test_a_good_patch_spares_the_bundle(
    world: World, client: Client, server: HostileServer
) -> None:
    made = release(world, client, GOOD)

    kind = client.apply().kind

    assert (kind, whole_was_asked(server, made)) == ("installed", False)


@pytest.mark.parametrize("name", PATCHES)
def test_a_bad_patch_costs_a_download_and_nothing_else(
    name: str, world: World, client: Client, server: HostileServer
) -> None:
    made = release(world, client, PATCHES[name])

    kind = client.apply().kind

    assert (kind, whole_was_asked(server, made)) == ("installed", True)
    assert client.start() == "app 1.2"


def test_a_patch_of_more_than_half_the_bundle_is_not_asked_for(
    world: World, client: Client, server: HostileServer
) -> None:
    release(world, client, bytes(len(NEW) // 2 + 1))

    client.apply()

    assert not any(each.path.endswith(".patch") for each in server.asked)


def test_a_patch_that_is_not_there_costs_a_download(
    world: World, client: Client, server: HostileServer
) -> None:
    made = release(world, client, GOOD)
    patch = next(client.site.rglob("*.patch"))
    server.behaviour[f"/{patch.relative_to(client.site)}"] = page(b"", 404)

    kind = client.apply().kind

    assert (kind, whole_was_asked(server, made)) == ("installed", True)


def test_an_old_bundle_that_was_changed_costs_a_download(
    world: World, client: Client, server: HostileServer
) -> None:
    made = release(world, client, GOOD)
    kept = client.root.store / _sha256(OLD)
    kept.write_bytes(kept.read_bytes()[::-1])

    kind = client.apply().kind

    assert (kind, whole_was_asked(server, made)) == ("installed", True)


def test_who_wants_no_patches_asks_like_everybody_else(
    world: World, client: Client, server: HostileServer
) -> None:
    made = release(world, client, GOOD)
    client.settings = Settings(deltas=False)

    client.apply()

    assert whole_was_asked(server, made)
    assert not any(each.path.endswith(".patch") for each in server.asked)


def test_nothing_of_a_patch_stays(
    world: World, client: Client, server: HostileServer
) -> None:
    release(world, client, PATCHES["to another bundle"])
    assert server.url in client.bases
    client.apply()

    assert [each.name for each in client.root.store.iterdir()] == [_sha256(NEW)]
