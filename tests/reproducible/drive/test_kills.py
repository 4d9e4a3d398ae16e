"""Whenever a watcher is killed, the next run finishes, and says nothing twice."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from reproducible.compare.verdict import Comparison, FileId
from reproducible.drive.outlets import Outbox
from reproducible.drive.page import Watched
from reproducible.drive.telling import Told, claim_name
from reproducible.drive.watching import Duty, Watcher
from reproducible.explain.explaining import Explained
from tests.reproducible.drive.standings import NOW, dice
from tests.updater.transparency.claimants import OPERATOR_KEYS, REBUILD, entry
from updater.driver.published import Published, Releases
from updater.testing.faults import sweep
from updater.transparency.claims.rebuild import RebuildClaim
from updater.transparency.entry import parse_entry

_SUBJECT = REBUILD.subject
_CLAIM = claim_name(_SUBJECT.name, "anna")
_REPORT = f"{_SUBJECT.name}.compare.json"
_LATER_S = 1 << 16  # far less than the life of a statement


class _Shelf:
    """One release, whose file is no matter."""

    def listed(self) -> list[SimpleNamespace]:
        row = SimpleNamespace(
            version="1.0", platform="cp312-linux-x86_64", sha256=_SUBJECT.sha256
        )
        return [row]

    def is_yanked(self, _: object) -> bool:
        return False

    def fetch(self, _: str, __: str) -> Published:
        artifact = SimpleNamespace(sha256=_SUBJECT.sha256)
        return cast("Published", SimpleNamespace(artifact=artifact))

    def drop(self, _: object) -> None:
        pass


@contextlib.contextmanager
def _releases() -> Iterator[Releases]:
    yield cast("Releases", _Shelf())


def _rebuild(_: Published, out: Path) -> Told:
    """Say a thing that no other run says, with a report that belongs to it."""
    finished = NOW + int.from_bytes(os.urandom(8), "big") % _LATER_S
    claim = replace(
        REBUILD,
        started_on=NOW - 1,
        finished_on=finished,
        expires_on=finished + 120 * 86_400,
    )
    leaf = entry(claim, OPERATOR_KEYS["anna"])
    files = (out / _REPORT, out / _CLAIM)
    for path, data in zip(files, (_report_of(leaf), leaf), strict=True):
        path.write_bytes(data)
    file = FileId(_SUBJECT.name, 1, sha256=_SUBJECT.sha256)
    same = Comparison(
        verdict="identical", method="sha256", published=file, rebuilt=file
    )
    return Told(explained=Explained(same), level=1, claim=claim, leaf=leaf, files=files)


def watch(folder: Path) -> None:
    """Do one round; it is run in a process of its own."""
    duty = Duty(
        about=Watched(project="pkg:pypi/app", operator="anna", key="c" * 64),
        releases=_releases,
        rebuild=_rebuild,
        outlets=[Outbox(folder / "outbox")],
        platforms=None,
        scratch=folder / "scratch",
        now=lambda: NOW,
        pause=lambda _: False,
        entropy=dice,
    )
    Watcher(folder / "watch", duty).once()


def _prepare(folder: Path) -> None:
    (folder / "scratch").mkdir()


def _told(folder: Path) -> set[bytes]:
    """Collect what anybody outside could have read."""
    places = (folder / "outbox", folder / "watch/public")
    return {path.read_bytes() for each in places for path in each.rglob(_CLAIM)}


def _judge(folder: Path) -> str:
    before = _told(folder)
    watch(folder)
    after = _told(folder)
    if len(before | after) != 1:
        return f"{len(before | after)} statements"
    (leaf,) = after
    report = (folder / "watch/public" / _SUBJECT.name / _REPORT).read_bytes()
    if report != _report_of(leaf):
        return "a report of another run"
    if not (folder / "outbox" / _CLAIM).exists():
        return "not handed out"
    left = [path.name for path in folder.rglob("*.new")]
    return f"left: {left}" if left else ""


def _report_of(leaf: bytes) -> bytes:
    claim = parse_entry(leaf).claim
    assert isinstance(claim, RebuildClaim)
    return b"of %d" % claim.finished_on


@pytest.mark.slow
def test_a_watcher_that_is_killed_anywhere_says_one_thing(tmp_path: Path) -> None:
    figures = sweep(f"{__name__}:watch", tmp_path, prepare=_prepare, judge=_judge)

    assert figures.bad == ()
    assert figures.killed >= 60


def test_a_watcher_that_is_killed_somewhere_says_one_thing(tmp_path: Path) -> None:
    """Look at a few of the points that the slow test visits one by one."""
    figures = sweep(
        f"{__name__}:watch", tmp_path, prepare=_prepare, judge=_judge, every=23
    )

    assert figures.bad == ()
