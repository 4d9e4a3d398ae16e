"""Private keys at rest: Argon2id over a passphrase, in the project's own small form.

::

    "RFPK" | ver 1 | memory_kib 4 | passes 4 | lanes 1 | salt 16 | nonce 12
    ciphertext and tag of the key's PKCS#8 DER

Everything before the sealed part is authenticated with it; integers are big-endian.
Encrypted PKCS#8 PEM is read but never written: the library derives its key with 2,048
rounds of PBKDF2 and lets nobody change that. Format: docs/formats/keys.md.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA65PrivateKey,
    MLDSA87PrivateKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from updater.errors import MalformedError, RefusedError

PrivateKey: TypeAlias = (
    Ed25519PrivateKey
    | EllipticCurvePrivateKey
    | MLDSA44PrivateKey
    | MLDSA65PrivateKey
    | MLDSA87PrivateKey
)
"""Ed25519, ECDSA on P-256 or P-384, or ML-DSA."""

MAX_FILE_BYTES: Final = 16_384  # an expanded ML-DSA-87 key is 5 KiB
SALT_BYTES: Final = 16  # RFC 9106 section 3.1 recommends this many
NONCE_BYTES: Final = 12  # RFC 8439 section 2.8; salt and key are fresh too

_MAGIC: Final = b"RFPK"
_VERSION: Final = 1
_HEADER: Final = struct.Struct(">BIIB")  # version, KiB, passes, lanes
_FRONT_BYTES: Final = len(_MAGIC) + _HEADER.size + SALT_BYTES + NONCE_BYTES
_TAG_BYTES: Final = 16
_KEK_BYTES: Final = 32

_ENCRYPTED_PEM: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
_PLAIN_PEM: Final = b"-----BEGIN PRIVATE KEY-----\n"

# One sentence: saying which would tell a thief whether to go on guessing.
_WRONG: Final = "wrong passphrase, or the key file is damaged"


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

    @property
    def header(self) -> bytes:
        """The 14 bytes at the front of a file."""
        return _MAGIC + _HEADER.pack(_VERSION, self.memory_kib, self.passes, self.lanes)


_DEFAULT_COST: Final = Cost()


def seal_key(
    key: PrivateKey,
    passphrase: bytes,
    entropy: Callable[[int], bytes],
    *,
    cost: Cost = _DEFAULT_COST,
) -> bytes:
    """Seal a private key under a passphrase, as `open_key` opens it."""
    salt, nonce = entropy(SALT_BYTES), entropy(NONCE_BYTES)
    front = cost.header + salt + nonce
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kek = _derive(passphrase, salt, cost)
    return front + ChaCha20Poly1305(kek).encrypt(nonce, der, front)


def open_key(data: bytes, passphrase: bytes) -> PrivateKey:
    """Open a file that `seal_key` made, or an encrypted PKCS#8 PEM.

    Raises:
        MalformedError: it is neither, or the key in it is of no kind of ours.
        RefusedError: the passphrase is wrong, or the file is damaged.
    """
    _check_size(data)
    if data.startswith(_ENCRYPTED_PEM):
        return _open_pem(data, passphrase)
    cost, salt, nonce = _parse_front(data)
    front, sealed = data[:_FRONT_BYTES], data[_FRONT_BYTES:]
    try:
        der = ChaCha20Poly1305(_derive(passphrase, salt, cost)).decrypt(
            nonce, sealed, front
        )
    except InvalidTag:
        raise RefusedError(_WRONG) from None
    try:
        return _of_our_kind(load_der_private_key(der, None))
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise MalformedError("key file: expected a PKCS#8 key within") from None


def _parse_front(data: bytes) -> tuple[Cost, bytes, bytes]:
    if len(data) < _FRONT_BYTES + _TAG_BYTES or data[: len(_MAGIC)] != _MAGIC:
        raise MalformedError(f"key file: expected it to begin with {_MAGIC!r}")
    version, memory_kib, passes, lanes = _HEADER.unpack_from(data, len(_MAGIC))
    if version != _VERSION:
        raise MalformedError(f"key file: expected version 1, came {version}")
    salt_end = _FRONT_BYTES - NONCE_BYTES
    return (
        Cost(memory_kib, passes, lanes=lanes),
        data[salt_end - SALT_BYTES : salt_end],
        data[salt_end:_FRONT_BYTES],
    )


def _derive(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    """Derive the sealing key with Argon2id (RFC 9106); slow on purpose."""
    return Argon2id(
        salt=salt,
        length=_KEK_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(passphrase)


def _open_pem(data: bytes, passphrase: bytes) -> PrivateKey:
    try:
        return _of_our_kind(load_pem_private_key(data, passphrase))
    except (TypeError, ValueError, UnsupportedAlgorithm):
        # One answer for both: the library does not tell them apart in a stable way.
        raise RefusedError(_WRONG) from None


def format_plain_key(key: PrivateKey) -> bytes:
    """Write a private key as PKCS#8 PEM that anybody can read who gets the file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parse_plain_key(data: bytes) -> PrivateKey:
    """Read a PKCS#8 PEM that is not encrypted.

    Raises:
        MalformedError: it is none, or the key in it is of no kind of ours.
    """
    _check_size(data)
    # The library would also read other PEM forms, some with a cipher of the nineties.
    if not data.startswith(_PLAIN_PEM):
        raise MalformedError(f"key file: expected it to begin with {_PLAIN_PEM!r}")
    try:
        return _of_our_kind(load_pem_private_key(data, None))
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedError("key file: expected a PKCS#8 key within") from None


def _check_size(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise MalformedError(
            f"key file: expected at most {MAX_FILE_BYTES} bytes, came {len(data)}"
        )


def _of_our_kind(key: object) -> PrivateKey:
    match key:
        case (
            Ed25519PrivateKey()
            | MLDSA44PrivateKey()
            | MLDSA65PrivateKey()
            | MLDSA87PrivateKey()
        ):
            return key
        case EllipticCurvePrivateKey(curve=SECP256R1() | SECP384R1()):
            return key
        case _:
            raise MalformedError(
                "key file: expected an Ed25519, P-256, P-384 or ML-DSA key, "
                f"came {type(key).__name__}"
            )
