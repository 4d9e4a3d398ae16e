"""Keys of notes: a name, a public key and the one way it signs (C2SP signed-note).

Written as a vkey, ``<name>+<key id, 8 hex>+<base64: kind || public key>``. The key id
is a hint for finding the key and never what makes it trusted. The format, to the byte:
docs/formats/log.md.
"""

import hashlib
import re
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from updater.errors import MalformedError, MissingError, SignatureError
from updater.shape import base64_text, unbase64

KEY_ID_SIZE = 4
"""Bytes of a key id."""
_SEED_SIZE = 32
_KEY_ID = re.compile("[0-9a-f]{8}")
_NAME = re.compile(r"[^\s\x00-\x1f+]+")  # \s is every Unicode space
_SHOWN = 80  # characters of a wrong name that a sentence quotes
_NO_ML_DSA = "ML-DSA-44: expected a cryptography built on OpenSSL 3.5 or later"


class Kind(IntEnum):
    """What a key signs and how: the signature type of its vkey."""

    LOG = 0x01
    """Ed25519 over the text: a log's own line."""
    WITNESS = 0x04
    """Ed25519 over a time and the text: a cosignature (tlog-cosignature v1.0.1)."""
    ML_DSA = 0x06
    """ML-DSA-44 over a time and a tree: the same after quantum computers."""

    @property
    def public_size(self) -> int:
        """Bytes of the public key."""
        return 1312 if self is Kind.ML_DSA else 32

    @property
    def signature_size(self) -> int:
        """Bytes of the signature alone."""
        return 2420 if self is Kind.ML_DSA else 64

    @property
    def is_timed(self) -> bool:
        """Whether a time stands before the signature, and is signed with it."""
        return self is not Kind.LOG


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and the one way it signs."""

    name: str
    kind: Kind
    public: bytes = field(kw_only=True)

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0A || kind || public key)."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:KEY_ID_SIZE]

    def __str__(self) -> str:
        """Write it as a vkey."""
        key = base64_text(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def check(self, message: bytes, signature: bytes) -> None:
        """Check one bare signature of this key.

        Raises:
            SignatureError: it is not this key's over this message.
            MissingError: it is ML-DSA-44 and `cryptography` stands on an old OpenSSL.
        """
        try:
            if self.kind is Kind.ML_DSA:
                _check_ml_dsa(self.public, message, signature)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(
                    signature, message
                )
        except InvalidSignature:
            raise SignatureError(f"the signature of {self.name!r} is wrong") from None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name and the one way it signs."""

    name: str
    kind: Kind
    seed: bytes = field(kw_only=True, repr=False)
    """32 bytes: of Ed25519 (RFC 8032) or of ML-DSA-44 (FIPS 204)."""

    def __post_init__(self) -> None:
        """Hold to what a vkey can say.

        Raises:
            MalformedError: a name or a seed that no key can have.
        """
        check_name(self.name)
        if len(self.seed) != _SEED_SIZE:
            raise MalformedError(f"seed: expected 32 bytes, came {len(self.seed)}")

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        if self.kind is Kind.ML_DSA:
            public = _ml_dsa_public(self.seed)
        else:
            private = Ed25519PrivateKey.from_private_bytes(self.seed)
            public = private.public_key().public_bytes_raw()
        return VerifierKey(self.name, self.kind, public=public)

    def sign(self, message: bytes) -> bytes:
        """Sign a message; Ed25519 gives the same bytes each time, ML-DSA does not."""
        if self.kind is Kind.ML_DSA:
            return _sign_ml_dsa(self.seed, message)
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def check_name(name: str) -> str:
    """Expect the name of a key: not empty, printable, without plus and space.

    Raises:
        MalformedError: it is something else.
    """
    if not _NAME.fullmatch(name):
        raise MalformedError(f"key name {name[:80]!r}: expected no plus and no space")
    try:
        name.encode()
    except UnicodeEncodeError:  # a lone surrogate has no bytes to hash
        raise MalformedError(f"key name {name[:80]!r}: expected UTF-8") from None
    return name


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey.

    Raises:
        MalformedError: anything that `str(key)` does not write.
    """
    parts = text.split("+", 2)  # base64 has plus signs of its own
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise MalformedError(f"vkey {text[:80]!r}: expected <name>+<key id>+<key>")
    name, key_id, encoded = parts
    check_name(name)
    raw = unbase64(encoded, f"vkey of {name[:80]!r}")
    try:
        kind = Kind(raw[0])
    except (IndexError, ValueError):
        raise MalformedError(
            f"vkey of {name[:80]!r}: expected a key of kind 01, 04 or 06"
        ) from None
    if len(raw) - 1 != kind.public_size:
        raise MalformedError(
            f"vkey of {name[:80]!r}: expected {kind.public_size} bytes of key,"
            f" came {len(raw) - 1}"
        )
    key = VerifierKey(name, kind, public=raw[1:])
    if key.key_id.hex() != key_id:
        raise MalformedError(
            f"vkey of {name[:80]!r}: expected key id {key.key_id.hex()}, came {key_id}"
        )
    return key


# ML-DSA-44 is imported where a key of it is met: it is off by default.


def _check_ml_dsa(public: bytes, message: bytes, signature: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

    try:
        key = mldsa.MLDSA44PublicKey.from_public_bytes(public)
    except UnsupportedAlgorithm:
        raise MissingError(_NO_ML_DSA) from None
    key.verify(signature, message)


def _ml_dsa_public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

    try:
        key = mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
    except UnsupportedAlgorithm:
        raise MissingError(_NO_ML_DSA) from None
    return key.public_key().public_bytes_raw()


def _sign_ml_dsa(seed: bytes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

    try:
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed).sign(message)
    except UnsupportedAlgorithm:
        raise MissingError(_NO_ML_DSA) from None
