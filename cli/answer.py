"""`ringfence answer`: take calls."""

import asyncio
from typing import Any

import click

from cli.calling import take_calls
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option
from cli.wishes import Wishes, call_options


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence answer --audio-out file:message.wav --once",
)
@click.option(
    "--auto", is_flag=True, help="Accept, unless the trust is BROKEN, or a leg asks."
)
@click.option("--once", is_flag=True, help="End after one call.")
@call_options
@json_option
@click.pass_obj
def answer(home: Home, /, *, auto: bool, once: bool, **wishes: Any) -> int:
    """Wait for calls, and take them; also those that ask you into a room.

    Off a terminal, orders are read from standard input, a line each: accept, decline
    and those of 'ringfence call'.
    """
    return asyncio.run(take_calls(home.open(), Wishes(**wishes), auto=auto, once=once))
