"""The whole updater, killed at each change of the disk.

After every kill, what was installed starts, and the next run comes to the same end as
one that nobody killed. (Installing alone is swept in `test_kills`; publishing, the log
and the witnesses where they are tested.)
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World, ready
from updater.gates.evidence import Wish
from updater.testing.faults import sweep

_HERE = __name__


def released() -> World:
    """Give a project whose 1.1 may be installed too."""
    world = ready()
    world.release("1.1")
    world.wait(8 * DAY)
    return world


def rotated() -> World:
    """Give a project with new keys for everything, announced but young."""
    world = released()
    world.repository.rekey()
    world.log_policy()
    world.publish()
    return world


def forked() -> World:
    """Give a project whose log has another history."""
    thief = released().thief("log", "witness:w1", "witness:w2", "witness:w3")
    thief.rewind_log(1)
    thief.log.leaves += [b"another history"] * 12
    thief.witness()
    return thief


# What is killed; each runs in a process of its own


def reopen(world: World, folder: Path) -> Client:
    client = Client(ready(), folder / "client", is_there=True)
    client.seen = world.now
    return client


def apply_first(folder: Path) -> None:
    """Install 1.0 where nothing was."""
    reopen(ready(), folder).updater.apply(Wish())


def check(folder: Path) -> None:
    """Learn of 1.1."""
    reopen(released(), folder).updater.check(Wish())


def apply(folder: Path) -> None:
    """Install 1.1 over 1.0."""
    reopen(released(), folder).updater.apply(Wish())


def check_rotated(folder: Path) -> None:
    """Follow a change of all keys."""
    reopen(rotated(), folder).updater.check(Wish())


def check_forked(folder: Path) -> None:
    """Catch the log lying."""
    reopen(forked(), folder).updater.check(Wish())


# What it finds


class Stage:
    """Folders as a task finds them; each is made once and then copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fresh(self, place: Path) -> None:
        self._give("fresh", place, ready, is_installed=False)

    def installed(self, place: Path) -> None:
        self._give("installed", place, released)

    def rotated(self, place: Path) -> None:
        self._give("rotated", place, rotated)

    def forked(self, place: Path) -> None:
        self._give("forked", place, forked)

    def _give(
        self,
        name: str,
        place: Path,
        then: Callable[[], World],
        *,
        is_installed: bool = True,
    ) -> None:
        made = self._folder / name
        if not made.exists():
            client = Client(ready(), made)
            if is_installed:
                client.apply(ready())
            client.see(then())
        shutil.copytree(made, place / "client", symlinks=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


# What must hold


def finishes(world: Callable[[], World], version: str) -> Callable[[Path], str]:
    """Judge that the next run installs a version."""

    def judge(folder: Path) -> str:
        client = reopen(world(), folder)
        if wrong := not_started(client, {"1.0 runs", "1.1 runs"}):
            return wrong
        report = client.updater.apply(Wish())
        if report.kind not in {"installed", "current"}:
            return f"{report.kind}: {report.headline}"
        return not_started(client, {f"{version} runs"}) or litter(client)

    return judge


def refuses(world: Callable[[], World], expected: set[str]) -> Callable[[Path], str]:
    """Judge that the next check says what one says that nobody killed."""

    def judge(folder: Path) -> str:
        client = reopen(world(), folder)
        if wrong := not_started(client, {"1.0 runs"}):
            return wrong
        refused = client.check()
        return "" if set(refused) == expected else f"came {refused}"

    return judge


def not_started(client: Client, expected: set[str]) -> str:
    """Start what is installed, if anything is."""
    if client.root.current() is None and "1.0 runs" in expected:
        return ""  # the first installation was not over
    said = client.start()
    return "" if said in expected else f"did not start: {said}"


def litter(client: Client) -> str:
    """Name what a run should have tidied up."""
    left = [each.name for each in client.root.stage.iterdir()]
    left += [each.name for each in client.root.folder.rglob("*.new")]
    return f"left: {left}" if left else ""


FROZEN = {"freeze", "consistency", "cooldown", "rebuild"}
TASKS: dict[str, tuple[str, Callable[[Path], str], int]] = {
    "apply_first": ("fresh", finishes(ready, "1.0"), 60),
    "check": ("installed", finishes(released, "1.1"), 20),
    "apply": ("installed", finishes(released, "1.1"), 100),
    "check_rotated": ("rotated", refuses(rotated, {"policy"}), 20),
    "check_forked": (
        "forked",
        refuses(forked, FROZEN),
        10,
    ),
}


def run(task: str, stage: Stage, folder: Path, *, every: int = 1) -> int:
    """Sweep a task, expect that nothing was bad, and say how often it was killed."""
    name, judge, _ = TASKS[task]
    figures = sweep(
        f"{_HERE}:{task}",
        folder,
        prepare=getattr(stage, name),
        judge=judge,
        every=every,
    )
    assert figures.bad == ()
    return figures.killed


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("task", TASKS)
def test_every_kill_leaves_what_runs_and_what_goes_on(
    task: str,
    stage: Stage,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    killed = run(task, stage, tmp_path)
    record_property("killed", killed)

    assert killed >= TASKS[task][2]


@pytest.mark.parametrize("task", TASKS)
def test_some_kills_leave_what_runs_and_what_goes_on(
    task: str, stage: Stage, tmp_path: Path
) -> None:
    assert run(task, stage, tmp_path, every=131) > 0
