"""The time that a contact may telephone, taken from the sealed store as it passes.

Carrier. How much it is, is `voip.gateway.quota`'s to say. Who is over it is hung up on,
and so is whoever was granted no telephone any more, or whose time cannot be written
down: each is looked at with every minute.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from voip.errors import CallError, LimitError
from voip.gateway.admission import check_grant
from voip.gateway.quota import CALLS_S, give_back, take
from voip.identity.keys import format_identity
from voip.identity.person import change_contact
from voip.identity.vault import Vault
from voip.signalling.legs import LegKind
from voip.upkeep import VaultKeeper

USED_UP = f"{CALLS_S // 60} minutes a day are used up"


class Allowance:
    """What one call of a contact takes of their day."""

    def __init__(self, store: VaultKeeper, identity: bytes) -> None:
        """Take from what the store has for this contact, by its 32-byte identity."""
        self._store = store
        self._name = format_identity(identity)
        self._paid_until = 0.0  # of the loop's clock
        self._paid_at = 0.0  # unix seconds

    @asynccontextmanager
    async def spending(
        self, ran_out: Callable[[CallError], None]
    ) -> AsyncIterator[None]:
        """Take time for the length of a block; `ran_out` hears why there is no more.

        Raises:
            LimitError: there is none.
            NotAllowedError: nobody grants it to them.
            RefusedError: the contact was removed.
            StoreError: it cannot be written down.
        """
        await self._pay()
        paying = asyncio.create_task(self._go_on(ran_out))
        try:
            yield
        finally:
            paying.cancel()
            with suppress(asyncio.CancelledError):
                await paying
            with suppress(CallError):  # then it is lost, to the contact
                await self._give_back()

    async def _go_on(self, ran_out: Callable[[CallError], None]) -> None:
        try:
            while True:
                await asyncio.sleep(self._paid_until - _now())
                await self._pay()
        except CallError as error:
            ran_out(error)

    async def _pay(self) -> None:
        """Take a piece of the day; raises what `spending` does."""
        pieces: list[int] = []
        self._paid_at = time.time()

        def pay(vault: Vault) -> Vault:
            contact = vault.contacts.find(self._name)
            check_grant(contact.grant, LegKind.SIP)
            use, piece = take(contact.telephoned, self._paid_at)
            if not piece:
                raise LimitError(USED_UP)
            pieces.append(piece)
            paid = replace(contact, telephoned=use)
            return change_contact(vault, self._name, lambda _: paid)

        await asyncio.to_thread(self._store.change, pay)
        self._paid_until = _now() + pieces[-1]

    async def _give_back(self) -> None:
        rest = self._paid_until - _now()
        if rest < 1:
            return

        def pay_back(vault: Vault) -> Vault:
            contact = vault.contacts.find(self._name)
            if contact.telephoned is None:
                return vault
            use = give_back(contact.telephoned, rest, self._paid_at)
            paid = replace(contact, telephoned=use)
            return change_contact(vault, self._name, lambda _: paid)

        await asyncio.to_thread(self._store.change, pay_back)


def _now() -> float:
    return asyncio.get_running_loop().time()
