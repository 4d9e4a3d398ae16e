"""The verdict on a release against the bare signature checks and hashes in it."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from benchmarks.figure import Figure, figure, race, ratios, repeated
from tests.updater.gates.cases import good
from updater.decision import decide
from updater.gates.age import opened

CHECKPOINTS = 2  # the proof's and the newest one
LINES = 4  # on each: the log's and three witnesses'
CLAIMANTS = 2
REBUILDERS = 2
BUNDLE = bytes(50_000_000)  # hashing does not look at what it hashes


def figures() -> list[Figure]:
    """Time `decide` by itself, and together with the one reading of the bundle."""
    evidence = good()

    def ours() -> None:
        opened.cache_clear()  # each run verifies every signature again
        assert decide(evidence).release is not None

    bare = _signatures()
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
    ]


def _count() -> int:
    return CHECKPOINTS * LINES + CLAIMANTS + REBUILDERS


def _signatures() -> Callable[[], None]:
    """Verify as many signatures as the evidence has, over texts as long as its own."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    text = bytes(200)
    signature = key.sign(text)

    def bare() -> None:
        for _ in range(_count()):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text)

    return bare


def _hashing(check: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        hashlib.sha256(BUNDLE).digest()
        check()

    return both
