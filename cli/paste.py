"""`ringfence paste`: call without a relay, by texts that two people pass on."""

import asyncio
import os
from typing import Any

import click

from cli.byhand import answer_by_hand, call_by_hand
from cli.calling import signer_of
from cli.devices import parse_device
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option, show
from cli.wishes import Wishes, call_options
from voip.signalling.board import format_entry
from voip.signalling.invitation import Introduction, format_introduction
from voip.upkeep import own_entry, rotate_if_due


@click.group(epilog="Example: ringfence paste call bob")
def paste() -> None:
    """Call without a relay, by texts that two people pass on.

    \b
    bob    ringfence paste card        prints a text for alice, once
    alice  ringfence contact add FILE  takes it
    alice  ringfence paste call bob    prints the first of three texts
    bob    ringfence paste answer      takes it, and prints the second
    """  # noqa: D301 -- click's sign for lines that stay as they are is a real backspace


@paste.command(epilog="Example: ringfence paste card > me.txt")
@json_option
@click.pass_obj
def card(home: Home) -> None:
    """Print your card, with what it takes to call this device by hand.

    'ringfence contact add' takes it. It is good for 30 days at most.
    """
    store = home.open()
    asyncio.run(rotate_if_due(store, signer_of(store), os.urandom))
    vault = store.read()
    introduction = Introduction(vault.card, format_entry(own_entry(vault)))
    text = format_introduction(introduction)
    show({"introduction": text}, text.removesuffix("\n"))


@paste.command(cls=GroupedCommand, epilog="Example: ringfence paste call bob")
@click.argument("name")
@click.option("--device", help="Which of theirs, where you know several.")
@call_options
@json_option
@click.pass_obj
def call(home: Home, /, name: str, device: str | None, **wishes: Any) -> int:
    """Call a contact: pass on what is printed, paste what comes.

    NAME is an alias, or an identity as a card has it. Each of you has 15 minutes for
    each step.
    """
    device_id = parse_device(device) if device else None
    return asyncio.run(
        call_by_hand(home.open(), name, Wishes(**wishes), device=device_id)
    )


@paste.command(
    cls=GroupedCommand,
    epilog="Example: ringfence paste answer --audio-in silence",
)
@call_options
@json_option
@click.pass_obj
def answer(home: Home, /, **wishes: Any) -> int:
    """Take a call: paste the text that your caller sent you.

    To answer is to accept: what is printed then holds your addresses, and only the
    caller can read it.
    """
    return asyncio.run(answer_by_hand(home.open(), Wishes(**wishes)))
