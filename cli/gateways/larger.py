"""Rooms over a forwarding server: the options, and the room that they lead to."""

import os
import ssl
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from cli.grouped import GroupedOption
from voip.endpoint import Endpoint
from voip.errors import MalformedError, MissingError
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.janus import Janus
from voip.gateway.rooms.larger import LargerRoom
from voip.gateway.rooms.sfu import Sfu, check_server, create_ticket
from voip.handshake.payload import ID_BYTES
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.signalling.group import Room
from voip.upkeep import VaultKeeper

_MAX_KEY = 1024  # bytes of an operator's key
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_GROUP = "Server"
_SERVER = GroupedOption(
    ["--server"],
    group=_GROUP,
    metavar="URL",
    help="A Janus that forwards what it cannot read, for up to 16: wss://HOST.",
)
_CA = GroupedOption(
    ["--server-ca"],
    group=_GROUP,
    type=_FILE,
    help="PEM file of who may sign its certificate.",
)
_KEY = GroupedOption(
    ["--admin-key-file"],
    group=_GROUP,
    type=_FILE,
    help="What its operator lets rooms be made with.",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A forwarding server, as the user names it.

    Attributes:
        url: its address; None: a member will say.
        ca: of who may sign its certificate; None: whom the system trusts.
        admin_key: lets rooms be made there.
    """

    url: str | None = None
    ca: Path | None = None
    admin_key: str = field(default="", repr=False)

    def open(self, url: str) -> AbstractAsyncContextManager[Sfu]:
        """Open a connection, as a member does."""
        return self.janus(url)

    def janus(self, url: str) -> Janus:
        """Prepare a connection.

        Raises:
            MalformedError: the CA file holds no certificate.
        """
        trust = None
        if self.ca is not None:
            try:
                trust = ssl.create_default_context(cafile=self.ca)
            except ssl.SSLError as error:
                raise MalformedError(f"{self.ca}: no certificate: {error}") from error
        return Janus(url, entropy=os.urandom, trust=trust)


def server_params(*, opens: bool) -> Sequence[click.Parameter]:
    """Give the options about a server, of who opens a room or comes to it."""
    return (_SERVER, _CA, _KEY) if opens else (_SERVER, _CA)


def take_server(given: dict[str, Any]) -> Server:
    """Take those options out of what was given.

    Raises:
        MalformedError: an address that a server cannot have.
    """
    url, ca = given.pop("server"), given.pop("server_ca")
    key_file = given.pop("admin_key_file", None)
    if url is not None:
        check_server(url, ours=True)
    return Server(url, ca, _read_key(key_file))


@dataclass(frozen=True, slots=True)
class Made:
    """A room that we made; `secret` ends it, and has strangers put out."""

    ticket: Room
    secret: str = field(repr=False)


async def make_room(server: Server) -> Made:
    """Make a room at the server.

    Raises:
        MissingError: no key of the server's operator was given.
        CallError: the server cannot be reached, or says no.
    """
    assert server.url is not None
    if not server.admin_key:
        raise MissingError(
            "to open a room on a server needs its operator's key: --admin-key-file"
        )
    ticket = create_ticket(server.url, os.urandom(ID_BYTES), entropy=os.urandom)
    secret = os.urandom(16).hex()
    async with server.janus(server.url) as janus:
        await janus.create(ticket, admin_key=server.admin_key, secret=secret)
    return Made(ticket, secret)


async def end_room(server: Server, made: Made) -> None:
    """End a room that nobody is in any more: servers keep empty ones for ever.

    Raises:
        CallError: the server cannot be reached, or says no.
    """
    async with server.janus(made.ticket.url) as janus:
        await janus.destroy(made.ticket, secret=made.secret)


def larger_room(  # noqa: PLR0913 -- where, as whom, with what
    endpoint: Endpoint,
    store: VaultKeeper,
    plan: MediaPlan,
    server: Server,
    *,
    ice: IceConfig,
    video: bool,
    group_id: bytes,
    ticket: Room | None = None,
    secret: str = "",
    guests: bool = False,
    counted: GatewayCounts | None = None,
) -> LargerRoom:
    """Give our place in a room over a server; `ticket` and `secret`, if we made it."""
    return LargerRoom(
        endpoint,
        store,
        plan=plan,
        group_id=group_id,
        open_sfu=server.open,
        entropy=os.urandom,
        ticket=ticket,
        secret=secret,
        server=server.url,
        ice=ice,
        video=video,
        guests=guests,
        counted=counted,
    )


def _read_key(path: Path | None) -> str:
    if path is None:
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_MAX_KEY).strip()
