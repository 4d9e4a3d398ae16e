"""Finds out which devices of a contact can be called, and how.

Carrier: asks the relay of the contact for its board, and keeps what that says. What a
board means is `voip.dialling`'s to say.
"""

import asyncio
import time
from dataclasses import replace

from voip.dialling import Directory, narrowed, reachable, read_board
from voip.errors import RefusedError, UnreachableError
from voip.identity.card import RelayAddress
from voip.identity.certificate import CAP_LEGS
from voip.identity.contact import Contact
from voip.identity.keys import format_identity
from voip.identity.vault import Vault
from voip.signalling.frames import BoardPut
from voip.upkeep import Boards, VaultKeeper


class Lookup:
    """The address book of one endpoint, and the boards that keep it up to date."""

    def __init__(
        self, store: VaultKeeper, boards: Boards | None, *, by_hand: bool
    ) -> None:
        """`boards` is None where there are none; `by_hand`, people carry the blobs."""
        self._store = store
        self._boards = boards
        self._by_hand = by_hand

    async def find(
        self,
        name: str,
        *,
        only: bytes | None,
        relay: RelayAddress | None,
        legs_follow: bool,
    ) -> Directory:
        """Look a contact up, by alias or identity in base32.

        Args:
            name: alias, or identity in base32.
            only: this device alone (16 bytes).
            relay: where to ask, and to leave the call, if not at the card's.
            legs_follow: only devices that can be told of a gateway's legs.

        Raises:
            RefusedError: there is no such contact; what its board says is refused; or,
                by hand, several devices, or legs; or no device can be told of legs.
            UnreachableError: the relay does not answer, or has no device of theirs.
        """
        contact = self._store.read().contacts.find(name)
        slots = await self._slots(contact, relay)
        directory = narrowed(await self._learn(contact, slots), only, relay=relay)
        if not directory.devices:
            nothing = f"{contact.alias!r} has no device that can be called"
            if directory.problems:  # looked at, and refused
                raise RefusedError(f"{nothing}: {'; '.join(directory.problems)}")
            raise UnreachableError(f"{nothing}: none was ever published")
        if self._by_hand and len(directory.devices) > 1:
            ids = ", ".join(each.device.device_id.hex() for each in directory.devices)
            raise RefusedError(f"by hand one device can be called, came several: {ids}")
        return self._able_to_be_told(directory) if legs_follow else directory

    async def _slots(
        self, contact: Contact, relay: RelayAddress | None
    ) -> list[BoardPut] | None:
        card, boards = contact.card, self._boards
        if boards is None or card is None:
            return None
        place = relay or card.relay
        return None if place is None else await boards.read_board(place, card.board)

    async def _learn(self, contact: Contact, slots: list[BoardPut] | None) -> Directory:
        found: list[Directory] = []

        def learn(vault: Vault) -> Vault:
            # Read again: the trust may have changed while the relay was asked.
            known = vault.contacts.find(format_identity(contact.identity))
            now = int(time.time())
            directory = (
                reachable(known, now)
                if slots is None
                else read_board(known, slots, now)
            )
            found.append(directory)
            return replace(vault, contacts=vault.contacts.put(directory.contact))

        await asyncio.to_thread(self._store.change, learn)
        return found[-1]

    def _able_to_be_told(self, directory: Directory) -> Directory:
        if self._by_hand:
            raise RefusedError("by hand nobody can be told of legs")
        able = tuple(
            each
            for each in directory.devices
            if each.bundle.certificate.caps & CAP_LEGS
        )
        if not able:
            raise RefusedError(
                f"no device of {directory.contact.alias!r} can be told of legs: "
                "they run an older version"
            )
        return replace(directory, devices=able)
