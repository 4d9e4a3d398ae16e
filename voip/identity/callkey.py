"""Call keys: what a device answers and places calls with, fresh every week.

A call key is X25519 plus ML-KEM-768 and lives 30 days at most, for a certificate may
still be on somebody's board that long. A new one is made every 7 days, and the private
half of an old one is dropped at its end: whoever steals the device later cannot read
the first message of a call made before. The identity key is never used in a handshake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from voip.errors import MalformedError
from voip.identity.certificate import (
    CERTIFICATE_BYTES,
    DAY_S,
    EK_BYTES,
    Certificate,
    check_certificate,
    check_ek,
    ek_hash,
    parse_certificate,
    sign_certificate,
)
from voip.identity.keys import Entropy
from voip.identity.signer import Signer

X25519_SEED_BYTES: Final = 32  # RFC 7748 §5
MLKEM_SEED_BYTES: Final = 64  # FIPS 203: d || z
BUNDLE_BYTES: Final = CERTIFICATE_BYTES + EK_BYTES  # 1381
ROTATION_S: Final = 7 * DAY_S
LIFETIME_S: Final = 30 * DAY_S
MAX_LIVE: Final = 5  # 30 days of weekly keys; also the work a foreign INVITE may cause
BACKDATE_S: Final = 300  # the other side's clock may be behind ours


@dataclass(frozen=True, slots=True)
class Bundle:
    """What others need to call a device: its certificate and its ML-KEM-768 key."""

    certificate: Certificate
    ek: bytes

    @property
    def encoded(self) -> bytes:
        """The 1381 bytes that are published."""
        return self.certificate.encoded + self.ek


def parse_bundle(raw: bytes) -> Bundle:
    """Take 1381 bytes apart; `check_bundle` says whether they hold.

    Raises:
        MalformedError: another length, or no certificate.
    """
    if len(raw) != BUNDLE_BYTES:
        raise MalformedError(f"bundle: expected {BUNDLE_BYTES} bytes, came {len(raw)}")
    return Bundle(parse_certificate(raw[:CERTIFICATE_BYTES]), raw[CERTIFICATE_BYTES:])


def check_bundle(bundle: Bundle, *, now: int, newest_nbf: int = 0) -> None:
    """Check certificate and key together; arguments as for `check_certificate`.

    Raises:
        RollbackError: older than one already seen.
        CertificateError: the certificate does not hold, or is for another key.
    """
    check_ek(bundle.certificate, bundle.ek)
    check_certificate(bundle.certificate, now=now, newest_nbf=newest_nbf)


@dataclass(frozen=True, slots=True)
class CallKey:
    """The private half of a call key, loaded once.

    Attributes:
        certificate: what the identity signed for it.
        x25519_seed: 32 bytes, secret.
        mlkem_seed: 64 bytes (d || z of FIPS 203), secret.
        x25519: the X25519 key object.
        mlkem: the ML-KEM-768 key object.
        ek: the ML-KEM-768 encapsulation key, 1184 bytes.

    Raises:
        MalformedError: a seed of another size, or keys other than the certified ones.
    """

    certificate: Certificate
    x25519_seed: bytes = field(repr=False)
    mlkem_seed: bytes = field(repr=False, kw_only=True)
    x25519: X25519PrivateKey = field(init=False, repr=False, compare=False)
    mlkem: MLKEM768PrivateKey = field(init=False, repr=False, compare=False)
    ek: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        x25519, mlkem = _load(self.x25519_seed, self.mlkem_seed)
        object.__setattr__(self, "x25519", x25519)
        object.__setattr__(self, "mlkem", mlkem)
        object.__setattr__(self, "ek", mlkem.public_key().public_bytes_raw())
        if (self.x25519_public, ek_hash(self.ek)) != (
            self.certificate.x25519,
            self.certificate.ek_hash,
        ):
            raise MalformedError("call key: the certificate is for another key")

    @property
    def x25519_public(self) -> bytes:
        """The X25519 public key, 32 bytes."""
        return self.x25519.public_key().public_bytes_raw()

    @property
    def bundle(self) -> Bundle:
        """What others need to call this device."""
        return Bundle(self.certificate, self.ek)


def create_call_key(
    signer: Signer, device_id: bytes, *, now: int, caps: int, entropy: Entropy
) -> CallKey:
    """Make a call key and have it certified, for 30 days from `now` (unix seconds).

    Raises:
        CertificateError: the signer returned something that does not verify.
        CallError: the signer's own failure.
    """
    x25519_seed, mlkem_seed = entropy(X25519_SEED_BYTES), entropy(MLKEM_SEED_BYTES)
    x25519, mlkem = _load(x25519_seed, mlkem_seed)
    certificate = sign_certificate(
        signer,
        device_id,
        x25519=x25519.public_key().public_bytes_raw(),
        ek=mlkem.public_key().public_bytes_raw(),
        nbf=now - BACKDATE_S,
        naf=now + LIFETIME_S,
        caps=caps,
    )
    return CallKey(certificate, x25519_seed, mlkem_seed=mlkem_seed)


def live(call_keys: Sequence[CallKey], now: int) -> tuple[CallKey, ...]:
    """Keep those whose certificate has not ended, newest first, at most five.

    Put a fresh one in front and call this to rotate; the others' secrets are gone with
    the next write of the store.
    """
    kept = [key for key in call_keys if now <= key.certificate.naf]
    kept.sort(key=lambda key: key.certificate.nbf, reverse=True)
    return tuple(kept[:MAX_LIVE])


def rotation_due(call_keys: Sequence[CallKey], now: int) -> bool:
    """Tell whether a new call key is to be made: none is younger than 7 days."""
    return all(
        now - BACKDATE_S - key.certificate.nbf >= ROTATION_S
        for key in live(call_keys, now)
    )


def _load(
    x25519_seed: bytes, mlkem_seed: bytes
) -> tuple[X25519PrivateKey, MLKEM768PrivateKey]:
    if (len(x25519_seed), len(mlkem_seed)) != (X25519_SEED_BYTES, MLKEM_SEED_BYTES):
        raise MalformedError(
            f"call key: expected seeds of {X25519_SEED_BYTES} and {MLKEM_SEED_BYTES} "
            f"bytes, came {len(x25519_seed)} and {len(mlkem_seed)}"
        )
    return (
        X25519PrivateKey.from_private_bytes(x25519_seed),
        MLKEM768PrivateKey.from_seed_bytes(mlkem_seed),
    )
