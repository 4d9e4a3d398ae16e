"""Runs one job behind the wall, within limits.

Carrier. Every start is the same four steps, so that no build can miss one::

    start the hook behind the wall
        <- report: what it sees (probe), and under which conditions it runs (facts)
    check_probe(report)                 a hole: everything is killed, nothing is built
        -> "go"
    the hook imports the backend        time, memory, output and log are bounded
    look for the one file in OUT        whatever was printed or returned
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from reproducible.inputs.recipe import Limits
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Conditions, Interpreter, Level
from reproducible.sandbox.probe import Facts, Report

Action = Literal["wheel", "sdist"]
USUAL: Final = Conditions()
"""The conditions of a recipe that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where sandboxes are made.

    Attributes:
        scratch: a folder for what only lives during a run, closed to other users.
        interpreter: runs the build, but for level 2, which has its own.
        root: the folder of an unpacked Debian root.
    """

    host: Host
    interpreter: Interpreter
    scratch: Path
    limits: Limits
    root: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be built by what.

    Attributes:
        source: a folder that is seen read-only.
        backend: the object of PEP 517, `module` or `module:object`.
        backend_path: folders of the project that it is looked for in first.
        tools: the folder that imports come from; None for a backend of the project.
        subdir: where the project lies in the source.
        writable: whether the backend gets a copy of the source that it may write to.
    """

    source: Path
    backend: str
    backend_path: tuple[str, ...] = ()
    tools: Path | None = None
    subdir: str = "."
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build gave.

    Attributes:
        file: the one file it left, in the folder that was given for it.
        log: all it printed, cut at 16 MiB; foreign text.
        facts: the conditions that held.
    """

    file: Path
    log: bytes
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a helper program ended, and what it printed, cut at 16 MiB."""

    code: int
    log: bytes


class Sandbox:
    """A wall of one level on this machine; `choose` finds the best."""

    def __init__(self, level: Level, site: Site) -> None:
        self.level = level
        self.site = site
        raise NotImplementedError

    def probe(self, conditions: Conditions = USUAL) -> Report:
        """Look around behind the wall; every run does so as well.

        Raises:
            NoWallError: this machine cannot make such a wall; says what it lacks.
            IsolationError: there is a wall, and it has a hole.
        """
        raise NotImplementedError

    def run(
        self, action: Action, order: Order, *, out: Path, conditions: Conditions = USUAL
    ) -> Built:
        """Have a backend (PEP 517) build into the empty folder `out`.

        Raises:
            BuildFailedError: it gave nothing; `reason` is `exit`, `timeout`, `memory`,
                `no-output`, `too-large` or `bad-output`.
            IsolationError: as `probe`.
        """
        raise NotImplementedError

    def requires(
        self, action: Action, order: Order, *, conditions: Conditions = USUAL
    ) -> tuple[str, ...]:
        """Ask a backend what else it needs (`get_requires_for_build_*`, PEP 517).

        The answer is foreign text, at most 64 items of 300 characters.

        Raises:
            BuildFailedError: as `run`.
            IsolationError: as `probe`.
        """
        raise NotImplementedError

    def run_tool(
        self, argv: tuple[str, ...], *, folder: Path, visible: tuple[Path, ...] = ()
    ) -> Ran:
        """Run a helper program that looks at the files of `folder`, its working folder.

        The first word of `argv` is a path that is there inside: in /usr, or in one of
        the `visible` folders of the host. The folder is read-only.

        Raises:
            BuildFailedError: `timeout`.
            IsolationError: as `probe`.
        """
        raise NotImplementedError
