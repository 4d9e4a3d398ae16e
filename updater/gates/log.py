"""Gates over the log: is it in there, is it one log, who saw it, how new is it?"""

from collections.abc import Mapping
from typing import Final

from updater.errors import MalformedError, ProofError, QuorumError, SignatureError
from updater.findings import Proof, Severity, spell
from updater.gates.age import opened, policies
from updater.gates.evidence import Evidence, have, no
from updater.transparency.checkpoint import OpenedCheckpoint
from updater.transparency.proof import check_proof
from updater.transparency.view import LogView
from updater.transparency.witnessed import check_quorum

CODES: Final[Mapping[str, Severity]] = {
    "fork": Severity.MISBEHAVIOUR,
    "duplicate-release": Severity.MISBEHAVIOUR,
    "frozen": Severity.MISBEHAVIOUR,
    "origin": Severity.REFUSED,
    "log-signature": Severity.REFUSED,
    "quorum": Severity.NOT_YET,
}
"""Of what the client of the log met with; everything else is a failure to ask."""


def _proven(e: Evidence) -> OpenedCheckpoint:
    """Open the checkpoint that the proof of the release stands on."""
    proof = have(e.proof, "proof-form")
    try:
        return opened(proof.checkpoint, policies(e))
    except SignatureError as error:
        known = {origin for each in policies(e) for origin in each.origins}
        origin = proof.checkpoint.partition(b"\n")[0].decode(errors="replace")
        no("log-signature" if origin in known else "origin", str(error))
    except MalformedError as error:
        no("proof-form", str(error))


def inclusion(e: Evidence) -> Proof:
    """The claim stands in the log, under the size and root that the log signed."""
    proof, claim, log = (
        have(e.proof, "proof-form"),
        have(e.claim, "claim-form"),
        have(e.log, "network"),
    )
    tree = _proven(e).checkpoint
    closed = log.honoured.current.trust.closed_at(tree.origin)
    if closed is not None and tree.size > closed.size:
        no("origin", f"{tree.origin} was closed at size {closed.size}, not {tree.size}")
    try:
        check_proof(proof, claim.leaf_hash, opened(proof.checkpoint, policies(e)))
    except ProofError as error:
        no("inclusion", str(error))
    return Proof(
        f"entry {proof.index} of {tree.size} in {tree.origin}",
        {"index": proof.index, "origin": tree.origin, "size": tree.size},
    )


def consistency(e: Evidence) -> Proof:
    """All checkpoints ever seen here are of one history, and all of it was read."""
    log = have(e.log, "network")
    # First of all, so that it is said also where there is no release to judge.
    for trouble in log.troubles:
        severity = CODES.get(trouble.code, Severity.UNREACHABLE)
        no(trouble.code, trouble.text, severity, {"evidence": trouble.evidence})
    target = have(e.target, "platform")
    tree, linked = _proven(e).checkpoint, have(e.link, "tiles")
    if (linked.size, linked.root) != (tree.size, tree.root):
        no("tiles", "another checkpoint was held against the log than the proof's")
    release = e.have_release()
    for file in log.index.files_of(release.version, e.here.platform):
        if file.sha256 != target.sha256:
            # Proven ones are among the troubles. This one may also be the trick of
            # whoever lays a claim of one release beside the file of another.
            no(
                "duplicate-release",
                f"entry {file.place.index} has another file for {release.version}",
            )
    head = _head(log).checkpoint
    return Proof(
        f"one history up to size {head.size}, every entry read",
        {"size": head.size},
    )


def _head(log: LogView) -> OpenedCheckpoint:
    if log.head is None:
        no("network", "no checkpoint was ever accepted", Severity.UNREACHABLE)
    return log.head


def witness(e: Evidence) -> Proof:
    """Enough witnesses, who never sign two histories, signed both checkpoints."""
    proven, latest = _proven(e), _head(have(e.log, "network"))
    try:
        latest = opened(latest.note, policies(e))
        for policy in policies(e):
            check_quorum(policy, proven, e.now)
            check_quorum(policy, latest, e.now)
    except QuorumError as error:
        no("quorum", str(error), Severity.NOT_YET)
    except SignatureError as error:
        no("log-signature", str(error))
    names = sorted(key.name for key in latest.cosignatures)
    return Proof(
        f"signed by {len(names)} witnesses: {', '.join(names)}", {"witnesses": [*names]}
    )


def fresh(e: Evidence) -> Proof:
    """Witnesses still called this the newest a short while ago.

    Without it, whoever stands between could freeze a machine at an old state.
    """
    log = have(e.log, "network")
    trust = log.honoured.current.trust
    if log.behind_peers is not None:
        no(
            "behind-peers",
            f"a contact saw the log at size {log.behind_peers}, shown is less",
            Severity.NOT_YET,
            {"size": log.behind_peers},
        )
    if log.fresh_at is None:
        no("stale", "no witness vouches for how new the log is", Severity.NOT_YET)
    age_s = max(0, round(e.now - log.fresh_at))
    facts = {"age": age_s, "freshAt": log.fresh_at}
    if age_s > trust.fresh_refuse_s:
        most = spell(trust.fresh_refuse_s)
        text = f"the log is {spell(age_s)} old, expected at most {most}"
        no("stale", text, Severity.NOT_YET, facts)
    late = "; that is late" if age_s > trust.fresh_warn_s else ""
    return Proof(f"witnesses called this the newest {spell(age_s)} ago{late}", facts)
