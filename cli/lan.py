"""The local network: `--lan`, with which `listen` is announced and `call` looks."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from voip.errors import RefusedError
from voip.identity.card import RelayAddress
from voip.identity.contact import Contact
from voip.identity.vault import Vault
from voip.signalling import direct

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature


@dataclass(frozen=True, slots=True)
class Lan:
    """Which interfaces to use, by their addresses; none named is all."""

    interfaces: tuple[str, ...] = ()

    async def find(self, contact: Contact) -> RelayAddress:
        """Find a contact's listener.

        Raises:
            RefusedError: we do not have their card, which recognises it.
            UnreachableError: it is not there.
            MissingError: the library for this is not installed.
        """
        if contact.card is None:
            raise RefusedError(f"no card of {contact.alias!r}, which finds a listener")
        return await direct.find(contact.card.key, interfaces=self.interfaces or None)

    def announce(
        self, listener: RelayAddress, vault: Vault
    ) -> AbstractAsyncContextManager[None]:
        """Announce our listener for the length of a block.

        Raises:
            MissingError: the library for this is not installed.
        """
        return direct.announce(
            listener,
            vault.card_key,
            entropy=os.urandom,
            interfaces=self.interfaces or None,
        )


def lan_options(text: str) -> Callable[[F], F]:
    """Give a command `--lan` and `--interface`; it takes a `Lan`, or None."""

    def gather(
        ctx: click.Context, _: click.Parameter, value: tuple[str, ...]
    ) -> Lan | None:
        if ctx.params.pop("_lan") or value:
            return Lan(value)
        return None

    def add(command: F) -> F:
        interface = click.option(
            "--interface",
            "lan",
            multiple=True,
            callback=gather,
            help="With --lan: use the interface of this address only.  [default: all]",
        )
        # Eager, so that it is known when the other is read.
        lan = click.option("--lan", "_lan", is_flag=True, is_eager=True, help=text)
        return lan(interface(command))

    return add
