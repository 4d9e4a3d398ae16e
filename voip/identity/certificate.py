"""Call-key certificates: an identity says which call key a device has, for a month.

The only thing an identity ever signs. Nothing that belongs to a call is signed, so that
nobody can prove a call took place. Format: docs/formats/identity.md.
"""

from dataclasses import KW_ONLY, dataclass, replace
from typing import Final

from voip.errors import CertificateError, MalformedError, RollbackError
from voip.identity.keys import KEY_BYTES, T, check_identity
from voip.identity.signer import (
    SIGNATURE_BYTES,
    Signer,
    check_signature,
    checked_sign,
)
from voip.wire import Reader, be32, be64

VERSION: Final = 1
TBS_BYTES: Final = 133  # 1 version, 32 + 16 + 32 + 32 keys, 8 + 8 times, 4 caps
CERTIFICATE_BYTES: Final = TBS_BYTES + SIGNATURE_BYTES  # 197
EK_BYTES: Final = 1184  # FIPS 203: an ML-KEM-768 encapsulation key
DEVICE_ID_BYTES: Final = 16
DAY_S: Final = 86_400
MAX_LIFETIME_S: Final = 31 * DAY_S  # bounds what a stolen device is worth

# What every signed text starts with. It is not JSON (Matrix signs objects), not
# "SSHSIG", not an SSH user-authentication blob (its first four bytes would be a length
# of 1.9 GB) and not TLS 1.3 padding (64 spaces): no signature crosses over.
SIGNING_CONTEXT: Final = b"ringfence/call/1 call-key\0"

CAP_IK_SRTP: Final = 1  # every device; set on signing
CAP_DTLS_BIND: Final = 2
CAP_VIDEO: Final = 4
CAP_MESH: Final = 8
CAP_SFRAME: Final = 16
CAP_LEGS: Final = 32  # can be told of a gateway's legs, and shows them


@dataclass(frozen=True, slots=True)
class Certificate:
    """A call key, what its device can do, and until when; as parsed, not yet checked.

    Attributes:
        identity: Ed25519 key that signed, 32 bytes.
        device_id: names the device among those of the identity, 16 bytes.
        x25519: public half of the call key, 32 bytes.
        ek_hash: `ek_hash` of the ML-KEM-768 half, 32 bytes.
        nbf: not before, unix seconds.
        naf: not after, unix seconds.
        caps: capability bits `CAP_*`; unknown bits are kept and mean nothing.
        signature: 64 bytes.
    """

    identity: bytes
    device_id: bytes
    _: KW_ONLY
    x25519: bytes
    ek_hash: bytes
    nbf: int
    naf: int
    caps: int
    signature: bytes

    @property
    def encoded(self) -> bytes:
        """The 197 bytes that are sent and hashed."""
        return _format_tbs(self) + self.signature


def ek_hash(ek: bytes) -> bytes:
    """Hash an ML-KEM-768 encapsulation key for its certificate; 32 bytes."""
    return T(b"mlkem-ek", ek)


def sign_certificate(  # noqa: PLR0913 - the fields of the format
    signer: Signer,
    device_id: bytes,
    *,
    x25519: bytes,
    ek: bytes,
    nbf: int,
    naf: int,
    caps: int,
) -> Certificate:
    """Have the identity's signer certify a call key; `CAP_IK_SRTP` is always set.

    Raises:
        CertificateError: the signer returned something that does not verify.
        CallError: the signer's own failure.
    """
    unsigned = Certificate(
        signer.public_key(),
        device_id,
        x25519=x25519,
        ek_hash=ek_hash(ek),
        nbf=nbf,
        naf=naf,
        caps=caps | CAP_IK_SRTP,
        signature=b"",
    )
    return replace(
        unsigned,
        signature=checked_sign(signer, SIGNING_CONTEXT + _format_tbs(unsigned)),
    )


def parse_certificate(raw: bytes) -> Certificate:
    """Take 197 bytes apart; says nothing about whether they hold.

    Raises:
        MalformedError: another length or version, or no identity.
    """
    if len(raw) != CERTIFICATE_BYTES:
        raise MalformedError(
            f"certificate: expected {CERTIFICATE_BYTES} bytes, came {len(raw)}"
        )
    reader = Reader(raw)
    version = reader.u8()
    if version != VERSION:
        raise MalformedError(f"certificate: expected version 1, came {version}")
    identity = reader.take(KEY_BYTES)
    check_identity(identity)
    return Certificate(
        identity,
        reader.take(DEVICE_ID_BYTES),
        x25519=reader.take(KEY_BYTES),
        ek_hash=reader.take(KEY_BYTES),
        nbf=reader.u64(),
        naf=reader.u64(),
        caps=reader.u32(),
        signature=reader.take(SIGNATURE_BYTES),
    )


def check_certificate(
    certificate: Certificate, *, now: int, newest_nbf: int = 0
) -> None:
    """Check that a certificate holds now (unix seconds).

    `newest_nbf` is the newest start seen for this device before. The signature comes
    first and the rollback last: only what the identity really signed, and what would
    else be accepted, may raise the alarm that a rollback is.

    Raises:
        RollbackError: older than one already seen; somebody replays a former key.
        CertificateError: not signed by its identity, too early, too late or too long.
    """
    check_signature(
        certificate.identity,
        certificate.signature,
        SIGNING_CONTEXT + _format_tbs(certificate),
    )
    if certificate.naf - certificate.nbf > MAX_LIFETIME_S:
        raise CertificateError(
            f"certificate: expected a life of at most {MAX_LIFETIME_S} s, "
            f"came {certificate.naf - certificate.nbf} s"
        )
    if not certificate.nbf <= now <= certificate.naf:
        raise CertificateError(
            f"certificate: valid from {certificate.nbf} to {certificate.naf}, "
            f"now is {now}"
        )
    if certificate.nbf < newest_nbf:
        raise RollbackError(
            f"certificate: from {certificate.nbf}, "
            f"but one from {newest_nbf} was seen before"
        )


def check_ek(certificate: Certificate, ek: bytes) -> None:
    """Check that an ML-KEM-768 key is the one the certificate speaks of.

    Raises:
        CertificateError: it is another.
    """
    if ek_hash(ek) != certificate.ek_hash:
        raise CertificateError("certificate: it is for another ML-KEM key")


def _format_tbs(certificate: Certificate) -> bytes:
    return b"".join(
        (
            bytes((VERSION,)),
            certificate.identity,
            certificate.device_id,
            certificate.x25519,
            certificate.ek_hash,
            be64(certificate.nbf),
            be64(certificate.naf),
            be32(certificate.caps),
        )
    )
