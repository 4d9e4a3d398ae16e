"""Whom a certificate of Fulcio's names.

The issuer of the identity token is an extension, the identity is the only subject
alternative name, and further extensions say what a CI system knew of the build. Source:
Fulcio's oid-info.md. The older extensions 1 to 6 are not read: they hold the same in a
form that is no ASN.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from updater.errors import SigstoreDetail, SigstoreError

_FULCIO = "1.3.6.1.4.1.57264.1."
_ISSUER = x509.ObjectIdentifier(_FULCIO + "8")
EXTENSIONS = {
    "buildSignerDigest": x509.ObjectIdentifier(_FULCIO + "10"),
    "runnerEnvironment": x509.ObjectIdentifier(_FULCIO + "11"),
    "sourceRepositoryURI": x509.ObjectIdentifier(_FULCIO + "12"),
    "sourceRepositoryDigest": x509.ObjectIdentifier(_FULCIO + "13"),
    "sourceRepositoryRef": x509.ObjectIdentifier(_FULCIO + "14"),
    "buildConfigDigest": x509.ObjectIdentifier(_FULCIO + "19"),
}
"""What a policy may ask for besides; each a DER UTF8String."""

_NAMES = (x509.RFC822Name, x509.UniformResourceIdentifier)


@dataclass(frozen=True, slots=True)
class Signer:
    """Whom a certificate names: the only subject, its issuer, and what else it says."""

    issuer: str
    subject: str
    extensions: Mapping[str, str] = field(default_factory=dict, kw_only=True)


def read_signer(certificate: bytes) -> Signer:
    """Read whom a certificate (DER) of Fulcio's names.

    Raises:
        SigstoreError: `identity`, `issuer` or `extension`: it names nobody, several, or
            not in the one spelling.
    """
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = list(
            extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
    except (
        ValueError,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise SigstoreError("identity", f"unreadable certificate: {error}") from None
    if len(names) != 1 or not isinstance(names[0], _NAMES):
        raise SigstoreError(
            "identity",
            f"expected one address or URI as subject, came {len(names)} names",
        )
    raw = {
        each.oid: each.value.value
        for each in extensions
        if isinstance(each.value, x509.UnrecognizedExtension)
    }
    if _ISSUER not in raw:
        raise SigstoreError("issuer", "the certificate names none")
    return Signer(
        _utf8_string(raw[_ISSUER], "issuer"),
        names[0].value,
        extensions={
            name: _utf8_string(raw[oid], name)
            for name, oid in EXTENSIONS.items()
            if oid in raw
        },
    )


def check_signer(came: Signer, wanted: Signer) -> None:
    """Check that a certificate names whom we want, string by string.

    Raises:
        SigstoreError: `identity`, `issuer` or `extension`.
    """
    if came.subject != wanted.subject:
        raise SigstoreError(
            "identity", f"expected {wanted.subject!r}, came {came.subject!r}"
        )
    if came.issuer != wanted.issuer:
        raise SigstoreError(
            "issuer", f"expected {wanted.issuer!r}, came {came.issuer!r}"
        )
    for name, text in wanted.extensions.items():
        if came.extensions.get(name) != text:
            raise SigstoreError(
                "extension",
                f"{name}: expected {text!r}, came {came.extensions.get(name)!r}",
            )


def _utf8_string(der: bytes, name: str) -> str:
    """Read a DER UTF8String (X.690 section 8.23) in its one spelling.

    A second spelling of one text would be a text that only some readers see.
    """
    for head in (2, 3, 4):  # tag, and a length of 1 to 3 bytes
        if der[:head] == _utf8_head(len(der) - head):
            try:
                return der[head:].decode()
            except UnicodeDecodeError:
                break
    detail: SigstoreDetail = "issuer" if name == "issuer" else "extension"
    raise SigstoreError(detail, f"{name}: expected a DER UTF8String")


def _utf8_head(size: int) -> bytes:
    """Write tag and length as DER has it: the shortest form."""
    if size < 0x80:
        return bytes([0x0C, max(size, 0)])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x0C, 0x80 | len(length)]) + length
