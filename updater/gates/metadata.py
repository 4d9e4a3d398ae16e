"""Gates over TUF: is the metadata good, and was it public before it came to us?"""

from updater.findings import Proof, Severity, spell
from updater.gates.evidence import Evidence, have, no


def tuf(e: Evidence) -> Proof:
    """All roles are signed, current and within our layout."""
    files = have(e.metadata, "tuf")
    versions = {role: each.version for role, each in files.items()}
    return Proof(
        f"{len(files)} roles are signed and current; timestamp {versions['timestamp']}",
        {"versions": dict(versions)},
    )


def policy(e: Evidence) -> Proof:
    """Root and targets, which say who may sign, were public before they count.

    TUF uses the newest at once, and that is right for refusing. A stolen root threshold
    must not be enough to install something on one machine in one night.
    """
    files = have(e.metadata, "tuf")
    honoured = have(e.log, "network").honoured
    delay_s = honoured.current.trust.policy_delay_s
    for role in ("root", "targets"):
        sha256 = files[role].sha256
        if sha256 in e.here.accepted:
            continue
        if sha256 not in honoured.ages:
            no(
                "policy-unlogged",
                f"{role} {files[role].version} is neither built in nor logged",
                facts={"role": role, "sha256": sha256},
            )
        if (age_s := honoured.ages[sha256]) < delay_s:
            no(
                "policy-young",
                f"{role} is public for {spell(age_s)}, expected {spell(delay_s)}",
                Severity.NOT_YET,
                {"age": age_s, "role": role, "wanted": delay_s},
            )
    return Proof("root and targets are built in, or were public for long enough")
