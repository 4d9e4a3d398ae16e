"""Keys that can sign now, for whichever purpose they were made.

Whoever publishes has some keys on this machine, and others are asked elsewhere. So
nothing here is said about roles: what is to be signed names the keys that count, and
the ring gives those of them that it holds. A key is opened when it is first needed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import CryptoSigner, Signer

from updater.errors import MissingError, RefusedError
from updater.keyfile import PrivateKey
from updater.transparency.key import Kind, SigningKey, VerifierKey

_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

Open = Callable[[], "PrivateKey | Signer"]
"""Opens a key; a signer is of one that stays where it is."""


def spki(key: PrivateKey) -> bytes:
    """Give the public half of a key, DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(*_SPKI)


def raw_public(key: Ed25519PrivateKey) -> bytes:
    """Give the public half of a key that signs claims, 32 bytes."""
    return key.public_key().public_bytes_raw()


class Keyring:
    """Keys by their public halves (DER SubjectPublicKeyInfo)."""

    def __init__(
        self,
        keys: Iterable[PrivateKey] = (),
        *,
        closed: Mapping[bytes, Open] | None = None,
    ) -> None:
        self._closed = dict(closed or {})
        self._open: dict[bytes, PrivateKey | Signer] = {spki(key): key for key in keys}

    def __repr__(self) -> str:
        return f"Keyring({len(self._closed.keys() | self._open.keys())} keys)"

    def count(self, wanted: Iterable[bytes]) -> int:
        """Say how many of some keys are held."""
        return sum(each in self._open or each in self._closed for each in wanted)

    def signers(self, wanted: Iterable[bytes], most: int) -> list[Signer]:
        """Give some of the held among these keys, to sign metadata.

        Raises:
            RefusedError: one does not open.
        """
        found = [self._get(each) for each in self._some(wanted, most)]
        return [
            each if isinstance(each, Signer) else CryptoSigner(each) for each in found
        ]

    def claimants(self, wanted: Iterable[bytes], most: int) -> list[Ed25519PrivateKey]:
        """Give some of the held among these raw Ed25519 keys, to sign claims.

        Raises:
            RefusedError: one does not open.
        """
        names = [_spki(each) for each in wanted]
        found = [self._get(each) for each in self._some(names, most)]
        return [each for each in found if isinstance(each, Ed25519PrivateKey)]

    def log_key(self, wanted: VerifierKey) -> SigningKey:
        """Give the key of a log.

        Raises:
            MissingError: it is not on this ring.
            RefusedError: it does not open.
        """
        found = self.claimants([wanted.public], 1)
        if not found or wanted.kind is not Kind.LOG:
            raise MissingError(f"the key of the log {wanted.name} is not here")
        return SigningKey(wanted.name, Kind.LOG, seed=found[0].private_bytes_raw())

    def _some(self, wanted: Iterable[bytes], most: int) -> list[bytes]:
        return [each for each in wanted if self.count([each])][:most]

    def _get(self, public: bytes) -> PrivateKey | Signer:
        if public not in self._open:
            key = self._closed[public]()
            if not isinstance(key, Signer) and spki(key) != public:
                raise RefusedError("a key file holds another key than its public half")
            self._open[public] = key
        return self._open[public]


def _spki(raw: bytes) -> bytes:
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(*_SPKI)
