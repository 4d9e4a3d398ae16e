"""`ringfence call`: call somebody."""

import asyncio
from typing import Any

import click

from cli.calling import place_call
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.lan import Lan, lan_options
from cli.output import json_option
from cli.wishes import Wishes, call_options


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence call bob --video --video-out terminal",
)
@click.argument("name")
@lan_options("Look for their listener on the local network.")
@call_options
@json_option
@click.pass_obj
def call(home: Home, /, name: str, *, lan: Lan | None, **wishes: Any) -> int:
    """Call a contact, on all their devices.

    NAME is an alias, or an identity as a card has it.

    On a terminal keys steer the call; off it, orders are read from standard input, a
    line each: mute, tone 1, record call.mkv, hangup and others (docs/calls.md).
    """
    return asyncio.run(place_call(home.open(), name, Wishes(**wishes), lan=lan))
