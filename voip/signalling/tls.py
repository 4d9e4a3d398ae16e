"""TLS between a relay and its clients: keys, pins and contexts.

A relay is found by the SHA-256 of its SubjectPublicKeyInfo (RFC 7469 §2.4), which the
contact card carries, or by the usual certificate authorities where it does not. TLS
hides tags from the network; nothing a call relies on depends on it.
"""

import datetime as dt
import hashlib
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from voip.errors import RefusedError, StoreError
from voip.identity.card import RelayAddress
from voip.signalling.address import is_loopback

# The pin is the key's, whatever the certificate says; it must only not expire.
_FIRST_DAY = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_LAST_DAY = dt.datetime(2099, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where a relay's certificate chain and private key are, as PEM."""

    certificate: Path
    key: Path


def is_plain(relay: RelayAddress) -> bool:
    """Whether this relay is spoken to without TLS.

    Only where nobody can listen in between: on this machine, and inside an onion
    circuit, whose address is its key.
    """
    return relay.pin is None and (is_loopback(relay.host) or is_onion(relay.host))


def is_onion(host: str) -> bool:
    """Whether a host is an onion service."""
    return host.endswith(".onion")


def make_key(files: TlsFiles) -> None:
    """Make a P-256 key and a certificate for it, unless the key is there already.

    Raises:
        StoreError: the files cannot be written.
    """
    if files.key.exists() and files.certificate.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ringfence relay")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_FIRST_DAY)
        .not_valid_after(_LAST_DAY)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        _write(files.certificate, certificate.public_bytes(Encoding.PEM))
        _write(files.key, pem)
    except OSError as error:
        raise StoreError(f"relay key {str(files.key)!r}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads; whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def server_context(files: TlsFiles) -> tuple[ssl.SSLContext, bytes]:
    """Load a relay's key; return the context and the pin of 32 bytes.

    Raises:
        StoreError: the files cannot be read, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(files.certificate, files.key)
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"relay key {str(files.key)!r}: {error}") from error
    return context, _pin(certificate)


def client_context(relay: RelayAddress) -> ssl.SSLContext:
    """Make the context for a relay; with a pin, `check_pin` must follow."""
    if relay.pin is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pin names the key, wherever it answers
    context.verify_mode = ssl.CERT_NONE
    return context


def check_pin(relay: RelayAddress, certificate: bytes | None) -> None:
    """Check the certificate (DER) that a relay showed against the pin, if it has one.

    Raises:
        RefusedError: another key answers at this address.
    """
    if relay.pin is None:
        return
    try:
        shown = _pin(x509.load_der_x509_certificate(certificate or b""))
    except ValueError:
        shown = b""
    if shown != relay.pin:
        raise RefusedError(f"relay {relay.netloc}: not the key that the card pins")


def _pin(certificate: x509.Certificate) -> bytes:
    public = certificate.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()
