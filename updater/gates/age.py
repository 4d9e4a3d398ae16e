"""For how long a release has been public, by the witnesses' signed times alone."""

import functools
from collections.abc import Iterable

from updater.findings import Severity
from updater.gates.evidence import Evidence, have, no
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.policy import Policy
from updater.transparency.witnessed import seen_at


@functools.lru_cache(maxsize=8)
def opened(note: bytes, policies: tuple[Policy, ...]) -> OpenedCheckpoint:
    """Open a checkpoint under all policies that have a say.

    Pure, and cached because several gates look at one checkpoint and each signature is
    to be verified once.

    Raises:
        MalformedError: it is no checkpoint.
        SignatureError: none of their logs signed it, or a signature is wrong.
    """
    logs = dict.fromkeys(key for each in policies for key in each.log_keys)
    witnesses = dict.fromkeys(key for each in policies for key in each.witness_keys)
    return open_checkpoint(note, logs, witnesses)


def policies(e: Evidence) -> tuple[Policy, ...]:
    """Give the honoured witness policy, and after it the user's own if there is one."""
    honoured = have(e.log, "network").honoured.current.policy
    return (honoured, e.tightening.policy) if e.tightening.policy else (honoured,)


def public_since(e: Evidence) -> int:
    """Give T, when an honest witness had first seen a checkpoint with the release.

    That is by the checkpoint in the proof, or by one that was accepted here before it,
    whichever is earlier; POSIX seconds.

    Raises:
        NoError: nobody vouches for any time, so that no cooldown has begun.
    """
    log, proof = have(e.log, "network"), have(e.proof, "proof-form")
    current = log.honoured.current
    mine = log.seen_at(proof.index)
    shown = seen_at(
        current.policy,
        opened(proof.checkpoint, policies(e)),
        e.now,
        group=current.trust.cooldown_group,
    )
    return _earliest((mine, shown))


def _earliest(times: Iterable[int | None]) -> int:
    known = [time for time in times if time is not None]
    if not known:
        no(
            "cooldown",
            "no witness vouches yet for when this was public",
            Severity.NOT_YET,
        )
    return min(known)


def required_cooldown_s(e: Evidence) -> int:
    """Say how many seconds the release must have been public."""
    trust = have(e.log, "network").honoured.current.trust
    return max(trust.cooldown_s(e.have_release().severity), e.tightening.cooldown_s)
