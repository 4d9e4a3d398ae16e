"""A publisher that is killed at any change of the disk: what is left can go on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.publish.projects import PLATFORM, PRODUCT, Project
from updater.errors import UpdateError
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.publish.draft import read_channel
from updater.testing.faults import Figures, sweep
from updater.tuf.layout import Anchor
from updater.tuf.repository import Repository, Site

LATER = 3600


def release(folder: Path) -> None:
    """What is killed: the second release of a project."""
    _later(folder).release("1.1")


def refresh(folder: Path) -> None:
    """What is killed: keeping alive what is public."""
    _later(folder).publisher().refresh()


@pytest.mark.parametrize(
    ("task", "every"),
    [
        ("release", 23),
        ("refresh", 11),
        pytest.param("release", 1, marks=pytest.mark.slow),
        pytest.param("refresh", 1, marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(600)
def test_wherever_it_is_killed_clients_are_served_and_it_can_go_on(
    task: str, every: int, tmp_path: Path, first: Callable[[Path], object]
) -> None:
    figures = _sweep(task, every, tmp_path, first)

    assert figures.bad == ()
    assert figures.killed > 5


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], object]:
    """Copy a project with one release to a folder."""
    made = tmp_path_factory.mktemp("first") / "project"
    Project(made).create().release("1.0")
    return lambda folder: shutil.copytree(made, folder, dirs_exist_ok=True)


def _sweep(
    task: str, every: int, folder: Path, prepare: Callable[[Path], object]
) -> Figures:
    judge = {"release": _judge_release, "refresh": _judge_refresh}[task]
    return sweep(
        f"{__name__}:{task}", folder, prepare=prepare, judge=judge, every=every
    )


def _judge_release(folder: Path) -> str:
    project = _later(folder)
    if wrong := _unserved(project, {"1.0", "1.1"}):
        return wrong
    try:
        if project.place.journal().change is not None:
            project.publisher().publish()
        elif not _offers(project, "1.1"):
            project.release("1.1")
    except UpdateError as error:
        return f"cannot go on: {error}"
    return _unserved(project, {"1.1"})


def _judge_refresh(folder: Path) -> str:
    project = _later(folder)
    if wrong := _unserved(project, {"1.0"}):
        return wrong
    project.clock.time += 60
    try:
        project.publisher().refresh()
        project.clock.time += 60
        project.release("1.1")
    except UpdateError as error:
        return f"cannot go on: {error}"
    return _unserved(project, {"1.1"})


def _later(folder: Path) -> Project:
    project = Project(folder, is_rehearsed=False)
    project.clock.time += LATER
    return project


def _offers(project: Project, version: str) -> bool:
    channel = read_channel(project.place, "stable")
    return channel is not None and channel.version == version


def _unserved(project: Project, versions: set[str]) -> str:
    """Say why a client would not find one of these versions, or nothing."""
    channel = read_channel(project.place, "stable")
    client = project.folder / "client"
    site = Site.under(f"file://{project.public}/")
    root = (project.public / "metadata/1.root.json").read_bytes()
    try:
        with (
            Fetcher(Files(), Network(copies=True)) as fetcher,
            Repository(
                client, fetcher, [site], Anchor(root, project.clock.now()), Files()
            ) as repository,
        ):
            repository.refresh()
            listed = repository.find("channels/stable.json")
            assert listed is not None
            offered = repository.read(listed, most=1 << 16)
            for version in versions:
                if f'"version":"{version}"'.encode() in offered:
                    for ending in ("", ".claim.json", ".tlog-proof"):
                        path = PRODUCT.target(version, PLATFORM) + ending
                        found = repository.find(path)
                        if found is None:
                            return f"{path} is not listed"
                        repository.read(found, most=1 << 20)
                    return ""
    except UpdateError as error:
        return f"clients: {error}"
    return f"clients find none of {versions}, but {channel}"
