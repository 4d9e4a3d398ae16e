"""What this machine has to vary a build with.

Carrier.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reproducible.builds.plan import choose_interpreter
from reproducible.errors import MissingError
from reproducible.inputs.recipe import Recipe
from reproducible.sandbox.levels import Interpreter
from reproducible.sandbox.run import Sandbox
from reproducible.vary.arrangements import Machine

_PROGRAMS: Final = ("faketime", "setarch", "taskset")
_ASK_S: Final = 10.0


def look(sandbox: Sandbox, recipe: Recipe) -> Machine:
    """See what there is, for builds of a recipe in this sandbox."""
    root = sandbox.site.root if sandbox.level == 2 else None
    programs = (root or Path("/")) / "usr" / "bin"
    return Machine(
        level=sandbox.level,
        arch=os.uname().machine,
        # A locked root has one interpreter and no locales but those of the C library.
        others=() if root else tuple(_others(sandbox, recipe)),
        programs=frozenset(x for x in _PROGRAMS if (programs / x).exists()),
        locales=frozenset() if root else frozenset(_locales()),
        is_root=os.geteuid() == 0,
        cpu=min(os.sched_getaffinity(0)),
    )


def _others(sandbox: Sandbox, recipe: Recipe) -> Iterable[Interpreter]:
    for each in sandbox.site.host.interpreters():
        if each.version != sandbox.interpreter.version:
            with contextlib.suppress(MissingError):
                yield choose_interpreter(recipe, (each,))


def _locales() -> list[str]:
    program = Path("/usr/bin/locale")
    if not program.exists():
        return []
    done = subprocess.run(  # noqa: S603 - a fixed path and our words
        [program, "-a"], capture_output=True, timeout=_ASK_S, check=False
    )
    return done.stdout.decode(errors="replace").split()
