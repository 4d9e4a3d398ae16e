"""A relay as its operator starts it, and as a client looks at it."""

import json
import socket
from pathlib import Path

import pytest

from cli.codes import Code
from cli.main import main
from tests.cli.conftest import Start
from tests.voip.signalling.engines import needs_redis, redis_engine


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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def await_status(start: Start, address: str) -> tuple[int, str]:
    """Ask until somebody answers, and is not just starting."""
    out = ""
    for _ in range(100):
        asked = start("operator", "gateway", "status", address)
        out, _ = asked.communicate(timeout=30)
        if asked.returncode != Code.UNREACHABLE and "just been started" not in out:
            return asked.returncode, out
    raise AssertionError(out)


@pytest.mark.slow
def test_a_relay_tells_how_it_does(start: Start) -> None:
    pages = f"127.0.0.1:{free_port()}"
    server = start(
        *("operator", "relay", "serve", "--port=0", "--drain=0", "--log=json"),
        *("--metrics", pages),
    )
    code, out = await_status(start, pages)
    server.terminate()
    _, said = server.communicate(timeout=20)
    events = [json.loads(line)["event"] for line in said.splitlines()]

    assert (code, out.startswith("ready for new work, version ")) == (0, True)
    assert (server.returncode, events) == (
        0,
        ["started", "ready", "draining", "stopped"],
    )


@pytest.mark.slow
@needs_redis
def test_workers_share_a_port_and_a_store(start: Start) -> None:
    pages = free_port()
    with redis_engine() as engine:
        server = start(
            *("operator", "relay", "serve", "--port=0", "--drain=0", "--log=json"),
            *("--store", engine.url, "--workers=2"),
            *("--metrics", f"127.0.0.1:{pages}"),
        )
        assert server.stdout is not None
        line = server.stdout.readline().strip()
        codes = [
            await_status(start, f"127.0.0.1:{pages + number}")[0] for number in (0, 1)
        ]
        check = start("client", "relay", "check", *line.split())
        check.communicate(timeout=30)
        server.terminate()
        _, said = server.communicate(timeout=30)

    assert (codes, check.returncode, server.returncode) == ([0, 0], 0, 0)
    assert said.count('"worker_ended"') == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--workers=2"], "--workers needs a store that they share: --store redis://"),
        (["--store=redis://:pw@host"], "--store: expected no password"),
        (["--store=mysql://host"], "--store: expected sqlite:PATH, redis://HOST"),
        (["--store=sqlite:a", "--db=b"], "give --db or --store, not both"),
        (["--turn-uri=turn:a"], "give both --turn-uri and --turn-secret-file"),
        (["--plain", "--host=0.0.0.0"], "relay without tls: expected a loopback"),
        (["--behind-proxy"], "relay behind a proxy: expected no tls"),
    ],
    ids=["workers", "password", "engine", "twice", "turn", "plain", "proxy"],
)
def test_what_cannot_be_served_is_refused_at_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    code = main([f"--home={tmp_path}", "relay", "serve", *options])

    assert code in {Code.REFUSED, Code.USAGE}
    assert sentence in capsys.readouterr().err
