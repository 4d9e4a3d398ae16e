"""How closed a sandbox is, and the command that makes it so.

Rules: values in, a command line out. What each level keeps out, and what it does not,
is in docs/sandbox.md.

=== ============================== =================================================
  0 `unshare` and our own `wall`    no network, process, home or file of the host but
                                    /usr; source and interpreter at their own paths
  1 bubblewrap                      also a fixed path, user number and host name
  2 bubblewrap on a Debian root     also libraries and interpreter by hash
=== ============================== =================================================

A file system is described once, as a list of mounts, whatever makes them: bubblewrap
takes them as options, the wall as JSON.
"""

import json
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from reproducible.inputs.recipe import Limits

Level = Literal[0, 1, 2]
LEVELS: Final[tuple[Level, ...]] = (2, 1, 0)
"""Every level, the most closed first."""

FIXED: Final = "/build/src"
"""Where the source stands, from level 1 on, unless a recipe says otherwise."""

_USR: Final = "/usr"
_LINKS: Final = (("usr/bin", "/bin"), ("usr/lib", "/lib"), ("usr/lib64", "/lib64"))


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython of this machine, or of a root.

    Attributes:
        path: the program, not a link of an environment.
        version: major and minor number.
        prefix: the folder that holds all of it (`sys.base_prefix`).
        full: the whole version, as `3.11.7`.
    """

    path: str
    version: tuple[int, int]
    prefix: str = field(kw_only=True)
    full: str = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a build sees of the world; the defaults are those of a recipe.

    Attributes:
        tz, locale, hostname: TZ, LC_ALL, the name of the machine.
        hashseed: PYTHONHASHSEED, a number or `random`.
        uid: number of user and group, from level 1 on; at level 0 it is 0.
        path: where the source stands, from level 1 on.
        umask: as a number.
        epoch: SOURCE_DATE_EPOCH in POSIX seconds; None leaves it unset.
        home: HOME; None is the folder for temporary files.
        extra: more variables.
        wrapper: a program of /usr and its arguments, which then starts the
            interpreter: `("setarch", "i686")`.
        preload: a module of the toolchain that is imported before anything else.
    """

    tz: str = "UTC"
    locale: str = "C.UTF-8"
    hashseed: int | Literal["random"] = 0
    hostname: str = "repro"
    uid: int = 1000
    path: str = FIXED
    umask: int = 0o022
    epoch: int | None = None
    home: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    wrapper: tuple[str, ...] = ()
    preload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders, by absolute path: of the host, or as the build sees them.

    Attributes:
        source: what is built.
        tools: what builds it, the folder that imports come from.
        hook: holds `hook.py`.
        out: receives the result, and nothing else that is kept can be written.
        tmp: for temporary files; on the host, an empty folder to mount it on.
        given: where the source stands while `source` is a copy of it that the build
            may write to; on the host, likewise an empty folder.
        stage: an empty folder of the host for the root of level 0.
    """

    source: str
    tools: str
    hook: str
    out: str
    tmp: str
    given: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Programs of the host by absolute path, None where this machine has none."""

    unshare: str | None
    setpriv: str | None
    bwrap: str | None


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
    """A folder of the host at a path inside."""

    source: str
    target: str
    writable: bool = False


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
        Bind(host.out, seen.out, writable=True),
        Memory(seen.tmp, plan.limits.output_mib),
    )


def environment(plan: Plan) -> dict[str, str]:
    """Give the variables of the build: these, and none of the host's."""
    conditions, tmp = plan.conditions, inside(plan).tmp
    variables = {
        "PATH": "/usr/bin",
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
            case Bind(source, target, writable):
                options += ("--bind" if writable else "--ro-bind", source, target)
            case Memory():
                options += _memory(mount)
            case Link(text, target):
                options += ("--symlink", text, target)
            case _:
                assert_never(mount)
    options += ("--proc", "/proc", "--dev", "/dev", "--chdir", inside(plan).source)
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
        *("--fork", "--ipc", "--uts", "--kill-child", "--mount-proc"),
        *plan.wall,
        json.dumps(wall),
    )


def _described(mount: Mount) -> list[str | int | bool]:
    match mount:
        case Bind(source, target, writable):
            return ["bind", target, source, writable]
        case Memory(target, mib):
            return ["memory", target, mib]
        case Link(text, target):
            return ["link", target, text]
        case _:
            assert_never(mount)
