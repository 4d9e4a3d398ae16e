"""What is weak about a witness policy, though it parses.

Errors are policies that do not protect: a few dishonest operators could show two people
two different logs. Warnings are policies that may stop working, or promise less than
they seem to. An operator is the first path element of a key's name: `w1.example` of
`w1.example/bt`.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from updater.errors import MalformedError
from updater.transparency.key import Kind, VerifierKey, parse_vkey
from updater.transparency.policy import NONE, Group, Policy, parse_policy
from updater.transparency.witnessed import is_met

Code = Literal[
    "shared-key",
    "role-key",
    "no-quorum",
    "one-operator",
    "small-quorum",
    "no-cooldown-group",
    "few-operators",
    "only-ml-dsa",
    "no-mirror",
    "no-final-newline",
]
FEW_OPERATORS = 4
"""With fewer, no operator may be away: of three, a safe quorum asks for all three."""
MIRROR = "/mirror"
"""How the key name of a witness ends that holds every entry before it signs."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """One thing that is weak."""

    code: Code
    level: Literal["error", "warning"]
    text: str = field(kw_only=True)


def lint(
    data: bytes,
    *,
    cooldown_group: str | None,
    role_keys: Collection[bytes] = (),
    is_dev: bool = False,
) -> list[Weakness]:
    """Look a policy file over; errors come first.

    Args:
        data: the file.
        cooldown_group: the group whose times make a release old; None is the quorum.
        role_keys: raw public keys of those who may sign claims in these logs.
        is_dev: whether a quorum of nobody is let through, as while developing.

    Raises:
        MalformedError: it is no policy.
    """
    policy = parse_policy(data)
    return [
        *_shared_keys(policy, role_keys),
        *_quorum(policy, cooldown_group, is_dev=is_dev),
        *_cooldown(policy, cooldown_group),
        *_redundancy(policy),
        *_end(data),
    ]


def operator_of(key: VerifierKey) -> str:
    """Give who runs the machine of a key, as far as its name says."""
    return key.name.partition("/")[0]


def convert_witness_keys(data: bytes) -> tuple[bytes, list[str]]:
    """Turn witness keys of kind 01, which are met in the wild, into kind 04.

    The public key stays and the key id changes. Gives the new file, and the names of
    the witnesses that were changed.

    Raises:
        MalformedError: it is no policy even so.
    """
    lines = data.split(b"\n")
    names = []
    for number, line in enumerate(lines):
        fields = line.split()
        if fields[:1] != [b"witness"] or len(fields) < 3:
            continue
        name, vkey, *url = fields[1:]
        new = _converted(vkey)
        if new != vkey:
            lines[number] = b" ".join((fields[0], name, new, *url))
            names.append(name.decode("utf-8", "surrogateescape"))
    converted = b"\n".join(lines)
    parse_policy(converted)
    return converted, names


def _converted(vkey: bytes) -> bytes:
    try:
        key = parse_vkey(vkey.decode())
    except (UnicodeDecodeError, MalformedError):
        return vkey  # what is wrong with it is said by parsing the whole
    if key.kind is not Kind.LOG:
        return vkey
    return str(replace(key, kind=Kind.WITNESS)).encode()


def _error(code: Code, text: str) -> Weakness:
    return Weakness(code, "error", text=text)


def _warning(code: Code, text: str) -> Weakness:
    return Weakness(code, "warning", text=text)


def _shared_keys(policy: Policy, role_keys: Collection[bytes]) -> Iterator[Weakness]:
    """Find keys with two purposes: a signature for one could serve for the other."""
    logs = {each.public for each in policy.log_keys}
    for witness in policy.witnesses:
        if witness.key.public in logs:
            yield _error("shared-key", f"{witness.name} signs with the key of a log")
    for key in (*policy.log_keys, *policy.witness_keys):
        if key.public in role_keys:
            yield _error("role-key", f"{key.name} may also sign claims")


def _quorum(
    policy: Policy, cooldown_group: str | None, *, is_dev: bool
) -> Iterator[Weakness]:
    if policy.quorum == NONE:
        if not is_dev:
            yield _error("no-quorum", "nobody has to witness a checkpoint")
    else:
        for operator, keys in _machines(policy).items():
            if is_met(policy, policy.quorum, keys):
                yield _error("one-operator", f"{operator} alone meets the quorum")
    for group in policy.groups:
        if _is_under(policy, group, {policy.quorum, cooldown_group}):
            yield from _small(policy, group)


def _small(policy: Policy, group: Group) -> Iterator[Weakness]:
    """Refuse a group that a dishonest third could make say two things at once.

    Members of one operator stand and fall together, so what counts is how few operators
    can meet the group: the largest ones first.
    """
    members = Counter(_unit(policy, member) for member in group.members)
    fewest = weight = 0
    for _, count in members.most_common():
        if weight >= group.threshold:
            break
        fewest += 1
        weight += count
    safe = 1 + 2 * len(members) // 3
    if fewest < safe:
        yield _error(
            "small-quorum",
            f"{fewest} of {len(members)} operators meet {group.name}, safe are {safe}",
        )


def _cooldown(policy: Policy, cooldown_group: str | None) -> Iterator[Weakness]:
    name = policy.quorum if cooldown_group is None else cooldown_group
    witnesses = policy.witnesses_of(name)
    if cooldown_group is not None and not witnesses:
        yield _error("no-cooldown-group", f"the policy has no group {cooldown_group}")
    elif not any(each.key.name.endswith(MIRROR) for each in witnesses):
        yield _warning(
            "no-mirror",
            "no witness of the cooldown group holds the entries: releases are"
            " committed for that time, not public",
        )


def _redundancy(policy: Policy) -> Iterator[Weakness]:
    keys = [each.key for each in policy.witnesses_of(policy.quorum)]
    operators = {operator_of(key) for key in keys}
    if keys and len(operators) < FEW_OPERATORS:
        yield _warning(
            "few-operators",
            f"with {len(operators)} operators of witnesses none may be away,"
            f" expected {FEW_OPERATORS}",
        )
    if keys and all(key.kind is Kind.ML_DSA for key in keys):
        yield _warning("only-ml-dsa", "programs without ML-DSA cannot check the quorum")


def _end(data: bytes) -> Iterator[Weakness]:
    if not data.endswith(b"\n"):
        yield _warning("no-final-newline", "expected a newline after the last line")


def _machines(policy: Policy) -> dict[str, list[VerifierKey]]:
    """Give the witness keys of each operator."""
    found: dict[str, list[VerifierKey]] = {}
    for key in policy.witness_keys:
        found.setdefault(operator_of(key), []).append(key)
    return found


def _unit(policy: Policy, member: str) -> str:
    """Name who stands behind a member: its one operator, or, of several, itself."""
    operators = {operator_of(each.key) for each in policy.witnesses_of(member)}
    return f"{operators.pop()}/" if len(operators) == 1 else member


def _is_under(policy: Policy, group: Group, tops: Collection[str | None]) -> bool:
    """Tell whether a group matters, and has more than one operator to judge."""
    inside = {each.name for each in policy.witnesses_of(group.name)}
    is_used = any(
        inside <= {each.name for each in policy.witnesses_of(top)}
        for top in tops
        if top is not None
    )
    return is_used and _unit(policy, group.name) == group.name
