"""The address book as a room needs it: names, cards, and who was introduced by whom.

Carrier: reads and writes the store. Who is introduced stays in the address book after
the room is over: the next call then finds the secret that this one leaves, and a thief
of the other's key is noticed. The entry's log says who made the introduction.
"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace

from voip.errors import MalformedError
from voip.gateway.rooms.news import Introduced
from voip.identity.card import Card, format_card, parse_card
from voip.identity.vault import Vault
from voip.upkeep import VaultKeeper

READ_EVERY_S = 2.0  # unless a room changed it: others may add contacts beside us


class Acquaintances:
    """Who is who, for one room.

    Attributes:
        own: our own key: identity and device id, 48 bytes.
        alias: the name on our card.
        is_strict: the user speaks to nobody with whom words were never compared.
    """

    def __init__(self, store: VaultKeeper) -> None:
        """Read the store.

        Raises:
            StoreError: it cannot be read.
        """
        vault = store.read()
        self.own = vault.identity + vault.device_id
        self.alias = vault.alias
        self._store = store
        self._book = vault.contacts
        self.is_strict = vault.settings.strict
        self._read_at = 0.0
        self._introduced: dict[bytes, str] = {}

    def refresh(self, now: float) -> None:
        """Read again what is older than 2 s.

        Raises:
            StoreError: it cannot be read; what was known stays.
        """
        if now - self._read_at >= READ_EVERY_S:
            self._read_at = now
            self._book = self._store.read().contacts

    def is_known(self, identity: bytes) -> bool:
        """Whether this is somebody in our address book."""
        return self._book.by_identity(identity) is not None

    def name(self, identity: bytes) -> str:
        """Give our name for somebody; empty for who is not in our address book."""
        contact = self._book.by_identity(identity)
        return "" if contact is None else contact.alias

    def introducer(self, identity: bytes) -> str:
        """Give our name for who introduced somebody in this room; empty if nobody."""
        return self._introduced.get(identity, "")

    def card(self, identity: bytes) -> bytes | None:
        """Give somebody's card as text, to introduce them; None if we have none."""
        contact = self._book.by_identity(identity)
        if contact is None or contact.card is None:
            return None
        return format_card(contact.card).encode()

    def identity(self, name: str) -> bytes:
        """Find a contact by alias, or identity as a card spells it.

        Raises:
            RefusedError: there is none.
        """
        return self._book.find(name).identity

    async def learn(
        self, raw: bytes, *, of: Collection[bytes], by: str
    ) -> Introduced | None:
        """Take up the card of somebody new; None if it brings nothing.

        Args:
            raw: the card, as somebody sent it.
            of: identities of members that we lack; a card of anybody else brings
                nothing, or a member could fill our address book.
            by: our name for who sent it.

        Raises:
            MalformedError: it is no card.
            StoreError: it cannot be kept.
        """
        card = _parse(raw)
        if card.identity not in of:
            return None
        clash: list[str] = []

        def add(vault: Vault) -> Vault:
            now = int(time.time())
            added = vault.contacts.add(card.identity, card.alias, card=card, now=now)
            noted = added.contact.noted(f"introduced by {by!r} in a room", now)
            clash[:] = [] if added.clash is None else [added.clash.alias]
            return replace(
                vault,
                contacts=added.book.put(noted),
                calls=vault.calls.without_stranger(card.identity),
            )

        vault = await asyncio.to_thread(self._store.change, add)
        self._book = vault.contacts
        self._introduced[card.identity] = by
        return Introduced(self.name(card.identity), by, clash="".join(clash))


def _parse(raw: bytes) -> Card:
    try:
        return parse_card(raw.decode())
    except UnicodeDecodeError:
        raise MalformedError("card: expected UTF-8, came something else") from None
