"""Proof of misbehaviour that a stranger can check, with the log's key alone.

Three kinds, each canonical JSON, named by the SHA-256 of its bytes. A fork: the log
signed two checkpoints of which the one does not begin the other. A duplicate release:
it holds two files for one version and platform, both signed by those who may (which
takes trust.json to see). Local trouble: something did not fit, and convinces nobody
else. The form, to the byte: docs/formats/log-client.md.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Final, assert_never

from updater import jcs, shape
from updater.errors import MalformedError, ProofError, RefusedError
from updater.jcs import Json
from updater.transparency.checkpoint import (
    OpenedCheckpoint,
    cut_note,
    open_checkpoint,
)
from updater.transparency.claims import parts
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import parse_entry
from updater.transparency.key import Kind, VerifierKey, parse_vkey
from updater.transparency.merkle import HASH_SIZE, MAX_PROOF, check_consistency
from updater.transparency.proof import LogProof, check_proof, format_proof, parse_proof
from updater.transparency.trust import Trust, check_entry

MAX_BYTES = 1 << 19
"""Of evidence: two of the longest entries and proofs, in base64 and in JSON."""

_SCHEMA: Final = "ringfence-bt-evidence/1"
_FORK: Final = ("a", "b", "kind", "logVkey", "proof", "rootOfAInB", "schema")
_DUPLICATE: Final = ("claims", "kind", "logVkey", "proofs", "schema")
_LOCAL: Final = ("expected", "got", "kind", "origin", "schema", "what", "where")
_TEXT: Final = re.compile(r"[^\x00-\x09\x0b-\x1f]{1,65536}")  # a note or a proof
_VKEY: Final = re.compile("[!-~]{1,600}")  # a log's own key is an Ed25519 key


@dataclass(frozen=True, slots=True)
class Fork:
    """Two checkpoints of one log, and the proof that `a` does not begin `b`.

    The tree of `b`, the larger, had another root at the size of `a`.
    """

    a: bytes
    b: bytes
    _: KW_ONLY
    proof: tuple[bytes, ...]
    root_of_a_in_b: bytes
    log_key: VerifierKey


@dataclass(frozen=True, slots=True)
class DuplicateRelease:
    """Two release entries of one log with two files for one version and platform."""

    claims: tuple[bytes, bytes]
    proofs: tuple[bytes, bytes]
    log_key: VerifierKey = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Local:
    """Something that did not fit, told in words; signed by nobody."""

    origin: str
    what: str
    _: KW_ONLY
    where: str
    expected: str
    got: str


Evidence = Fork | DuplicateRelease | Local


def build_fork(
    one: bytes,
    other: bytes,
    *,
    proof: Sequence[bytes],
    root: bytes,
    log_key: VerifierKey,
) -> Fork:
    """Put two notes of a log together, each cut to the log's own line.

    Whoever finds the same fork builds the same bytes, whichever branch is theirs.

    Args:
        one: a note.
        other: another.
        proof: leads from the smaller size to the larger tree; empty for equal sizes.
        root: what the larger tree had at the smaller size; of equal sizes, not used.
        log_key: of kind 01.

    Raises:
        SignatureError: the log did not sign both.
        RefusedError: they prove nothing.
    """
    notes = [cut_note(one, log_key), cut_note(other, log_key)]
    (a, small), (b, large) = sorted(
        ((note, _open(note, log_key).checkpoint) for note in notes),
        key=lambda pair: (pair[1].size, pair[1].root),
    )
    fork = Fork(
        a,
        b,
        proof=tuple(proof),
        root_of_a_in_b=large.root if small.size == large.size else root,
        log_key=log_key,
    )
    verify(fork, log_key)
    return fork


def build_duplicate(
    claims: tuple[bytes, bytes],
    proofs: tuple[LogProof, LogProof],
    *,
    log_key: VerifierKey,
    trust: Trust,
) -> DuplicateRelease:
    """Put two release entries and their proofs together, in the order of the log.

    The proofs' checkpoints are cut to the log's own line.

    Raises:
        SignatureError: the log did not sign both, or nobody entitled the claims.
        RefusedError: they prove nothing.
    """
    pairs = sorted(zip(proofs, claims, strict=True), key=lambda pair: pair[0].index)
    cut = [
        format_proof(replace(proof, checkpoint=cut_note(proof.checkpoint, log_key)))
        for proof, _ in pairs
    ]
    found = DuplicateRelease(
        (pairs[0][1], pairs[1][1]), (cut[0], cut[1]), log_key=log_key
    )
    verify(found, log_key, trust)
    return found


def name(data: bytes) -> str:
    """Give the name of evidence: the SHA-256 of its bytes, lower hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def kind(evidence: Evidence) -> str:
    """Give the word for a kind of evidence, as it stands in the file."""
    match evidence:
        case Fork():
            return "fork"
        case DuplicateRelease():
            return "duplicate-release"
        case Local():
            return "local"
        case _:
            assert_never(evidence)


def parse_evidence(data: bytes) -> Evidence:
    """Read evidence; it proves nothing until `verify` has run.

    Raises:
        MalformedError: it is none.
    """
    value = jcs.parse_canonical(data, most=MAX_BYTES)
    found = value if isinstance(value, dict) else {}
    word = shape.one_of(
        found.get("kind"), "evidence kind", "duplicate-release", "fork", "local"
    )
    keys = {"fork": _FORK, "duplicate-release": _DUPLICATE, "local": _LOCAL}[word]
    shape.record(found, "evidence", keys)
    shape.one_of(found["schema"], "schema", _SCHEMA)
    if word == "fork":
        return _fork(found)
    return _duplicate(found) if word == "duplicate-release" else _local(found)


