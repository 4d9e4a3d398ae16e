"""One file, its claim and its proof, without a network.

What this answers: those who may release said that this is the file, and enough
witnesses saw that saying in the log. What it cannot answer without asking the log: what
was said later, as a yank, and whether that log is the one that others see today.
"""

from dataclasses import dataclass, field

from updater.errors import RefusedError
from updater.transparency.checkpoint import Checkpoint
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import parse_entry
from updater.transparency.merkle import hash_leaf
from updater.transparency.policy import Policy
from updater.transparency.proof import LogProof, check_proof
from updater.transparency.trust import Trust, check_entry
from updater.transparency.witnessed import accept, seen_at


@dataclass(frozen=True, slots=True)
class LoggedRelease:
    """A release that stands in a log, as far as can be known offline."""

    claim: ReleaseClaim
    index: int
    checkpoint: Checkpoint = field(kw_only=True)
    seen_at: int | None = field(kw_only=True)
    """By when witnesses had seen it, POSIX seconds; None if nobody vouches."""


def verify_release(  # noqa: PLR0913 - what was downloaded, and whom to believe
    sha256: str,
    leaf: bytes,
    proof: LogProof,
    *,
    policy: Policy,
    trust: Trust,
    now: float,
) -> LoggedRelease:
    """Check that a file was released and logged.

    Args:
        sha256: of the file, lower hexadecimal.
        leaf: the claim, as it came.
        proof: that it is in a log.
        policy: which logs and witnesses count.
        trust: who may release.
        now: POSIX seconds, to leave out cosignatures from the future.

    Raises:
        RefusedError: one of these does not hold; the subclass says which.
    """
    entry = parse_entry(leaf)
    claim = entry.claim
    if not isinstance(claim, ReleaseClaim):
        raise RefusedError("claim: expected a release")
    if all(each.sha256 != sha256 for each in claim.artifacts):
        raise RefusedError(f"claim: names no file with SHA-256 {sha256[:16]}…")
    check_entry(trust, entry)
    opened = accept(policy, proof.checkpoint, now)
    tree = opened.checkpoint
    # After a log was closed nothing in it counts, whoever still holds its key.
    closed = trust.closed_at(tree.origin)
    if closed is not None and tree.size > closed.size:
        raise RefusedError(f"log {tree.origin!r} was closed at size {closed.size}")
    check_proof(proof, hash_leaf(leaf), opened)
    return LoggedRelease(
        claim, proof.index, checkpoint=tree, seen_at=seen_at(policy, opened, now)
    )
