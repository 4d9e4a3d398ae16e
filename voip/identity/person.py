"""What a person does with their store: begin, rotate, add and judge contacts.

Pure, for `Store.change`: a function takes the vault as it is now and gives the vault as
it shall be.
"""

from collections.abc import Callable
from dataclasses import replace

from voip.errors import RefusedError, TrustError
from voip.identity.callkey import CallKey, live
from voip.identity.card import Card, RelayAddress
from voip.identity.contact import Contact
from voip.identity.keys import Entropy, format_identity, safety_number
from voip.identity.signer import Signer
from voip.identity.vault import SignerSource, Vault, create_vault


def begin(  # noqa: PLR0913 - what makes a person
    alias: str,
    signer: Signer,
    *,
    source: SignerSource,
    relay: RelayAddress | None,
    now: int,
    entropy: Entropy,
) -> Vault:
    """Make the vault of a new device, with its first call key.

    Args:
        alias: the name on the card.
        signer: holds the identity; signs once.
        source: how to reach that signer again.
        relay: where others leave their calls; None for none.
        now: unix seconds.
        entropy: random bytes.

    Raises:
        MalformedError: alias or identity cannot be.
        CallError: the signer failed, or returned something that does not verify.
    """
    vault = create_vault(
        alias, signer.public_key(), signer=source, relay=relay, entropy=entropy
    )
    return vault.rotated(signer, now, entropy)


def with_call_key(vault: Vault, fresh: CallKey, now: int) -> Vault:
    """Take up a call key that was signed outside: an agent may ask its user first.

    Keys that have ended are dropped.

    Raises:
        MalformedError: it is another device's.
    """
    return replace(vault, call_keys=live((fresh, *vault.call_keys), now))


def add_contact(vault: Vault, card: Card, *, alias: str | None, now: int) -> Vault:
    """Add whose card this is, under `alias` or the name on the card.

    A known identity keeps its alias and gets the new card. A stranger who called
    before is a stranger no longer.

    Raises:
        MalformedError: the alias cannot be.
        RefusedError: the card is our own.
    """
    if card.identity == vault.identity:
        raise RefusedError("card: expected somebody else's, came your own")
    added = vault.contacts.add(card.identity, alias or card.alias, card=card, now=now)
    return replace(
        vault, contacts=added.book, calls=vault.calls.without_stranger(card.identity)
    )


def change_contact(
    vault: Vault, name: str, change: Callable[[Contact], Contact]
) -> Vault:
    """Change one contact, found by alias or identity.

    Raises:
        RefusedError: there is none of that name.
    """
    changed = change(vault.contacts.find(name))
    return replace(vault, contacts=vault.contacts.put(changed))


def verify_number(vault: Vault, name: str, heard: str, now: int) -> Vault:
    """Compare the safety number that a contact reads out with ours.

    Args:
        vault: as it is now.
        name: alias or identity of the contact.
        heard: the twelve groups as the other side has them; white space is ignored.
        now: unix seconds.

    Raises:
        RefusedError: there is no contact of that name.
        TrustError: it is another number, so one of the two holds a wrong identity.
    """
    contact = vault.contacts.find(name)
    ours = safety_number(vault.identity, contact.identity)
    if "".join(heard.split()) != "".join(ours.split()):
        raise TrustError(
            f"safety number of {contact.alias!r}: expected {ours}, came another"
        )
    return change_contact(vault, name, lambda found: found.with_number_verified(now))


def with_signer(vault: Vault, source: SignerSource, signer: Signer) -> Vault:
    """Reach the identity's key in another place from now on.

    Raises:
        RefusedError: the key there is another identity's.
    """
    if signer.public_key() != vault.identity:
        raise RefusedError(
            f"signer: expected {format_identity(vault.identity)}, "
            f"came {format_identity(signer.public_key())}"
        )
    return replace(vault, signer=source)
