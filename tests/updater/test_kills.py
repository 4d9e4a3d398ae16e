"""Whenever an updater is killed, some version starts, and the next run finishes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.places import (
    BROKEN,
    CONFIRMING,
    NOW,
    PYTHON,
    installer,
    offer,
    place,
    release_of,
)
from updater.errors import UnhealthyError
from updater.install.install import Installer
from updater.install.proving import prove
from updater.install.root import Root
from updater.testing.faults import sweep


def _root(folder: Path) -> Root:
    return place(folder / "root", now=lambda: NOW)


# What is killed; each is run in a process of its own


def install(folder: Path) -> None:
    """Install 1.1 over 1.0."""
    release = release_of(folder / "app-1.1.tar", "1.1")
    with _root(folder).running():
        Installer(_root(folder), CONFIRMING, python=PYTHON).install(release, {})


def install_broken(folder: Path) -> None:
    """Try to install what fails its probe."""
    release = release_of(folder / "app-1.2.tar", "1.2")
    try:
        installer(_root(folder)).install(release, {})
    except UnhealthyError:
        return


def confirm(folder: Path) -> None:
    """Say that 1.1 works."""
    root = _root(folder)
    slot = root.current()
    assert slot is not None
    prove(root, slot)


def go_back(folder: Path) -> None:
    """Go back to 1.0."""
    installer(_root(folder)).rollback()


def collect(folder: Path) -> None:
    """Remove 1.0, which nothing needs."""
    installer(_root(folder)).collect()


def update_launcher(folder: Path) -> None:
    """Replace an old launcher."""
    installer(_root(folder)).repair()


# What it finds


def _prepare(folder: Path) -> Root:
    root = _root(folder)
    installer(root).install(offer(folder, "1.0"), {})
    offer(folder, "1.1")
    return root


def _prepare_broken(folder: Path) -> None:
    _prepare(folder)
    offer(folder, "1.2", BROKEN)


def _prepare_pending(folder: Path) -> None:
    _prepare(folder)
    install(folder)


def _prepare_two(folder: Path) -> None:
    root = _prepare(folder)
    installer(root).install(release_of(folder / "app-1.1.tar", "1.1"), {})


def _prepare_three(folder: Path) -> None:
    root = _prepare(folder)
    slot = root.current()
    assert slot is not None
    with root.files.lock(root.slot_lock(slot), shared=True):
        for version in ("1.1", "1.2"):
            installer(root).install(offer(folder, version), {})


def _prepare_old_launcher(folder: Path) -> None:
    root = _prepare(folder)
    path = root.folder / "app"
    path.write_bytes(path.read_bytes().replace(b"VERSION = ", b"VERSION = 0  # "))


# What must hold


def _start(root: Root) -> str:
    command = [str(PYTHON), "-I", "-S", str(root.folder / "app")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout or f"{done.returncode} {done.stderr}"


def _judge(folder: Path) -> str:
    """Start, let the next run finish, start again; say what is wrong."""
    root = _root(folder)
    first = _start(root)
    if first not in {"1.0 runs\n", "1.1 runs\n", "1.2 runs\n"}:
        return f"did not start: {first}"
    with root.running():
        installer(root).install(offer(folder, "1.3"), {})
    if _start(root) != "1.3 runs\n":
        return "the next run did not finish"
    if rest := root.files.names(root.stage):
        return f"left in stage: {rest}"
    new = [path.name for path in root.folder.glob("*.new")]
    return f"left: {new}" if new else ""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("task", "prepare", "least"),
    [
        (install, _prepare, 60),
        (install_broken, _prepare_broken, 30),
        (confirm, _prepare_pending, 4),
        (go_back, _prepare_two, 10),
        (collect, _prepare_three, 10),
        (update_launcher, _prepare_old_launcher, 10),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_some_version_starts_after_every_kill(
    task: Callable[[Path], None],
    prepare: Callable[[Path], object],
    least: int,
    tmp_path: Path,
) -> None:
    name = f"{__name__}:{task.__name__}"
    figures = sweep(name, tmp_path, prepare=prepare, judge=_judge)

    assert figures.bad == ()
    assert figures.killed >= least


def test_some_version_starts_after_some_kills(tmp_path: Path) -> None:
    """Look at a few of the points that the slow test visits one by one."""
    figures = sweep(
        "tests.updater.test_kills:install",
        tmp_path,
        prepare=_prepare,
        judge=_judge,
        every=97,
    )

    assert figures.bad == ()
