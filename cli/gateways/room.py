"""`ringfence gateway room`: talk with several people at once."""

import asyncio
from typing import Any

import click

from cli.gateways.larger import server_params, take_server
from cli.gateways.media import media_params, wishes_of
from cli.gateways.metrics import metrics_option
from cli.gateways.pageoptions import serving_params, take_serving
from cli.gateways.roomtalk import Wanted, join_room, open_room
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option


@click.group(epilog="Example: ringfence gateway room open bob carol")
def command() -> None:
    """Talk with several people; no server, or one that hears nothing.

    Up to six have a call each with each other: nobody's machine mixes, and nobody
    can remove anybody. With --server, up to 16 meet at a server that forwards what
    it cannot hear or see. With --guests, links are printed for people who have only a
    browser; who lets them in hears what they say, and all are told.

    Orders are read from standard input, a line each: mute, hand, invite NAME,
    hush NAME, words NAME, members, stats, leave and others (docs/gateway.md).
    """


@command.command(
    "open",
    cls=GroupedCommand,
    params=[
        *server_params(opens=True),
        *serving_params(guests=0),
        *media_params(),
    ],
    epilog="Example: ringfence gateway room open bob carol",
)
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@metrics_option
@json_option
@click.pass_obj
def open_(
    home: Home, /, *, members: tuple[str, ...], metrics: str | None, **given: Any
) -> int:
    """Open a room, and ask contacts to come."""
    return asyncio.run(open_room(home.open(), members, _wanted(given, metrics)))


@command.command(
    cls=GroupedCommand,
    params=[
        *server_params(opens=False),
        *serving_params(guests=0),
        *media_params(),
    ],
    epilog="Example: ringfence gateway room join alice",
)
@click.argument("inviter", required=False)
@metrics_option
@json_option
@click.pass_obj
def join(
    home: Home, /, *, inviter: str | None, metrics: str | None, **given: Any
) -> int:
    """Wait to be asked into a room, and come; only by INVITER, if given."""
    return asyncio.run(join_room(home.open(), inviter, _wanted(given, metrics)))


def _wanted(given: dict[str, Any], metrics: str | None) -> Wanted:
    server, serving = take_server(given), take_serving(given)
    return Wanted(
        wishes=wishes_of(given), server=server, serving=serving, metrics=metrics
    )
