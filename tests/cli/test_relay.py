"""A relay as its operator starts it, and as a client looks at it."""

from pathlib import Path

import pytest

from cli.codes import Code
from cli.main import main
from tests.cli.conftest import Start


def test_a_relay_prints_the_line_that_check_takes(
    start: Start, relay_line: str
) -> None:
    check = start("client", "relay", "check", *relay_line.split())
    out, said = check.communicate(timeout=30)

    assert (check.returncode, said) == (Code.DONE, "")
    assert out.startswith(f"{relay_line} answers in 0.")


def test_a_relay_with_another_key_is_refused(start: Start, relay_line: str) -> None:
    address, _ = relay_line.split()
    check = start("client", "relay", "check", address, "a" * 52)
    _, said = check.communicate(timeout=30)

    assert check.returncode == Code.REFUSED
    assert said == (
        f"ringfence: error: relay {address}: not the key that the card pins\n"
    )


def test_a_relay_that_is_not_there_could_not_be_asked(start: Start) -> None:
    check = start("client", "relay", "check", "127.0.0.1:1")
    _, said = check.communicate(timeout=30)

    assert check.returncode == Code.UNREACHABLE
    assert said == (
        "ringfence: error: relay 127.0.0.1:1: connection refused\n"
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


def test_a_line_that_nobody_can_use_is_told(start: Start) -> None:
    server = start("operator", "relay", "serve", "--host=0.0.0.0", "--port=0")
    assert server.stdout is not None
    server.stdout.readline()
    server.terminate()
    _, said = server.communicate(timeout=10)

    assert "note: nobody can call 0.0.0.0: --name says how others reach it" in said
