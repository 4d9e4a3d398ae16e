"""Programs that run beside a test, and what they say, an object a line."""

import json
import subprocess
from pathlib import Path
from typing import Any

from cli import paths
from tests.cli.conftest import Start
from voip.identity.sealed import Cost
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import Vault


def made(start: Start, *arguments: str) -> str:
    """Run a command of one person to its end; give what it printed."""
    process = start(*arguments)
    said, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint
    return said


class Program:
    """One `ringfence … --json`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def give(self, text: str) -> None:
        """Type at it."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def until(self, **facts: str | int) -> dict[str, Any]:
        """Read what it says up to an object that holds these facts."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said: dict[str, Any] = json.loads(line)
            if facts.items() <= said.items():
                return said
        assert self._process.stderr is not None
        raise AssertionError(f"ended without {facts}: {self._process.stderr.read()}")

    def ends(self) -> int:
        """Close its input, and wait for its end; give its exit code."""
        self._process.communicate(timeout=30)
        return self._process.returncode


def settle(folder: Path, name: str, vault: Vault) -> None:
    """Give a person a home, without the time that commands would take."""
    cost = Cost(64 << 10, 2, lanes=1)
    home = paths.store(folder / name)
    Store.create(home, vault, Passphrase(b"correct horse"), cost=cost)
