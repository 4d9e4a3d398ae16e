"""Attacks by whoever stands between, held against the whole updater over sockets.

They hold no key: the worst that they can do is to delay, and nothing that they send
freezes anything. Afterwards, with an honest server, all is as if they had never been.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World, ready
from updater.fetch.connection import Limits
from updater.fetch.fetch import Network
from updater.gates.evidence import Wish
from updater.testing.hostile import (
    Behaviour,
    HostileServer,
    bomb,
    cut,
    drip,
    endless,
    lying,
    page,
    raw,
    redirect,
    silence,
)

IMPATIENT = Limits(
    connect_s=0.3, gap_s=0.1, small_s=0.2, large_s=0.2, drip=1e6, drip_s=0.1
)
LOOPBACK = Network(loopback=True, limits=IMPATIENT)
BOUND_S = 20.0
"""Four mirrors would take four times the patience of some requests, and no more."""


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    client = Client(world, tmp_path)
    client.network = LOOPBACK
    return client.see(world)


@pytest.fixture
def server(client: Client) -> Iterator[HostileServer]:
    with HostileServer(client.site) as serving:
        client.bases = (serving.url,)
        yield serving


def path_of(client: Client, pattern: str) -> str:
    """Find what a client would ask for."""
    found = next(iter(sorted(client.site.rglob(pattern), reverse=True)))
    return f"/{found.relative_to(client.site)}"


FILES = {
    "timestamp": "metadata/timestamp.json",
    "snapshot": "metadata/*.snapshot.json",
    "a role": "metadata/*.releases.json",
    "the channel": "targets/channels/*.stable.json",
    "a claim": "targets/releases/1.0/*.claim.json",
    "the checkpoint": "log/checkpoint",
    "a tile": "log/tile/0/*.p/*",
    "entries": "log/tile/entries/*.p/*",
}
HARMS: dict[str, Behaviour] = {
    "a page": page(b"<html>please log in</html>"),
    "half of it": page(b'{"signatures":['),
    "an error": page(b"", 500),
    "a redirect": redirect("http://127.0.0.1:1/"),
    "no end": endless(),
    "a lie of its length": endless(1 << 40),
    "a bomb": bomb(1 << 26),
    "too short": lying(b"{}", 1_000),
    "one byte at a time": drip(bytes(1_000), 0.02),
    "silence": silence(),
    "silence after the head": silence(after_head=True),
    "no HTTP": raw(b"\0" * 100),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_whoever_stands_between_can_delay_and_no_more(
    file: str, harm: Behaviour, client: Client, server: HostileServer
) -> None:
    server.behaviour[path_of(client, file)] = harm
    began = time.monotonic()

    report = client.updater.check(Wish())
    took_s = time.monotonic() - began
    server.behaviour.clear()

    assert report.kind in {"unreachable", "refused"}
    assert took_s < BOUND_S
    assert client.check() == {}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_download_that_is_disturbed_goes_on_later(
    harm: Behaviour, client: Client, server: HostileServer
) -> None:
    server.behaviour[path_of(client, "targets/releases/1.0/*.tar")] = harm
    report = client.updater.apply(Wish())
    server.behaviour.clear()

    assert report.kind == "unreachable"
    assert client.apply().kind == "installed"


def test_a_download_that_was_cut_is_resumed(
    client: Client, server: HostileServer
) -> None:
    path = path_of(client, "targets/releases/1.0/*.tar")
    data = (client.site / path[1:]).read_bytes()
    server.behaviour[path] = cut(data, after=1_000)
    client.updater.apply(Wish())
    server.behaviour.clear()
    server.asked.clear()

    kind = client.apply().kind
    ranges = [each.headers.get("range") for each in server.asked if each.path == path]

    assert (kind, ranges) == ("installed", [f"bytes=1000-{len(data) - 1}"])


def test_one_good_mirror_is_enough(
    world: World, client: Client, tmp_path: Path
) -> None:
    client.network = Network(loopback=True, copies=True, limits=IMPATIENT)
    stale, good, lying_site = (tmp_path / name for name in ("stale", "good", "lying"))
    world.write(stale)
    world.release("1.1")
    world.wait(8 * DAY)
    world.write(good)
    world.write(lying_site)
    for each in lying_site.rglob("*"):
        if each.is_file():
            each.write_bytes(b"[]")
    client.see(world)
    with HostileServer(lying_site) as liar:
        client.bases = (
            "http://127.0.0.1:1/",
            f"file://{stale}/",
            liar.url,
            f"file://{good}/",
        )

        report = client.updater.apply(Wish())

    assert (report.kind, report.offered) == ("installed", "1.1")


def test_a_site_with_an_old_log_hides_nothing_from_who_saw_more(
    world: World, client: Client, tmp_path: Path
) -> None:
    client.network = Network(loopback=True, copies=True)
    client.check(world)
    late, good = tmp_path / "late", tmp_path / "good"
    old = {path: data for path, data in world.files().items() if path[:4] == "log/"}
    world.yank(world.releases["1.0"])
    world.wait(60)
    client.check(world)
    world.write(late)
    for path, data in old.items():
        (late / path).write_bytes(data)
    world.yank(world.releases["1.0"])
    world.publish()
    world.write(good)
    client.bases = (f"file://{late}/", f"file://{good}/")
    client.check()

    assert client.log.view().memory.head.size == world.log.size


def test_a_check_that_finds_nothing_new_asks_three_questions(
    client: Client, server: HostileServer
) -> None:
    client.updater.apply(Wish())
    server.asked.clear()

    kind = client.updater.check(Wish()).kind

    assert kind == "current"
    assert [each.path for each in server.asked] == [
        "/metadata/2.root.json",
        "/metadata/timestamp.json",
        "/log/checkpoint",
    ]


def test_two_machines_ask_the_same(
    world: World, client: Client, server: HostileServer, tmp_path: Path
) -> None:
    other = Client(world, tmp_path / "other")
    other.network, other.bases = client.network, client.bases
    client.updater.check(Wish())
    first = [(each.path, dict(each.headers)) for each in server.asked]
    server.asked.clear()

    other.see(world).updater.check(Wish())

    assert [(each.path, dict(each.headers)) for each in server.asked] == first
