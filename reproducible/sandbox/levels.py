"""How closed a sandbox is, and what a build sees of the world.

Rules: values only. What each level keeps out, and what it does not, is in
docs/sandbox.md.

=== ============================== =================================================
  0 `unshare` and our own `wall`    no network, process, home or file of the host but
                                    /usr; source and interpreter at their own paths
  1 bubblewrap                      also a fixed path, user number and host name
  2 bubblewrap on a Debian root     also libraries and interpreter by hash
=== ============================== =================================================
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from reproducible.errors import NoWallError

Level = Literal[0, 1, 2]
LEVELS: Final[tuple[Level, ...]] = (2, 1, 0)
"""Every level, the most closed first."""

FIXED: Final = "/build/src"
"""Where the source stands, from level 1 on, unless a recipe says otherwise."""

_SHOWN: Final = 300  # bytes of what a program printed, the end
_SWITCHES: Final = (
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "user.max_user_namespaces",
)


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
        clock: what time a backend in Python is told, in POSIX seconds; None is the
            truth.
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
    clock: int | None = None
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
        out: holds two empty files, `file` and `name`, for the result; nothing else that
            is kept can be written, so no link, folder or device can come back.
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


def check_programs(level: Level, programs: Programs) -> None:
    """Expect the programs that make the wall of a level.

    Raises:
        NoWallError: one is not there; says what to install.
    """
    if level and programs.bwrap is None:
        lacks, package = "bwrap", "bubblewrap"
    elif level == 0 and None in {programs.unshare, programs.setpriv}:
        lacks, package = "unshare and setpriv", "util-linux"
    else:
        return
    raise NoWallError(
        f"level {level}: expected {lacks}, found none; install the package {package}"
    )


def no_wall(level: Level, log: bytes) -> NoWallError:
    """Say that a wall could not be made, after what its maker printed."""
    lines = log[-_SHOWN:].decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "nothing was said"
    return NoWallError(
        f"level {level}: no wall could be made: {last!r}; "
        f"user namespaces may be switched off here (sysctl {' or '.join(_SWITCHES)})"
    )
