"""Identity keys: their one spelling, which of them are refused, the safety number.

An identity is an Ed25519 public key (RFC 8032), 32 raw bytes everywhere, without a type
prefix: two spellings of one key would be two people. Call keys are in `callkey`.
Formats are in docs/formats/identity.md.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes

from voip.errors import MalformedError
from voip.wire import P, lp8

Entropy = Callable[[int], bytes]
"""Gives as many random bytes as asked for; `os.urandom` outside of tests."""

KEY_BYTES: Final = 32  # Ed25519 and X25519 public keys, and SHA-256 values
IDENTITY_DOMAIN: Final = b"ringfence/identity/1"

_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
# The y coordinates of the eight points whose order divides 8. Under such a "key" some
# signature holds for almost any message, so it would be everybody's identity. Each may
# come with either sign of x; spellings at or over the prime are refused for all keys.
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,  # order 4
        1,  # order 1
        _FIELD_PRIME - 1,  # order 2
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,  # order 8
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,  # order 8
    }
)


def T(label: bytes, data: bytes) -> bytes:  # noqa: N802 - the name the formats use
    """Hash `data` for one purpose: SHA-512/256(lp8(P) || lp8(label) || data), 32 bytes.

    The label keeps a value made for one purpose from serving another.
    """
    digest = hashes.Hash(hashes.SHA512_256())
    digest.update(lp8(P) + lp8(label) + data)
    return digest.finalize()


def check_identity(raw: bytes) -> None:
    """Check that 32 bytes can be somebody's Ed25519 identity.

    Raises:
        MalformedError: not 32 bytes, a point of small order in any of its
            encodings, or a y coordinate not below the field prime (a second spelling).
    """
    if len(raw) != KEY_BYTES:
        raise MalformedError(f"identity: expected {KEY_BYTES} bytes, came {len(raw)}")
    y = int.from_bytes(raw, "little") & ~_SIGN_BIT
    if y >= _FIELD_PRIME:
        raise MalformedError("identity: expected a canonical encoding, came another")
    if y in _SMALL_ORDER_Y:
        raise MalformedError("identity: expected a key, came a point of small order")


def format_base32(raw: bytes) -> str:
    """Spell bytes in base32 (RFC 4648 §6), lower case, without padding."""
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def parse_base32(text: str, size: int) -> bytes:
    """Read what `format_base32` wrote for `size` bytes.

    Raises:
        MalformedError: another length, alphabet or case, or stray bits at the end.
    """
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise MalformedError(
            f"expected base32 of {size} bytes, came {text!r}"
        ) from None
    if len(raw) != size or format_base32(raw) != text:
        raise MalformedError(f"expected base32 of {size} bytes, came {text!r}")
    return raw


def format_identity(raw: bytes) -> str:
    """Spell an identity: 52 letters and digits of base32."""
    return format_base32(raw)


def parse_identity(text: str) -> bytes:
    """Read an identity written by `format_identity`; 32 bytes.

    Raises:
        MalformedError: not that spelling, or not an identity (see `check_identity`).
    """
    raw = parse_base32(text, KEY_BYTES)
    check_identity(raw)
    return raw


def safety_number(ours: bytes, theirs: bytes) -> str:
    """Say what two people compare to know that they hold each other's identity.

    The same for both sides: twelve groups of five digits, separated by spaces, from
    SHA-512(lp8(domain) || lp8("safety") || lower || higher of the two identities).
    """
    digest = hashlib.sha512(
        lp8(IDENTITY_DOMAIN) + lp8(b"safety") + b"".join(sorted((ours, theirs)))
    ).digest()
    groups = (int.from_bytes(digest[5 * i : 5 * i + 5], "big") for i in range(12))
    return " ".join(f"{group % 100_000:05}" for group in groups)
