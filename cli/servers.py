"""The options that name STUN and TURN servers, for calls and for `doctor`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.grouped import group
from voip.errors import MalformedError, MissingError
from voip.identity.vault import Vault
from voip.lending import RelayLender
from voip.media.connect.config import IceServer, Lender
from voip.media.connect.servers import parse_server

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature

_LOGIN_BYTES = 1024  # user and password; a larger file is not one
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NETWORK = group("Network")

_OPTIONS = [
    _NETWORK(
        "--ice-server",
        "ice_servers",
        multiple=True,
        metavar="URL",
        help="stun:HOST, turn:HOST or turns:HOST; nobody is asked else.",
    ),
    _NETWORK(
        "--turn",
        type=click.Choice(["none", "relay"]),
        default="none",
        show_default=True,
        help="Whether your relay lends you TURN servers.",
    ),
    _NETWORK("--turn-login", type=_FILE, help="File with USER:PASSWORD for TURN."),
    _NETWORK("--turn-ca", type=_FILE, help="Authorities for turns:, PEM; no others."),
    _NETWORK("--turn-pin", metavar="HEX", help="SHA-256 of the key of turns:."),
]


def server_options(command: F) -> F:
    """Give a command the options; it hands them to `read_servers` by name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_servers(
    ice_servers: tuple[str, ...],
    *,
    turn_login: Path | None,
    turn_ca: Path | None,
    turn_pin: str | None,
) -> tuple[IceServer, ...]:
    """Read what the options say.

    Raises:
        MalformedError: a server, login or pin of another form; or a certificate is to
            be judged and no server shows one.
    """
    user, password = _login(turn_login)
    pin = _pin(turn_pin)
    ca_file = str(turn_ca) if turn_ca is not None else None
    servers = []
    is_judged = False
    for url in ice_servers:
        server = parse_server(url)
        known: dict[str, Any] = {}
        if server.is_relay:
            known |= {"username": user, "password": password}
        if server.is_secure:
            known |= {"ca_file": ca_file, "pin": pin}
            is_judged = True
        servers.append(IceServer(url=url, **known))
    if (pin or ca_file) and not is_judged:
        raise MalformedError("--turn-ca and --turn-pin are about turns: servers")
    return tuple(servers)


def read_lender(turn: str, vault: Vault) -> Lender | None:
    """Read whether the user's relay is to lend TURN servers; it is not asked yet.

    Raises:
        MissingError: it is, and there is no relay.
    """
    if turn == "none":
        return None
    if vault.relay is None:
        raise MissingError("--turn relay: you have no relay that could lend any")
    return RelayLender(vault.relay, entropy=os.urandom)


def _login(path: Path | None) -> tuple[str | None, str | None]:
    if path is None:
        return None, None
    with path.open(encoding="utf-8", errors="replace") as file:
        user, colon, password = file.read(_LOGIN_BYTES).strip().partition(":")
    if not colon:
        raise MalformedError(f"{path}: expected USER:PASSWORD")
    return user, password


def _pin(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MalformedError(
            f"--turn-pin: expected 64 hex digits, came {text!r}"
        ) from None
