"""`ringfence listen`: take calls without anybody's relay."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli import paths
from cli.calling import take_calls
from cli.codes import Code
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.lan import Lan, lan_options
from cli.output import json_option, note, show
from cli.wishes import Wishes, call_options
from voip.identity.card import RelayAddress, format_relay
from voip.identity.vault import Vault
from voip.signalling.direct import listen as open_listener
from voip.upkeep import VaultKeeper


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence listen 0.0.0.0:5350 --name 192.0.2.7",
)
@click.argument("address", default="0.0.0.0:5350")
@lan_options("Announce it on the local network, to who has your card.")
@click.option("--name", help="How callers reach this machine.  [default: the host]")
@click.option(
    "--auto", is_flag=True, help="Accept, unless the trust is BROKEN, or a leg asks."
)
@click.option("--once", is_flag=True, help="End after one call.")
@call_options
@json_option
@click.pass_obj
def listen(  # noqa: PLR0913 - one argument for each option
    home: Home,
    /,
    address: str,
    *,
    name: str | None,
    auto: bool,
    once: bool,
    lan: Lan | None,
    **wishes: Any,
) -> int:
    """Take calls without anybody's relay.

    They come in at ADDRESS (HOST:PORT) of this machine.
    Callers need your card with the line that is printed; its key stays the same as
    long as your home folder does. With --lan they need your card only, and find you
    by 'ringfence call --lan'.
    """
    database = paths.listener_database(home.folder)
    calls = _listen(
        home.open(),
        database,
        _parse_address(address),
        name=name,
        lan=lan,
        take=lambda store: take_calls(store, Wishes(**wishes), auto=auto, once=once),
    )
    return asyncio.run(calls)


def _parse_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and int(port) <= 65_535):
        raise click.BadParameter(f"expected HOST:PORT, came {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def _listen(  # noqa: PLR0913 - likewise
    store: VaultKeeper,
    database: Path,
    here: tuple[str, int],
    *,
    name: str | None,
    lan: Lan | None,
    take: Callable[[VaultKeeper], Awaitable[Code]],
) -> Code:
    async with open_listener(database, host=here[0], port=here[1]) as running:
        bound = running.address
        ours = RelayAddress(name or bound.host, bound.port, pin=bound.pin)
        line = format_relay(ours)
        show({"event": "relay", "relay": line}, line)
        if lan is not None:
            async with lan.announce(bound, store.read()):
                return await take(_At(store, ours))
        if ours.is_everywhere:
            note(f"nobody can call {ours.host}: --name says how callers reach you")
        elif store.read().relay != ours:
            note(f"for your card: ringfence identity change --relay '{line}'")
        return await take(_At(store, ours))


class _At:
    """A store as if its relay were another, for as long as we listen there."""

    def __init__(self, store: VaultKeeper, relay: RelayAddress) -> None:
        self._store = store
        self._relay = relay

    def read(self) -> Vault:
        """Give what is kept, with our relay."""
        return replace(self._store.read(), relay=self._relay)

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """Apply a change to what is kept, but for the relay."""

        def keep(vault: Vault) -> Vault:
            changed = change(replace(vault, relay=self._relay))
            return replace(changed, relay=vault.relay)

        return replace(self._store.change(keep), relay=self._relay)
