"""Signed statements: DSSE envelopes around in-toto statements (both v1).

An envelope is read and written in one spelling only, RFC 8785, because its bytes are
the leaf of a log: they are stored, shipped and hashed as they came. What is signed is
the payload under its type (`pae`), never the JSON around it.

Sources: secure-systems-lab DSSE v1 (protocol.md, envelope.md), in-toto attestation
Statement v1, RFC 8032, RFC 8785. Format: docs/formats/claims.md.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from updater import shape
from updater.errors import MalformedError, SignatureError
from updater.jcs import Json, parse_canonical, write

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"

MAX_ENVELOPE_BYTES: Final = 65_535  # a log's bundle gives an entry's length in 16 bits
MAX_SIGNATURES: Final = 8  # the largest threshold that people still gather by hand
MAX_SUBJECTS: Final = 64  # one file for each platform of a release
MAX_DEPTH: Final = 12  # our deepest claim needs 6; deeper JSON only burns stack

KEY_BYTES: Final = 32  # RFC 8032 section 5.1.5
SIGNATURE_BYTES: Final = 64  # RFC 8032 section 5.1.6

FILE: Final = re.compile(r"(?!.*(\.\.|//))[A-Za-z0-9][A-Za-z0-9._+/-]{0,199}")
"""A file's name, perhaps within folders; it cannot climb out of one."""

Record: TypeAlias = Callable[[Json, str, Collection[str]], dict[str, Json]]
"""How an object is read: `shape.record` allows no other keys, `shape.fields` does."""

