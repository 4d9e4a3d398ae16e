"""Calls that came and never rang: what of them is kept, and what the user is told.

Carrier: writes the store. Which call deserves no ring is `voip.reception`'s to say.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from voip.events import End
from voip.handshake.payload import Offer
from voip.identity.calllog import Direction
from voip.identity.contact import Contact
from voip.identity.trust import Reason, broken
from voip.identity.vault import Vault
from voip.logline import LogLine
from voip.reception import NoteBroken, NoteMissed, NoteStranger
from voip.upkeep import VaultKeeper


class Unrung:
    """Keeps what is to be known of them; each is on disk when it returns."""

    def __init__(self, store: VaultKeeper) -> None:
        self._store = store

    async def note(
        self, offer: Offer, what: NoteStranger | NoteMissed | NoteBroken
    ) -> str:
        """Keep what an INVITE told us; gives a sentence for the user, or none."""
        match what:
            case NoteStranger(identity, alias):
                return await self._stranger(identity, alias)
            case NoteMissed(contact):
                return await self._missed(offer, contact)
            case NoteBroken(contact, device_id, reason):
                return await self._broken(contact, device_id, reason)
            case _:
                assert_never(what)

    async def busy(self, log: LogLine) -> None:
        """Log a call that met another one."""
        await self._change(lambda vault: log.finished(vault, End.BUSY, _unix()))

    async def _stranger(self, identity: bytes, alias: str) -> str:
        await self._change(
            lambda v: replace(v, calls=v.calls.with_stranger(identity, alias, _unix()))
        )
        return "somebody who is not in the address book called"

    async def _missed(self, offer: Offer, contact: Contact) -> str:
        if any(
            call.call_id == offer.call_id for call in self._store.read().calls.calls
        ):
            return ""
        log = LogLine.of(
            offer.call_id,
            contact.identity,
            direction=Direction.INCOMING,
            now=offer.ts_ms // 1000,
        )
        await self._change(lambda vault: log.finished(vault, End.UNCONFIRMED, _unix()))
        return f"missed a call from {contact.alias!r} that came too late to answer"

    async def _broken(self, contact: Contact, device_id: bytes, reason: Reason) -> str:
        def mark(vault: Vault) -> Vault:
            known = vault.contacts.by_identity(contact.identity)
            if known is None or all(d.device_id != device_id for d in known.devices):
                return vault
            now = _unix()
            device = known.device(device_id, now)
            marked = replace(device, trust=broken(device.trust, reason, now))
            return replace(
                vault, contacts=vault.contacts.put(known.with_device(marked, now))
            )

        await self._change(mark)
        return f"refused a call from {contact.alias!r}: {reason}"

    async def _change(self, change: Callable[[Vault], Vault]) -> None:
        await asyncio.to_thread(self._store.change, change)


def _unix() -> int:
    return int(time.time())
