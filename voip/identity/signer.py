"""Who signs for an identity: our own key, or the messenger the user already has.

An identity signs call-key certificates and nothing else, about once a week. What it
signs starts with the words of `certificate.SIGNING_CONTEXT`, so that no signature made
here can serve in another protocol, nor one made there serve here.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voip.errors import CertificateError, MalformedError
from voip.identity.keys import check_identity

SEED_BYTES: Final = 32  # RFC 8032 §5.1.5: an Ed25519 private key
SIGNATURE_BYTES: Final = 64  # RFC 8032 §5.1.6

_HEX_LENGTH: Final = 64
_BASE64_LENGTHS: Final = (43, 44)  # without and with its one "="


class Signer(Protocol):
    """Holds an Ed25519 identity; any object with these two methods will do."""

    def public_key(self) -> bytes:
        """Tell the identity: 32 raw bytes."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign with pure Ed25519 (RFC 8032): 64 raw bytes.

        Raises:
            CallError: the key cannot be reached, or its owner said no.
        """
        ...


@dataclass(frozen=True, slots=True)
class NativeSigner:
    """Signs with a 32-byte seed that is in memory.

    Raises:
        MalformedError: the seed is not 32 bytes.
    """

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise MalformedError(
                f"seed: expected {SEED_BYTES} bytes, came {len(self.seed)}"
            )

    def public_key(self) -> bytes:
        """Tell the identity: 32 raw bytes."""
        return self._key().public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Sign with pure Ed25519: 64 raw bytes."""
        return self._key().sign(data)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def parse_seed(raw: bytes) -> bytes:
    """Read a 32-byte seed from what a file or descriptor holds.

    Taken are 32 raw bytes; 64 hex digits; base64, padded or not; and the line of a
    Matrix signing key, ``ed25519 VERSION BASE64``. Outer white space is ignored.

    Raises:
        MalformedError: none of these. The message does not repeat the input.
    """
    if len(raw) == SEED_BYTES:
        return raw
    words = raw.split()
    if len(words) == 3 and words[0] == b"ed25519":
        words = words[2:]
    if len(words) == 1:
        try:
            return _parse_seed_word(words[0])
        except (binascii.Error, ValueError):
            pass  # one sentence for all spellings, below
    raise MalformedError(
        "seed: expected 32 bytes, 64 hex digits or 43 characters of base64, "
        f"came {len(raw)} bytes of something else"
    )


def _parse_seed_word(word: bytes) -> bytes:
    if len(word) == _HEX_LENGTH:
        return binascii.unhexlify(word)
    if len(word) not in _BASE64_LENGTHS:
        raise ValueError
    seed = base64.b64decode(word.ljust(_BASE64_LENGTHS[1], b"="), validate=True)
    return NativeSigner(seed).seed


def checked_sign(signer: Signer, data: bytes) -> bytes:
    """Sign, and check the signature at once; 64 bytes.

    A signer is another program: what it returns could be for another key, another
    message or another scheme, and would only be noticed in somebody else's call.

    Raises:
        MalformedError: the signer's identity is not one.
        CertificateError: the signature does not hold under it.
    """
    identity = signer.public_key()
    check_identity(identity)
    signature = signer.sign(data)
    check_signature(identity, signature, data)
    return signature


def check_signature(identity: bytes, signature: bytes, data: bytes) -> None:
    """Check a pure Ed25519 signature (RFC 8032 §5.1.7).

    Raises:
        CertificateError: it does not hold.
    """
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise CertificateError(
            "signature: expected one by the identity, came another"
        ) from None
