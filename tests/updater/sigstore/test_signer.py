from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.laboratory import ARTIFACT, lab, signed
from updater.errors import SigstoreError
from updater.sigstore import rekor
from updater.sigstore.signer import Signer, check_signer, read_signer
from updater.testing.certificates import new_key
from updater.testing.sigstore_lab import ISSUER, SUBJECT

WANTED = Signer(ISSUER, SUBJECT, extensions={"sourceRepositoryDigest": "c" * 40})
OID = "1.3.6.1.4.1.57264.1."


def certificate(bundle: bytes) -> bytes:
    return rekor.read(bundle).certificate


def made(*extensions: tuple[str, bytes], names: list[x509.GeneralName]) -> bytes:
    """Make a certificate that says of its signer just this."""
    key, start = new_key(), datetime(2025, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(minutes=10))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
    )
    for suffix, value in extensions:
        oid = x509.ObjectIdentifier(OID + suffix)
        builder = builder.add_extension(
            x509.UnrecognizedExtension(oid, value), critical=False
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


URI: list[x509.GeneralName] = [x509.UniformResourceIdentifier(SUBJECT)]


def test_a_certificate_names_issuer_and_subject() -> None:
    signer = read_signer(certificate(signed()))

    assert signer == Signer(ISSUER, SUBJECT)


def test_a_certificate_names_what_the_build_knew() -> None:
    said = {"sourceRepositoryDigest": "c" * 40, "runnerEnvironment": "r" * 300}
    signer = read_signer(certificate(lab().sign(ARTIFACT, extensions=said)))

    assert signer.extensions == said


def test_an_address_is_a_subject_as_well() -> None:
    signer = read_signer(certificate(lab().sign(ARTIFACT, subject="ann@lab.example")))

    assert signer.subject == "ann@lab.example"


def test_two_subjects_are_refused() -> None:
    bundle = lab().sign(ARTIFACT, "ann@lab.example")

    with pytest.raises(SigstoreError, match="identity: expected one address or URI"):
        read_signer(certificate(bundle))


def test_a_subject_of_another_kind_is_refused() -> None:
    der = made(("8", b"\x0c\x01i"), names=[x509.DNSName("lab.example")])

    with pytest.raises(SigstoreError, match="identity: expected one address or URI"):
        read_signer(der)


def test_a_certificate_without_an_issuer_is_refused() -> None:
    with pytest.raises(SigstoreError, match="issuer: the certificate names none"):
        read_signer(made(("1", b"https://issuer.example"), names=URI))


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x0c",
        b"i",
        b"\x0c\x02i",
        b"\x0c\x01ii",
        b"\x0c\x81\x01i",  # not the shortest length
        b"\x0c\x82\x00\x80" + b"i" * 128,
        b"\x0c\x80i\x00\x00",  # an indefinite length
        b"\x0c\x01\xff",  # no UTF-8
        b"\x16\x01i",  # an IA5String
    ],
)
def test_an_issuer_has_one_spelling(der: bytes) -> None:
    with pytest.raises(SigstoreError, match="issuer: issuer: expected a DER UTF8Str"):
        read_signer(made(("8", der), names=URI))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 4000])
def test_an_issuer_of_every_length_is_read(size: int) -> None:
    if size < 0x80:
        head = bytes([0x0C, size])
    elif size < 0x100:
        head = bytes([0x0C, 0x81, size])
    else:
        head = b"\x0c\x82" + size.to_bytes(2, "big")
    signer = read_signer(made(("8", head + b"i" * size), names=URI))

    assert signer.issuer == "i" * size


def test_an_extension_that_is_no_text_is_refused() -> None:
    der = made(("8", b"\x0c\x01i"), ("13", b"cccc"), names=URI)

    with pytest.raises(SigstoreError, match="extension: sourceRepositoryDigest: exp"):
        read_signer(der)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_certificate_are_refused(data: bytes) -> None:
    with pytest.raises(SigstoreError, match="identity: unreadable certificate"):
        read_signer(data)


@given(st.data())
def test_a_changed_byte_raises_nothing_but_a_refusal(data: st.DataObject) -> None:
    spoilt = bytearray(certificate(signed()))
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_signer(bytes(spoilt))
    except SigstoreError as error:
        assert error.detail in {"identity", "issuer", "extension"}  # noqa: PT017 - a key or a date may change


def test_whom_we_want_passes_whatever_else_it_says() -> None:
    more = {**WANTED.extensions, "runnerEnvironment": "elsewhere"}

    check_signer(Signer(ISSUER, SUBJECT, extensions=more), WANTED)


@pytest.mark.parametrize(
    "subject",
    [
        SUBJECT[:-1],
        SUBJECT + "0",
        SUBJECT.upper(),
        SUBJECT.replace("/", "%2F"),
        "x" + SUBJECT,
        "",
    ],
)
def test_a_subject_that_only_looks_alike_is_refused(subject: str) -> None:
    with pytest.raises(SigstoreError, match="identity: expected") as caught:
        check_signer(Signer(ISSUER, subject, extensions=WANTED.extensions), WANTED)

    assert caught.value.detail == "identity"


def test_another_issuer_is_refused() -> None:
    came = Signer(ISSUER + "/", SUBJECT, extensions=WANTED.extensions)

    with pytest.raises(SigstoreError, match="issuer: expected"):
        check_signer(came, WANTED)


@pytest.mark.parametrize("extensions", [{}, {"sourceRepositoryDigest": "d" * 40}])
def test_another_extension_is_refused(extensions: dict[str, str]) -> None:
    with pytest.raises(SigstoreError, match="extension: sourceRepositoryDigest"):
        check_signer(Signer(ISSUER, SUBJECT, extensions=extensions), WANTED)
