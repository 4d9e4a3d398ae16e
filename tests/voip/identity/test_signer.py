"""Signers: seeds in their spellings, and no signature believed unseen."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given

from tests.voip.identity.people import ALICE, BOB, JUNK
from voip.errors import CertificateError, MalformedError
from voip.identity.signer import NativeSigner, check_signature, checked_sign, parse_seed

SEED = bytes(range(32))
B64 = base64.b64encode(SEED)


@pytest.mark.parametrize(
    "raw",
    [
        SEED,
        SEED.hex().encode(),
        SEED.hex().upper().encode() + b"\n",
        B64,
        B64.rstrip(b"="),
        b"  " + B64 + b"\r\n",
        b"ed25519 a_ABCD " + B64.rstrip(b"=") + b"\n",
    ],
)
def test_a_seed_is_read_in_each_of_its_spellings(raw: bytes) -> None:
    assert parse_seed(raw) == SEED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        SEED + b"\0",
        SEED.hex().encode()[:-1] + b"g",
        b"!" * 43,
        B64[:-3] + b"===",
        b"rsa a_ABCD " + B64,
        B64 + b" " + B64,
        b"A" * 44,  # 33 bytes
    ],
)
def test_anything_else_is_no_seed(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="seed: expected 32 bytes"):
        parse_seed(raw)


def test_a_refused_seed_is_not_repeated() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_seed(SEED.hex().encode() + b"0")

    assert SEED.hex() not in str(caught.value)


@given(JUNK)
def test_any_bytes_are_a_seed_or_malformed(raw: bytes) -> None:
    try:
        seed = parse_seed(raw)
    except MalformedError:
        return

    assert len(seed) == 32


def test_a_native_signer_does_not_show_its_seed() -> None:
    assert repr(NativeSigner(SEED)) == "NativeSigner()"


def test_a_signature_is_checked_and_handed_back() -> None:
    signature = checked_sign(ALICE, b"text")

    check_signature(ALICE.public_key(), signature, b"text")


def test_wycheproof_signatures_are_judged_as_published(vectors: Path) -> None:
    published = json.loads((vectors / "wycheproof" / "ed25519_test.json").read_text())
    wrong = []
    for group in published["testGroups"]:
        identity = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            try:
                check_signature(
                    identity, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
                )
            except CertificateError:
                result = "invalid"
            else:
                result = "valid"
            if result != case["result"]:
                wrong.append(case["tcId"])

    assert wrong == []


class _Liar:
    """A signer that answers with what it was given."""

    def __init__(self, identity: bytes, signature: bytes) -> None:
        self.identity = identity
        self.signature = signature

    def public_key(self) -> bytes:
        return self.identity

    def sign(self, data: bytes) -> bytes:
        del data
        return self.signature


@pytest.mark.parametrize(
    "signature", [BOB.sign(b"text"), ALICE.sign(b"other"), b"", bytes(64), bytes(65)]
)
def test_a_wrong_signature_is_noticed_at_once(signature: bytes) -> None:
    with pytest.raises(CertificateError, match="signature"):
        checked_sign(_Liar(ALICE.public_key(), signature), b"text")


def test_a_signer_of_small_order_is_refused() -> None:
    with pytest.raises(MalformedError, match="small order"):
        checked_sign(_Liar(bytes(32), bytes(64)), b"text")


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    with pytest.raises(CertificateError, match="signature"):
        check_signature(b"\2" + bytes(31), bytes(64), b"text")
