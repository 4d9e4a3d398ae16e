"""The time that a contact may telephone, taken from the sealed store as it passes.

Carrier. How much it is, is `voip.gateway.quota`'s to say; who is over it is hung up on,
and so is whoever's time cannot be written down.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from voip.errors import CallError, LimitError
from voip.gateway.quota import CALLS_S, give_back, take
from voip.identity.keys import format_identity
from voip.identity.person import change_contact
from voip.identity.vault import Vault
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
    async def spending(self, ran_out: Callable[[], None]) -> AsyncIterator[None]:
        """Take time for the length of a block; `ran_out` hears when none is left.

        Raises:
            LimitError: there is none.
            RefusedError: the contact was removed.
            StoreError: it cannot be written down.
        """
        if not await self._pay():
            raise LimitError(USED_UP)
        paying = asyncio.create_task(self._go_on(ran_out))
        try:
            yield
        finally:
            paying.cancel()
            with suppress(asyncio.CancelledError):
                await paying
            with suppress(CallError):  # then it is lost, to the contact
                await self._give_back()

    async def _go_on(self, ran_out: Callable[[], None]) -> None:
        with suppress(CallError):
            while True:
                await asyncio.sleep(self._paid_until - _now())
                if not await self._pay():
                    break
        ran_out()

    async def _pay(self) -> int:
        """Take a piece of the day; gives how many seconds it is."""
        pieces: list[int] = []
        self._paid_at = time.time()

        def pay(vault: Vault) -> Vault:
            contact = vault.contacts.find(self._name)
            use, piece = take(contact.telephoned, self._paid_at)
            pieces.append(piece)
            paid = replace(contact, telephoned=use)
            return change_contact(vault, self._name, lambda _: paid)

        await asyncio.to_thread(self._store.change, pay)
        self._paid_until = _now() + pieces[-1]
        return pieces[-1]

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
