"""Envelopes with one spelling, signatures counted by key, statements read two ways."""

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, SignatureError
from updater.jcs import Json, write
from updater.statement import (
    MAX_ENVELOPE_BYTES,
    Envelope,
    Signature,
    Statement,
    Subject,
    format_envelope,
    format_statement,
    key_id,
    merge,
    pae,
    parse_envelope,
    parse_statement,
    read_statement,
    sign,
    verify,
)

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 11)]
PUBLIC = [key.public_key().public_bytes_raw() for key in KEYS]

STATEMENT = Statement(
    "https://ringfence.example/bt/yank/v1",
    (Subject("folder/file.tar", "ab" * 32),),
    predicate={"reason": "broken"},
)
PAYLOAD = format_statement(STATEMENT)
ENVELOPE = sign(PAYLOAD, KEYS[:2])
LEAF = format_envelope(ENVELOPE)


def test_the_signed_bytes_are_those_of_dsse() -> None:
    # secure-systems-lab/dsse protocol.md, the example of its test vector.
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_the_signed_bytes_count_bytes_and_not_characters() -> None:
    assert pae("\u00e9", "\u00e9".encode()) == "DSSEv1 2 \u00e9 2 \u00e9".encode()


def test_the_published_signature_of_ed25519_is_by_the_name_of_its_key() -> None:
    # RFC 8032 section 7.1, test 1.
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

    assert (
        key_id(bytes.fromhex(public))
        == "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"
    )


def test_an_envelope_is_read_back() -> None:
    assert parse_envelope(LEAF) == ENVELOPE


def test_an_envelope_has_one_spelling() -> None:
    short = Envelope(b"{}", sign(b"{}", KEYS[:1]).signatures)

    assert_one_spelling(parse_envelope, format_envelope, format_envelope(short))


def test_an_envelope_may_wait_for_its_signatures() -> None:
    unsigned = Envelope(PAYLOAD)

    assert parse_envelope(format_envelope(unsigned)) == unsigned


def test_an_envelope_says_what_its_payload_is() -> None:
    other = Envelope(b"{}", payload_type="application/json")

    assert parse_envelope(format_envelope(other)) == other


def _changed(**fields: Json) -> bytes:
    return write({**json.loads(LEAF), **fields})


def _listed(*signatures: Signature) -> list[Json]:
    envelope: dict[str, list[Json]] = json.loads(
        format_envelope(Envelope(PAYLOAD, signatures))
    )
    return envelope["signatures"]


FIRST, SECOND = ENVELOPE.signatures


