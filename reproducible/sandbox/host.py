"""What this machine has: helper programs, interpreters, namespaces.

Carrier.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Self

from reproducible.errors import MissingError
from reproducible.sandbox.levels import Interpreter, Level, Programs
from reproducible.sandbox.probe import KINDS

OLDEST: Final = (3, 7)
"""The oldest minor version that the hook runs with."""

_ASK: Final = (
    "import sys; v = sys.version_info; "
    "print(sys.implementation.name, sys.base_prefix, '%d.%d.%d' % v[:3], sep='\\n')"
)
_ASK_S: Final = 10.0
_NAME: Final = re.compile(r"python3\.([0-9]{1,2})")
_VERSION: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.[0-9]{1,3}")
_KEPT: Final = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")
_SHOWN: Final = 100  # characters of what a program calls itself


class Host:
    """This machine, as `search` (a PATH) and `home` show it."""

    def __init__(self, *, search: str, home: Path) -> None:
        self.search = search
        self.home = home

    @classmethod
    def here(cls) -> Self:
        """Take PATH and home of who runs this."""
        return cls(search=os.environ.get("PATH", os.defpath), home=Path.home())

    def programs(self) -> Programs:
        """Look for the programs that make walls."""
        return Programs(
            unshare=shutil.which("unshare", path=self.search),
            setpriv=shutil.which("setpriv", path=self.search),
            bwrap=shutil.which("bwrap", path=self.search),
        )

    def tool(self, level: Level) -> str:
        """Name the program that makes the walls of a level, with its version.

        Raises:
            MissingError: it is not there.
        """
        programs = self.programs()
        program = programs.bwrap if level else programs.unshare
        said = _output(program, "--version") if program else None
        if not said:
            raise MissingError("expected a program that makes walls, found none")
        return said.splitlines()[0][:_SHOWN]

    def namespaces(self) -> dict[str, str]:
        """Say in which namespaces this process runs."""
        return {kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in KINDS}

    def interpreters(self) -> tuple[Interpreter, ...]:
        """List CPythons from 3.7 on, the newest first, one of each minor version.

        The running one is preferred to others, then /usr and PATH, then those that
        pyenv and uv keep in the home folder.
        """
        return tuple(self.newest_first())

    def newest_first(self) -> Iterator[Interpreter]:
        """Give the same one by one; each program is asked when its turn comes."""
        named: dict[int, dict[Path, None]] = {}
        for minor, path in self._candidates():
            named.setdefault(minor, {})[path.resolve()] = None
        for minor in sorted(named, reverse=True):
            answers = map(_ask, named[minor])
            # A program that is another version than its name says is none that will do.
            fitting = (x for x in answers if x is not None and x.version == (3, minor))
            yield from islice(fitting, 1)

    def _candidates(self) -> Iterator[tuple[int, Path]]:
        """Look for programs by name; each with the minor version that its name says."""
        yield sys.version_info.minor, Path(sys.executable)
        folders = [Path("/usr/bin"), *map(Path, self.search.split(os.pathsep))]
        for pattern in _KEPT:
            folders += sorted(self.home.glob(pattern))
        for folder in folders:
            # A shim of pyenv is a script, which `resolve` does not see through.
            for name in () if folder.name == "shims" else _listed(folder):
                if match := _NAME.fullmatch(name):
                    yield int(match[1]), folder / name


def root_interpreter(root: Path) -> Interpreter:
    """Find the interpreter of an unpacked Debian root, by names alone.

    Raises:
        MissingError: it has none.
    """
    link = root / "usr/bin/python3"
    name = str(link.readlink()) if link.is_symlink() else ""
    if not _NAME.fullmatch(name):
        raise MissingError(f"{root}: expected usr/bin/python3 as a link, found none")
    version = (3, int(name.removeprefix("python3.")))
    full = name.removeprefix("python")
    return Interpreter(f"/usr/bin/{name}", version, prefix="/usr", full=full)


def _listed(folder: Path) -> Sequence[str]:
    """List a folder that may be missing, or closed to who runs this: PATH names any."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names: /usr/bin has thousands
    except OSError:
        return ()


def _ask(path: Path) -> Interpreter | None:
    """Have a program say which interpreter it is; None if it is none that will do."""
    said = _output(str(path), "-I", "-S", "-c", _ASK)
    lines = said.splitlines() if said else []
    if len(lines) != 3 or lines[0] != "cpython":
        return None
    match = _VERSION.fullmatch(lines[2])
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < OLDEST:
        return None
    return Interpreter(str(path), version, prefix=lines[1], full=lines[2])


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - programs of this machine
            command, capture_output=True, timeout=_ASK_S, check=True, env={}
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()
