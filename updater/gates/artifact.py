"""Gates over the bytes: are they here, are they the listed ones, what is in them?"""

from updater.findings import Proof
from updater.gates.evidence import Evidence, have, no
from updater.offer.product import interpreter_tag


def fetch(e: Evidence) -> Proof:
    """The artifact is on this disk, whole."""
    artifact = have(e.artifact, "not-fetched")
    return Proof(f"{artifact.size} bytes are here", {"size": artifact.size})


def artifact_hash(e: Evidence) -> Proof:
    """The bytes that were read are those that the releases role lists."""
    artifact, target = have(e.artifact, "not-fetched"), have(e.target, "platform")
    if (artifact.size, artifact.sha256) != (target.size, target.sha256):
        no(
            "artifact-hash",
            f"expected {target.size} bytes with SHA-256 {target.sha256},"
            f" came {artifact.size} with {artifact.sha256}",
        )
    return Proof(f"SHA-256 is {target.sha256}", {"sha256": target.sha256})


def manifest(e: Evidence) -> Proof:
    """What the bundle says of itself is what the claim says of it."""
    have(e.artifact, "not-fetched")
    inside, claim, here = have(e.manifest, "manifest"), e.have_release(), e.here
    said = {
        "name": (inside.name, here.product.name),
        "version": (inside.version, claim.version),
        "platform": (inside.platform, here.platform),
        "commit": (inside.commit, claim.source.commit),
        "recipe": (inside.recipe_sha256, claim.build.recipe),
        "epoch": (inside.epoch, claim.build.source_date_epoch),
    }
    for name, (came, expected) in said.items():
        if came != expected:
            no("manifest", f"{name}: expected {expected!r}, the bundle says {came!r}")
    count = len(inside.wheels)
    wheels = "1 wheel" if count == 1 else f"{count} wheels"
    return Proof(
        f"{wheels} for {interpreter_tag(inside.platform)}, built from {inside.commit}",
        {"commit": inside.commit, "wheels": count},
    )
