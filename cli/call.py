"""`ringfence call`: call somebody."""

import asyncio
from typing import Any

import click

from cli.calling import place_call
from cli.home import Home
from cli.lan import Lan, lan_options
from cli.output import json_option
from cli.wishes import Wishes, call_options


@click.command(epilog="Example: ringfence call bob --video")
@click.argument("name")
@lan_options("Look for their listener on the local network.")
@call_options
@json_option
@click.pass_obj
def call(home: Home, /, name: str, *, lan: Lan | None, **wishes: Any) -> int:
    """Call a contact, on all their devices.

    NAME is an alias, or an identity as a card has it.

    Off a terminal, orders are read from standard input, a line each: mute, unmute,
    hold, resume, video on, video off, rekey, stats, choices, choose N, continue,
    text TEXT, file PATH, hangup.
    """
    return asyncio.run(place_call(home.open(), name, Wishes(**wishes), lan=lan))
