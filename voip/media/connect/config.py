"""How the user wants to be found: the servers that may be asked, what may be shown.

Nobody is asked by default, and nothing is looked up but the names written here, and
those that a lender names whom the user asked for.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from voip.errors import LimitError, MalformedError, MissingError
from voip.media.connect.servers import Server, parse_server

MAX_SERVERS = 4  # each is asked by every call, from every address of this machine
PIN_BYTES = 32  # SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """A STUN or TURN server that the user configured.

    Attributes:
        url: ``stun:HOST[:PORT]``, ``turn:HOST[:PORT][?transport=udp|tcp]`` or
            ``turns:HOST[:PORT]``; IPv6 addresses stand in brackets.
        username: of a TURN server.
        password: of a TURN server.
        ca_file: PEM file of the authorities that may sign the certificate of a
            ``turns`` server; those of the system where there is none.
        pin: SHA-256 of the SubjectPublicKeyInfo of a ``turns`` server (RFC 7469
            §2.4); the one such key is then enough, whoever signed it.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    pin: bytes | None = None


Lender = Callable[[], Awaitable[tuple[IceServer, ...]]]
"""Gives TURN servers with passwords for a few minutes; raises a `CallError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IceConfig:
    """How the user wants to be found.

    Attributes:
        servers: at most 4, asked side by side.
        relay_only: keeps this machine's addresses from the peer.
        loopback: uses 127.0.0.1 and nothing else, for rehearsals within one machine.
        lender: is asked anew whenever addresses are looked for; what it lends is used
            beside `servers`.
    """

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    loopback: bool = False
    lender: Lender | None = None

    @property
    def asks_anybody(self) -> bool:
        """Whether looking for addresses takes longer than a look at this machine."""
        return bool(self.servers) or self.lender is not None


def check_config(config: IceConfig) -> tuple[Server, ...]:
    """Check that the user's wishes can be met, before anybody is dialled.

    Returns:
        The servers by their URLs, in the same order.

    Raises:
        MalformedError: a server that is not a STUN or TURN URL, a pin of another
            length, a TURN server without user and password, or a certificate
            wanted of a server that shows none.
        LimitError: more than 4 servers.
        MissingError: relay-only without a TURN server: no address would be left.
    """
    if len(config.servers) > MAX_SERVERS:
        raise LimitError(
            f"expected at most {MAX_SERVERS} ice servers, came {len(config.servers)}"
        )
    servers = tuple(map(_check_server, config.servers))
    has_relay = config.lender is not None or any(each.is_relay for each in servers)
    if config.relay_only and not has_relay:
        raise MissingError("relay-only calls need a TURN server, none is configured")
    return servers


def check_lent(lent: tuple[IceServer, ...]) -> tuple[Server, ...]:
    """Check servers that somebody lent, as `check_config` does those of the user.

    Raises:
        MalformedError: as there; or a server that is no relay: STUN servers see our
            address, and are the user's to choose.
        LimitError: more than 4.
    """
    servers = check_config(IceConfig(servers=lent))
    for server, each in zip(servers, lent, strict=True):
        if not server.is_relay:
            raise MalformedError(f"lent ice server {each.url}: expected a TURN server")
    return servers


def _check_server(wanted: IceServer) -> Server:
    server = parse_server(wanted.url)
    if server.is_relay and not (wanted.username and wanted.password):
        raise MalformedError(f"ice server {wanted.url}: expected a user and a password")
    if wanted.pin is not None and len(wanted.pin) != PIN_BYTES:
        raise MalformedError(
            f"ice server {wanted.url}: expected a pin of {PIN_BYTES} bytes, "
            f"came {len(wanted.pin)}"
        )
    if (wanted.pin is not None or wanted.ca_file is not None) and not server.is_secure:
        raise MalformedError(
            f"ice server {wanted.url}: a certificate is shown by turns: servers only"
        )
    return server
