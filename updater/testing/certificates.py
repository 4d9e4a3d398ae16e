"""A certificate authority like Fulcio, with a log of certificates, for tests.

Certificates are good for ten minutes and carry a signed certificate timestamp (RFC 6962
section 3.3), so that sigstore-python, unmodified, takes them as it takes real ones.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from updater.sigstore.signer import EXTENSIONS

_ISSUERS = {"1.3.6.1.4.1.57264.1.1": False, "1.3.6.1.4.1.57264.1.8": True}  # is DER
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_LIFETIME = timedelta(minutes=10)
_DECADE = timedelta(days=3650)

CertificateFault = Literal["sct", "expired", "future"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A root and what it signed first; both for ten years."""

    root: x509.Certificate
    below: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(kw_only=True, repr=False)
    """Of `below`."""


def make_chain(
    name: str, start: datetime, usage: ObjectIdentifier, *, is_authority: bool
) -> Chain:
    """Make a root, and an intermediate or a signer of a single purpose under it."""
    root_key, key = new_key(), new_key()
    root = _certify(name, root_key.public_key(), name, root_key, start=start)
    below = _certify(
        f"{name}-1",
        key.public_key(),
        name,
        root_key,
        start=start,
        usage=usage,
        is_authority=is_authority,
    )
    return Chain(root, below, key=key)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the public half as DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


class CertificateAuthority:
    """Issues certificates for whoever asks; tests decide what is true."""

    def __init__(self, start: datetime) -> None:
        self.chain = make_chain(
            "lab-fulcio", start, ExtendedKeyUsageOID.CODE_SIGNING, is_authority=True
        )
        self.ct_key = new_key()

    def issue(
        self,
        key: ec.EllipticCurvePublicKey,
        *subjects: str,
        issuer: str,
        at: datetime,
        extensions: Mapping[str, str],
        fault: CertificateFault | None = None,
    ) -> x509.Certificate:
        """Issue a certificate, good for ten minutes from `at`, or wrong as asked."""
        shift = {"expired": -1, "future": 1}.get(fault or "", 0)
        start = at + timedelta(hours=shift)
        builder = self._builder(key, start).add_extension(
            x509.SubjectAlternativeName([_name(subject) for subject in subjects]),
            critical=True,
        )
        for oid, is_der in _ISSUERS.items():
            value = _utf8_string(issuer) if is_der else issuer.encode()
            builder = _add(builder, ObjectIdentifier(oid), value)
        for name, text in extensions.items():
            builder = _add(builder, EXTENSIONS[name], _utf8_string(text))
        # What the log of certificates signs is the certificate without its signature.
        unlogged = builder.sign(self.chain.key, hashes.SHA256())
        ct_key = new_key() if fault == "sct" else self.ct_key
        scts = self._sct_list(unlogged.tbs_certificate_bytes, start, ct_key)
        return _add(builder, _SCT_LIST, scts).sign(self.chain.key, hashes.SHA256())

    def _builder(
        self, key: ec.EllipticCurvePublicKey, start: datetime
    ) -> x509.CertificateBuilder:
        above = self.chain.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.chain.below.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + _LIFETIME)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
                critical=False,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(above),
                critical=False,
            )
        )

    def _sct_list(
        self, unsigned: bytes, at: datetime, key: ec.EllipticCurvePrivateKey
    ) -> bytes:
        """Sign as a log of certificates does (RFC 6962 section 3.2), one SCT long."""
        stamp = int(at.timestamp() * 1000)
        above = hashlib.sha256(spki(self.chain.key)).digest()
        signed = (
            struct.pack("!BBQH", 0, 0, stamp, 1)
            + above
            + len(unsigned).to_bytes(3, "big")
            + unsigned
            + bytes(2)  # no extensions
        )
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        log_id = hashlib.sha256(spki(self.ct_key)).digest()
        sct = struct.pack("!B32sQH", 0, log_id, stamp, 0) + _vector(
            signature, b"\x04\x03"
        )
        return _octet_string(_vector(_vector(sct)))


def _certify(  # noqa: PLR0913 - one argument for each field of a certificate
    name: str,
    key: ec.EllipticCurvePublicKey,
    above: str,
    above_key: ec.EllipticCurvePrivateKey,
    *,
    start: datetime,
    usage: ObjectIdentifier | None = None,
    is_authority: bool = True,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_distinguished(name))
        .issuer_name(_distinguished(above))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _DECADE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key.public_key()),
            critical=False,
        )
        .add_extension(_usage(is_authority=is_authority), critical=True)
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
    )
    if usage is not None:
        # RFC 3161 section 2.3: that of a time authority is critical, and alone.
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([usage]), critical=not is_authority
        )
    return builder.sign(above_key, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _distinguished(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "lab.example"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _name(subject: str) -> x509.GeneralName:
    if "@" in subject and "://" not in subject:
        return x509.RFC822Name(subject)
    return x509.UniformResourceIdentifier(subject)


def _add(
    builder: x509.CertificateBuilder, oid: ObjectIdentifier, value: bytes
) -> x509.CertificateBuilder:
    return builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)


def _vector(data: bytes, head: bytes = b"") -> bytes:
    """Write an opaque vector of TLS, its length in two bytes."""
    return head + len(data).to_bytes(2, "big") + data


def _utf8_string(text: str) -> bytes:
    return bytes(core.UTF8String(text).dump())


def _octet_string(data: bytes) -> bytes:
    return bytes(core.OctetString(data).dump())
