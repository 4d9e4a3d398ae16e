"""A connection that ends in time: TCP, perhaps through a proxy, perhaps with TLS.

Carrier. A server may send a byte now and then for ever, in its TLS handshake, in its
headers or in its body: every wait on a `Connection` ends after a gap, at a deadline, or
when too little came for too long; and no more is read than was agreed.
"""

import io
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from updater.errors import FetchError
from updater.fetch import proxy as proxies
from updater.fetch.proxy import Proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How patient we are: times in seconds, speeds in bytes per second."""

    connect_s: float = 10.0
    gap_s: float = 15.0  # without a byte
    small_s: float = 30.0  # a small file in all
    large_s: float = 120.0  # a large file, and its size at the slowest speed
    slowest: float = 16_384.0
    drip: float = 1_024.0  # slower than this for `drip_s` is no connection
    drip_s: float = 30.0
    run_s: float = 7_200.0  # everything


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection leads; `tls` is None on the way to loopback only."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: Proxy | None = None


class Connection:
    """An open connection, as `http.client` takes it for a socket."""

    def __init__(
        self, opened: socket.socket, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._socket = opened
        self._limits = limits
        self._clock = clock
        self._ends = 0.0
        self._budget = 0
        self._since = 0.0
        self._came = 0
        self._reader: _Reader | None = None

    def begin(self, *, ends: float, budget: int) -> None:
        """Start an exchange: until when on the clock, and of how many bytes.

        Raises:
            FetchError: ``slow``: the time is up already.
        """
        self._ends = ends
        self._budget = budget
        self._since, self._came = self._clock(), 0
        self._wait_s()

    def is_idle(self) -> bool:
        """Tell whether the other side is silent, as it must be between exchanges."""
        readable, _, _ = select.select([self._socket], [], [], 0)
        return not readable

    def has_more(self) -> bool:
        """Tell whether more came than the answer that was read."""
        return self._reader is not None and self._reader.has_more()

    def sendall(self, data: bytes) -> None:
        """Send all.

        Raises:
            FetchError: ``slow``: nobody takes it.
        """
        self._socket.settimeout(self._wait_s())
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise FetchError("slow", "nobody takes what we send") from error

    def receive(self, most: int) -> bytes:
        """Wait for some bytes; none at the end.

        Raises:
            FetchError: ``slow`` or ``too-long``.
        """
        self._socket.settimeout(self._wait_s())
        try:
            data = self._socket.recv(min(most, self._budget + 1))
        except TimeoutError as error:
            raise FetchError("slow", "nothing came for too long") from error
        self._budget -= len(data)
        self._came += len(data)
        if self._budget < 0:
            raise FetchError("too-long", "more came than was asked for")
        self._check_drip()
        return data

    def receive_exactly(self, size: int) -> bytes:
        """Wait for so many bytes.

        Raises:
            FetchError: ``slow``, ``too-long``, or ``cut``.
        """
        data = b""
        while len(data) < size:
            piece = self.receive(size - len(data))
            if not piece:
                raise FetchError("cut", "the connection ended early")
            data += piece
        return data

    def makefile(self, mode: str) -> io.BufferedReader:
        """Give what `http.client` reads an answer from."""
        assert mode == "rb"
        self._reader = _Reader(_Raw(self))
        return self._reader

    def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Speak TLS from now on.

        Raises:
            FetchError: ``slow``: the handshake takes too long.
            ssl.SSLError: it fails.
        """
        # One deadline for the whole handshake, however many pieces it comes in.
        self._socket.settimeout(self._wait_s())
        try:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError as error:
            raise FetchError("slow", "the TLS handshake takes too long") from error

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _wait_s(self) -> float:
        left = self._ends - self._clock()
        if left <= 0:
            raise FetchError("slow", "the time is up")
        return min(left, self._limits.gap_s)

    def _check_drip(self) -> None:
        """Give up on a server that is just not silent enough for the gap."""
        passed = self._clock() - self._since
        if passed < self._limits.drip_s:
            return
        if self._came < passed * self._limits.drip:
            raise FetchError("slow", f"{self._came} bytes in {passed:.0f} s")
        self._since, self._came = self._clock(), 0


class _Raw(io.RawIOBase):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no len
        if self.ended:
            return 0
        data = self._connection.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Reader(io.BufferedReader):
    """Remembers, when an answer is done, whether anything was left over."""

    def __init__(self, raw: _Raw) -> None:
        super().__init__(raw)
        self._source = raw
        self._left = False

    def has_more(self) -> bool:
        return self._left

    def close(self) -> None:
        if not self.closed:
            self._source.ended = True  # so that peek does not wait
            self._left = bool(self.peek(1))
        super().close()


def connect(route: Route, limits: Limits, clock: Callable[[], float]) -> Connection:
    """Open a connection along a route.

    Raises:
        FetchError: ``unreachable``, ``slow``, ``proxy`` or ``tls``.
    """
    ends = clock() + limits.connect_s
    proxy = route.proxy
    first = (proxy.host, proxy.port) if proxy else (route.host, route.port)
    connection = Connection(_dial(first, ends, clock), limits, clock)
    try:
        connection.begin(ends=ends, budget=proxies.HEAD_BYTES)
        if proxy:
            with _proxy_errors():
                _TUNNELS[proxy.kind](connection, proxy, route)
        if route.tls:
            connection.secure(route.tls, route.host)
    except ssl.SSLError as error:
        connection.close()
        raise FetchError("tls", f"{route.host}: {error}") from error
    except OSError as error:
        connection.close()
        raise FetchError("unreachable", f"{route.host}: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _dial(
    address: tuple[str, int], ends: float, clock: Callable[[], float]
) -> socket.socket:
    """Try each address of a host, all of them within one time."""
    host, port = address
    reason: Exception = FetchError("unreachable", "no address")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("unreachable", f"{host}: {error}") from error
    for family, kind, protocol, _, where in found:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(max(ends - clock(), 0.001))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.connect(where)
        except OSError as error:
            opened.close()
            reason = error
        else:
            return opened
    raise FetchError("unreachable", f"{host} port {port}: {reason}") from reason


def _tunnel_http(connection: Connection, proxy: Proxy, route: Route) -> None:
    connection.sendall(proxies.connect_request(proxy, route.host, route.port))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.receive_exactly(1)  # what follows belongs to TLS
    proxies.check_connected(head)


def _tunnel_socks(connection: Connection, proxy: Proxy, route: Route) -> None:
    connection.sendall(proxies.socks_greeting(proxy))
    method = connection.receive_exactly(proxies.SOCKS_METHOD_BYTES)
    login = proxies.socks_login(proxy, method)
    if login:
        connection.sendall(login)
        proxies.check_socks_login(connection.receive_exactly(2))
    connection.sendall(proxies.socks_request(route.host, route.port))
    head = connection.receive_exactly(proxies.SOCKS_REPLY_HEAD_BYTES)
    rest = proxies.socks_reply_rest(head)
    connection.receive_exactly(rest or connection.receive_exactly(1)[0] + 2)


class _Tunnel(Protocol):
    def __call__(self, connection: Connection, proxy: Proxy, route: Route) -> None: ...


_TUNNELS: Final[dict[str, _Tunnel]] = {"http": _tunnel_http, "socks5h": _tunnel_socks}


@contextmanager
def _proxy_errors() -> Iterator[None]:
    try:
        yield
    except FetchError as error:
        raise FetchError("proxy", str(error), status=error.status) from error
    except OSError as error:
        raise FetchError("proxy", f"the proxy broke off: {error}") from error
