"""Gates over what the public made of a release: yanks, time to look, rebuilds."""

from updater.errors import LimitError
from updater.findings import Proof, Severity, spell
from updater.gates.age import public_since, required_cooldown_s
from updater.gates.evidence import Evidence, have, no
from updater.jcs import Json
from updater.quorum import Decision, evaluate


def yank(e: Evidence) -> Proof:
    """Nobody entitled has said in the log that this file is bad."""
    log, target = have(e.log, "network"), have(e.target, "platform")
    for each in log.index.yanks_of(target.sha256):
        instead = f"; take {each.replacement}" if each.replacement else ""
        no(
            "yanked",
            f"withdrawn in entry {each.place.index}: {each.reason or 'no reason'}"
            f"{instead}",
            facts={"index": each.place.index, "replacement": each.replacement},
        )
    return Proof("nobody has withdrawn it")


def cooldown(e: Evidence) -> Proof:
    """The release was public long enough for somebody to look at it.

    Both ends of that time come from witnesses; the local clock plays no part.
    """
    wanted_s = required_cooldown_s(e)
    if e.wish.break_glass is not None:
        reason = e.wish.break_glass
        return Proof(f"not waited for: {reason}", {"reason": reason}, waived=True)
    log = have(e.log, "network")
    since = public_since(e)
    age_s = (log.fresh_at or since) - since
    facts = {"age": age_s, "since": since, "wanted": wanted_s}
    if age_s < wanted_s:
        text = (
            f"public for {spell(age_s)} by the witnesses' times,"
            f" expected {spell(wanted_s)}"
        )
        no("cooldown", text, Severity.NOT_YET, facts)
    _check_peers(e)
    return Proof(f"public for {spell(age_s)}, asked are {spell(wanted_s)}", facts)


def _check_peers(e: Evidence) -> None:
    index, wanted = have(e.proof, "proof-form").index, e.tightening.peers
    agreed = sum(size > index for size in have(e.log, "network").agreements)
    if agreed < wanted:
        no(
            "peer-gate",
            f"{agreed} contacts agreed on a log with this release, expected {wanted}",
            Severity.NOT_YET,
        )


def rebuild(e: Evidence) -> Proof:
    """Independent people built the same bytes from the source, and none got others."""
    target = have(e.target, "platform")
    policy = have(e.log, "network").honoured.current.trust.rebuilders.tightened(
        threshold=e.tightening.rebuild_threshold
    )
    entries = have(e.rebuilds, "entries")
    try:
        decision = evaluate(policy, target.sha256, entries, e.now)
    except LimitError as error:
        no("rebuild-quorum", str(error))
    facts = _facts(decision)
    if decision.outcome == "vetoed":
        names = ", ".join(decision.vetoes)
        no("rebuild-veto", f"built to other bytes by {names}", facts=facts)
    if decision.blocks:
        no("rebuild-quorum", _tally(decision), Severity.NOT_YET, facts)
    return Proof(_tally(decision), facts)


def _facts(decision: Decision) -> dict[str, Json]:
    return {
        "counted": [*decision.counted],
        "uncounted": [each.reason for each in decision.uncounted],
        "vetoes": [*decision.vetoes],
    }


def _tally(decision: Decision) -> str:
    who = f": {', '.join(decision.counted)}" if decision.counted else ""
    asked = decision.policy.threshold if decision.policy.is_enforced else "none"
    return (
        f"rebuilt bit for bit by {len(decision.counted)} independent operators{who};"
        f" required: {asked}"
    )