_TYPE: Final = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope.

    Attributes:
        keyid: SHA-256 of the raw public key, 64 lower hexadecimal digits.
        sig: 64 bytes, Ed25519.
    """

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and who signed it; the signatures are unchecked until `verify`.

    Attributes:
        payload: the signed bytes.
        signatures: at most 8, in strictly ascending order of their `keyid`.
        payload_type: what the payload is, signed with it.
    """

    payload: bytes
    signatures: tuple[Signature, ...] = ()
    payload_type: str = field(default=PAYLOAD_TYPE, kw_only=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """A file that is spoken of: its name, and its SHA-256 in lower hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said (`predicate`, by the rules of `predicate_type`) of which files."""

    predicate_type: str
    subject: tuple[Subject, ...]
    predicate: dict[str, Json] = field(kw_only=True)


def key_id(public: bytes) -> str:
    """Name a raw Ed25519 public key, 32 bytes, as signatures do."""
    return hashlib.sha256(public).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed (DSSE PAE): lengths leave no second reading."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(data: bytes) -> Envelope:
    """Read the canonical bytes of an envelope, at most 65,535, with 0 to 8 signatures.

    Raises:
        MalformedError: anything else.
    """
    value = parse_canonical(data, most=MAX_ENVELOPE_BYTES, depth=MAX_DEPTH)
    envelope = shape.record(value, "envelope", ("payload", "payloadType", "signatures"))
    listed = shape.items(envelope["signatures"], "signatures", most=MAX_SIGNATURES)
    signatures = tuple(_signature(each) for each in listed)
    names = [each.keyid for each in signatures]
    if names != sorted(set(names)):
        raise MalformedError("signatures: expected ascending keyids, each once")
    return Envelope(
        shape.unbase64(envelope["payload"], "payload"),
        signatures,
        payload_type=shape.text(envelope["payloadType"], "payloadType", _TYPE),
    )


def _signature(value: Json) -> Signature:
    signature = shape.record(value, "signature", ("keyid", "sig"))
    return Signature(
        shape.text(signature["keyid"], "keyid", shape.SHA256),
        shape.unbase64(signature["sig"], "sig", size=SIGNATURE_BYTES),
    )


def format_envelope(envelope: Envelope) -> bytes:
    """Write an envelope as `parse_envelope` reads it."""
    return write(
        {
            "payload": shape.base64_text(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [
                {"keyid": each.keyid, "sig": shape.base64_text(each.sig)}
                for each in envelope.signatures
            ],
        }
    )


def sign(payload: bytes, keys: Iterable[Ed25519PrivateKey]) -> Envelope:
    """Sign a statement's bytes with each of the keys."""
    message = pae(PAYLOAD_TYPE, payload)
    signatures = {
        Signature(key_id(key.public_key().public_bytes_raw()), key.sign(message))
        for key in keys
    }
    return Envelope(payload, _in_order(signatures))


def merge(first: Envelope, second: Envelope) -> Envelope:
    """Join the signatures that two people made of one payload, each on their own.

    Raises:
        MalformedError: the payloads differ, or a key signed twice and differently.
    """
    if (first.payload_type, first.payload) != (second.payload_type, second.payload):
        raise MalformedError("envelopes: expected one payload, came two")
    signatures = {*first.signatures, *second.signatures}
    if len({each.keyid for each in signatures}) != len(signatures):
        raise MalformedError("envelopes: expected one signature of each key")
    return Envelope(
        first.payload, _in_order(signatures), payload_type=first.payload_type
    )


def _in_order(signatures: Iterable[Signature]) -> tuple[Signature, ...]:
    return tuple(sorted(signatures, key=lambda each: each.keyid))


def verify(envelope: Envelope, keys: Collection[bytes]) -> frozenset[bytes]:
    """Say which of these raw public keys signed; at least one did.

    Signatures of other keys are passed over: they say nothing, good or bad. Counting
    is by the bytes of a key, so that one key under two names stays one signer.

    Raises:
        SignatureError: none of the keys signed, or a signature of one is wrong.
    """
    message = pae(envelope.payload_type, envelope.payload)
    known = {key_id(key): key for key in keys}
    signers = set()
    for signature in envelope.signatures:
        key = known.get(signature.keyid)
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature.sig, message)
        except InvalidSignature:
            raise SignatureError(
                f"the signature of key {signature.keyid[:16]} is wrong"
            ) from None
        signers.add(key)
    if not signers:
        raise SignatureError(
            f"expected a signature of one of {len(known)} keys, "
            f"came {len(envelope.signatures)} of others"
        )
    return frozenset(signers)


def parse_statement(payload: bytes) -> Statement:
    """Read a payload: the canonical bytes of a statement, with SHA-256 alone.

    Raises:
        MalformedError: anything else, an unknown field included.
    """
    return _statement(payload, shape.record)


def read_statement(payload: bytes) -> Statement:
    """Read a payload and pass over fields that it has besides those of `Statement`.

    For statements that restrict: an unknown field must not disarm a warning.

    Raises:
        MalformedError: it is not canonical, or a field of `Statement` is not as it
            should be.
    """
    return _statement(payload, shape.fields)


def _statement(payload: bytes, record: Record) -> Statement:
    value = record(
        parse_canonical(payload, most=MAX_ENVELOPE_BYTES, depth=MAX_DEPTH),
        "statement",
        ("_type", "predicate", "predicateType", "subject"),
    )
    shape.one_of(value["_type"], "_type", STATEMENT_TYPE)
    listed = shape.items(value["subject"], "subject", least=1, most=MAX_SUBJECTS)
    return Statement(
        shape.text(value["predicateType"], "predicateType", _TYPE),
        tuple(_subject(each, record) for each in listed),
        predicate=shape.fields(value["predicate"], "predicate", ()),
    )


def _subject(value: Json, record: Record) -> Subject:
    subject = record(value, "subject", ("digest", "name"))
    digest = record(subject["digest"], "digest", ("sha256",))
    return Subject(
        shape.text(subject["name"], "name", FILE),
        shape.text(digest["sha256"], "sha256", shape.SHA256),
    )


def format_statement(statement: Statement) -> bytes:
    """Write a statement as `parse_statement` reads it; the bytes to sign."""
    return write(
        {
            "_type": STATEMENT_TYPE,
            "predicate": statement.predicate,
            "predicateType": statement.predicate_type,
            "subject": [
                {"digest": {"sha256": each.sha256}, "name": each.name}
                for each in statement.subject
            ],
        }
    )