def format_evidence(evidence: Evidence) -> bytes:
    """Write evidence as `parse_evidence` reads it."""
    fields: dict[str, Json] = {"kind": kind(evidence), "schema": _SCHEMA}
    match evidence:
        case Fork():
            fields |= {
                "a": evidence.a.decode(),
                "b": evidence.b.decode(),
                "logVkey": str(evidence.log_key),
                "proof": [shape.base64_text(each) for each in evidence.proof],
                "rootOfAInB": shape.base64_text(evidence.root_of_a_in_b),
            }
        case DuplicateRelease():
            fields |= {
                "claims": [shape.base64_text(each) for each in evidence.claims],
                "logVkey": str(evidence.log_key),
                "proofs": [each.decode() for each in evidence.proofs],
            }
        case Local():
            fields |= {
                "expected": evidence.expected,
                "got": evidence.got,
                "origin": evidence.origin,
                "what": evidence.what,
                "where": evidence.where,
            }
        case _:
            assert_never(evidence)
    return jcs.write(fields)


def verify(
    evidence: Evidence, log_key: VerifierKey, trust: Trust | None = None
) -> None:
    """Check that evidence proves what it says, by the log's key alone.

    A duplicate release also takes the trust file that says who may release.

    Raises:
        MalformedError: a part of it does not parse.
        SignatureError: the log, or those who may release, did not sign it.
        QuorumError: too few of those who may release did.
        ProofError: it does not lead to what was signed, or nothing contradicts.
        RefusedError: it is of another log, or of a kind that proves nothing.
    """
    if isinstance(evidence, Local):
        raise RefusedError("evidence: local trouble proves nothing to anybody else")
    if evidence.log_key != log_key:
        raise RefusedError(f"evidence: expected log {log_key}, came {evidence.log_key}")
    match evidence:
        case Fork():
            _verify_fork(evidence)
        case DuplicateRelease():
            if trust is None:
                raise RefusedError("evidence: expected a trust file to check it with")
            _verify_duplicate(evidence, trust)
        case _:
            assert_never(evidence)


def _verify_fork(fork: Fork) -> None:
    small = _open(fork.a, fork.log_key).checkpoint
    large = _open(fork.b, fork.log_key).checkpoint
    # Size 0 begins every tree, so no consistency proof says anything about it.
    check_consistency(
        small.size, large.size, fork.root_of_a_in_b, large.root, fork.proof
    )
    if fork.root_of_a_in_b == small.root:
        raise ProofError(f"evidence: size {small.size} begins {large.size}, no fork")


def _verify_duplicate(evidence: DuplicateRelease, trust: Trust) -> None:
    first, second = (
        _release(leaf, proof, evidence.log_key, trust)
        for leaf, proof in zip(evidence.claims, evidence.proofs, strict=True)
    )
    if (first.project, first.version) != (second.project, second.version):
        raise ProofError(
            f"evidence: {first.version} and {second.version} are two releases"
        )
    files = {each.platform: each.sha256 for each in first.artifacts}
    if all(
        files.get(each.platform, each.sha256) == each.sha256
        for each in second.artifacts
    ):
        raise ProofError(f"evidence: {first.version} has one file for each platform")


def _release(
    leaf: bytes, proof_text: bytes, log_key: VerifierKey, trust: Trust
) -> ReleaseClaim:
    entry = parse_entry(leaf)
    if not isinstance(entry.claim, ReleaseClaim):
        raise ProofError("evidence: expected two release entries")
    check_entry(trust, entry)
    proof = parse_proof(proof_text)
    check_proof(proof, entry.leaf_hash, _open(proof.checkpoint, log_key))
    return entry.claim


def _open(note: bytes, log_key: VerifierKey) -> OpenedCheckpoint:
    return open_checkpoint(note, [log_key])


def _fork(found: dict[str, Json]) -> Fork:
    proof = shape.items(found["proof"], "proof", most=MAX_PROOF)
    return Fork(
        _text(found["a"], "a"),
        _text(found["b"], "b"),
        proof=tuple(shape.unbase64(each, "proof", size=HASH_SIZE) for each in proof),
        root_of_a_in_b=shape.unbase64(
            found["rootOfAInB"], "rootOfAInB", size=HASH_SIZE
        ),
        log_key=_log_key(found["logVkey"]),
    )


def _duplicate(found: dict[str, Json]) -> DuplicateRelease:
    claims = shape.items(found["claims"], "claims", least=2, most=2)
    proofs = shape.items(found["proofs"], "proofs", least=2, most=2)
    return DuplicateRelease(
        (shape.unbase64(claims[0], "claim"), shape.unbase64(claims[1], "claim")),
        (_text(proofs[0], "proof"), _text(proofs[1], "proof")),
        log_key=_log_key(found["logVkey"]),
    )


def _local(found: dict[str, Json]) -> Local:
    return Local(
        shape.text(found["origin"], "origin", parts.ORIGIN),
        shape.text(found["what"], "what", parts.TEXT),
        where=shape.text(found["where"], "where", parts.TEXT),
        expected=shape.text(found["expected"], "expected", parts.TEXT),
        got=shape.text(found["got"], "got", parts.TEXT),
    )


def _text(value: Json, where: str) -> bytes:
    return shape.text(value, where, _TEXT).encode()


def _log_key(value: Json) -> VerifierKey:
    key = parse_vkey(shape.text(value, "logVkey", _VKEY))
    if key.kind is not Kind.LOG:
        raise MalformedError("logVkey: expected a key of kind 01")
    return key
