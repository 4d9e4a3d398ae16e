"""A publisher and a witness that are killed at each change of the disk.

What is judged after each kill: what is public is whole and opens; the next run ends;
no witness has signed, for any size, another root than the log ends up with.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.io_map import CHECKOUT
from tests.updater.transparency.logs import ORIGIN, checkpoint
from tests.updater.transparency.test_witness import request
from tests.updater.transparency.writers import World, yanks
from updater.errors import DeclinedError, RefusedError, UpdateError
from updater.testing.faults import sweep
from updater.transparency.fsck import Fsck
from updater.transparency.publishing import open_tree, shown_checkpoint

_HERE = "tests.updater.transparency.test_killed_writers"
_BEFORE = yanks(255)
_NEW = yanks(2, since=255)  # fills a tile and begins the next


def create(folder: Path) -> None:
    """Task: make a log."""
    World(folder).create()


def append(folder: Path) -> None:
    """Task: let two claims wait."""
    _later(folder).log.append(_NEW)


def publish(folder: Path) -> None:
    """Task: publish two claims that wait."""
    world = _later(folder)
    world.log.publish(world.means)


def refresh(folder: Path) -> None:
    """Task: have the tree witnessed anew."""
    world = _later(folder)
    world.log.refresh(world.means)


def published(folder: Path) -> None:
    World(folder).create().publish(*_BEFORE)


def waiting(folder: Path) -> None:
    published(folder)
    _later(folder).log.append(_NEW)


_TASKS: list[tuple[str, Callable[[Path], None], int]] = [
    ("append", published, 2),
    ("publish", waiting, 2),
    ("refresh", published, 0),
]


@pytest.mark.parametrize(
    ("task", "prepare", "new"), _TASKS, ids=[task for task, _, _ in _TASKS]
)
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_run_is_finished_by_the_next(
    tmp_path: Path, task: str, prepare: Callable[[Path], None], new: int
) -> None:
    template = tmp_path / "template"
    template.mkdir()
    prepare(template)

    def judge(folder: Path) -> str:
        return wrong_with(folder, new)

    figures = sweep(
        f"{_HERE}:{task}",
        tmp_path,
        prepare=lambda folder: _copy(template, folder),
        judge=judge,
    )

    assert figures.bad == ()
    assert figures.killed > 3


def cosign_on_and_on(folder: Path) -> None:
    """Task: cosign a growing log, and say each size that an answer was given for."""
    witness = World(folder).witnesses["w1"]
    for size in range(1, 19):
        witness.add_checkpoint(request(size - 1, size))
        sys.stdout.write(f"{size}\n")
        sys.stdout.flush()


@pytest.mark.parametrize("answers", [1, 4, 9])
def test_a_killed_witness_remembers_every_answer(tmp_path: Path, answers: int) -> None:
    code = (
        f"import sys, pathlib, {_HERE} as tests;"
        " tests.cosign_on_and_on(pathlib.Path(sys.argv[1]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as child:
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(answers)]
        child.kill()
    world = World(tmp_path)
    known = world.witnesses["w1"].known(ORIGIN)

    assert known is not None
    assert known.head.size >= said[-1]
    assert known.head.root == checkpoint(known.head.size).root
    with pytest.raises(DeclinedError) as caught:
        world.witnesses["w1"].add_checkpoint(request(said[-1] - 1, said[-1]))
    assert (caught.value.status, caught.value.size) == (409, known.head.size)


def wrong_with(folder: Path, new: int) -> str:
    """Judge what a kill left, and what the next run makes of it."""
    world = _later(folder)
    try:
        shown = shown_checkpoint(world.disk)
        assert shown is not None
        tree = shown.checkpoint
        reader = open_tree(world.disk, tree.size, tree.root)
        for bundle in range(-(-tree.size // 256)):
            reader.entries(bundle)
        world.clock.time += 100
        if new:
            for leaf in _NEW:
                _append(world, leaf)
            world.log.publish(world.means)
        else:
            world.log.refresh(world.means)
        return _disagreement(world, len(_BEFORE) + new)
    except UpdateError as error:
        return f"{type(error).__name__}: {error}"


def _append(world: World, leaf: bytes) -> None:
    try:
        world.log.append([leaf])
    except RefusedError as error:
        if "in the log already" not in str(error):
            raise


def _disagreement(world: World, size: int) -> str:
    shown = shown_checkpoint(world.disk)
    assert shown is not None
    if shown.checkpoint.size != size:
        return f"size {shown.checkpoint.size}, expected {size}"
    reader = open_tree(world.disk, size, shown.checkpoint.root)
    for name, witness in world.witnesses.items():
        known = witness.known(ORIGIN)
        if known and reader.root_at(known.head.size) != known.head.root:
            return f"{name} signed another root for size {known.head.size}"
    if world.disk.queue() or (world.folder / "public/checkpoint.pending").exists():
        return "something was left behind"
    fsck = Fsck(
        world.disk.public,
        world.log_key.verifier,
        policy=world.disk.policy(),
        trust=world.trust,
    )
    return "; ".join(
        f"{each.where}: {each.text}" for each in fsck.findings(world.clock.time)
    )


def _later(folder: Path) -> World:
    world = World(folder)
    world.clock.time += 1_000
    return world


def _copy(template: Path, folder: Path) -> None:
    shutil.copytree(template, folder, dirs_exist_ok=True)
