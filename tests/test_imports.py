"""What an import costs: big libraries are loaded when they are used."""

import subprocess
import sys

import pytest

from tests.io_map import PACKAGES

_BIG = {"aiohttp", "aioice", "aiortc", "asyncio", "av", "cryptography", "pylibsrtp"}


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_no_big_library(package: str) -> None:
    assert not _BIG & _modules_after(f"import {package}")


def test_help_loads_no_command_and_no_big_library() -> None:
    loaded = _modules_after("from cli.main import main; assert main(['--help']) == 0")

    assert not (_BIG | {"cli.identity", "voip.identity"}) & loaded


def _modules_after(statement: str) -> set[str]:
    """Name the modules that a fresh interpreter holds after one statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())
