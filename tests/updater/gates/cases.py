"""Evidence that passes every gate, made of real signatures, for tests to bend."""

import hashlib
from dataclasses import replace
from functools import cache

from tests.updater.transparency import claimants
from tests.updater.transparency.logs import LOG, nodes_of, witness
from tests.updater.transparency.policies import policy_text
from updater.archive.bundle import BundledWheel, Manifest
from updater.gates.evidence import (
    Evidence,
    Here,
    Linked,
    Stored,
    Tightening,
    Wish,
)
from updater.installed.slots import Times
from updater.offer.channel import Channel
from updater.offer.product import RINGFENCE
from updater.offer.waves import Wave
from updater.statement import Subject
from updater.transparency.checkpoint import (
    Checkpoint,
    OpenedCheckpoint,
    cosign,
    format_checkpoint,
    merge_lines,
    open_checkpoint,
    sign_checkpoint,
)
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.release import Artifact, ReleaseClaim
from updater.transparency.entry import parse_entry
from updater.transparency.honour import Honoured, TrustSet
from updater.transparency.index import Index, LoggedFile, LoggedRebuild, Place
from updater.transparency.merkle import hash_leaf, prove_inclusion, root_at
from updater.transparency.policy import Policy, parse_policy
from updater.transparency.proof import LogProof
from updater.transparency.state import Memory, Seen
from updater.transparency.trust import Trust, format_trust
from updater.transparency.view import LogView
from updater.tuf.layout import SignedFile, Target

DAY = 86_400
NOW = claimants.FINISHED + 20 * DAY
PUBLIC = NOW - 10 * DAY  # witnesses had first seen the release
FRESH = NOW - 3600  # witnesses called the head the newest
PLATFORM = "cp312-linux-x86_64"
BYTES = b"the bundle of 1.4.0"
SHA256 = hashlib.sha256(BYTES).hexdigest()
RELEASES = SignedFile(role="releases", version=7, sha256="d1" * 32, expires=NOW + DAY)
METADATA = {
    "root": SignedFile(role="root", version=2, sha256="01" * 32, expires=NOW + DAY),
    "targets": SignedFile(role="targets", version=3, sha256="02" * 32, expires=NOW),
    "timestamp": SignedFile(role="timestamp", version=9, sha256="03" * 32, expires=NOW),
    "releases": RELEASES,
}
TRUST = replace(
    claimants.TRUST, cooldown_group=None, requires_sigstore=False, closed_logs=()
)
POLICY = parse_policy(policy_text("group all 3 w1 w2 w3 w4", "quorum all"))
ARTIFACT = Artifact(
    name=RINGFENCE.artifact("1.4.0", PLATFORM),
    sha256=SHA256,
    size=len(BYTES),
    platform=PLATFORM,
    sigstore=None,
)
RELEASE = replace(claimants.RELEASE, artifacts=(ARTIFACT,), previous=None)
CHANNEL = Channel(
    name="stable",
    project=claimants.PROJECT,
    sequence=4,
    version="1.4.0",
    minimum="1.0.0",
    paused=False,
    platforms=(PLATFORM,),
    delta_from=(),
    via=(),
    waves=(Wave(0, 500), Wave(DAY, 1000)),
)
MANIFEST = Manifest(
    name="ringfence",
    version="1.4.0",
    platform=PLATFORM,
    epoch=RELEASE.build.source_date_epoch,
    commit=RELEASE.source.commit,
    tree_sha256="e1" * 32,
    recipe_sha256=RELEASE.build.recipe,
    lock_sha256="e2" * 32,
    app="wheels/app.whl",
    wheels=(BundledWheel("wheels/app.whl", 100, sha256="e3" * 32),),
)
HERE = Here(
    product=RINGFENCE,
    channel="stable",
    platform=PLATFORM,
    seed=bytes(32),
    current="1.3.0",
    floor="1.3.0",
    times=Times(signed=FRESH - DAY, soft=FRESH - DAY),
    accepted=frozenset({"01" * 32, "02" * 32}),
)


def claimed(release: ReleaseClaim = RELEASE, signers: int = 2) -> bytes:
    """Give the leaf of a release that this many of the release keys signed."""
    return claimants.entry(release, *claimants.RELEASE_KEYS[:signers])


