"""What opens a sealed file: a passphrase, or a key that the system's keyring holds.

Carrier: the only door to `keyring`.
"""

import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final, assert_never

from voip.errors import MissingError, StoreError
from voip.identity.sealed import KEK_BYTES, SALT_BYTES, Cost, Header, derive_kek

KEYRING_SERVICE: Final = "ringfence"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Unlock by a passphrase."""

    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Unlock by a random key that the operating system's keyring holds."""


Unlock = Passphrase | Keyring


def keyring_name() -> str:
    """Name the keyring that a store's key could be kept in.

    Raises:
        MissingError: there is none on this machine, or the library is not installed.
    """

    def ask(ring: ModuleType) -> str:
        backend = ring.get_keyring()
        if backend.priority <= 0:  # the library's own stand-in for none
            raise MissingError("no usable keyring on this machine")
        return str(backend.name)

    return str(_keyring(ask))


def new_key(unlock: Unlock, cost: Cost) -> tuple[Header, bytes]:
    """Make a key for a file, and the header that lets it be found again.

    `cost` is for passphrases.

    Raises:
        MissingError: no keyring on this machine.
    """
    salt = os.urandom(SALT_BYTES)
    match unlock:
        case Passphrase():
            return Header(salt, cost), derive_kek(unlock.value, salt, cost)
        case Keyring():
            kek = os.urandom(KEK_BYTES)
            _keyring(
                lambda ring: ring.set_password(
                    KEYRING_SERVICE, salt.hex(), base64.b64encode(kek).decode()
                )
            )
            return Header(salt, None), kek
        case _:
            assert_never(unlock)


def find_key(unlock: Unlock, header: Header) -> bytes:
    """Find the key of a file that has this header.

    Raises:
        StoreError: the file wants the other kind, or the keyring has lost the key.
        MissingError: no keyring on this machine.
    """
    match unlock, header.cost:
        case Passphrase(), Cost() as cost:
            return derive_kek(unlock.value, header.salt, cost)
        case Keyring(), None:
            text = _keyring(
                lambda ring: ring.get_password(KEYRING_SERVICE, header.salt.hex())
            )
            if text is None:
                raise StoreError("store: the keyring does not have its key")
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error:
                raise StoreError("store: the keyring holds no key of ours") from None
        case Passphrase(), _:
            raise StoreError("store: its key is in the keyring, not a passphrase")
        case _:
            raise StoreError("store: it needs a passphrase, not the keyring")


def forget_key(header: Header) -> None:
    """Remove the key of a file that is no more from the keyring, if it is in there.

    Raises:
        MissingError: no keyring on this machine.
    """
    if header.cost is None:
        _keyring(lambda ring: ring.delete_password(KEYRING_SERVICE, header.salt.hex()))


def _keyring(ask: Callable[[ModuleType], str | None]) -> str | None:
    """Ask the system's keyring; there is no falling back to anything weaker."""
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise MissingError(
            "the keyring is not installed: pip install 'ringfence[keyring]'"
        ) from None
    try:
        return ask(keyring)
    except keyring.errors.KeyringError as error:
        raise MissingError(f"no usable keyring on this machine: {error}") from error
