"""The options that name STUN and TURN servers, for calls and for `doctor`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from voip.errors import MalformedError
from voip.media.connect.config import IceServer

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature

_LOGIN_BYTES = 1024  # user and password; a larger file is not one

_OPTIONS = [
    click.option(
        "--ice-server",
        "ice_servers",
        multiple=True,
        help="stun:HOST:PORT or turn:HOST:PORT to find a path; nobody is asked else.",
    ),
    click.option(
        "--turn-login",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with USER:PASSWORD for the TURN server.",
    ),
]


def server_options(command: F) -> F:
    """Give a command the options; it hands them to `read_servers`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_servers(
    ice_servers: tuple[str, ...], turn_login: Path | None
) -> tuple[IceServer, ...]:
    """Read what the options say.

    Raises:
        MalformedError: the login is not ``USER:PASSWORD``.
    """
    user, password = _login(turn_login)
    return tuple(
        IceServer(url=url, username=user, password=password)
        if url.startswith("turn")
        else IceServer(url=url)
        for url in ice_servers
    )


def _login(path: Path | None) -> tuple[str | None, str | None]:
    if path is None:
        return None, None
    with path.open(encoding="utf-8", errors="replace") as file:
        user, colon, password = file.read(_LOGIN_BYTES).strip().partition(":")
    if not colon:
        raise MalformedError(f"{path}: expected USER:PASSWORD")
    return user, password
