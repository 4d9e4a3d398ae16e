"""Gates over who vouches for a release: its claim and its Sigstore bundle."""

import hashlib

from updater.errors import RefusedError, SigstoreError
from updater.findings import Proof
from updater.gates.evidence import Evidence, have, no
from updater.sigstore.identity import Release, check, parse_policy
from updater.transparency.trust import check_entry


def claim(e: Evidence) -> Proof:
    """Enough release keys signed a claim about this very file."""
    entry, release, row = have(e.claim, "claim-form"), e.have_release(), e.have_row()
    trust = have(e.log, "network").honoured.current.trust
    target = have(e.target, "platform")
    version = have(e.channel, "channel").offer(e.here.current)
    said = {
        "project": (release.project, e.here.product.project),
        "version": (release.version, version),
        "channel": (release.channel, e.here.channel),
        "name": (row.name, e.here.product.artifact(version, e.here.platform)),
        "size": (row.size, target.size),
        "SHA-256": (row.sha256, target.sha256),
    }
    for name, (came, expected) in said.items():
        if came != expected:
            no("claim-mismatch", f"{name}: expected {expected!r}, claimed {came!r}")
    _check_metadata(e)
    try:
        check_entry(trust, entry)
    except RefusedError as error:
        no("claim-signature", str(error))
    signers = len(entry.envelope.signatures)
    return Proof(
        f"{signers} release keys claim {release.version}, asked are"
        f" {trust.roles['release'].threshold}",
        {"leafHash": entry.leaf_hash.hex(), "severity": release.severity},
    )


def _check_metadata(e: Evidence) -> None:
    """The claim was made over a list of files that we did not fall behind of."""
    listed, files = e.have_release().metadata, have(e.metadata, "tuf")
    if listed.role not in files:
        no("claim-mismatch", f"the claim is about role {listed.role!r}, not ours")
    ours = files[listed.role]
    if ours.version < listed.version:
        no(
            "claim-mismatch",
            f"claimed over {listed.role} {listed.version}, shown is {ours.version}",
        )
    if ours.version == listed.version and ours.sha256 != listed.sha256:
        no("claim-mismatch", f"{listed.role} {ours.version} was signed with two texts")


def signature(e: Evidence) -> Proof:
    """An identity of the policy signed with Sigstore, where the trust files ask so."""
    current = have(e.log, "network").honoured.current
    if not current.trust.requires_sigstore:
        return Proof("the trust files ask for no Sigstore bundle")
    if e.sigstore is None:
        no("sigstore", "a Sigstore bundle is asked for, and none was looked at")
    vouched, row, release = have(e.sigstore, "sigstore"), e.have_row(), e.have_release()
    came = hashlib.sha256(vouched.bundle).hexdigest()
    if came != row.sigstore:
        no("sigstore", f"the claim names bundle {row.sigstore}, came {came}")
    try:
        signer = check(
            vouched.bundle,
            vouched.facts,
            parse_policy(current.files["sigstore.json"]),
            artifact=bytes.fromhex(have(e.target, "platform").sha256),
            release=Release(
                release.version, release.source.tag, commit=release.source.commit
            ),
        )
    except SigstoreError as error:
        no("sigstore", str(error), facts={"detail": error.detail})
    who = f"{signer.subject} by {signer.issuer}" if signer else "a key of the policy"
    return Proof(f"signed with Sigstore by {who}")
