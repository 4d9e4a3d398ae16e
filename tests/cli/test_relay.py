"""A relay as its operator starts it, and as a client looks at it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.codes import Code
from cli.main import main

_PROGRAM = Path(sys.executable).with_name("ringfence")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[str]:
    """Serve a relay in a process of its own; give the line it prints for cards."""
    server = subprocess.Popen(
        [_PROGRAM, f"--home={tmp_path}", "relay", "serve", "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.send_signal(signal.SIGTERM)
    _, said = server.communicate(timeout=10)

    assert server.returncode == Code.DONE, said


def test_a_relay_prints_the_line_that_check_takes(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["relay", "check", *line.split()])

    assert code == Code.DONE
    assert capsys.readouterr().out.startswith(f"{line} answers in 0.")


def test_a_relay_with_another_key_is_refused(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address, _ = line.split()
    code = main(["relay", "check", address, "a" * 52])

    assert code == Code.REFUSED
    assert "not the key that the card pins" in capsys.readouterr().err


def test_a_relay_that_is_not_there_could_not_be_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["relay", "check", "127.0.0.1:1"])

    assert code == Code.UNREACHABLE
    assert capsys.readouterr().err == (
        "ringfence: error: relay 127.0.0.1:1: connect call failed ('127.0.0.1', 1)\n"
        "ringfence: hint: try again later\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["check", "relay.example"], Code.REFUSED, "expected HOST:PORT PIN"),
        (["serve", "--tls-cert", __file__], Code.USAGE, "give both --tls-cert and"),
        (["serve", "--plain", "--host=0.0.0.0"], Code.REFUSED, "loopback"),
    ],
)
def test_what_cannot_be_a_relay_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    code: Code,
    sentence: str,
) -> None:
    assert main([f"--home={tmp_path}", "relay", *arguments]) == code
    assert sentence in capsys.readouterr().err
