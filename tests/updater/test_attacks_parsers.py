"""Texts made to trip whoever reads them, in the place of every file that is read.

Nothing but a refusal comes of them: no exception of any library, no yes, no freeze, and
in good time. Whoever attacks holds the key that lists the file, if there is one.
"""

import time
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import World, ready
from updater.gates.evidence import Wish

TEXTS = {
    "nothing": b"",
    "deep lists": b"[" * 10_000,
    "deep objects": b'{"a":' * 10_000,
    "closed deep lists": b"[" * 5_000 + b"]" * 5_000,
    "a key twice": b'{"a":1,"a":2}',
    "a huge integer": b'{"a":' + b"9" * 10_000 + b"}",
    "a fraction": b'{"a":1.5}',
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":1e999}',
    "half a surrogate": b'{"a":"\\ud800"}',
    "no UTF-8": b'{"a":"\xff\xfe"}',
    "zeros": bytes(1_000),
    "a number": b"1",
    "a string": b'"a"',
    "null": b"null",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "empty lines": b"\n" * 1_000,
    "another alphabet": "\u0661\u0662\u0663".encode(),
}
METADATA = ("timestamp.json", "2.root.json")
LISTED = {
    "channel": ("channels/stable.json", "channels"),
    "claim": ("{path}.claim.json", "claims"),
    "proof": ("{path}.tlog-proof", "claims"),
}
BOUND_S = 5.0


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Client]:
    world = ready()
    client = Client(world, tmp_path_factory.mktemp("seen"))
    client.check(world)
    return world, client


def judge(client: Client) -> None:
    """Check, and expect a refusal in good time."""
    began = time.monotonic()
    report = client.updater.check(Wish())

    assert report.kind in {"refused", "unreachable"}
    assert time.monotonic() - began < BOUND_S
    gates = {each.gate: each.outcome for each in report.results}
    assert getattr(gates["freeze"], "code", "") == ""
    assert all(getattr(each, "code", "") != "internal" for each in gates.values())


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("file", LISTED)
def test_a_listed_file_is_refused(
    file: str, text: str, seen: tuple[World, Client], tmp_path: Path
) -> None:
    world, client = seen[0].copy(), seen[1].copy(tmp_path / "client")
    path, role = LISTED[file]
    path = path.format(path=world.releases["1.0"].path)
    world.repository.add(path, TEXTS[text], role)
    world.publish()

    judge(client.see(world))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("file", METADATA)
def test_metadata_is_refused(
    file: str, text: str, seen: tuple[World, Client], tmp_path: Path
) -> None:
    world, client = seen[0], seen[1].copy(tmp_path / "client")
    client.see(world)
    (client.site / "metadata" / file).write_bytes(TEXTS[text])

    judge(client)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("file", ["checkpoint", "tile/entries", "tile/0"])
def test_a_file_of_the_log_is_refused(
    file: str, text: str, seen: tuple[World, Client], tmp_path: Path
) -> None:
    world, client = seen[0].copy(), seen[1].copy(tmp_path / "client")
    world.log.leaves.append(b"something new")
    world.publish()
    client.see(world)
    place = client.site / "log" / file
    if place.is_dir():
        place = max(place.rglob("*.p/*"), key=lambda each: int(each.name))
    place.write_bytes(TEXTS[text])

    judge(client)


@pytest.mark.parametrize("text", TEXTS)
def test_an_entry_of_the_log_that_is_nothing_is_passed_over(
    text: str, seen: tuple[World, Client], tmp_path: Path
) -> None:
    world, client = seen[0].copy(), seen[1].copy(tmp_path / "client")
    world.log.leaves.append(TEXTS[text])
    world.publish()

    assert client.check(world) == {}
