"""ML-KEM-768 (FIPS 203) behind two functions, the only ones that encapsulate.

`encapsulate` draws its own randomness and takes none, so everything above is handed the
operation (`Encapsulate`) and a test can replay a recorded result.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)

from voip.errors import HandshakeError

EK_BYTES = 1184
"""An encapsulation (public) key: FIPS 203 §8, table 3."""

CIPHERTEXT_BYTES = 1088
"""A ciphertext: FIPS 203 §8, table 3."""

SECRET_BYTES = 32
"""A shared secret: FIPS 203 §8, table 3."""

SEED_BYTES = 64
"""A decapsulation key in seed form, d || z: FIPS 203 §7.1."""

Encapsulate = Callable[[bytes], tuple[bytes, bytes]]
"""Encapsulation key in, (shared secret 32, ciphertext 1088) out."""


def encapsulate(ek: bytes) -> tuple[bytes, bytes]:
    """Make a shared secret (32 bytes) and its ciphertext (1088 bytes) for `ek`.

    Raises:
        HandshakeError: `ek` fails the checks of FIPS 203 §7.2: its length, or a
            coefficient that is not reduced modulo q.
    """
    try:
        return MLKEM768PublicKey.from_public_bytes(ek).encapsulate()
    except ValueError:
        raise HandshakeError("encapsulation key refused") from None


def decapsulate(key: MLKEM768PrivateKey, ciphertext: bytes) -> bytes:
    """Recover the shared secret (32 bytes).

    A ciphertext made for another key, or doctored, gives an unrelated secret and no
    error (FIPS 203 §6.3, implicit rejection): the next tag shows it.

    Raises:
        HandshakeError: the ciphertext is not 1088 bytes long.
    """
    try:
        return key.decapsulate(ciphertext)
    except ValueError:
        raise HandshakeError("ciphertext refused") from None
