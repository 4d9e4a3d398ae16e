"""What a run of the updater does with what is hostile or damaged on this machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.clients import Client, refusals
from tests.updater.places import app_bundle
from tests.updater.world import World, ready
from updater.driver.update import Updater
from updater.errors import MalformedError
from updater.gates.evidence import Wish


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
