"""A witness over HTTP, on loopback, asked by the program and by nobody's program."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.updater.transparency.logs import ORIGIN, TIME, WITNESS, signed
from tests.updater.transparency.test_witness import LOGS, request
from updater.errors import RefusedError, StoreError, UnreachableError
from updater.transparency.asking import Answer, ask
from updater.transparency.cosigning import MAX_BODY, SIZE_TYPE, place_of
from updater.transparency.serving import serve_witness
from updater.transparency.witness import Witness


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    witness = Witness(
        tmp_path / "w.sqlite", [WITNESS], LOGS, now=lambda: TIME, is_trusting=True
    )
    with serve_witness(witness) as place:
        yield place


def raw(url: str, data: bytes) -> bytes:
    """Send bytes that no program of ours would."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as opened:
        opened.sendall(data)
        return opened.makefile("rb").read()


def test_a_checkpoint_is_cosigned_and_shown(url: str) -> None:
    added = ask("POST", f"{url}/add-checkpoint", request(0, 3))
    shown = ask("GET", f"{url}/{place_of(ORIGIN)}/checkpoint")

    assert (added.status, shown.status) == (200, 200)
    assert shown.body == signed(size=3) + added.body


def test_a_conflict_tells_the_size(url: str) -> None:
    ask("POST", f"{url}/add-checkpoint", request(0, 3))
    answer = ask("POST", f"{url}/add-checkpoint", request(1, 4))

    assert answer == Answer(409, b"3\n", content_type=SIZE_TYPE)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/add-checkpoint", None, 405),
        ("POST", "/add-checkpoint", b"x", 400),
        ("POST", "/elsewhere", b"x", 404),
        ("GET", f"/{place_of(ORIGIN)}/checkpoint", None, 404),
        ("GET", "/", None, 404),
        ("PUT", "/add-checkpoint", b"x", 405),
        ("POST", "/add-checkpoint", b"x" * (MAX_BODY + 1), 413),
    ],
    ids=range(7),
)
def test_what_is_wrong_has_its_status(
    url: str, method: str, path: str, body: bytes | None, status: int
) -> None:
    assert ask(method, url + path, body).status == status


def test_a_body_needs_a_length(url: str) -> None:
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"

    assert b" 411 " in raw(url, head + b"\r\n")
    assert b" 411 " in raw(url, head + b"Content-Length: -1\r\n\r\n")
    assert b" 411 " in raw(url, head + b"Content-Length: 1_0\r\n\r\n")


def test_a_taken_port_is_said(url: str) -> None:
    port = urlsplit(url).port
    assert port is not None

    with (
        pytest.raises(StoreError, match="Address already in use"),
        serve_witness(Witness.__new__(Witness), port=port),
    ):
        pass


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "ftp://127.0.0.1/x", "x"])
def test_only_https_or_this_machine_is_asked(url: str) -> None:
    with pytest.raises(RefusedError, match="expected https"):
        ask("GET", url)


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(UnreachableError):
            ask("GET", f"http://127.0.0.1:{port}/")


def test_an_answer_that_is_too_long_is_none(url: str) -> None:
    ask("POST", f"{url}/add-checkpoint", request(0, 3))

    with pytest.raises(UnreachableError, match="at most 10 bytes"):
        ask("GET", f"{url}/{place_of(ORIGIN)}/checkpoint", most=10)
