"""Private keys at rest: Argon2id over a passphrase, in the project's own small form.

::

    "RFPK" | ver 1 | memory_kib 4 | passes 4 | lanes 1 | salt 16 | nonce 12
    ciphertext and tag of the key's PKCS#8 DER

Everything before the sealed part is authenticated with it; integers are big-endian.
Encrypted PKCS#8 PEM is read but never written: the library derives its key with 2,048
rounds of PBKDF2 and lets nobody change that. Format: docs/formats/keys.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA65PrivateKey,
    MLDSA87PrivateKey,
)

from updater.errors import MalformedError

PrivateKey: TypeAlias = (
    Ed25519PrivateKey
    | EllipticCurvePrivateKey
    | MLDSA44PrivateKey
    | MLDSA65PrivateKey
    | MLDSA87PrivateKey
)
"""Ed25519, ECDSA on P-256 or P-384, or ML-DSA."""

MAX_FILE_BYTES: Final = 16_384  # an expanded ML-DSA-87 key is 5 KiB


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess at the passphrase costs (Argon2id, RFC 9106); half a second here.

    Bounded, also on reading: a doctored file can neither make guessing cheap nor take
    all memory.

    Raises:
        MalformedError: out of bounds: 64 MiB to 1 GiB, 2 to 10 passes, 1 to 8 lanes.
    """

    memory_kib: int = 256 << 10
    passes: int = 3
    lanes: int = field(default=4, kw_only=True)

    def __post_init__(self) -> None:
        if not (
            64 << 10 <= self.memory_kib <= 1 << 20
            and 2 <= self.passes <= 10
            and 1 <= self.lanes <= 8
        ):
            raise MalformedError(
                "cost: expected 64 MiB to 1 GiB, 2 to 10 passes and 1 to 8 lanes, "
                f"came {self.memory_kib} KiB, {self.passes} and {self.lanes}"
            )


def seal_key(
    key: PrivateKey,
    passphrase: bytes,
    entropy: Callable[[int], bytes],
    *,
    cost: Cost = Cost(),
) -> bytes:
    """Seal a private key under a passphrase, as `open_key` opens it."""
    raise NotImplementedError


def open_key(data: bytes, passphrase: bytes) -> PrivateKey:
    """Open a file that `seal_key` made, or an encrypted PKCS#8 PEM.

    Raises:
        MalformedError: it is neither, or the key in it is of no kind of ours.
        RefusedError: the passphrase is wrong, or the file is damaged.
    """
    raise NotImplementedError


def format_plain_key(key: PrivateKey) -> bytes:
    """Write a private key as PKCS#8 PEM that anybody can read; the caller asked for it."""
    raise NotImplementedError


def parse_plain_key(data: bytes) -> PrivateKey:
    """Read a PKCS#8 PEM that is not encrypted.

    Raises:
        MalformedError: it is none, or the key in it is of no kind of ours.
    """
    raise NotImplementedError
