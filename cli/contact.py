"""`ringfence contact`: who others are to you."""

import asyncio
import os
import sys
import time
from dataclasses import replace
from typing import TextIO

import click

from cli.devices import parse_device
from cli.home import Home
from cli.output import json_option, minute, note, show
from cli.trust import say, say_of
from voip.dialling import with_announcement
from voip.identity import person
from voip.identity.card import Card, RelayAddress, parse_card, parse_relay
from voip.identity.contact import Contact, Grant
from voip.identity.keys import format_identity, safety_number
from voip.identity.vault import Vault
from voip.signalling.invitation import MAX_TEXT, parse_introduction
from voip.signalling.link import RelayLink
from voip.signalling.rendezvous import swap_cards
from voip.signalling.spoken import Code, Side, create_code, format_code, parse_code


@click.group(epilog="Example: ringfence contact add bob.card")
def contact() -> None:
    """Who others are to you: cards, trust, safety numbers."""


@contact.command(epilog="Example: ringfence contact add bob.card --alias bob")
@click.argument("card", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--alias", help="Your name for them.  [default: the card's]")
@json_option
@click.pass_obj
def add(home: Home, card: TextIO, alias: str | None) -> None:
    """Add somebody by a contact CARD: a file, or -.

    The text of 'ringfence paste card' will do as well.
    """
    text = card.read(MAX_TEXT + 1)
    introduction = None
    if text.lstrip().startswith("ringfence introduction"):
        introduction = parse_introduction(text)
    given = introduction.card if introduction else parse_card(text)

    def learn(vault: Vault) -> Vault:
        vault = person.add_contact(vault, given, alias=alias, now=_now())
        if introduction is None:
            return vault
        name = format_identity(given.identity)
        announced = introduction.announcement
        return person.change_contact(
            vault, name, lambda found: with_announcement(found, announced, _now())
        )

    _show_added(home.open().change(learn), given, alias)


@contact.command(epilog="Example: ringfence contact meet 7-crater-velvet")
@click.argument("code", required=False)
@click.option("--relay", help="Meet there: 'HOST:PORT PIN'.  [default: your relay]")
@click.option("--alias", help="Your name for them.  [default: the card's]")
@json_option
@click.pass_obj
def meet(home: Home, code: str | None, relay: str | None, alias: str | None) -> None:
    """Swap cards by a spoken CODE, or make one."""
    store = home.open()
    vault = store.read()
    place = parse_relay(relay) if relay else vault.relay
    if place is None:
        raise click.UsageError("no relay to meet at: give --relay")
    side = Side.JOINER if code else Side.CREATOR
    spoken = parse_code(code) if code else create_code(os.urandom)
    if side is Side.CREATOR:
        note(f"they type: ringfence contact meet {format_code(spoken)}")
    given = asyncio.run(_swap(place, spoken, side, vault.card))
    vault = store.change(
        lambda vault: person.add_contact(vault, given, alias=alias, now=_now())
    )
    _show_added(vault, given, alias)


async def _swap(place: RelayAddress, code: Code, side: Side, card: Card) -> Card:
    async with RelayLink(place, entropy=os.urandom) as link:
        return await swap_cards(link, code, side, card=card, entropy=os.urandom)


@contact.command("list", epilog="Example: ringfence contact list --json")
@json_option
@click.pass_obj
def list_contacts(home: Home) -> None:
    """List everybody you know, and how far each is trusted."""
    vault = home.open().read()
    for each in vault.contacts.contacts:
        show(_facts(vault, each), f"{each.alias}: {say_of(each)}")


@contact.command("show", epilog="Example: ringfence contact show bob")
@click.argument("name")
@json_option
@click.pass_obj
def show_contact(home: Home, name: str) -> None:
    """Show a contact's devices, safety number and log."""
    vault = home.open().read()
    found = vault.contacts.find(name)
    show(_facts(vault, found), *_lines(vault, found))


@contact.command(epilog="Example: ringfence contact rename bob robert")
@click.argument("name")
@click.argument("alias")
@click.pass_obj
def rename(home: Home, name: str, alias: str) -> None:
    """Give a contact another ALIAS."""
    home.open().change(
        lambda vault: replace(vault, contacts=vault.contacts.rename(name, alias))
    )


@contact.command(epilog="Example: ringfence contact grant bob sip")
@click.argument("name")
@click.argument("what", type=click.Choice([each.value for each in Grant]))
@json_option
@click.pass_obj
def grant(home: Home, name: str, what: str) -> None:
    """Say whom a contact may have your gateway join to a call."""
    vault = home.open().change(
        lambda vault: person.change_contact(
            vault, name, lambda found: replace(found, grant=Grant(what))
        )
    )
    found = vault.contacts.find(name)
    show(_facts(vault, found), f"{found.alias}: may ask for {found.grant}")


@contact.command(epilog="Example: ringfence contact remove bob")
@click.argument("name")
@click.pass_obj
def remove(home: Home, name: str) -> None:
    """Forget a contact, with all that was verified about them."""
    home.open().change(
        lambda vault: replace(vault, contacts=vault.contacts.remove(name))
    )


@contact.command(epilog="Example: ringfence contact verify bob")
@click.argument("name")
@click.option("--number", help="What they read out.  [default: you are asked]")
@json_option
@click.pass_obj
def verify(home: Home, name: str, number: str | None) -> None:
    """Compare safety numbers, over a channel you trust."""
    store = home.open()
    if number is None:
        if not sys.stdin.isatty():
            raise click.UsageError("no terminal to ask for their number: give --number")
        vault = store.read()
        found = vault.contacts.find(name)
        note(f"your number: {safety_number(vault.identity, found.identity)}")
        number = click.prompt("The number they read out", err=True)
    vault = store.change(
        lambda vault: person.verify_number(vault, name, str(number), _now())
    )
    found = vault.contacts.find(name)
    show(_facts(vault, found), *_lines(vault, found))


@contact.command(epilog="Example: ringfence contact accept-new bob")
@click.argument("name")
@json_option
@click.pass_obj
def accept_new(home: Home, name: str) -> None:
    """Start over with a contact who is BROKEN."""
    vault = home.open().change(
        lambda vault: person.change_contact(
            vault, name, lambda found: found.with_accepted(_now())
        )
    )
    found = vault.contacts.find(name)
    show(_facts(vault, found), f"{found.alias}: {say_of(found)}")


@contact.command(epilog=f"Example: ringfence contact block-device bob {'3f0c7a1e' * 4}")
@click.argument("name")
@click.argument("device")
@click.pass_obj
def block_device(home: Home, name: str, device: str) -> None:
    """Refuse a lost or stolen DEVICE of a contact."""
    device_id = parse_device(device)
    home.open().change(
        lambda vault: person.change_contact(
            vault, name, lambda found: found.with_blocked(device_id, _now())
        )
    )


def _show_added(vault: Vault, given: Card, alias: str | None) -> None:
    added = vault.contacts.find(format_identity(given.identity))
    wanted = alias or given.alias
    if added.alias != wanted:
        # Known under another name, or the name is somebody else's: how one would pose.
        note(f"not named {wanted!r}: this identity is {added.alias!r}")
    show(_facts(vault, added), f"{added.alias}: {say_of(added)}")


def _now() -> int:
    return int(time.time())


def _facts(vault: Vault, found: Contact) -> dict[str, object]:
    trust = found.trust
    return {
        "alias": found.alias,
        "identity": format_identity(found.identity),
        "safety_number": safety_number(vault.identity, found.identity),
        "number_verified_at": found.number_verified_at,
        "trust": None if trust is None else trust.state,
        "devices": [
            {
                "device": device.device_id.hex(),
                "trust": device.trust.trust.state,
                "reason": device.trust.trust.reason,
                "since": device.trust.trust.since,
            }
            for device in found.devices
        ],
        "grant": found.grant,
        "blocked": [device_id.hex() for device_id in found.blocked],
        "log": [{"at": entry.at, "what": entry.what} for entry in found.log],
    }


def _lines(vault: Vault, found: Contact) -> list[str]:
    return [
        f"{found.alias}: {say_of(found)}",
        f"identity: {format_identity(found.identity)}",
        f"safety number: {safety_number(vault.identity, found.identity)}",
        *(
            f"device {device.device_id.hex()}: {say(device.trust.trust)}"
            for device in found.devices
        ),
        *([] if found.grant is Grant.NONE else [f"may ask for: {found.grant}"]),
        *(f"device {device_id.hex()}: blocked" for device_id in found.blocked),
        *(f"{minute(entry.at)}  {entry.what}" for entry in found.log),
    ]
