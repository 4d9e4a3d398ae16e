"""Backups: what of a store may be restored, and what must not be.

Two devices with the same call keys and retained secrets look like a stolen copy to
every contact, and are reported as broken. So a backup has nothing that names or binds
its device, and a restored person comes as a new device, which contacts are told.
Format: docs/formats/identity.md.
"""

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Final

from voip.identity.calllog import CallLog
from voip.identity.canonical import format_canonical, parse_canonical
from voip.identity.card import RelayAddress
from voip.identity.contact import AddressBook
from voip.identity.keys import Entropy
from voip.identity.vault import (
    SPELLINGS,
    OwnBoard,
    Settings,
    SignerSource,
    Vault,
    create_vault,
)

_LABEL: Final = "ringfence backup 1"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: a person, and nothing of a device.

    Left out are call keys, device id, device mailbox and retained secrets. A native
    signer's seed is in it: who opens a backup is the person.
    """

    alias: str
    identity: bytes
    _: KW_ONLY
    signer: SignerSource
    board_seed: bytes = field(repr=False)
    card_key: bytes = field(repr=False)
    relay: RelayAddress | None
    contacts: AddressBook
    calls: CallLog
    settings: Settings


def backup(vault: Vault) -> Backup:
    """Take what may be backed up; compared safety numbers and logs stay."""
    contacts = tuple(replace(c, devices=()) for c in vault.contacts.contacts)
    return Backup(
        vault.alias,
        vault.identity,
        signer=vault.signer,
        board_seed=vault.board.seed,
        card_key=vault.card_key,
        relay=vault.relay,
        contacts=AddressBook(contacts),
        calls=vault.calls,
        settings=vault.settings,
    )


def restore(saved: Backup, entropy: Entropy) -> Vault:
    """Make a new device of the person from a backup; it has no call key yet."""
    fresh = create_vault(
        saved.alias,
        saved.identity,
        signer=saved.signer,
        relay=saved.relay,
        entropy=entropy,
    )
    return replace(
        fresh,
        board=OwnBoard(saved.board_seed),
        card_key=saved.card_key,
        contacts=saved.contacts,
        calls=saved.calls,
        settings=saved.settings,
    )


def format_backup(saved: Backup) -> bytes:
    """Write a backup as canonical JSON; secret."""
    return format_canonical(saved, _LABEL, SPELLINGS)


def parse_backup(raw: bytes) -> Backup:
    """Read what `format_backup` wrote.

    Raises:
        MalformedError: anything else.
    """
    return parse_canonical(Backup, raw, _LABEL, SPELLINGS)
