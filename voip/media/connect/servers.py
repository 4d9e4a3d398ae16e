"""Addresses of STUN and TURN servers, as the user writes them (RFC 7064, RFC 7065).

::

    stun:HOST[:PORT]
    turn:HOST[:PORT][?transport=udp|tcp]      udp where nothing is said
    turns:HOST[:PORT][?transport=tcp]         TLS

HOST is a name, an IPv4 address or an IPv6 address in brackets. STUN over TCP or TLS
(``stuns``) finds no address of a UDP socket, so it is not spoken.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from voip.errors import MalformedError

DEFAULT_PORT = 3478  # RFC 8489 §18.6, RFC 8656 §18.7
DEFAULT_TLS_PORT = 5349

_SERVER = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?:\?transport=(?P<transport>udp|tcp))?",
    re.ASCII,
)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server is, and how it is spoken to.

    Attributes:
        scheme: what it does: tell our address, relay, relay over TLS.
        host: name or address, without brackets.
        port: 1 to 65535.
        transport: between us and the server; what it relays is UDP always.
    """

    scheme: Literal["stun", "turn", "turns"]
    host: str
    port: int
    transport: Literal["udp", "tcp"]

    @property
    def is_relay(self) -> bool:
        """Whether it forwards packets."""
        return self.scheme != "stun"

    @property
    def is_secure(self) -> bool:
        """Whether it shows a certificate."""
        return self.scheme == "turns"


def parse_server(url: str) -> Server:
    """Read the address of a server.

    Raises:
        MalformedError: not one of the forms above.
    """
    match = _SERVER.fullmatch(url)
    if match is None:
        raise _malformed(url)
    scheme, transport = match["scheme"], match["transport"]
    if (scheme, transport) not in _TRANSPORTS:
        raise MalformedError(f"ice server: {scheme} over {transport}: {url!r}")
    port = int(match["port"] or (DEFAULT_TLS_PORT if scheme == "turns" else 0))
    if port > 65535:
        raise MalformedError(f"ice server: expected a port up to 65535, came {url!r}")
    known, over = _TRANSPORTS[scheme, transport]
    return Server(
        scheme=known,
        host=_host(match["host"], url),
        port=port or DEFAULT_PORT,
        transport=over,
    )


_TRANSPORTS: dict[
    tuple[str, str | None],
    tuple[Literal["stun", "turn", "turns"], Literal["udp", "tcp"]],
] = {
    ("stun", None): ("stun", "udp"),
    ("turn", None): ("turn", "udp"),
    ("turn", "udp"): ("turn", "udp"),
    ("turn", "tcp"): ("turn", "tcp"),
    ("turns", None): ("turns", "tcp"),
    ("turns", "tcp"): ("turns", "tcp"),
}


def _host(text: str, url: str) -> str:
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise _malformed(url) from None
    labels = text.split(".")
    if labels[-1].isdigit():  # digits at the end make an address, or nothing (RFC 3696)
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise _malformed(url) from None
    if not all(map(_LABEL.fullmatch, labels)):
        raise _malformed(url)
    return text


def _malformed(url: str) -> MalformedError:
    return MalformedError(
        "ice server: expected stun:HOST:PORT, turn:HOST:PORT?transport=udp|tcp "
        f"or turns:HOST:PORT, came {url!r}"
    )
