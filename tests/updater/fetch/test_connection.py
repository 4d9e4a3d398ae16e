"""Connections through proxies; what servers do to them is in test_fetch.py."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.updater.certificates import tls_ends
from updater.errors import FetchError
from updater.fetch.connection import Connection, Limits, Route, connect
from updater.fetch.proxy import Proxy
from updater.testing.hostile import HostileServer

LIMITS = Limits(connect_s=1.0, gap_s=0.2)
Talk = Callable[[socket.socket], object]


@contextlib.contextmanager
def _peer(talk: Talk) -> Iterator[int]:
    """Listen on a port of loopback and talk to the one who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            opened, _ = listening.accept()
            with opened, contextlib.suppress(OSError):
                opened.settimeout(5)
                talk(opened)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[HostileServer, ssl.SSLContext]]:
    ours, theirs = tls_ends(tmp_path)
    (tmp_path / "small").write_bytes(b"small")
    with HostileServer(tmp_path, tls=ours) as server:
        yield server, theirs


@pytest.mark.parametrize("login", [None, ("user", "secret")])
@pytest.mark.parametrize("kind", ["http", "socks5h"])
def test_a_proxy_leads_to_the_server(
    secure: tuple[HostileServer, ssl.SSLContext],
    kind: str,
    login: tuple[str, str] | None,
) -> None:
    server, tls = secure
    target = int(server.url.rstrip("/").rpartition(":")[2])
    heard: list[bytes] = []
    talk = _http_proxy if kind == "http" else _socks_proxy
    with _peer(lambda opened: talk(opened, target, heard)) as port:
        proxy = Proxy(
            kind="http" if kind == "http" else "socks5h",
            host="127.0.0.1",
            port=port,
            login=login,
        )
        route = Route("127.0.0.1", target, tls, proxy)
        connection = connect(route, LIMITS, lambda: 0.0)
        got = _ask(connection)

    assert got.endswith(b"small")
    assert any(b"127.0.0.1" in each for each in heard)


_REFUSALS: dict[str, tuple[str, bytes]] = {
    "a login is wanted": ("http", b"HTTP/1.1 407 -\r\n\r\n"),
    "nothing": ("http", b""),
    "half a head": ("http", b"HTTP/1.1 200 -\r\n"),
    "a head without an end": ("http", b"HTTP/1.1 200 " + b"x" * 20_000),
    "another version": ("socks5h", b"\x04\x00"),
    "no way to log in": ("socks5h", b"\x05\xff"),
    "no connection": ("socks5h", b"\x05\x00\x05\x01\x00\x01"),
}


@pytest.mark.parametrize("what", _REFUSALS)
def test_a_proxy_that_refuses_is_an_error_of_the_proxy(what: str) -> None:
    kind, answer = _REFUSALS[what]
    with _peer(lambda opened: _answer(opened, answer)) as port:
        proxy = Proxy(
            kind="http" if kind == "http" else "socks5h", host="127.0.0.1", port=port
        )
        route = Route("127.0.0.1", 443, None, proxy)

        with pytest.raises(FetchError) as failure:
            connect(route, LIMITS, lambda: 0.0)
    assert failure.value.kind == "proxy"


def test_a_silent_tls_handshake_is_given_up() -> None:
    with _peer(lambda opened: [opened.recv(1) for _ in range(2_000)]) as port:
        route = Route("127.0.0.1", port, ssl.create_default_context())

        with pytest.raises(FetchError) as failure:
            connect(route, LIMITS, lambda: 0.0)
    assert failure.value.kind == "slow"


def test_a_name_that_nobody_has_is_unreachable() -> None:
    route = Route("a" * 64 + ".invalid", 443, None)

    with pytest.raises(FetchError) as failure:
        connect(route, LIMITS, lambda: 0.0)
    assert failure.value.kind == "unreachable"


def test_a_server_that_takes_nothing_is_given_up() -> None:
    done = threading.Event()
    with _peer(lambda _: done.wait(5)) as port:
        connection = connect(Route("127.0.0.1", port, None), LIMITS, lambda: 0.0)
        connection.begin(ends=1.0, budget=0)

        with pytest.raises(FetchError, match="nobody takes"):
            connection.sendall(bytes(64 << 20))
        connection.close()
        done.set()


def _ask(connection: Connection) -> bytes:
    connection.begin(ends=1.0, budget=1_000)
    connection.sendall(b"GET /small HTTP/1.1\r\n\r\n")
    got = b""
    while not got.endswith(b"small"):
        got += connection.receive(1_000)
    connection.close()
    return got


def _answer(opened: socket.socket, data: bytes) -> None:
    opened.recv(1_000)
    opened.sendall(data)
    opened.shutdown(socket.SHUT_WR)
    while opened.recv(1_000):
        pass


def _http_proxy(opened: socket.socket, target: int, heard: list[bytes]) -> None:
    heard.append(opened.recv(1_000))
    opened.sendall(b"HTTP/1.1 200 Connection established\r\nVia: us\r\n\r\n")
    _join(opened, target)


def _socks_proxy(opened: socket.socket, target: int, heard: list[bytes]) -> None:
    greeting = opened.recv(3)
    opened.sendall(b"\x05" + greeting[2:])
    if greeting[2]:
        assert opened.recv(100) == b"\x01\x04user\x06secret"
        opened.sendall(b"\x01\x00")
    heard.append(opened.recv(100))
    # The address it says is a name of three letters.
    opened.sendall(b"\x05\x00\x00\x03\x03abc\x00\x50")
    _join(opened, target)


def _join(opened: socket.socket, target: int) -> None:
    with socket.create_connection(("127.0.0.1", target)) as onward:
        back = threading.Thread(target=_pass_on, args=(onward, opened))
        back.start()
        _pass_on(opened, onward)
        back.join()


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(10_000):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
