"""Runs one job behind the wall, within limits.

Carrier. Every start is the same four steps, so that no build can miss one::

    start the hook behind the wall
        <- report: what it sees (probe), and under which conditions it runs (facts)
    check_probe(report)                 a hole: everything is killed, nothing is built
        -> "go"
    the hook imports the backend        time, memory, output and log are bounded
    take the file that it left          whatever was printed or returned
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproducible.errors import BuildFailedError, IsolationError, NoWallError
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.host import Host, root_interpreter
from reproducible.sandbox.jobs import (
    MAX_NAME_BYTES,
    MAX_REQUIRES_BYTES,
    Action,
    Job,
    Task,
    check_ended,
    check_name,
    format_job,
    parse_requires,
)
from reproducible.sandbox.levels import (
    Conditions,
    Interpreter,
    Level,
    Places,
    check_programs,
    no_wall,
)
from reproducible.sandbox.plan import Plan, command, inside, known
from reproducible.sandbox.probe import Facts, Report, check_probe, parse_report
from reproducible.sandbox.process import execute
from reproducible.sandbox.room import Room, room_in
from updater.errors import MalformedError

USUAL: Final = Conditions()
"""The conditions of a recipe that names none."""

_HERE: Final = Path(__file__).parent


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
    """A wall of one level on this machine; `choose` finds the best.

    Raises:
        NoWallError: the site has no root for level 2.
    """

    def __init__(self, level: Level, site: Site) -> None:
        self.level = level
        self.site = site
        self.interpreter = site.interpreter
        if level == 2:
            if site.root is None:
                raise NoWallError("level 2: expected a Debian root, found none")
            self.interpreter = root_interpreter(site.root)

    def tool(self) -> str:
        """Name what makes the wall, with its version.

        Raises:
            MissingError: it is not there.
        """
        return self.site.host.tool(self.level)

    def probe(self, conditions: Conditions = USUAL) -> Report:
        """Look around behind the wall; every run does so as well.

        Raises:
            NoWallError: this machine cannot make such a wall; says what it lacks.
            IsolationError: there is a wall, and it has a hole.
        """
        with room_in(self.site.scratch) as room:
            order = Order(source=room.folder("empty"), backend="")
            return self._do(self._plan(room, order, conditions), "probe", order).report

    def run(
        self, action: Action, order: Order, *, out: Path, conditions: Conditions = USUAL
    ) -> Built:
        """Have a backend (PEP 517) build into the folder `out`.

        Raises:
            BuildFailedError: it gave nothing; `reason` is `exit`, `timeout`, `memory`,
                `no-output`, `too-large` or `bad-output`.
            IsolationError: as `probe`.
            StoreError: the disk of this machine is full.
        """
        with room_in(self.site.scratch) as room:
            done = self._do(self._plan(room, order, conditions), action, order)
            self._check_ended(done, room)
            name = check_name(room.read_name(MAX_NAME_BYTES + 1), action, done.log)
            file = out / name
            room.take_file(file)
        return Built(file=file, log=done.log, facts=done.report.facts)

    def requires(
        self, action: Action, order: Order, *, conditions: Conditions = USUAL
    ) -> tuple[str, ...]:
        """Ask a backend what else it needs (`get_requires_for_build_*`, PEP 517).

        The answer is foreign text, at most 64 items of 300 characters.

        Raises:
            BuildFailedError: as `run`.
            IsolationError: as `probe`.
            StoreError: as `run`.
        """
        with room_in(self.site.scratch) as room:
            task: Task = "requires-wheel" if action == "wheel" else "requires-sdist"
            done = self._do(self._plan(room, order, conditions), task, order)
            self._check_ended(done, room)
            try:
                return parse_requires(room.read_file(MAX_REQUIRES_BYTES + 1))
            except MalformedError as error:
                raise BuildFailedError("bad-output", str(error), done.log) from None

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
        with room_in(self.site.scratch) as room:
            order = Order(source=folder, backend="")
            plan = self._plan(room, order, USUAL, tuple(map(str, visible)))
            done = self._do(plan, "tool", order, argv)
        return Ran(code=done.code, log=done.log)

    @staticmethod
    def _check_ended(done: "_Done", room: Room) -> None:
        if done.code:
            room.check_space()
        check_ended(done.code, done.log)

    def _plan(
        self,
        room: Room,
        order: Order,
        conditions: Conditions,
        visible: tuple[str, ...] = (),
    ) -> Plan:
        tools = room.folder("empty") if order.tools is None else order.tools
        return Plan(
            level=self.level,
            places=Places(
                source=str(order.source.resolve()),
                tools=str(tools.resolve()),
                hook=str(_HERE),
                out=str(room.out),
                tmp=str(room.folder("tmp")),
                given=str(room.folder("given")),
                stage=str(room.folder("stage")),
            ),
            conditions=conditions,
            interpreter=self.interpreter,
            limits=self.site.limits,
            writable=order.writable,
            root=str(self.site.root) if self.level == 2 else None,
            visible=visible,
            wall=(sys.executable, "-I", "-S", "-B", str(_HERE / "wall.py")),
        )

    def _do(
        self, plan: Plan, task: Task, order: Order, argv: tuple[str, ...] = ()
    ) -> "_Done":
        programs = self.site.host.programs()
        check_programs(self.level, programs)
        home = str(self.site.host.home)
        reports: list[Report] = []

        def start(descriptor: int) -> tuple[str, ...]:
            where, limits = inside(plan), plan.limits
            job = Job(
                task=task,
                source=where.source,
                tools=where.tools,
                out=where.out,
                tmp=where.tmp,
                home=home,
                report=descriptor,
                umask=plan.conditions.umask,
                memory_mib=limits.memory_mib,
                output_mib=limits.output_mib,
                given=where.given if plan.writable else None,
                clock=plan.conditions.clock,
                preload=plan.conditions.preload,
                backend=order.backend,
                backend_path=order.backend_path,
                subdir=order.subdir,
                argv=argv,
            )
            return command(plan, programs, job=format_job(job))

        def judge(said: bytes, log: bytes) -> None:
            if not said:
                raise no_wall(self.level, log)
            try:
                reports.append(parse_report(said))
            except MalformedError as error:
                raise IsolationError(f"expected a report, came {error}") from None
            spaces = self.site.host.namespaces()
            check_probe(reports[0].seen, host=spaces, known=known(plan, home))

        ended = execute(start, judge=judge, timeout_s=plan.limits.timeout_s)
        return _Done(report=reports[0], code=ended.code, log=ended.log)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A job that was let go, and its end."""

    report: Report
    code: int
    log: bytes