@pytest.mark.parametrize(
    ("leaf", "sentence"),
    [
        (b"{}", "'payload' is missing"),
        (b"[]", "envelope: expected an object"),
        (_changed(extra=1), "'extra' has no place"),
        (_changed(payload="e30"), "payload: expected base64"),
        (_changed(payloadType=""), "payloadType"),
        (_changed(payloadType="a b"), "payloadType"),
        (_changed(signatures=None), "signatures: expected an array"),
        (_changed(signatures=[{}]), "'keyid' is missing"),
        (_changed(signatures=_listed(SECOND, FIRST)), "ascending"),
        (_changed(signatures=_listed(FIRST, FIRST)), "ascending"),
        (_changed(signatures=_listed(Signature("AB" * 32, b"s" * 64))), "keyid"),
        (_changed(signatures=_listed(Signature("ab" * 32, b"s" * 63))), "64 bytes"),
        (b" " + LEAF, "canonical"),
    ],
)
def test_another_envelope_is_malformed(leaf: bytes, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_envelope(leaf)


def test_an_envelope_has_at_most_eight_signatures() -> None:
    assert len(parse_envelope(format_envelope(sign(PAYLOAD, KEYS[:8]))).signatures) == 8
    with pytest.raises(MalformedError, match="expected 0 to 8 items, came 9"):
        parse_envelope(format_envelope(sign(PAYLOAD, KEYS[:9])))


def test_an_envelope_fits_an_entry_of_a_log() -> None:
    spare = MAX_ENVELOPE_BYTES - len(format_envelope(Envelope(b"")))
    largest = format_envelope(Envelope(b"x" * (spare // 4 * 3)))

    assert len(largest) > MAX_ENVELOPE_BYTES - 4
    assert format_envelope(parse_envelope(largest)) == largest
    with pytest.raises(MalformedError, match="at most 65535 bytes"):
        parse_envelope(format_envelope(Envelope(b"x" * (spare // 4 * 3 + 3))))


@given(st.binary(max_size=80))
def test_any_bytes_are_an_envelope_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_envelope(data)


def test_signatures_are_by_the_keys_that_made_them() -> None:
    assert verify(ENVELOPE, PUBLIC) == set(PUBLIC[:2])


def test_a_signature_of_an_unknown_key_is_passed_over() -> None:
    assert verify(ENVELOPE, PUBLIC[:1]) == {PUBLIC[0]}


def test_a_key_that_is_named_twice_is_one_signer() -> None:
    assert len(verify(ENVELOPE, [PUBLIC[0], PUBLIC[0], PUBLIC[1]])) == 2


def test_nobody_known_signed() -> None:
    with pytest.raises(SignatureError, match="one of 2 keys, came 2 of others"):
        verify(ENVELOPE, PUBLIC[2:4])


def test_nobody_signed() -> None:
    with pytest.raises(SignatureError, match="one of 2 keys, came 0 of others"):
        verify(Envelope(PAYLOAD), PUBLIC[2:4])


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(PAYLOAD + b" ", ENVELOPE.signatures),
        Envelope(PAYLOAD, ENVELOPE.signatures, payload_type="application/json"),
        Envelope(PAYLOAD, (Signature(FIRST.keyid, SECOND.sig),)),
        Envelope(PAYLOAD, (FIRST, Signature(SECOND.keyid, FIRST.sig))),
    ],
    ids=["another payload", "another type", "another's", "one good, one wrong"],
)
def test_a_wrong_signature_of_a_known_key_refuses_all(envelope: Envelope) -> None:
    with pytest.raises(SignatureError, match="is wrong"):
        verify(envelope, PUBLIC)


def test_signing_twice_with_a_key_signs_once() -> None:
    assert sign(PAYLOAD, [KEYS[0], KEYS[0]]) == sign(PAYLOAD, [KEYS[0]])


def test_signatures_made_apart_are_joined() -> None:
    apart = [sign(PAYLOAD, [key]) for key in KEYS[:2]]

    assert merge(apart[1], merge(apart[0], apart[1])) == ENVELOPE


@pytest.mark.parametrize(
    "other",
    [
        sign(PAYLOAD + b" ", KEYS[1:2]),
        Envelope(PAYLOAD, payload_type="application/json"),
    ],
    ids=["payload", "type"],
)
def test_signatures_of_another_payload_are_not_joined(other: Envelope) -> None:
    with pytest.raises(MalformedError, match="expected one payload, came two"):
        merge(ENVELOPE, other)


def test_two_signatures_of_one_key_are_not_joined() -> None:
    with pytest.raises(MalformedError, match="one signature of each key"):
        merge(ENVELOPE, Envelope(PAYLOAD, (Signature(FIRST.keyid, SECOND.sig),)))


def test_a_statement_is_read_back() -> None:
    assert parse_statement(PAYLOAD) == STATEMENT


def test_a_statement_has_one_spelling() -> None:
    assert_one_spelling(parse_statement, format_statement, PAYLOAD)


def _said(**fields: Json) -> bytes:
    return write({**json.loads(PAYLOAD), **fields})


_FILE: dict[str, Json] = {"digest": {"sha256": "ab" * 32}, "name": "file"}


@pytest.mark.parametrize("read", [parse_statement, read_statement])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b" " + PAYLOAD,
        _said(_type="https://in-toto.io/Statement/v0.1"),
        _said(predicate=[]),
        _said(predicateType="a b"),
        _said(predicateType=""),
        _said(subject=[]),
        _said(subject=[_FILE] * 65),
        _said(subject=[{"name": "file"}]),
        _said(subject=[{**_FILE, "digest": {"sha512": "ab" * 64}}]),
        _said(subject=[{**_FILE, "digest": {"sha256": "AB" * 32}}]),
        _said(subject=[{**_FILE, "name": "../file"}]),
        _said(subject=[{**_FILE, "name": "/file"}]),
        _said(subject=[{**_FILE, "name": "folder//file"}]),
        _said(subject=[{**_FILE, "name": "file\n"}]),
        _said(subject=[{**_FILE, "name": "x" * 201}]),
        _said(predicate={"a": [[[[[[[[[[[1]]]]]]]]]]]}),
    ],
)
def test_another_statement_is_malformed(
    read: Callable[[bytes], Statement], payload: bytes
) -> None:
    with pytest.raises(MalformedError):
        read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        _said(extra=1),
        _said(subject=[{**_FILE, "extra": 1}]),
        _said(subject=[{**_FILE, "digest": {"sha256": "ab" * 32, "sha512": "cd"}}]),
    ],
    ids=["statement", "subject", "digest"],
)
def test_an_unknown_field_disarms_only_what_grants(payload: bytes) -> None:
    assert read_statement(payload).subject[0].sha256 == "ab" * 32
    with pytest.raises(MalformedError, match="has no place there"):
        parse_statement(payload)
