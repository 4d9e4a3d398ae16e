"""The program as its users have it, and stores as they come to be."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import paths
from voip.identity.sealed import Cost
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import Vault

Keep = Callable[[Vault], list[str]]
Start = Callable[..., subprocess.Popen[str]]

_PROGRAM = Path(sys.executable).with_name("ringfence")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Give a function that starts the program for one of several people."""
    (tmp_path / "pw").write_text("correct horse\n")

    def run(person: str, *arguments: str) -> subprocess.Popen[str]:
        home = [f"--home={tmp_path / person}", f"--passphrase-file={tmp_path}/pw"]
        return subprocess.Popen(
            [_PROGRAM, *home, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Give a function that stores a vault; it gives the options that open it."""

    def create(vault: Vault) -> list[str]:
        store = paths.store(tmp_path / "home")
        cost = Cost(64 << 10, 2, lanes=1)
        Store.create(store, vault, Passphrase(b"correct horse"), cost=cost)
        (tmp_path / "pw").write_text("correct horse\n")
        return [f"--home={store.parent}", f"--passphrase-file={tmp_path}/pw"]

    return create


@pytest.fixture
def relay_line(start: Start) -> Iterator[str]:
    """Serve a relay until the test is over; give the line it prints for cards."""
    server = start("operator", "relay", "serve", "--port=0")
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    _, said = server.communicate(timeout=10)

    assert server.returncode == 0, said