def rebuilt(operator: str, sha256: str = SHA256) -> bytes:
    """Give the leaf of an operator who got these bytes from the source of `BYTES`."""
    name = ARTIFACT.name
    published = Resource(name=name, sha256=SHA256)
    rebuilder = replace(
        claimants.REBUILD.rebuilder, id=f"{operator}/1", operator=operator
    )
    claim = replace(
        claimants.REBUILD,
        subject=Subject(name, SHA256),
        published=published,
        rebuilt=published,
        rebuilder=rebuilder,
    )
    if sha256 != SHA256:
        claim = replace(
            claim,
            verdict="different",
            rebuilt=Resource(name=name, sha256=sha256),
            comparison=replace(
                claim.comparison, differences=("code both pkg/a.py: 3 lines",)
            ),
        )
    return claimants.entry(claim, claimants.OPERATOR_KEYS[operator])


def checkpoint(leaves: list[bytes], at: int, *, witnesses: int = 3) -> bytes:
    """Sign a tree of these leaves as the log and by witnesses who saw it at a time."""
    hashes = [hash_leaf(leaf) for leaf in leaves]
    root = root_at(len(hashes), nodes_of(hashes))
    head = Checkpoint(LOG.name, len(hashes), root=root)
    note = sign_checkpoint(head, LOG)
    for number in range(1, witnesses + 1):
        line = cosign(format_checkpoint(head), witness(number), at)
        note = merge_lines(note, str(line).encode())
    return note


def proven(leaves: list[bytes], index: int, note: bytes) -> LogProof:
    """Prove the leaf at an index under a checkpoint of exactly these leaves."""
    nodes = nodes_of([hash_leaf(leaf) for leaf in leaves])
    hashes = prove_inclusion(index, len(leaves), nodes)
    return LogProof(index, tuple(hashes), checkpoint=note)


def opened(note: bytes, policy: Policy = POLICY) -> OpenedCheckpoint:
    """Open a checkpoint as the client of the log does."""
    return open_checkpoint(note, policy.log_keys, policy.witness_keys)


def honoured(trust: Trust = TRUST, **files: bytes) -> Honoured:
    """Give trust files that count since ever."""
    held = {"trust.json": format_trust(trust), **files}
    return Honoured(
        sets=(TrustSet(trust, POLICY, files=held),), places=(), ages={}, ignored=()
    )


@cache
def good(release: ReleaseClaim = RELEASE) -> Evidence:
    """Give evidence of a release that may be installed."""
    leaf = claimed(release)
    first = [b"what was before", leaf]
    leaves = [*first, rebuilt("anna"), rebuilt("bert")]
    proof = proven(first, 1, checkpoint(first, PUBLIC))
    tree = opened(proof.checkpoint).checkpoint
    head = checkpoint(leaves, FRESH)
    places = [
        Place(LOG.name, index, leaf_hash=hash_leaf(each))
        for index, each in enumerate(leaves)
    ]
    row = LoggedFile(
        places[1],
        release.version,
        platform=PLATFORM,
        channel=release.channel,
        sha256=SHA256,
    )
    floor = Seen(0, hashlib.sha256(b"").digest())
    return Evidence(
        now=NOW,
        wish=Wish(),
        tightening=Tightening(),
        here=HERE,
        metadata=METADATA,
        channel=CHANNEL,
        target=Target(
            path=RINGFENCE.target("1.4.0", PLATFORM),
            size=len(BYTES),
            sha256=SHA256,
            role="releases",
        ),
        artifact=Stored("store/file", len(BYTES), sha256=SHA256),
        claim=parse_entry(leaf),
        sigstore=None,
        proof=proof,
        link=Linked(tree.size, tree.root),
        log=LogView(
            origin=LOG.name,
            memory=Memory(
                LOG.name, floor=floor, history=(Seen(2, tree.root, seen_at=PUBLIC),)
            ),
            index=Index(
                files=(row,),
                rebuilds=tuple(
                    LoggedRebuild(place, SHA256, signer=f"{place.index:064x}")
                    for place in places[2:]
                ),
            ),
            honoured=honoured(),
            head=opened(head),
            fresh_at=FRESH,
            troubles=(),
            behind_peers=None,
            is_old_copy=False,
            evidence=None,
            installed=None,
            agreements=(),
        ),
        rebuilds=((rebuilt("anna"), 2), (rebuilt("bert"), 3)),
        manifest=MANIFEST,
    )
