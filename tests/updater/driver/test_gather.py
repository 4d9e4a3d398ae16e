from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.clients import Client, refusals
from tests.updater.gates.cases import good
from tests.updater.world import DAY, World
from updater.driver.following import NOBODY, LogSource, successor
from updater.driver.gather import attempt
from updater.driver.session import open_session
from updater.errors import (
    FetchError,
    MisbehaviourError,
    RepositoryError,
    StoreError,
    UpdateError,
)
from updater.findings import Failed, Severity
from updater.gates.evidence import Wish
from updater.transparency.claims.parts import Head
from updater.transparency.view import LogView

GOOD = good()
assert isinstance(GOOD.log, LogView)
VIEW = GOOD.log


@pytest.mark.parametrize(
    ("error", "severity", "code"),
    [
        (FetchError("slow", "x"), Severity.UNREACHABLE, "slow"),
        (StoreError("x"), Severity.UNREACHABLE, "disk"),
        (RepositoryError("expired", "x"), Severity.REFUSED, "mine"),
        (MisbehaviourError("x", b""), Severity.MISBEHAVIOUR, "mine"),
        (KeyError("x"), Severity.REFUSED, "mine"),
        (RecursionError(), Severity.REFUSED, "mine"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), Severity.REFUSED, "mine"),
    ],
)
def test_whatever_is_raised_is_an_answer(
    error: Exception, severity: Severity, code: str
) -> None:
    def ask() -> int:
        raise error

    found = attempt(ask, "mine")

    assert isinstance(found, Failed)
    assert (found.severity, found.code) == (severity, code)


def test_who_interrupts_is_obeyed() -> None:
    def ask() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(ask)


def test_what_is_given_is_given() -> None:
    assert attempt(lambda: 3) == 3


@pytest.fixture
def world() -> World:
    world = World()
    world.release("1.1")
    world.wait(10 * DAY)
    return world


def test_the_log_is_read_even_if_the_metadata_is_bad(
    world: World, tmp_path: Path
) -> None:
    client = Client(world, tmp_path).see(world)
    (client.site / "metadata" / "timestamp.json").write_text("{}")
    with open_session(client.root, client.anchor, client.updater._given) as session:
        evidence = session.gathering.gather(Wish())

    assert isinstance(evidence.metadata, Failed)
    assert isinstance(evidence.log, LogView)
    assert evidence.log.head is not None


def test_where_no_site_has_all_of_the_log_its_client_is_that_of_the_view(
    world: World, tmp_path: Path
) -> None:
    client = Client(world, tmp_path).see(world)
    (client.site / "log" / "checkpoint").unlink()
    sites = (f"file://{client.site}/", f"file://{tmp_path}/empty/")
    client.bases = sites
    with open_session(client.root, client.anchor, client.given) as session:
        session.gathering.look()
        source = session.gathering.log._setting.source

    assert isinstance(source, LogSource)
    assert source.bases == sites[:1]


def test_the_evidence_of_a_slot_is_what_came(world: World, tmp_path: Path) -> None:
    client = Client(world, tmp_path)
    client.apply(world, is_by_hand=True)
    (folder,) = client.root.folder.glob("versions/*/evidence")
    made = world.releases["1.1"]

    assert (folder / "claim.json").read_bytes() == made.leaf
    assert sorted(each.name for each in folder.iterdir()) == [
        "claim.json", "rebuild-0.json", "rebuild-1.json", "tlog-proof", "verdict.json",
    ]  # fmt: skip


def test_nothing_new_needs_no_file_again(world: World, tmp_path: Path) -> None:
    client = Client(world, tmp_path).see(world)
    client.check()
    for each in (client.site / "targets").rglob("*.json"):
        each.unlink()

    assert refusals(client.updater.check(Wish(is_by_hand=True)).results) == {}


def test_a_file_that_was_kept_and_changed_is_fetched_anew(
    world: World, tmp_path: Path
) -> None:
    client = Client(world, tmp_path).see(world)
    client.check()
    for each in (client.root.folder / "kept").iterdir():
        each.write_bytes(b"{}")

    assert refusals(client.updater.check(Wish(is_by_hand=True)).results) == {}


def test_a_log_that_goes_on_has_no_successor() -> None:
    assert successor(VIEW) is None


def test_the_log_that_goes_on_succeeds_a_closed_one() -> None:
    closed = closing(VIEW.origin)
    current = closed.honoured.current
    other = replace(
        current.policy.logs[0],
        key=replace(current.policy.logs[0].key, name="bt.example/ringfence/2"),
    )
    policy = replace(current.policy, logs=(*current.policy.logs, other))
    sets = (replace(current, policy=policy),)
    view = replace(closed, honoured=replace(closed.honoured, sets=sets))

    assert successor(view) == "bt.example/ringfence/2"


def test_a_closed_log_without_another_is_the_last() -> None:
    assert successor(closing(VIEW.origin)) is None


def closing(origin: str) -> LogView:
    """A view whose trust files close a log."""
    current = VIEW.honoured.current
    trust = replace(current.trust, closed_logs=(Head(origin, 2, bytes(32)),))
    sets = (replace(current, trust=trust),)
    return replace(VIEW, honoured=replace(VIEW.honoured, sets=sets))


def test_nobody_answers_nothing() -> None:
    with pytest.raises(FetchError):
        NOBODY.get("checkpoint", 10)
    with pytest.raises(UpdateError):
        NOBODY.trust_file("ab" * 32)
