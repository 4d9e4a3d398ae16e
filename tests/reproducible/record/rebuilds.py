"""What operators say of a file, and the proofs that a log holds it."""

from collections.abc import Sequence
from dataclasses import replace

from reproducible.record.judging import Said
from tests.updater.transparency.claimants import DAY, OPERATOR_KEYS, REBUILD, entry
from tests.updater.transparency.logs import LOG, nodes_of, witness
from tests.updater.transparency.policies import policy_text
from updater.statement import Subject
from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    merge_lines,
    sign_checkpoint,
)
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import Comparison, Rebuilder
from updater.transparency.key import SigningKey
from updater.transparency.merkle import hash_leaf, prove_inclusion, root_at
from updater.transparency.note import parse_note
from updater.transparency.proof import LogProof, format_proof

WITNESSED = policy_text("group q 2 w1 w2 w3", "quorum q")


def yes(
    operator: str,
    *,
    sha256: str = REBUILD.subject.sha256,
    finished: int = REBUILD.finished_on,
) -> bytes:
    """Say identical, as this operator."""
    name = REBUILD.subject.name
    same = Resource(name=name, sha256=sha256)
    who = Rebuilder(id="1", operator=operator, tool=REBUILD.rebuilder.tool)
    claim = replace(
        REBUILD,
        subject=Subject(name, sha256),
        published=same,
        rebuilt=same,
        rebuilder=who,
        started_on=finished - 60,
        finished_on=finished,
        expires_on=finished + 120 * DAY,
    )
    return entry(claim, OPERATOR_KEYS[operator])


def no(operator: str, *, sha256: str = REBUILD.subject.sha256) -> bytes:
    """Say different, as this operator."""
    name = REBUILD.subject.name
    claim = replace(
        REBUILD,
        subject=Subject(name, sha256),
        verdict="different",
        published=Resource(name=name, sha256=sha256),
        rebuilt=Resource(name=name, sha256="99" * 32),
        rebuilder=Rebuilder(id="1", operator=operator, tool=REBUILD.rebuilder.tool),
        comparison=Comparison(method="sha256", differences=("code both a.py",)),
    )
    return entry(claim, OPERATOR_KEYS[operator])


def proofs(
    leaves: Sequence[bytes],
    *witnesses: int,
    log: SigningKey = LOG,
    at: int = REBUILD.finished_on,
) -> list[bytes]:
    """Log these leaves, have it seen by witnesses, and prove each of them."""
    nodes = nodes_of([hash_leaf(leaf) for leaf in leaves])
    head = Checkpoint(log.name, len(leaves), root=root_at(len(leaves), nodes))
    note = sign_checkpoint(head, log)
    for number in witnesses:
        line = cosign(parse_note(note).text, witness(number), at)
        note = merge_lines(note, str(line).encode())
    return [
        format_proof(
            LogProof(
                index,
                tuple(prove_inclusion(index, len(leaves), nodes)),
                checkpoint=note,
            )
        )
        for index in range(len(leaves))
    ]


def logged(*leaves: bytes) -> list[Said]:
    """Give statements with proofs that hold."""
    return [
        Said(f"{number}.claim.json", leaf, proof=proof)
        for number, (leaf, proof) in enumerate(
            zip(leaves, proofs(leaves, 1, 2), strict=True)
        )
    ]
