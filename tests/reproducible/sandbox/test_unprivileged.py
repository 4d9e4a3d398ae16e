"""The same walls, made by a user who has no rights here."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reproducible.sandbox.levels import Level
from tests.reproducible.sandbox.yard import SHARED_NET, lying

_PYTHON = Path("/usr/bin/python3")
_NOBODY = 65534
_PACKAGES = ("reproducible", "updater", "packaging", "rfc8785", "tomli_w")
_BUILD = """
import sys
from pathlib import Path
from reproducible.errors import RebuildError
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Interpreter
from reproducible.sandbox.run import Order, Sandbox, Site
top, level, search = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
host = Host(search=search, home=top / "home")
version = sys.version_info[:2]
interpreter = Interpreter("/usr/bin/python3", version, prefix="/usr", full="")
limits = Limits(timeout_s=20, memory_mib=512, output_mib=8)
site = Site(host=host, interpreter=interpreter, scratch=top / "scratch", limits=limits)
order = Order(source=top / "source", backend="backend", backend_path=(".",))
try:
    built = Sandbox(level, site).run("wheel", order, out=top / "out")
except RebuildError as error:
    print(type(error).__name__, error)
else:
    print(built.facts.uid, built.file.read_text())
"""


@pytest.fixture
def top() -> Iterator[Path]:
    """Make a folder of nobody's: those of pytest are closed to others."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becoming another user takes root and setpriv")
    if not _PYTHON.exists() or sys.version_info[:2] != _version(_PYTHON):
        pytest.skip("/usr/bin/python3 is of another version")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("home", "scratch", "source", "out"):
            (folder / part).mkdir()
        backend = "def build_wheel(f):\n    open(f + '/x.whl', 'w').write('built')\n"
        (folder / "source/backend.py").write_text(backend)
        # The environment of the tests may lie in a home that is closed to others.
        for package in _PACKAGES:
            spec = importlib.util.find_spec(package)
            assert spec is not None
            assert spec.origin is not None
            shutil.copytree(Path(spec.origin).parent, folder / package)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
        yield folder


@pytest.mark.parametrize("level", [0, 1])
def test_a_user_without_rights_builds(top: Path, level: Level) -> None:
    said = _build(top, level, os.environ["PATH"])

    assert said == f"{1000 * level} built"


def test_a_user_without_rights_is_stopped_by_a_hole(top: Path) -> None:
    said = _build(top, 1, lying(top, "bwrap", SHARED_NET))

    assert said.startswith("IsolationError the wall has a hole")
    assert list((top / "out").iterdir()) == []


def _version(python: Path) -> tuple[int, int]:
    ask = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    major, minor = subprocess.check_output(ask, text=True).split()
    return int(major), int(minor)


def _build(top: Path, level: Level, search: str) -> str:
    become = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    done = subprocess.run(
        [*become, str(_PYTHON), "-c", _BUILD, str(top), str(level), search],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    if done.stdout.startswith("NoWallError"):
        pytest.skip(done.stdout)
    return done.stdout.strip() or done.stderr
