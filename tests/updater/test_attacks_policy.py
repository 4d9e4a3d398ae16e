"""Attacks on what is trusted: trust files, and logs that end and go on elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World, ready
from updater.driver.settings import parse_settings
from updater.errors import MalformedError
from updater.gates.evidence import Wish
from updater.transparency.claims.parts import Head


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    return Client(world, tmp_path)


def tighten(world: World) -> None:
    """Ask for three rebuilders from now on, and let that come to count."""
    policy = replace(world.trust.rebuilders, threshold=3)
    world.change_trust(rebuilders=policy)
    world.publish()


def test_trust_files_that_count_are_not_taken_back(
    world: World, client: Client
) -> None:
    former = world.trust
    client.check(world)
    tighten(world)
    client.check(world)
    world.wait(4 * DAY)
    before = client.check(world)
    world.trust = former
    thief = world.thief("timestamp", "snapshot", "channels", "claims", "trust", "log")
    thief.log_policy()
    thief.publish()
    client.check(thief)
    thief.wait(4 * DAY)

    assert before == {"rebuild": "rebuild-quorum"}
    assert client.check(thief) == before


def test_young_trust_files_do_not_count_yet(world: World, client: Client) -> None:
    client.check(world)
    tighten(world)
    client.check(world)
    world.wait(2 * DAY)

    assert client.check(world) == {}


def test_a_trust_file_that_is_withheld_stops_installs(
    world: World, client: Client
) -> None:
    client.check(world)
    tighten(world)
    client.check(world)
    world.wait(4 * DAY)
    client.see(world)
    digest = world.trust_set.digests["trust.json"]
    next(client.site.rglob(f"{digest}.{digest}")).unlink()

    refused = client.check()

    assert refused["consistency"] == "network"
    assert client.check(world) == {"rebuild": "rebuild-quorum"}


def test_a_trust_file_that_is_swapped_stops_installs(
    world: World, client: Client
) -> None:
    client.check(world)
    tighten(world)
    client.check(world)
    world.wait(4 * DAY)
    client.see(world)
    digest = world.trust_set.digests["trust.json"]
    next(client.site.rglob(f"{digest}.{digest}")).write_bytes(b"{}")

    assert client.check()["consistency"] == "network"


def test_trust_files_kept_here_are_not_believed_when_they_change(
    world: World, client: Client
) -> None:
    client.check(world)
    tighten(world)
    client.check(world)
    world.wait(4 * DAY)
    client.check(world)
    for each in (client.root.folder / "log/honoured").iterdir():
        each.write_bytes(each.read_bytes().replace(b":3", b":2"))

    assert client.check(world) == {"rebuild": "rebuild-quorum"}


def test_a_log_that_was_closed_and_goes_on_counts_for_nothing(
    world: World, client: Client
) -> None:
    client.check(world)
    closed = Head(world.log.origin, world.log.size, world.log.root)
    world.change_trust(closed_logs=(closed,))
    world.publish()
    client.check(world)
    world.wait(4 * DAY)
    client.check(world)
    world.release("1.1")
    world.wait(8 * DAY)

    refused = client.check(world)

    assert refused["consistency"] == "origin"
    assert refused["inclusion"] == "origin"


@pytest.mark.parametrize(
    "text",
    [
        'skip_gates = ["rebuild"]',
        "insecure = true",
        "[tighten]\ncooldown_s = -1",
        "[tighten]\nrebuild_threshold = 0",
        "[relax]\ncooldown_s = 0",
        'channel = "../stable"',
        'mirrors = ["ftp://mirror.example/"]',
        'apply = "always"',
    ],
)
def test_no_setting_makes_anything_easier(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_settings(text.encode())


def asks_for_time(client: Client) -> None:
    client.settings = replace(client.settings, cooldown_s=30 * DAY)


def asks_for_rebuilders(client: Client) -> None:
    client.settings = replace(client.settings, rebuild_threshold=3)


def asks_for_friends(client: Client) -> None:
    client.settings = replace(client.settings, peers=1)


@pytest.mark.parametrize(
    ("asks", "refused"),
    [
        (asks_for_time, {"wave": "rollout", "cooldown": "cooldown"}),
        (asks_for_rebuilders, {"rebuild": "rebuild-quorum"}),
        (asks_for_friends, {"cooldown": "peer-gate"}),
    ],
    ids=["time", "rebuilders", "friends"],
)
def test_a_user_may_ask_for_more(
    asks: Callable[[Client], None],
    refused: dict[str, str],
    world: World,
    client: Client,
) -> None:
    asks(client)

    assert client.check(world) == refused


def test_haste_waives_time_alone_and_is_written_down(
    world: World, client: Client
) -> None:
    world.release("1.1", rebuilt_by=("anna",))
    client.see(world)
    wish = Wish(is_by_hand=True, break_glass="the hole is being used")

    report = client.updater.check(wish)
    refused = [name for name, _ in [report.headline or ("", None)]]

    assert refused == ["rebuild"]
    assert b"the hole is being used" in client.root.audit_file().read_bytes()
