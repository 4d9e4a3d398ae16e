"""Sandboxes to try, and projects whose backend is a few lines of a test."""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from reproducible.inputs.recipe import Limits
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Interpreter, Level
from reproducible.sandbox.run import Built, Order, Sandbox, Site

LIMITS = Limits(timeout_s=20, memory_mib=1024, output_mib=8)
WHEEL = "x-1-py3-none-any.whl"

SHARED_NET = """
shared = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
told = [x for x in sys.argv[1:] if x != "--unshare-all"]
os.execv("/usr/bin/bwrap", ["bwrap", *shared, *told])
"""
"""A bubblewrap that leaves the network of the host."""

WITHOUT_NET = """
told = [x for x in sys.argv[1:] if x != "--net"]
os.execv("/usr/bin/unshare", ["unshare", *told])
"""
"""An unshare that does so."""


def own_interpreter() -> Interpreter:
    """Take the one that runs the tests."""
    return Interpreter(
        str(Path(sys.executable).resolve()),
        (sys.version_info.major, sys.version_info.minor),
        prefix=sys.base_prefix,
        full=".".join(map(str, sys.version_info[:3])),
    )


class Yard:
    """A sandbox in a temporary folder, and a project for it."""

    def __init__(
        self, folder: Path, level: Level, *, search: str | None = None
    ) -> None:
        self.folder = folder
        self.level = level
        self.home = folder / "home"
        self.host = Host(search=search or os.environ["PATH"], home=self.home)
        for name in ("home", "scratch", "source", "out"):
            (folder / name).mkdir()

    def site(self, limits: Limits = LIMITS, *, root: Path | None = None) -> Site:
        return Site(
            host=self.host,
            interpreter=own_interpreter(),
            scratch=self.folder / "scratch",
            limits=limits,
            root=root,
        )

    def sandbox(self, limits: Limits = LIMITS) -> Sandbox:
        return Sandbox(self.level, self.site(limits))

    def order(self, body: str, *, writable: bool = False) -> Order:
        """Make a project whose `build_wheel(folder)` has this body, and order it."""
        lines = textwrap.indent(textwrap.dedent(body), "    ")
        text = f"import os, sys\n\ndef build_wheel(folder):\n{lines}\n"
        source = self.folder / "source"
        (source / "backend.py").write_text(text)
        return Order(
            source=source, backend="backend", backend_path=(".",), writable=writable
        )

    def build(
        self, body: str, *, limits: Limits = LIMITS, writable: bool = False
    ) -> Built:
        order = self.order(body, writable=writable)
        return self.sandbox(limits).run("wheel", order, out=self.folder / "out")

    def left(self) -> list[str]:
        """List what a build has left behind outside of its project."""
        return sorted(
            path.name
            for name in ("out", "scratch")
            for path in (self.folder / name).iterdir()
        )


def lying(folder: Path, name: str, text: str) -> str:
    """Make a PATH that has a program of this name before the real one."""
    if not Path("/usr/bin", name).exists():
        pytest.skip(f"/usr/bin/{name} is not here")
    search = folder / "bin"
    search.mkdir()
    program = search / name
    python = "#!/usr/bin/env -S /usr/bin/python3 -I -S"
    program.write_text(f"{python}\nimport os, sys\n{text}")
    program.chmod(0o755)
    return f"{search}{os.pathsep}{os.environ['PATH']}"
