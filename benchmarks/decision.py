"""The verdict on a release against the bare signature checks and hashes in it."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from benchmarks.figure import Figure, figure, microseconds, race, ratios, repeated
from tests.updater.gates.cases import good
from tests.updater.transparency.claimants import (
    FINISHED,
    OPERATOR_KEYS,
    REBUILD,
    REBUILDERS,
    entry,
)
from updater.decision import decide
from updater.gates.age import opened
from updater.quorum import evaluate

CHECKPOINTS = 2  # the proof's and the newest one
LINES = 4  # on each: the log's and three witnesses'
CLAIMS = 2
REBUILDS = 2
BUNDLE = bytes(50_000_000)  # hashing does not look at what it hashes


def figures() -> list[Figure]:
    """Time `decide` by itself, and together with the one reading of the bundle."""
    evidence = good()

    def ours() -> None:
        opened.cache_clear()  # each run verifies every signature again
        assert decide(evidence).release is not None

    bare = _signatures(_count())
    alone = race(repeated(ours), repeated(bare))
    whole = race(repeated(_hashing(ours)), repeated(_hashing(bare)))
    return [
        figure(
            "decide / its bare Ed25519 checks",
            ratios(*alone),
            bar=1.6,
            note=f"{_count()} signatures; gathered evidence, Sigstore apart",
        ),
        figure(
            "decide and hash / bare checks and SHA-256",
            ratios(*whole),
            bar=1.5,
            note="a bundle of 50 MB",
        ),
        _quorum(),
    ]


def _quorum() -> Figure:
    """Count two rebuilders of three, whose statements were proven before."""
    policy = replace(REBUILDERS, operators=REBUILDERS.operators[:3])
    bert = replace(REBUILD.rebuilder, id="bert/machine-1", operator="bert")
    leaves = [
        (entry(REBUILD, OPERATOR_KEYS["anna"]), 1),
        (entry(replace(REBUILD, rebuilder=bert), OPERATOR_KEYS["bert"]), 2),
    ]

    def ours() -> None:
        found = evaluate(policy, REBUILD.subject.sha256, leaves, FINISHED + 60)
        assert found.outcome == "met"

    judged, verified = race(repeated(ours), repeated(_signatures(1)))
    return figure(
        "quorum of rebuilders, 2 of 3 / one Ed25519 check", ratios(judged, verified),
        bar=10, note=microseconds(judged),
    )  # fmt: skip


def _count() -> int:
    return CHECKPOINTS * LINES + CLAIMS + REBUILDS


def _signatures(count: int) -> Callable[[], None]:
    """Verify so many signatures, over texts as long as those of the evidence."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    text = bytes(200)
    signature = key.sign(text)

    def bare() -> None:
        for _ in range(count):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text)

    return bare


def _hashing(check: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        hashlib.sha256(BUNDLE).digest()
        check()

    return both
