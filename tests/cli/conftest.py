"""The program in processes of its own, as its users have it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.fixture
def relay_line(start: Start) -> Iterator[str]:
    """Serve a relay until the test is over; give the line it prints for cards."""
    server = start("operator", "relay", "serve", "--port=0")
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    _, said = server.communicate(timeout=10)

    assert server.returncode == 0, said
