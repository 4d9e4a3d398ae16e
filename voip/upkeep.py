"""What a device looks after between calls: its call key, its board, its mailboxes.

Carrier. The call key is rotated weekly, so that who steals one can read and forge first
messages for a month at most; the board says which key is newest.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from voip.errors import LimitError, RefusedError
from voip.identity.callkey import CallKey, create_call_key, rotation_due
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy
from voip.identity.person import with_call_key
from voip.identity.signer import Signer
from voip.identity.vault import OUR_CAPS, Vault
from voip.signalling.address import Mailbox
from voip.signalling.board import DeviceEntry, check_signature, open_slot, publish
from voip.signalling.envelope import mailbox_tag, pair_direction, pair_fetches
from voip.signalling.frames import BOARD_SLOTS, BoardPut


class VaultKeeper(Protocol):
    """Where everything of a person is kept; `voip.identity.store.Store` is one."""

    def read(self) -> Vault:
        """Give what is kept now."""

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """Apply a change; it is on disk when this returns."""


class Boards(Protocol):
    """Reads and publishes boards; `voip.signalling.post.RelayPost` does."""

    async def publish(self, relay: RelayAddress, slot: BoardPut) -> None:
        """Publish a slot of our board."""

    async def read_board(self, relay: RelayAddress, board: bytes) -> list[BoardPut]:
        """Read a board."""


def own_entry(vault: Vault) -> DeviceEntry:
    """Give what callers need to ring this device.

    Raises:
        RefusedError: it has no call key; somebody must sign one.
    """
    if not vault.call_keys:
        raise RefusedError("this device has no call key that is valid")
    return DeviceEntry(
        vault.call_keys[0].bundle.encoded, mailbox_tag(vault.device_fetch)
    )


def own_mailboxes(vault: Vault, now: int) -> list[Mailbox]:
    """List the mailboxes that take INVITEs for this device at `now` (unix seconds)."""
    ours = vault.identity + vault.device_id
    fetches = [vault.device_fetch]
    for contact in vault.contacts.contacts:
        for device in contact.devices:
            sender = contact.identity + device.device_id
            for secret in device.trust.slots.secrets:
                fetches += pair_fetches(secret, pair_direction(ours, sender), now=now)
    return [Mailbox(fetch, vault.relay) for fetch in fetches]


async def rotate_if_due(
    store: VaultKeeper, signer: Callable[[], Signer] | None, entropy: Entropy
) -> None:
    """Make a fresh call key where the newest is a week old, or there is none.

    Also where this version can more than its certificate says, if there is a signer:
    else contacts would believe the certificate for up to a week.

    Raises:
        RefusedError: it is due, and nothing can sign its certificate.
        MalformedError: the signer is another identity's.
        CallError: the signer's own failure.
    """
    now = int(time.time())
    keys = store.read().call_keys
    if not rotation_due(keys, now) and (signer is None or not _can_more(keys)):
        return
    if signer is None:
        raise RefusedError("the call key is due for rotation and there is no signer")
    device_id = store.read().device_id

    def create() -> CallKey:
        return create_call_key(
            signer(), device_id, now=now, caps=OUR_CAPS, entropy=entropy
        )

    # Outside of the change: an agent may ask its user, and calls need the store.
    fresh = await asyncio.to_thread(create)
    await asyncio.to_thread(
        store.change, lambda vault: with_call_key(vault, fresh, now)
    )


def _can_more(keys: Sequence[CallKey]) -> bool:
    newest = max(keys, key=lambda key: key.certificate.nbf)
    return bool(OUR_CAPS & ~newest.certificate.caps)


async def publish_board(store: VaultKeeper, boards: Boards, entropy: Entropy) -> None:
    """Publish this device's slot, in a place of the board that is its own.

    Raises:
        UnreachableError: the relay does not answer.
        LimitError: the identity has 8 devices already.
        RefusedError: the relay refuses it.
    """
    vault = store.read()
    if vault.relay is None:
        return
    slots = _signed(await boards.read_board(vault.relay, vault.board.public_key))
    index = vault.board.index
    if index is None:
        index = _free_index(vault, slots)
    published = [slot.version for slot in slots if slot.index == index]
    version = max([vault.board.version, *published]) + 1
    slot = publish(
        own_entry(vault),
        board=vault.board.key,
        card_key=vault.card_key,
        index=index,
        version=version,
        entropy=entropy,
    )
    # The number is used up before the slot leaves: a version seen by anybody must
    # never come back with other contents.
    await asyncio.to_thread(
        store.change,
        lambda vault: replace(
            vault, board=replace(vault.board, index=index, version=version)
        ),
    )
    await boards.publish(vault.relay, slot)


def _signed(slots: list[BoardPut]) -> list[BoardPut]:
    """Leave out what the relay made up: a version near 2^64 would be our last."""
    signed: list[BoardPut] = []
    for slot in slots:
        with contextlib.suppress(RefusedError):
            check_signature(slot)
            signed.append(slot)
    return signed


def _free_index(vault: Vault, slots: list[BoardPut]) -> int:
    taken: set[int] = set()
    for slot in slots:
        try:
            entry = open_slot(slot, card_key=vault.card_key, seen_version=0)
        except RefusedError:
            continue  # nothing that a caller could use: the place is as good as free
        if entry is not None:
            taken.add(slot.index)
    free = [index for index in range(BOARD_SLOTS) if index not in taken]
    if not free:
        raise LimitError(f"this identity has {BOARD_SLOTS} devices already")
    return free[0]
