"""Who witnessed a checkpoint, whether that suffices, and what its times show.

A checkpoint is good if a listed log signed it and its counting cosignatures meet the
quorum of a policy. From their times follow two facts, which hold while every set that
meets the group has an honest member: `seen_at`, when somebody honest had seen a tree,
and `fresh_at`, when somebody honest still called it the newest. One number cannot serve
for both, as back-dating fools the one and forward-dating the other. Both are arithmetic
over signed times: our clock only keeps out times that lie ahead of it.
"""

from collections.abc import Collection, Mapping

from updater.errors import QuorumError
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.key import VerifierKey
from updater.transparency.policy import NONE, Policy

MAX_AHEAD_S = 300
"""Seconds that a witness's clock may be ahead of ours before its time cannot count."""


def accept(policy: Policy, data: bytes, now: float) -> OpenedCheckpoint:
    """Open a checkpoint that this policy calls good.

    Args:
        policy: whose logs and witnesses count. A second policy, of the user's own, is
            checked in addition with `check_quorum`: it can only tighten.
        data: the note.
        now: our clock, POSIX seconds.

    Raises:
        MalformedError: it is no checkpoint.
        SignatureError: no log of this policy signed it, or a signature is wrong.
        QuorumError: too few witnesses signed.
    """
    opened = open_checkpoint(data, policy.log_keys, policy.witness_keys)
    check_quorum(policy, opened, now)
    return opened


def check_quorum(policy: Policy, opened: OpenedCheckpoint, now: float) -> None:
    """Check that enough witnesses cosigned.

    The checkpoint was opened with (at least) the witness keys of this policy.

    Raises:
        QuorumError: not enough did; says who.
    """
    if policy.quorum == NONE or seen_at(policy, opened, now) is not None:
        return
    counting = counting_times(opened, now)
    asked = policy.witnesses_of(policy.quorum)
    signed = [each.name for each in asked if each.key in counting]
    absent = [each.name for each in asked if each.key not in counting]
    groups = {each.name: each for each in policy.groups}
    wanted = groups[policy.quorum].threshold if policy.quorum in groups else 1
    of = "" if len(asked) == _members(policy) else f" of {_members(policy)} groups"
    raise QuorumError(
        f"quorum not met: {len(signed)} of {len(asked)} witnesses signed size"
        f" {opened.checkpoint.size}, policy asks for {wanted}{of};"
        f" signed: {_names(signed)}; missing: {_names(absent)}"
    )


def counting_times(
    opened: OpenedCheckpoint, now: float
) -> dict[VerifierKey, tuple[int, int]]:
    """Give the earliest and latest time of each witness that counts.

    Time 0 says nothing about when, and a time more than 300 s ahead of `now` would keep
    a frozen log fresh: both are valid signatures that do not count.
    """
    found = {}
    for key, times in opened.cosignatures.items():
        if counted := [each for each in times if 0 < each <= now + MAX_AHEAD_S]:
            found[key] = (min(counted), max(counted))
    return found


def seen_at(
    policy: Policy, opened: OpenedCheckpoint, now: float, *, group: str | None = None
) -> int | None:
    """Give T: by when an honest member of the group had seen this tree.

    The smallest t such that those who signed at t or before meet the group (the quorum,
    where none is named), each by its earliest counting time; POSIX seconds. None when
    the group is not met, or is `NONE`: then nobody vouches for any time.
    """
    times = {key: first for key, (first, _) in counting_times(opened, now).items()}
    return _decided(policy, times, group or policy.quorum, late=False)


def fresh_at(
    policy: Policy, opened: OpenedCheckpoint, now: float, *, group: str | None = None
) -> int | None:
    """Give F: until when an honest member of the group called this tree the newest.

    The largest t such that those who signed at t or after meet the group, each by its
    latest counting time; otherwise as `seen_at`.
    """
    times = {key: last for key, (_, last) in counting_times(opened, now).items()}
    return _decided(policy, times, group or policy.quorum, late=True)


def is_met(policy: Policy, name: str, signed: Collection[VerifierKey]) -> bool:
    """Tell whether these keys together stand for a witness or a group."""
    return _decided(policy, dict.fromkeys(signed, 0), name, late=False) is not None


def smallest_quorum(
    policy: Policy, opened: OpenedCheckpoint, now: float
) -> dict[VerifierKey, int]:
    """Choose the cosignatures that suffice and take the fewest bytes to send.

    Ed25519 comes before ML-DSA, then names in order; with each key goes its latest
    counting time.

    Raises:
        QuorumError: they do not suffice together.
    """
    check_quorum(policy, opened, now)
    counting = counting_times(opened, now)
    asked = policy.witnesses_of(policy.quorum)
    ordered = sorted(
        (each.key for each in asked if each.key in counting),
        key=lambda key: (key.kind, key.name),
    )
    chosen = list(ordered)
    for key in reversed(ordered):  # leave out the last first, as long as it still holds
        without = [each for each in chosen if each != key]
        if is_met(policy, policy.quorum, without):
            chosen = without
    return {key: counting[key][1] for key in chosen}


def _decided(
    policy: Policy, times: Mapping[VerifierKey, int], name: str, *, late: bool
) -> int | None:
    """Give when a name is decided: of a group, the k-th member's time, in order.

    No name is a member twice, so a group is a tree and the k-th smallest (or largest)
    of its members' times is the smallest (or largest) t at which k of them are met.
    """
    known: dict[str, int | None] = {
        each.name: times.get(each.key) for each in policy.witnesses
    }
    for group in policy.groups:  # members stand above their group
        found = [time for each in group.members if (time := known[each]) is not None]
        found.sort(reverse=late)
        is_enough = len(found) >= group.threshold
        known[group.name] = found[group.threshold - 1] if is_enough else None
    return known.get(name)


def _members(policy: Policy) -> int:
    """Count what the quorum's threshold is out of."""
    groups = {each.name: each for each in policy.groups}
    return len(groups[policy.quorum].members) if policy.quorum in groups else 1


def _names(names: Collection[str]) -> str:
    return ", ".join(ascii(each)[1:-1] for each in names) or "nobody"
