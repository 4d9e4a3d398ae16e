"""The command that makes a wall.

Rules: values in, a command line out. A file system is described once, as a list of
mounts, whatever makes them: bubblewrap takes them as options, our `wall` as JSON.
"""

import json
from dataclasses import dataclass, field
from typing import Final, assert_never

from reproducible.inputs.recipe import Limits
from reproducible.sandbox.levels import (
    Conditions,
    Interpreter,
    Level,
    Places,
    Programs,
)

RESULT: Final = ("file", "name")
"""The files that a result comes back in: its bytes, and its file name."""

_USR: Final = "/usr"
_LINKS: Final = (("usr/bin", "/bin"), ("usr/lib", "/lib"), ("usr/lib64", "/lib64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that decides over what a build can see and do.

    Attributes:
        places: on the host.
        interpreter: of the host, or of the root at level 2.
        writable: whether the build may write to its source, or rather a copy of it.
        root: the folder of the unpacked Debian root, at level 2.
        visible: more folders of the host, seen read-only at their own path.
        wall: the interpreter and file that close level 0.
    """

    level: Level
    places: Places
    conditions: Conditions
    interpreter: Interpreter
    limits: Limits
    writable: bool = False
    root: str | None = None
    visible: tuple[str, ...] = ()
    wall: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of the host at a path inside."""

    source: str
    target: str
    writable: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Memory:
    """A folder that is kept in memory, of at most `mib` MiB."""

    target: str
    mib: int


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    text: str
    target: str


Mount = Bind | Memory | Link


def inside(plan: Plan) -> Places:
    """Say where the build sees its folders."""
    match plan.level:
        case 0:
            return plan.places
        case 1 | 2:
            return Places(
                source=plan.conditions.path,
                tools="/build/tool",
                hook="/build/hook",
                out="/build/out",
                tmp="/build/tmp",
                given="/build/given",
                stage="/",
            )
        case _:
            assert_never(plan.level)


def mounts(plan: Plan) -> tuple[Mount, ...]:
    """List what the build sees, in the order in which it is mounted.

    The source comes first: a recipe chooses its path, and must not cover what follows.
    """
    host, seen = plan.places, inside(plan)
    if plan.writable:
        # A copy in memory: the host's disk cannot be filled, its copy not be changed.
        source: tuple[Mount, ...] = (
            Bind(host.source, seen.given),
            Memory(seen.source, plan.limits.output_mib),
        )
    else:
        source = (Bind(host.source, seen.source),)
    return (
        *source,
        *_system(plan),
        *(Bind(folder, folder) for folder in _own_folders(plan)),
        Bind(host.tools, seen.tools),
        Bind(host.hook, seen.hook),
        *(Bind(f"{host.out}/{x}", f"{seen.out}/{x}", writable=True) for x in RESULT),
        Memory(seen.tmp, plan.limits.output_mib),
    )


def known(plan: Plan, home: str) -> frozenset[str]:
    """Name what must be seen in a home folder, since something of ours lies below."""
    above = f"{home}/"
    targets = [mount.target for mount in mounts(plan)]
    return frozenset(
        target.removeprefix(above).split("/")[0]
        for target in targets
        if target.startswith(above)
    )


def environment(plan: Plan) -> dict[str, str]:
    """Give the variables of the build: these, and none of the host's."""
    conditions, tmp = plan.conditions, inside(plan).tmp
    variables = {
        # Some backends are a program that they look for, where it was installed.
        "PATH": f"{inside(plan).tools}/bin:/usr/bin",
        "HOME": conditions.home or tmp,
        "TMPDIR": tmp,
        "LC_ALL": conditions.locale,
        "TZ": conditions.tz,
        "PYTHONHASHSEED": str(conditions.hashseed),
    }
    if conditions.epoch is not None:
        variables["SOURCE_DATE_EPOCH"] = str(conditions.epoch)
    return {**variables, **dict(conditions.extra)}


def command(plan: Plan, programs: Programs, *, job: str) -> tuple[str, ...]:
    """Write the command that starts the hook behind the wall.

    Expects the programs of the level to be there. `job` is the hook's one argument.
    """
    path = plan.conditions.wrapper
    run = (*path, *python(plan.interpreter), f"{inside(plan).hook}/hook.py", job)
    match plan.level:
        case 0:
            return _unshare(plan, programs, run)
        case 1 | 2:
            return _bwrap(plan, programs, run)
        case _:
            assert_never(plan.level)


def python(interpreter: Interpreter) -> tuple[str, ...]:
    """Start an interpreter that imports from its own library alone.

    -s -S: nothing installed on this machine; -B: no byte code is written; -P: not from
    the folder of the script, which older versions leave to the hook. Not -I, which
    would ignore the hash seed too.
    """
    safe = ("-P",) if interpreter.version >= (3, 11) else ()
    return (interpreter.path, "-s", "-S", "-B", *safe)


def _system(plan: Plan) -> tuple[Mount, ...]:
    links = tuple(Link(text, target) for text, target in _LINKS)
    if plan.root is None:
        return (Bind(_USR, _USR), *links)
    return (Bind(f"{plan.root}/usr", _USR), *links, Bind(f"{plan.root}/etc", "/etc"))


def _own_folders(plan: Plan) -> list[str]:
    """Keep interpreters and programs that do not lie in /usr where they are."""
    wanted = plan.visible if plan.root else (plan.interpreter.prefix, *plan.visible)
    return sorted({x for x in wanted if x != _USR and not x.startswith("/usr/")})


def _bwrap(plan: Plan, programs: Programs, run: tuple[str, ...]) -> tuple[str, ...]:
    uid = str(plan.conditions.uid)
    options = [
        *("--unshare-all", "--unshare-user", "--disable-userns"),
        *("--uid", uid, "--gid", uid, "--hostname", plan.conditions.hostname),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *_memory(Memory("/", plan.limits.output_mib)),
    ]
    for mount in mounts(plan):
        match mount:
            case Bind(source, target):
                kind = "--bind" if mount.writable else "--ro-bind"
                options += (kind, source, target)
            case Memory():
                options += _memory(mount)
            case Link(text, target):
                options += ("--symlink", text, target)
            case _:
                assert_never(mount)
    # Root owns the switches of the kernel, whatever its number inside.
    options += ("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev")
    options += ("--chdir", inside(plan).source)
    for name, value in environment(plan).items():
        options += ("--setenv", name, value)
    assert programs.bwrap is not None
    return (programs.bwrap, *options, "--", *run)


def _memory(mount: Memory) -> tuple[str, ...]:
    return ("--size", str(mount.mib << 20), "--tmpfs", mount.target)


def _unshare(plan: Plan, programs: Programs, run: tuple[str, ...]) -> tuple[str, ...]:
    assert programs.unshare is not None
    assert programs.setpriv is not None
    wall = {
        "stage": plan.places.stage,
        "hostname": plan.conditions.hostname,
        "mounts": [_described(mount) for mount in mounts(plan)],
        "cwd": inside(plan).source,
        "environment": environment(plan),
        "run": list(run),
    }
    return (
        # Who runs us may be killed: what it started must not outlive it.
        *(programs.setpriv, "--pdeathsig", "KILL"),
        *(programs.unshare, "--user", "--map-root-user", "--net", "--mount", "--pid"),
        *("--fork", "--ipc", "--uts", "--kill-child"),
        *plan.wall,
        json.dumps(wall),
    )


def _described(mount: Mount) -> list[str | int | bool]:
    match mount:
        case Bind(source, target):
            return ["bind", target, source, mount.writable]
        case Memory(target, mib):
            return ["memory", target, mib]
        case Link(text, target):
            return ["link", target, text]
        case _:
            assert_never(mount)
