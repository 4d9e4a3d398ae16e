"""What a run of the updater does with what is hostile or damaged on this machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.clients import Client, refusals
from tests.updater.places import app_bundle
from tests.updater.world import DAY, World, ready
from updater.archive.tree import MAX_JSON_BYTES
from updater.driver.update import Updater
from updater.errors import MalformedError, StoreError
from updater.files import Files
from updater.gates.evidence import Wish
from updater.installed.slots import Last


class Forgetful(Files):
    """Files of a disk that keeps nothing of the log once a version is installed."""

    def replace(self, path: Path, data: bytes, mode: int = 0o600) -> None:
        folder = path.parent
        if folder.name == "log" and (folder.parent / "current").is_symlink():
            raise StoreError(f"{path}: the disk refuses")
        super().replace(path, data, mode)


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    return Client(world, tmp_path).see(world)


def test_a_file_whose_version_has_no_order_is_refused(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "app.tar"
    file.write_bytes(app_bundle("1.0+x"))

    assert refusals(client.updater.verify(file).results) == {"manifest": "manifest"}


def test_a_running_program_whose_version_has_no_order_is_told_so(
    client: Client,
) -> None:
    given = replace(client.given, running="1.0+x")

    with pytest.raises(MalformedError, match="the running version"):
        Updater(client.root, client.anchor, given).check(Wish())


@pytest.mark.parametrize("data", [b"{}", None], ids=["other bytes", "too long"])
def test_a_damaged_version_is_updated_away(
    world: World, client: Client, data: bytes | None
) -> None:
    client.apply()
    (tree,) = client.root.folder.glob("versions/*/tree.json")
    tree.chmod(0o644)
    tree.write_bytes(bytes(MAX_JSON_BYTES + 1) if data is None else data)
    world.release("1.1")
    world.wait(8 * DAY)

    assert client.check(world) == {}
    assert client.apply(world).kind == "installed"


def test_an_install_that_the_memory_of_the_log_misses_is_told(client: Client) -> None:
    client.files = Forgetful()

    assert client.apply().kind == "installed"
    assert client.root.read().last == Last(
        at=int(client.seen), kind="installed", codes=(), version="1.0"
    )
