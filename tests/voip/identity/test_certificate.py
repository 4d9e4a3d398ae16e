"""Call-key certificates: bytes, acceptance, and what a signature cannot be used for."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given

from tests.voip.identity.people import (
    ALICE,
    BOB,
    DAY,
    JUNK,
    NOW,
    assert_mangled_is_refused,
)
from voip.errors import CertificateError, MalformedError, RollbackError
from voip.identity.certificate import (
    CAP_IK_SRTP,
    CAP_VIDEO,
    SIGNING_CONTEXT,
    Certificate,
    check_certificate,
    check_ek,
    parse_certificate,
    sign_certificate,
)
from voip.identity.signer import Signer

EK = b"\7" * 1184


def _certificate(
    signer: Signer = ALICE, *, nbf: int = NOW, life: int = 30 * DAY
) -> Certificate:
    return sign_certificate(
        signer,
        b"\5" * 16,
        x25519=b"\6" * 32,
        ek=EK,
        nbf=nbf,
        naf=nbf + life,
        caps=CAP_IK_SRTP,
    )


def test_the_certificate_is_the_published_check_value() -> None:
    certificate = _certificate()

    assert certificate.signature[:16].hex() == "14bcb4543155c066c4fc7a80b1697330"


def test_a_certificate_has_197_bytes_and_is_read_back() -> None:
    certificate = _certificate()

    assert (len(certificate.encoded), parse_certificate(certificate.encoded)) == (
        197,
        certificate,
    )


def test_a_certificate_that_holds_is_accepted_on_its_first_and_last_second() -> None:
    for now in (NOW, NOW + 30 * DAY):
        check_certificate(_certificate(), now=now, newest_nbf=NOW)


def test_ik_srtp_is_always_among_the_capabilities() -> None:
    certificate = sign_certificate(
        ALICE, b"\5" * 16, x25519=b"\6" * 32, ek=EK, nbf=0, naf=1, caps=CAP_VIDEO
    )

    assert certificate.caps == CAP_IK_SRTP | CAP_VIDEO


@pytest.mark.parametrize("now", [NOW - 1, NOW + 30 * DAY + 1])
def test_outside_of_its_time_it_is_refused(now: int) -> None:
    with pytest.raises(CertificateError, match="valid from"):
        check_certificate(_certificate(), now=now)


def test_a_life_over_31_days_is_refused() -> None:
    with pytest.raises(CertificateError, match="life"):
        check_certificate(_certificate(life=31 * DAY + 1), now=NOW)


def test_a_life_of_31_days_is_accepted() -> None:
    check_certificate(_certificate(life=31 * DAY), now=NOW)


def test_an_older_certificate_than_seen_is_a_rollback() -> None:
    with pytest.raises(RollbackError, match="seen before"):
        check_certificate(_certificate(), now=NOW, newest_nbf=NOW + 1)


def test_an_expired_certificate_is_no_rollback() -> None:
    with pytest.raises(CertificateError) as caught:
        check_certificate(_certificate(), now=NOW + 40 * DAY, newest_nbf=NOW + 1)

    assert not isinstance(caught.value, RollbackError)


def test_an_unsigned_certificate_is_no_rollback() -> None:
    forged = replace(_certificate(), nbf=NOW - 5 * DAY)

    with pytest.raises(CertificateError, match="signature") as caught:
        check_certificate(forged, now=NOW, newest_nbf=NOW)

    assert not isinstance(caught.value, RollbackError)


def test_another_identitys_signature_is_refused() -> None:
    forged = replace(_certificate(), signature=_certificate(BOB).signature)

    with pytest.raises(CertificateError, match="signature"):
        check_certificate(forged, now=NOW)


def test_the_certified_ek_is_accepted_and_another_refused() -> None:
    check_ek(_certificate(), EK)

    with pytest.raises(CertificateError, match="another ML-KEM key"):
        check_ek(_certificate(), EK[:-1] + b"\0")


def test_no_changed_certificate_holds() -> None:
    good = _certificate().encoded
    for at in range(len(good)):
        changed = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        with pytest.raises((MalformedError, CertificateError)):
            check_certificate(parse_certificate(changed), now=NOW)


def test_mangled_certificates_are_malformed() -> None:
    assert_mangled_is_refused(
        parse_certificate, lambda c: c.encoded, _certificate().encoded
    )


def test_an_unknown_version_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected version 1, came 2"):
        parse_certificate(b"\2" + _certificate().encoded[1:])


def test_a_small_order_identity_is_malformed() -> None:
    raw = _certificate().encoded

    with pytest.raises(MalformedError, match="small order"):
        parse_certificate(raw[:1] + b"\1" + bytes(31) + raw[33:])


@given(JUNK)
def test_any_bytes_are_a_certificate_or_malformed(raw: bytes) -> None:
    try:
        certificate = parse_certificate(raw)
    except MalformedError:
        return

    assert certificate.encoded == raw


class _Recorder:
    """A signer that remembers what it signed."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []

    def public_key(self) -> bytes:
        return ALICE.public_key()

    def sign(self, data: bytes) -> bytes:
        self.signed.append(data)
        return ALICE.sign(data)


def test_what_is_signed_has_no_meaning_in_another_protocol() -> None:
    recorder = _Recorder()
    certificate = _certificate(recorder)
    (signed,) = recorder.signed

    assert signed == SIGNING_CONTEXT + certificate.encoded[:133]
    assert not signed.lstrip().startswith((b"{", b"["))  # Matrix: canonical JSON
    assert not signed.startswith(b"SSHSIG")  # OpenSSH's file signatures
    assert not signed.startswith(b" " * 64)  # TLS 1.3, RFC 8446 §4.4.3
    # SSH user authentication, RFC 4252 §7, begins with a string: its length ...
    assert struct.unpack(">I", signed[:4])[0] > 1_900_000_000  # ... of 1.9 GB
    assert not signed.startswith(b"ringfence/relay/1")  # our boards, another key
