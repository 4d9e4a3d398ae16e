"""A project with keys for every role, and one good claim of each kind."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from updater.statement import Subject, format_envelope, sign
from updater.transparency.claims.parts import Head, Ref, Resource
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import (
    Comparison,
    Environment,
    Exemption,
    RebuildClaim,
    Rebuilder,
)
from updater.transparency.claims.release import (
    Artifact,
    Build,
    Metadata,
    ReleaseClaim,
    Source,
)
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.claims.yank import YankClaim
from updater.transparency.entry import WholeClaim, format_claim
from updater.transparency.key import Kind, SigningKey
from updater.transparency.rebuilders import Operator, RebuildPolicy
from updater.transparency.trust import Role, Trust

PROJECT = "pkg:pypi/ringfence"
DAY = 86_400
FINISHED = 1_795_000_000  # 2026-11-18, when the rebuilds below were done


def key(number: int) -> Ed25519PrivateKey:
    """Make the same key for a number each time."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(private: Ed25519PrivateKey) -> bytes:
    """Give the raw public half."""
    return private.public_key().public_bytes_raw()


RELEASE_KEYS = (key(11), key(12), key(13))
YANK_KEYS = (key(21), key(22))
POLICY_KEYS = (key(31), key(32))
SUCCESSOR_KEYS = (key(41), key(42))
OPERATOR_KEYS = {"anna": key(51), "bert": key(52), "carl": key(53), "us": key(54)}

REBUILDERS = RebuildPolicy(
    is_enforced=True,
    threshold=2,
    veto_quorum=1,
    min_environments=1,
    min_level=1,
    max_age_days=90,
    operators=tuple(
        Operator(name, (public(OPERATOR_KEYS[name]),), is_publisher=name == "us")
        for name in OPERATOR_KEYS
    ),
)

TRUST = Trust(
    project=PROJECT,
    roles={
        "release": Role(2, tuple(map(public, RELEASE_KEYS))),
        "yank": Role(1, tuple(map(public, YANK_KEYS))),
        "policy": Role(2, tuple(map(public, POLICY_KEYS))),
        "successor": Role(2, tuple(map(public, SUCCESSOR_KEYS))),
    },
    rebuilders=REBUILDERS,
    cooldown_group="mirrors",
    cooldown_normal_s=7 * DAY,
    cooldown_security_s=DAY,
    fresh_warn_s=7 * DAY,
    fresh_refuse_s=30 * DAY,
    policy_delay_s=3 * DAY,
    requires_sigstore=True,
    closed_logs=(Head("bt.example/ringfence/0", 812, b"\x07" * 32),),
)

ARTIFACT = Artifact(
    name="ringfence-1.4.0-cp312-linux-x86_64.tar",
    sha256="a1" * 32,
    size=50_000_000,
    platform="cp312-linux-x86_64",
    sigstore="51" * 32,
)
OTHER_ARTIFACT = Artifact(
    name="ringfence-1.4.0-cp311-linux-x86_64.tar",
    sha256="a2" * 32,
    size=50_000_001,
    platform="cp311-linux-x86_64",
    sigstore=None,
)
RELEASE = ReleaseClaim(
    project=PROJECT,
    version="1.4.0",
    channel="stable",
    severity="normal",
    artifacts=(ARTIFACT, OTHER_ARTIFACT),
    source=Source(
        repository="https://git.example/ringfence", commit="c0" * 20, tag="v1.4.0"
    ),
    build=Build(
        recipe="b1" * 32,
        lock="b2" * 32,
        image="b3" * 32,
        source_date_epoch=1_790_000_000,
    ),
    metadata=Metadata(role="releases", version=7, sha256="d1" * 32),
    previous=Ref(4, b"\x04" * 32),
)
YANK = YankClaim(
    Ref(5, b"\x05" * 32),
    (Subject(ARTIFACT.name, ARTIFACT.sha256),),
    purl=RELEASE.purl,
    reason="vulnerability",
    notice="block-install-and-warn-running",
    replacement="1.4.1",
    advisory="https://ringfence.example/advisories/1",
)
POLICY = PolicyClaim(
    project=PROJECT,
    files=(Subject("policy", "e1" * 32), Subject("trust.json", "e2" * 32)),
    not_before=1_790_000_000,
    previous=None,
    predecessor=None,
    summary="carl rebuilds too",
)
NEW_LOG = SigningKey("bt.example/ringfence/2", Kind.LOG, seed=b"\x61" * 32)
SUCCESSOR = SuccessorClaim(
    project=PROJECT,
    origin=NEW_LOG.name,
    vkeys=(str(NEW_LOG.verifier),),
    floor=Head(NEW_LOG.name, 0, b"\x08" * 32),
    not_before=1_790_000_000,
    reason="scheduled",
)
PUBLISHED = Resource(name=ARTIFACT.name, sha256=ARTIFACT.sha256)
REBUILD = RebuildClaim(
    subject=Subject(ARTIFACT.name, ARTIFACT.sha256),
    verdict="identical",
    stage="git-to-bundle",
    published=PUBLISHED,
    rebuilt=PUBLISHED,
    source=Resource(uri="git+https://git.example/ringfence", git_commit="c0" * 20),
    recipe=Resource(name="recipe.toml", sha256="b1" * 32),
    buildinfo=Resource(name="buildinfo.json", sha256="b4" * 32),
    environment=Environment("x86_64", 2, Resource(name="root.tar", sha256="b5" * 32)),
    rebuilder=Rebuilder(
        id="anna/machine-1",
        operator="anna",
        tool=Resource(name="ringfence", sha256="b6" * 32),
    ),
    comparison=Comparison(method="sha256"),
    started_on=FINISHED - 600,
    finished_on=FINISHED,
    expires_on=FINISHED + 120 * DAY,
    toolchain=(Resource(name="hatchling.whl", sha256="b7" * 32, sha512="b8" * 64),),
)
EXEMPTION = Exemption(
    field="zip.date_time", count=3, entry="pkg/a.py", reason="stamped build time"
)


def entry(claim: WholeClaim, *keys: Ed25519PrivateKey) -> bytes:
    """Make the leaf of a claim that these keys sign."""
    return format_envelope(sign(format_claim(claim), keys))
