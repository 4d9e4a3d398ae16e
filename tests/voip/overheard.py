"""Where secrets are noted, and how they would look if something printed them."""

import base64
from collections.abc import Iterable, Iterator

from tests.voip.pairs import Party
from voip.identity.vault import Vault

SECRET_BYTES = 32  # from here on; shorter draws are ids and nonces, which are sent


class Overheard:
    """Notes what a person's source of randomness gave."""

    def __init__(self, person: Party) -> None:
        self._source = person.entropy
        self.draws: set[bytes] = set()
        person.entropy = self

    def __call__(self, size: int) -> bytes:
        drawn = self._source(size)
        if size >= SECRET_BYTES:
            self.draws.add(drawn)
        return drawn


def stored(vault: Vault) -> Iterator[bytes]:
    yield from (vault.signer.seed, vault.device_fetch, vault.board.seed)
    yield vault.card_key
    for key in vault.call_keys:
        yield from (key.x25519_seed, key.mlkem_seed)
    for contact in vault.contacts.contacts:
        for device in contact.devices:
            yield from device.trust.slots.secrets


def spellings(secret: bytes) -> set[str]:
    """Give what a careless print would make of it."""
    return {
        secret.decode("latin-1"),
        repr(secret)[2:-1],
        repr(list(secret))[1:-1],
        secret.hex(),
        base64.b64encode(secret).decode().rstrip("="),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        base64.b32encode(secret).decode().rstrip("=").lower(),
    }


def shown(secrets: Iterable[bytes], text: str) -> list[str]:
    """Give the spellings of secrets that are in the text."""
    return [
        spelling
        for secret in secrets
        for spelling in spellings(secret)
        if spelling in text
    ]
