"""The certificate of a gateway's page: renewed by files, refused when it is over."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cli.gateways.certificate import Certificate
from voip.errors import MissingError

_ENDS = dt.datetime(2099, 12, 31, tzinfo=dt.UTC)


def write(folder: Path, *, ends: dt.datetime = _ENDS) -> tuple[Path, Path]:
    """Write a certificate and its key; gives where they are."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), serial_number=1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ends)
        .sign(key, SHA256())
    )
    chain, secret = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return chain, secret


async def test_a_certificate_that_lasts_is_well(tmp_path: Path) -> None:
    certificate = Certificate(*write(tmp_path))
    await certificate.check()

    assert certificate.expires == _ENDS


async def test_a_certificate_that_expired_is_not(tmp_path: Path) -> None:
    ends = dt.datetime(2021, 2, 3, tzinfo=dt.UTC)
    certificate = Certificate(*write(tmp_path, ends=ends))

    with pytest.raises(MissingError, match="expired on 2021-02-03"):
        await certificate.check()


def test_a_renewed_certificate_is_taken(tmp_path: Path) -> None:
    ends = dt.datetime(2098, 1, 1, tzinfo=dt.UTC)
    certificate = Certificate(*write(tmp_path, ends=ends))
    write(tmp_path)
    certificate.renew()

    assert certificate.expires == _ENDS


def test_a_certificate_without_its_key_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = Certificate(*write(tmp_path))
    chain, _ = write(tmp_path)
    chain.write_text("half a file")
    certificate.renew()

    assert certificate.expires == _ENDS
    assert "certificate not changed" in capsys.readouterr().err


def test_files_that_are_not_there_are_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"cert\.pem"):
        Certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
