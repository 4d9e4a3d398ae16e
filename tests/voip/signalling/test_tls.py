import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from voip.errors import RefusedError, StoreError
from voip.identity.card import RelayAddress
from voip.signalling.tls import (
    TlsFiles,
    check_pin,
    client_context,
    is_plain,
    make_key,
    server_context,
)


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    made = TlsFiles(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    make_key(made)
    return made


def relay(files: TlsFiles) -> RelayAddress:
    return RelayAddress("127.0.0.1", 1, pin=server_context(files)[1])


def shown(files: TlsFiles) -> bytes:
    pem = files.certificate.read_bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("host", "pin", "plain"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("abc.onion", None, True),
        ("127.0.0.1", bytes(32), False),
        ("abc.onion", bytes(32), False),
        ("192.0.2.1", None, False),
        ("relay.example", None, False),
        ("localhost", None, False),
        ("onion", None, False),
    ],
)
def test_only_loopback_and_onion_go_without_tls(
    host: str, pin: bytes | None, *, plain: bool
) -> None:
    assert is_plain(RelayAddress(host, 1, pin=pin)) == plain


def test_the_pinned_key_is_accepted(files: TlsFiles) -> None:
    check_pin(relay(files), shown(files))


def test_another_key_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    other = TlsFiles(certificate=tmp_path / "c2.pem", key=tmp_path / "k2.pem")
    make_key(other)

    with pytest.raises(RefusedError, match="not the key that the card pins"):
        check_pin(relay(files), shown(other))


@pytest.mark.parametrize("certificate", [None, b"", b"junk"], ids=repr)
def test_no_certificate_is_refused(files: TlsFiles, certificate: bytes | None) -> None:
    with pytest.raises(RefusedError, match="not the key that the card pins"):
        check_pin(relay(files), certificate)


def test_without_a_pin_the_authorities_decide() -> None:
    context = client_context(RelayAddress("relay.example", 1))

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_key_is_made_once(files: TlsFiles) -> None:
    before = files.key.read_bytes()
    make_key(files)

    assert files.key.read_bytes() == before


def test_only_the_owner_can_read_the_key(files: TlsFiles) -> None:
    assert files.key.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    files = TlsFiles(certificate=tmp_path / "x" / "c", key=tmp_path / "x" / "k")

    with pytest.raises(StoreError, match=r"relay key .*: No such file"):
        make_key(files)


def test_a_key_that_is_none_is_refused(files: TlsFiles) -> None:
    files.key.write_text("junk")

    with pytest.raises(StoreError, match="relay key"):
        server_context(files)
