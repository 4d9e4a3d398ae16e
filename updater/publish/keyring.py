"""Keys that can sign now, for whichever purpose they were made.

Whoever publishes has some keys on this machine, and others are asked elsewhere. So
nothing here is said about roles: what is to be signed names the keys that count, and
the ring gives those of them that it holds.
"""

from collections.abc import Collection, Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import CryptoSigner, Signer

from updater.errors import MissingError
from updater.keyfile import PrivateKey
from updater.transparency.key import Kind, SigningKey, VerifierKey

_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spki(key: PrivateKey) -> bytes:
    """Give the public half of a key, DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(*_SPKI)


def raw_public(key: Ed25519PrivateKey) -> bytes:
    """Give the public half of a key that signs claims, 32 bytes."""
    return key.public_key().public_bytes_raw()


class Keyring:
    """Private keys, and signers whose key lies in a hardware module."""

    def __init__(
        self,
        keys: Iterable[PrivateKey] = (),
        modules: Iterable[tuple[bytes, Signer]] = (),
    ) -> None:
        held = tuple(keys)
        self._signers: dict[bytes, Signer] = {
            spki(key): CryptoSigner(key) for key in held
        } | dict(modules)
        self._claimants = {
            raw_public(key): key for key in held if isinstance(key, Ed25519PrivateKey)
        }

    def __repr__(self) -> str:
        return f"Keyring({len(self._signers)} keys)"

    def signers(self, wanted: Collection[bytes]) -> list[Signer]:
        """Give those held of some keys (DER SubjectPublicKeyInfo), to sign metadata."""
        return [self._signers[each] for each in wanted if each in self._signers]

    def claimants(self, wanted: Collection[bytes]) -> list[Ed25519PrivateKey]:
        """Give those held of some raw Ed25519 keys, to sign claims."""
        return [self._claimants[each] for each in wanted if each in self._claimants]

    def log_key(self, wanted: VerifierKey) -> SigningKey:
        """Give the key of a log.

        Raises:
            MissingError: it is not on this ring.
        """
        key = self._claimants.get(wanted.public)
        if key is None or wanted.kind is not Kind.LOG:
            raise MissingError(f"the key of the log {wanted.name} is not here")
        return SigningKey(wanted.name, Kind.LOG, seed=key.private_bytes_raw())
