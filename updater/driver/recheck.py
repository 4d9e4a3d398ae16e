"""The evidence of an installed version, checked again without asking anybody.

A slot keeps what spoke for it. Whoever looks at it later finds out whether these very
files were claimed, logged and witnessed, by trust files that count or once did.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from updater.errors import MalformedError, RefusedError
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import parse_entry
from updater.transparency.honour import TrustSet
from updater.transparency.proof import check_proof, parse_proof
from updater.transparency.trust import check_entry
from updater.transparency.witnessed import check_quorum

CLAIM: Final = "claim.json"
PROOF: Final = "tlog-proof"


def recheck(
    files: Mapping[str, bytes], bundle: str, sets: Sequence[TrustSet], now: float
) -> str:
    """Check that a bundle (its SHA-256) was claimed and logged; say where.

    `sets` are all trust files that were ever honoured here, and one has to agree; `now`
    is POSIX seconds.

    Raises:
        MalformedError: a file is missing, or not of its form.
        RefusedError: they do not speak for this bundle; says why by the last set.
    """
    if missing := {CLAIM, PROOF} - set(files):
        raise MalformedError(f"{min(missing)} is missing")
    entry, proof = parse_entry(files[CLAIM]), parse_proof(files[PROOF])
    claim = entry.claim
    if not isinstance(claim, ReleaseClaim):
        raise RefusedError(f"expected the claim of a release, came {claim}")
    if bundle not in [each.sha256 for each in claim.artifacts]:
        raise RefusedError(f"the claim is about other files than {bundle}")
    refused = RefusedError("no trust files count")
    for each in reversed(sets):
        try:
            check_entry(each.trust, entry)
            opened = open_checkpoint(
                proof.checkpoint, each.policy.log_keys, each.policy.witness_keys
            )
            check_quorum(each.policy, opened, now)
            check_proof(proof, entry.leaf_hash, opened)
        except RefusedError as error:
            refused = error
        else:
            tree = opened.checkpoint
            return f"entry {proof.index} of {tree.size} in {tree.origin}"
    raise refused
