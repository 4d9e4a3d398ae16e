"""A person whose program is read and steered by a test."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli import paths
from voip.identity.sealed import Cost
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import Vault

Facts = dict[str, Any]
_CHEAP = Cost(64 << 10, 2, lanes=1)


def save(home: Path, vault: Vault) -> None:
    """Make a home as `identity create` does; the passphrase is that of `start`."""
    Store.create(paths.store(home), vault, Passphrase(b"correct horse"), cost=_CHEAP)


@dataclass
class Side:
    """A person's program, read as a program reads it."""

    process: subprocess.Popen[str]
    seen: list[Facts] = field(default_factory=list)

    def until(self, **wanted: object) -> Facts:
        """Read events until one has all of these facts."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            facts: Facts = json.loads(line)
            self.seen.append(facts)
            if wanted.items() <= facts.items():
                return facts
        raise AssertionError(f"no {wanted} in {self.seen}")

    def say(self, order: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """Wait until the program has ended; give its exit code."""
        self.process.communicate(timeout=20)
        return self.process.returncode
