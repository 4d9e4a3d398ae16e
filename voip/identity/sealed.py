"""The sealed file: canonical JSON under ChaCha20-Poly1305 and a key from a passphrase.

::

    "RFKS" | ver 1 | kdf 1 | memory_kib 4 | passes 4 | lanes 1 | salt 16
    nonce 12 | ciphertext and tag

Everything before the sealed part is authenticated with it. Format:
docs/formats/identity.md.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from voip.errors import MalformedError, PassphraseError
from voip.wire import Reader, be32

SALT_BYTES: Final = 16  # RFC 9106 §3.1 recommends this many
NONCE_BYTES: Final = (
    12  # RFC 8439 §2.8; random, and a file is written some thousand times
)
KEK_BYTES: Final = 32

_MAGIC: Final = b"RFKS"
_VERSION: Final = 1
_ARGON2ID: Final = 1
_KEYRING: Final = 2


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
    def encoded(self) -> bytes:
        """The 9 bytes of the header."""
        return be32(self.memory_kib) + be32(self.passes) + bytes((self.lanes,))


@dataclass(frozen=True, slots=True)
class Header:
    """How a file's key is found.

    Attributes:
        salt: 16 bytes; also names the key in the keyring.
        cost: of the passphrase; None if the key is in the keyring.
    """

    salt: bytes
    cost: Cost | None

    @property
    def encoded(self) -> bytes:
        """The 31 bytes before the nonce."""
        if self.cost is None:
            kdf, numbers = _KEYRING, be32(0) + be32(0) + b"\0"
        else:
            kdf, numbers = _ARGON2ID, self.cost.encoded
        return _MAGIC + bytes((_VERSION, kdf)) + numbers + self.salt


def parse_header(raw: bytes) -> Header:
    """Read the header at the front of a file.

    Raises:
        MalformedError: another kind of file or version, cut short, or a cost out of
            bounds.
    """
    reader = Reader(raw)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise MalformedError(f"sealed file: expected it to begin with {_MAGIC!r}")
    version, kdf = reader.u8(), reader.u8()
    if version != _VERSION or kdf not in {_ARGON2ID, _KEYRING}:
        raise MalformedError(
            f"sealed file: expected version 1 and key kind 1 or 2, "
            f"came {version} and {kdf}"
        )
    memory_kib, passes, lanes = reader.u32(), reader.u32(), reader.u8()
    salt = reader.take(SALT_BYTES)
    if kdf == _ARGON2ID:
        return Header(salt, Cost(memory_kib, passes, lanes=lanes))
    if (memory_kib, passes, lanes) != (0, 0, 0):
        raise MalformedError("sealed file: expected no cost with a keyring")
    return Header(salt, None)


def derive_kek(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    """Derive a file's key with Argon2id (RFC 9106); 32 bytes, slow on purpose."""
    return Argon2id(
        salt=salt,
        length=KEK_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(passphrase)


def seal(header: Header, kek: bytes, plaintext: bytes, *, nonce: bytes) -> bytes:
    """Seal a file; `nonce` is 12 random bytes, fresh for each."""
    front = header.encoded + nonce
    return front + ChaCha20Poly1305(kek).encrypt(nonce, plaintext, front)


def open_sealed(raw: bytes, kek: bytes) -> bytes:
    """Open a file that `seal` made.

    Raises:
        MalformedError: no such file (see `parse_header`).
        PassphraseError: the key does not fit.
    """
    header = parse_header(raw)
    front = raw[: len(header.encoded) + NONCE_BYTES]
    try:
        return ChaCha20Poly1305(kek).decrypt(
            front[-NONCE_BYTES:], raw[len(front) :], front
        )
    except (InvalidTag, ValueError):
        # One sentence: saying which would tell a thief whether to go on guessing.
        raise PassphraseError("wrong passphrase, or the file is damaged") from None
