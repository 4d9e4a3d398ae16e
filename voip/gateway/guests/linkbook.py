"""Keeps the links of guests in the host's store, so that they outlive the program.

Carrier. A link that opened its call is noted on disk before its guest hears of it: a
machine that loses power at that moment forgets no use of a link.
"""

import asyncio
import time
from dataclasses import replace

from voip.gateway.guests.invite import Invite
from voip.identity import guestlink
from voip.identity.guestlink import GuestLink
from voip.identity.vault import Vault
from voip.upkeep import VaultKeeper


class LinkBook:
    """The links of one page."""

    def __init__(self, store: VaultKeeper, origin: str) -> None:
        """Take the host's store, and where the page is as browsers see it."""
        self._store, self._origin = store, origin

    def next_number(self) -> int:
        """Give the number of the next link.

        Raises:
            StoreError: the store cannot be read.
        """
        return guestlink.next_number(self._store.read().guest_links)

    def invites(self, now: float) -> list[Invite]:
        """Give the invites of links that are kept; `now` is of the clock of invites.

        Raises:
            StoreError: the store cannot be read.
        """
        wall = time.time()
        return [
            _invite(link, now + link.expires - wall)
            for link in self._store.read().guest_links
            if link.origin == self._origin and link.expires > wall
        ]

    def add(self, invite: Invite, lifetime_s: float) -> None:
        """Keep one more; it is on disk when this returns.

        Raises:
            LimitError: there are too many.
            StoreError: the store cannot be written.
        """
        now = int(time.time())
        link = GuestLink(
            invite.id,
            invite.psk,
            origin=self._origin,
            number=invite.number,
            expires=now + int(lifetime_s),
        )
        self._store.change(
            lambda vault: replace(
                vault, guest_links=guestlink.added(vault.guest_links, link, now)
            )
        )

    async def spend(self, invite: Invite) -> None:
        """Note that a link has opened its call; it is on disk when this returns.

        Raises:
            RefusedError: it was revoked, or used by another program of the host's.
            StoreError: the store cannot be written.
        """

        def spent(vault: Vault) -> Vault:
            links = guestlink.spent(vault.guest_links, invite.id, int(time.time()))
            return replace(vault, guest_links=links)

        # Beside the loop, which carries the sound of others meanwhile.
        await asyncio.to_thread(self._store.change, spent)

    def unused(self) -> frozenset[bytes]:
        """Give the ids of links that can still be used, as far as the store knows.

        Raises:
            StoreError: the store cannot be read.
        """
        return frozenset(
            link.invite_id for link in self._store.read().guest_links if not link.spent
        )


def _invite(link: GuestLink, expires: float) -> Invite:
    invite = Invite(link.invite_id, link.psk, number=link.number, expires=expires)
    if link.spent:
        invite.was_spent()
    return invite
