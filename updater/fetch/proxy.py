"""Which proxy leads to a host, and what is said to it.

Rules. Two kinds: HTTP's CONNECT (RFC 9110 section 9.3.6), and SOCKS 5 (RFC 1928, login
by RFC 1929), to which the host's name is given, so that nobody here looks it up.
"""

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from updater.errors import FetchError, MalformedError

HEAD_BYTES: Final = 16 << 10  # of an answer to CONNECT; real ones have a few lines
SOCKS_METHOD_BYTES: Final = 2
SOCKS_REPLY_HEAD_BYTES: Final = 4

_PORTS: Final = {"http": 80, "socks5h": 1080}
_LONGEST: Final = 255  # a length that SOCKS counts in one byte
_NO_LOGIN, _LOGIN = 0, 2
_ADDRESS_BYTES: Final = {1: 4, 4: 16}  # IPv4 and IPv6; the port follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy; `login` is user and password, if it wants one."""

    kind: Literal["http", "socks5h"]
    host: str
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy for everything, and the hosts that are reached without it."""

    proxy: Proxy | None = None
    direct: tuple[str, ...] = ()

    def leading_to(self, host: str) -> Proxy | None:
        """Give the proxy that leads to a host; None to ask it directly."""
        name = host.lower().rstrip(".")
        if is_loopback(name) or "*" in self.direct:
            return None
        for each in self.direct:
            if name == each or name.endswith(f".{each}"):
                return None
        return self.proxy


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """Read HTTPS_PROXY, else ALL_PROXY, and NO_PROXY, in either case of letters.

    Raises:
        MalformedError: a proxy that is neither ``http://`` nor ``socks5h://``.
    """
    found = _first(environment, "https_proxy", "all_proxy")
    direct = _first(environment, "no_proxy").lower().split(",")
    hosts = tuple(each.strip().lstrip(".") for each in direct if each.strip(" ."))
    return Proxies(parse_proxy(found) if found else None, hosts)


def parse_proxy(text: str) -> Proxy:
    """Read ``kind://[user:password@]host[:port]``.

    Raises:
        MalformedError: it is something else; the text is not quoted, it may hold a
            password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise MalformedError("proxy: expected an address") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise MalformedError("proxy: expected http://host or socks5h://host")
    login = None
    if parts.username is not None:
        login = unquote(parts.username), unquote(parts.password or "")
        if any(not 0 < len(each.encode()) <= _LONGEST for each in login):
            raise MalformedError(
                "proxy: expected a user and a password, 1 to 255 bytes"
            )
    return Proxy(
        kind="socks5h" if parts.scheme == "socks5h" else "http",
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        login=login,
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its text alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connect_request(proxy: Proxy, host: str, port: int) -> bytes:
    """Ask an HTTP proxy for a tunnel."""
    name = f"[{host}]" if ":" in host else host
    lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
    if proxy.login:
        login = base64.b64encode(":".join(proxy.login).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    return "\r\n".join([*lines, "", ""]).encode()


def check_connected(head: bytes) -> None:
    """Check the answer to `connect_request`, up to its empty line.

    Raises:
        FetchError: ``proxy``: no tunnel.
    """
    version, _, rest = head.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise FetchError("proxy", f"the proxy answered {head[:40]!r}")
    if status[:1] != b"2":
        raise FetchError(
            "proxy", f"the proxy answered {status.decode()}", status=int(status)
        )


def socks_greeting(proxy: Proxy) -> bytes:
    """Offer the one way to log in that we have (RFC 1928 section 3)."""
    return bytes([5, 1, _LOGIN if proxy.login else _NO_LOGIN])


def socks_login(proxy: Proxy, method: bytes) -> bytes:
    """Log in, if the proxy chose so; empty if there is nothing to say.

    Raises:
        FetchError: ``proxy``: it did not take what was offered.
    """
    if method != bytes([5, _LOGIN if proxy.login else _NO_LOGIN]):
        raise FetchError("proxy", "the proxy wants another login")
    if not proxy.login:
        return b""
    user, password = (each.encode() for each in proxy.login)
    return bytes([1, len(user)]) + user + bytes([len(password)]) + password


def check_socks_login(reply: bytes) -> None:
    """Check the answer to `socks_login`.

    Raises:
        FetchError: ``proxy``: refused.
    """
    if reply != b"\x01\x00":
        raise FetchError("proxy", "the proxy refused the login")


def socks_request(host: str, port: int) -> bytes:
    """Ask for a connection to a host by name (RFC 1928 section 4).

    Raises:
        FetchError: ``proxy``: the name is too long.
    """
    name = host.encode("ascii", "replace")
    if len(name) > _LONGEST:
        raise FetchError("proxy", "expected a host's name of at most 255 bytes")
    return b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2)


def socks_reply_rest(head: bytes) -> int:
    """Check the first four bytes of the answer; say how many follow.

    For an address that is a name, one byte with its length follows first: then 0.

    Raises:
        FetchError: ``proxy``: no connection.
    """
    if head[:1] != b"\x05" or head[1]:
        raise FetchError("proxy", f"the proxy answered {head.hex()}")
    if head[3] == 3:
        return 0
    if head[3] not in _ADDRESS_BYTES:
        raise FetchError("proxy", f"the proxy answered {head.hex()}")
    return _ADDRESS_BYTES[head[3]] + 2


def _first(environment: Mapping[str, str], *names: str) -> str:
    spelled: Iterable[str] = (each for name in names for each in (name, name.upper()))
    return next((environment[each] for each in spelled if environment.get(each)), "")
