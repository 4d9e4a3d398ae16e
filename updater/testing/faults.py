"""Kills at every change of the disk, full disks, and the order of writes.

Carrier, for tests of whoever writes files with `updater.files`. A sweep runs a task
again and again and kills it (SIGKILL) at its first change of a file, then at its second
and so on; after each kill the caller judges what is left.

::

    figures = sweep("tests.somewhere:install", folder, prepare=lay_out, judge=restart)
    assert figures.bad == ()
"""

import contextlib
import errno
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Self

from updater.errors import MissingError
from updater.files import Files, Step

MOST_EVENTS: Final = 5_000  # a task that has more is asked to be smaller
DONE, KILLED, FAILED = "done", "killed", "failed"

# What CPython reports of changes to names (its write and fsync are silent, and are
# reported by `updater.files`).
_CHANGES: Final = frozenset(
    {
        "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
        "os.symlink", "os.truncate", "shutil.rmtree", "updater.files",
    }
)  # fmt: skip
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a sweep found: `bad` says of each state that was not good what it was."""

    killed: int
    bad: tuple[str, ...]


def sweep(
    task: str,
    folder: Path,
    *,
    prepare: Callable[[Path], object],
    judge: Callable[[Path], str],
    every: int = 1,
) -> Figures:
    """Kill a task at each of its changes (or `every` n-th), and judge what is left.

    `task` names a function, ``module:function``, which is called with a folder that
    `prepare` has laid out. `judge` says in words what is wrong there, or nothing.

    Raises:
        RuntimeError: the task fails by itself, or has too many changes.
    """
    bad: list[str] = []
    with _Runner(task) as runner:
        for killed, event in enumerate(range(1, MOST_EVENTS, every)):
            place = folder / str(event)
            place.mkdir()
            prepare(place)
            end = runner.run(place, event)
            if wrong := judge(place):
                bad.append(f"event {event}, {end}: {wrong}")
            if end == DONE:
                return Figures(killed=killed, bad=tuple(bad))
    raise RuntimeError(f"{task}: more than {MOST_EVENTS} changes")


class RecordingFiles(Files):
    """Files that remember in which order the disk was changed."""

    def __init__(self, within: Path | None = None) -> None:
        super().__init__(within)
        self.steps: list[Step] = []

    def about_to(self, step: Step) -> None:
        """Remember."""
        super().about_to(step)
        self.steps.append(step)


class FullDisk(Files):
    """Files on a disk that has room for `room` bytes more."""

    def __init__(self, room: int, within: Path | None = None) -> None:
        super().__init__(within)
        self.room = room

    def about_to(self, step: Step) -> None:
        """Refuse what does not fit."""
        super().about_to(step)
        self.room -= step.size
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FailingDisk(Files):
    """Files on a disk that breaks (EIO) at the n-th change, counted from 1."""

    def __init__(self, at: int, within: Path | None = None) -> None:
        super().__init__(within)
        self._left = at

    def about_to(self, step: Step) -> None:
        """Break when it is time."""
        super().about_to(step)
        self._left -= 1
        if self._left == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def out_of_order(steps: Sequence[Step]) -> list[str]:
    """Say which renames a power cut could make to names of nothing.

    What is renamed, with all below it, must have been synced after its last change, and
    the folder it went to must be synced afterwards.
    """
    wrong: list[str] = []
    unsynced: set[Path] = set()
    for step in steps:
        match step.kind:
            case "write":
                unsynced |= {step.path} if step.size else {step.path.parent}
            case "link" | "folder":
                unsynced.add(step.path.parent)
            case "remove":
                unsynced -= {
                    each for each in unsynced if each.is_relative_to(step.path)
                }
                unsynced.add(step.path.parent)
            case "sync":
                unsynced.discard(step.path)
            case "rename":
                assert step.to is not None
                wrong += [
                    f"{step.path} is renamed before {each} is synced"
                    for each in sorted(unsynced)
                    if each.is_relative_to(step.path)
                ]
                unsynced |= {step.to.parent, step.path.parent}
    return wrong + [f"{each} is never synced" for each in sorted(unsynced)]


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Mount a disk of `size` bytes (a tmpfs, in whole pages) over a folder.

    Raises:
        MissingError: only root may, or this container may not.
    """
    options = f"size={size},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingError(f"cannot mount a small disk: {error}") from error
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - likewise


class _Runner:
    """A process that has the task imported and forks for each run.

    It has one thread, unlike the caller perhaps, and so may fork.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        search = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-B", "-m", __name__, task],
            env={**os.environ, "PYTHONPATH": search},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, place: Path, event: int) -> str:
        """Run the task once, until its `event`-th change."""
        ask, tell = self._process.stdin, self._process.stdout
        assert ask is not None
        assert tell is not None
        ask.write(f"{event} {place}\n")
        ask.flush()
        end = tell.readline().strip()
        if end not in {DONE, KILLED}:
            raise RuntimeError(f"{self._task}: {end or 'cannot be run'}")
        return end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _serve(task: str) -> None:
    """Run the task for each line that comes: the number of a change, and a folder."""
    module, _, name = task.partition(":")
    function: Callable[[Path], None] = getattr(import_module(module), name)
    for line in sys.stdin:
        event, _, place = line.rstrip("\n").partition(" ")
        child = os.fork()
        if not child:
            _die_at(int(event))
            function(Path(place))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            end = KILLED if os.WTERMSIG(status) == signal.SIGKILL else FAILED
        else:
            end = FAILED if os.WEXITSTATUS(status) else DONE
        sys.stdout.write(f"{end}\n")
        sys.stdout.flush()


def _die_at(event: int) -> None:
    """Kill this process when it is about to change a file for the n-th time."""
    counter = itertools.count(1)

    def count(name: str, args: tuple[object, ...]) -> None:
        if _is_change(name, args) and next(counter) == event:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _is_change(name: str, args: tuple[object, ...]) -> bool:
    if name == "open":
        flags = args[2]
        return isinstance(flags, int) and bool(flags & _WRITING)
    return name in _CHANGES


if __name__ == "__main__":
    _serve(sys.argv[1])
