"""One file, its claim and its proof; each check refuses alone."""

from dataclasses import replace
from typing import Any

import pytest

from tests.updater.transparency.logs import LOG, ORIGIN, TIME, witness
from tests.updater.transparency.policies import policy_text
from tests.updater.transparency.writers import OPEN_TRUST, release, yank
from updater.errors import ProofError, QuorumError, RefusedError, SignatureError
from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    merge_lines,
    sign_checkpoint,
)
from updater.transparency.claims.parts import Head
from updater.transparency.merkle import hash_leaf, hash_node
from updater.transparency.note import parse_note
from updater.transparency.offline import LoggedRelease, verify_release
from updater.transparency.policy import parse_policy
from updater.transparency.proof import LogProof

POLICY = parse_policy(policy_text("group q 2 w1 w2", "quorum q"))
LEAF = release()
OTHER = hash_leaf(b"the other entry")


def proof_of(leaf: bytes, *witnesses: int) -> LogProof:
    """Prove a leaf as the first of two, seen by these witnesses at `TIME`."""
    head = Checkpoint(ORIGIN, 2, root=hash_node(hash_leaf(leaf), OTHER))
    note = sign_checkpoint(head, LOG)
    for number in witnesses:
        line = cosign(parse_note(note).text, witness(number), TIME)
        note = merge_lines(note, str(line).encode())
    return LogProof(0, (OTHER,), checkpoint=note)


def verified(leaf: bytes = LEAF, **others: Any) -> LoggedRelease:
    """Verify a good file, but for what is given."""
    facts: dict[str, Any] = {
        "sha256": "a1" * 32,
        "proof": proof_of(leaf, 1, 2),
        "policy": POLICY,
        "trust": OPEN_TRUST,
        "now": TIME,
    } | others
    return verify_release(leaf=leaf, **facts)


def test_a_good_release_is_told_with_its_place_and_time() -> None:
    found = verified()

    assert (found.claim.version, found.index) == ("1.4.0", 0)
    assert (found.checkpoint.size, found.seen_at) == (2, TIME)


def test_another_file_is_refused() -> None:
    with pytest.raises(RefusedError, match="names no file"):
        verified(sha256="a9" * 32)


def test_another_kind_of_claim_is_refused() -> None:
    with pytest.raises(RefusedError, match="expected a release"):
        verified(yank(1))


def test_a_claim_of_a_stranger_is_refused() -> None:
    roles = OPEN_TRUST.roles | {"release": OPEN_TRUST.roles["policy"]}

    with pytest.raises(SignatureError):
        verified(trust=replace(OPEN_TRUST, roles=roles))


def test_a_checkpoint_that_too_few_saw_is_refused() -> None:
    with pytest.raises(QuorumError):
        verified(proof=proof_of(LEAF, 1))


def test_a_proof_of_another_entry_is_refused() -> None:
    with pytest.raises(ProofError):
        verified(proof=proof_of(yank(1), 1, 2))


@pytest.mark.parametrize(("size", "is_refused"), [(1, True), (2, False)])
def test_nothing_counts_after_a_log_was_closed(size: int, *, is_refused: bool) -> None:
    closed = replace(OPEN_TRUST, closed_logs=(Head(ORIGIN, size, b"\x01" * 32),))
    if not is_refused:
        assert verified(trust=closed).index == 0
        return

    with pytest.raises(RefusedError, match="was closed at size 1"):
        verified(trust=closed)
