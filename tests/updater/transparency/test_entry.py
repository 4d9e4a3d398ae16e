"""Entries: strict to append, lenient to be warned, and never an exception to read."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.claimants import (
    OPERATOR_KEYS,
    POLICY,
    POLICY_KEYS,
    REBUILD,
    RELEASE,
    RELEASE_KEYS,
    SUCCESSOR,
    SUCCESSOR_KEYS,
    YANK,
    YANK_KEYS,
    entry,
    key,
)
from updater.errors import MalformedError
from updater.jcs import Json, write
from updater.statement import Envelope, format_envelope, sign
from updater.transparency.claims.parts import BASE
from updater.transparency.claims.rebuild import Comparison, Objection
from updater.transparency.claims.yank import YankClaim
from updater.transparency.entry import (
    Entry,
    Garbage,
    Unknown,
    WholeClaim,
    format_claim,
    parse_entry,
    read_entry,
)
from updater.transparency.merkle import hash_leaf

ANNA = OPERATOR_KEYS["anna"]
DIFFERENT = replace(
    REBUILD,
    verdict="different",
    rebuilt=replace(REBUILD.published, sha256="99" * 32),
    comparison=Comparison(method="sha256", differences=("code both a.py",)),
)
KINDS: dict[str, tuple[WholeClaim, tuple[Ed25519PrivateKey, ...]]] = {
    "release": (RELEASE, RELEASE_KEYS[:2]),
    "rebuild": (REBUILD, (ANNA,)),
    "yank": (YANK, YANK_KEYS[:1]),
    "policy": (POLICY, POLICY_KEYS),
    "successor": (SUCCESSOR, SUCCESSOR_KEYS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_claim_is_what_every_reader_finds(kind: str) -> None:
    claim, keys = KINDS[kind]
    leaf = entry(claim, *keys)

    assert parse_entry(leaf) == read_entry(leaf)
    assert parse_entry(leaf) == Entry(
        claim, sign(format_claim(claim), keys), leaf_hash=hash_leaf(leaf)
    )


def test_the_worked_example_of_the_format_is_what_is_written() -> None:
    leaf = entry(YANK, key(0x15))

    assert (len(format_claim(YANK)), len(leaf)) == (536, 964)
    assert hash_leaf(leaf).hex() == (
        "1cf4cb8fdc1e9054d6859b41c6eb95465994d821a061a644e0cea4fb005db0a0"
    )


def test_a_release_of_two_files_fits_the_space_it_may_take() -> None:
    assert len(entry(RELEASE, *RELEASE_KEYS[:2])) <= 4_096


def _leaf(claim: WholeClaim, **fields: Json) -> bytes:
    """Make the leaf of a claim with other fields in its predicate."""
    said = json.loads(format_claim(claim))
    said["predicate"] |= fields
    return format_envelope(sign(write(said), (key(99),)))


@pytest.mark.parametrize(
    "claim",
    [RELEASE, REBUILD, POLICY, SUCCESSOR],
    ids=lambda claim: type(claim).__name__,
)
def test_an_unknown_field_makes_garbage_of_what_grants(claim: WholeClaim) -> None:
    leaf = _leaf(claim, extra=1)
    found = read_entry(leaf)

    assert isinstance(found, Garbage)
    assert found.leaf_hash == hash_leaf(leaf)
    assert "'extra' has no place" in found.reason
    with pytest.raises(MalformedError, match="'extra' has no place"):
        parse_entry(leaf)


@pytest.mark.parametrize("claim", [YANK, DIFFERENT], ids=["yank", "rebuild"])
def test_an_unknown_field_does_not_disarm_what_restricts(claim: WholeClaim) -> None:
    leaf = _leaf(claim, extra=1)
    found = read_entry(leaf)

    assert isinstance(found, Entry)
    assert isinstance(found.claim, YankClaim | Objection)
    with pytest.raises(MalformedError, match="'extra' has no place"):
        parse_entry(leaf)


def test_what_is_too_broken_to_restrict_says_what_is_wrong_with_the_whole() -> None:
    found = read_entry(_leaf(YANK, extra=1, release=None))

    assert isinstance(found, Garbage)
    assert "'extra' has no place" in found.reason


def test_another_predicate_type_is_unknown() -> None:
    said = json.loads(format_claim(YANK))
    said["predicateType"] = f"{BASE}recall/v1"
    leaf = format_envelope(sign(write(said), (key(99),)))

    assert read_entry(leaf) == Unknown(f"{BASE}recall/v1", hash_leaf(leaf))
    with pytest.raises(MalformedError, match="expected a known type"):
        parse_entry(leaf)


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        (b"a", "not JSON"),
        (b"{}", "'payload' is missing"),
        (b"x" * 65_536, "at most 65535 bytes"),
        (format_envelope(sign(b"{}", (ANNA,))), "statement"),
        (format_envelope(Envelope(format_claim(YANK))), "at least one, came none"),
        (
            format_envelope(replace(sign(b"{}", (ANNA,)), payload_type="text/plain")),
            "payloadType: expected application/vnd.in-toto",
        ),
        (entry(REBUILD, ANNA, key(99)), "exactly one, came 2"),
        (entry(DIFFERENT, ANNA, key(99)), "exactly one, came 2"),
    ],
    ids=range(8),
)
def test_garbage_is_a_value_with_a_reason(leaf: bytes, reason: str) -> None:
    found = read_entry(leaf)

    assert isinstance(found, Garbage)
    assert reason in found.reason
    with pytest.raises(MalformedError, match=reason):
        parse_entry(leaf)


@given(st.binary(max_size=100))
def test_no_bytes_stop_a_reader(leaf: bytes) -> None:
    assert isinstance(read_entry(leaf), Garbage)


def test_a_damaged_entry_never_reads_as_another_claim_of_the_same_signature() -> None:
    leaf = entry(YANK, YANK_KEYS[0])
    envelopes = set()
    for at in range(0, len(leaf), 7):
        damaged = leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :]
        found = read_entry(damaged)
        if isinstance(found, Entry):
            envelopes.add(format_envelope(found.envelope) == damaged)

    assert envelopes <= {True}


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (replace(RELEASE, version="x"), "version"),
        (replace(YANK, reason=None), "reason"),
        (replace(POLICY, summary="x" * 501), "summary"),
    ],
    ids=["release", "yank", "policy"],
)
def test_what_nobody_could_read_is_not_written(
    claim: WholeClaim, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        format_claim(claim)
