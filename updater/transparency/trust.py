"""Who may claim what, and how long things must have been public: trust.json.

Signers are counted by the bytes of their keys, and a key has one role. The file is
canonical JSON. Format: docs/formats/claims.md.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from updater import shape
from updater.errors import (
    MalformedError,
    QuorumError,
    RefusedError,
    SignatureError,
)
from updater.jcs import Json, parse_canonical, write
from updater.statement import KEY_BYTES, MAX_SIGNATURES, Envelope, verify
from updater.transparency.claims import parts
from updater.transparency.claims.parts import Head
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import Objection, RebuildClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.claims.yank import YankClaim
from updater.transparency.entry import Entry
from updater.transparency.rebuilders import (
    RebuildPolicy,
    rebuild_policy,
    rebuild_policy_json,
)

SCHEMA: Final = "ringfence-bt-trust/1"
MAX_TRUST_BYTES: Final = 65_536  # 64 operators with 8 keys are 32 KiB

MAX_KEYS: Final = 32  # of a role; a threshold of 8 with some to lose
MAX_CLOSED_LOGS: Final = 64  # a log a year lasts for some time

# Ninety days: waiting longer than that for an update would be no protection any more,
# and a checkpoint as old as that proves nothing.
_LONGEST_S: Final = 90 * 86_400
_LONGEST_SECURITY_S: Final = 86_400
_GROUP: Final = re.compile("[!-*,-~]{1,200}")

RoleName = Literal["release", "yank", "policy", "successor"]
ROLES: Final[tuple[RoleName, ...]] = ("release", "yank", "policy", "successor")


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of claim: `threshold` of these raw Ed25519 keys must sign it."""

    threshold: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may claim what of one project; all times in seconds.

    Attributes:
        project: package URL without a version.
        roles: by the name of the kind of claim.
        rebuilders: whose rebuilds count.
        cooldown_group: the witnesses whose first look begins a cooldown; None: quorum.
        cooldown_normal_s: how long a release must have been public before an install.
        cooldown_security_s: the same for a security release.
        fresh_warn_s: from this age of the latest checkpoint on, warn.
        fresh_refuse_s: from this age on, install nothing.
        policy_delay_s: how long new trust files must have been public.
        requires_sigstore: whether a release needs a Sigstore bundle too.
        closed_logs: the last heads of logs that were succeeded.
    """

    project: str
    roles: dict[RoleName, Role]
    rebuilders: RebuildPolicy
    cooldown_group: str | None
    cooldown_normal_s: int
    cooldown_security_s: int
    fresh_warn_s: int
    fresh_refuse_s: int
    policy_delay_s: int
    requires_sigstore: bool
    closed_logs: tuple[Head, ...] = field(default=())

    def cooldown_s(self, severity: Literal["normal", "security"]) -> int:
        """Say how long a release of this severity must have been public."""
        return (
            self.cooldown_security_s
            if severity == "security"
            else self.cooldown_normal_s
        )

    def closed_at(self, origin: str) -> Head | None:
        """Give the last head of a log, None if it goes on."""
        return next((each for each in self.closed_logs if each.origin == origin), None)


def parse_trust(data: bytes) -> Trust:
    """Read trust.json, canonical, at most 65,536 bytes.

    Raises:
        MalformedError: anything else; or a key has two roles or two operators.
    """
    said = shape.record(
        parse_canonical(data, most=MAX_TRUST_BYTES),
        "trust",
        (
            "closedLogs",
            "cooldownGroup",
            "cooldownSeconds",
            "freshnessSeconds",
            "policyDelaySeconds",
            "project",
            "rebuilders",
            "requireSigstore",
            "roles",
            "schema",
        ),
    )
    shape.one_of(said["schema"], "schema", SCHEMA)
    roles = shape.record(said["roles"], "roles", ROLES)
    normal, security = _times(
        said["cooldownSeconds"], "cooldownSeconds", "normal", "security"
    )
    warn, refuse = _times(
        said["freshnessSeconds"], "freshnessSeconds", "warn", "refuse"
    )
    group = said["cooldownGroup"]
    listed = shape.items(said["closedLogs"], "closedLogs", most=MAX_CLOSED_LOGS)
    trust = Trust(
        project=shape.text(said["project"], "project", parts.PURL),
        roles={name: _role(roles[name], name) for name in ROLES},
        rebuilders=rebuild_policy(said["rebuilders"]),
        cooldown_group=(
            None if group is None else shape.text(group, "cooldownGroup", _GROUP)
        ),
        cooldown_normal_s=normal,
        cooldown_security_s=security,
        fresh_warn_s=warn,
        fresh_refuse_s=refuse,
        policy_delay_s=shape.integer(
            said["policyDelaySeconds"], "policyDelaySeconds", most=_LONGEST_S
        ),
        requires_sigstore=shape.flag(said["requireSigstore"], "requireSigstore"),
        closed_logs=tuple(parts.head(each, "closedLogs") for each in listed),
    )
    _check(trust)
    return trust


def _times(value: Json, where: str, *names: str) -> list[int]:
    said = shape.record(value, where, names)
    return [
        shape.integer(said[name], f"{where} {name}", most=_LONGEST_S) for name in names
    ]


def _role(value: Json, name: str) -> Role:
    role = shape.record(value, name, ("keys", "threshold"))
    keys = shape.items(role["keys"], f"{name} keys", most=MAX_KEYS)
    return Role(
        shape.integer(
            role["threshold"], f"{name} threshold", least=1, most=MAX_SIGNATURES
        ),
        tuple(shape.unbase64(key, f"{name} key", size=KEY_BYTES) for key in keys),
    )


def _check(trust: Trust) -> None:
    """Hold the parts of a trust file to each other."""
    keys = [key for role in trust.roles.values() for key in role.keys]
    keys += trust.rebuilders.keys
    # Whoever steals one key would otherwise hold two offices.
    if len(set(keys)) != len(keys):
        raise MalformedError("trust: expected each key in one role, once")
    for name, role in trust.roles.items():
        # Without any key the role is vacant, which a project may well want.
        if role.keys and len(role.keys) < role.threshold:
            raise MalformedError(
                f"{name}: expected at least {role.threshold} keys, "
                f"came {len(role.keys)}"
            )
    if trust.cooldown_security_s > min(_LONGEST_SECURITY_S, trust.cooldown_normal_s):
        raise MalformedError(
            "cooldownSeconds: expected security within a day and within normal, "
            f"came {trust.cooldown_security_s}"
        )
    if trust.fresh_warn_s > trust.fresh_refuse_s:
        raise MalformedError("freshnessSeconds: expected warn not after refuse")
    origins = [each.origin for each in trust.closed_logs]
    if len(set(origins)) != len(origins):
        raise MalformedError("closedLogs: expected each origin once")


def format_trust(trust: Trust) -> bytes:
    """Write a trust file as `parse_trust` reads it."""
    return write(
        {
            "closedLogs": [parts.head_json(each) for each in trust.closed_logs],
            "cooldownGroup": trust.cooldown_group,
            "cooldownSeconds": {
                "normal": trust.cooldown_normal_s,
                "security": trust.cooldown_security_s,
            },
            "freshnessSeconds": {
                "refuse": trust.fresh_refuse_s,
                "warn": trust.fresh_warn_s,
            },
            "policyDelaySeconds": trust.policy_delay_s,
            "project": trust.project,
            "rebuilders": rebuild_policy_json(trust.rebuilders),
            "requireSigstore": trust.requires_sigstore,
            "roles": {
                name: {
                    "keys": [shape.base64_text(key) for key in role.keys],
                    "threshold": role.threshold,
                }
                for name, role in trust.roles.items()
            },
            "schema": SCHEMA,
        }
    )


def check_role(trust: Trust, name: RoleName, envelope: Envelope) -> frozenset[bytes]:
    """Check that enough keys of a role signed, and give them.

    Raises:
        SignatureError: a signature of a key of the role is wrong, or none is there.
        QuorumError: too few of the role's keys signed.
    """
    role = trust.roles[name]
    signers = verify(envelope, role.keys)
    if len(signers) < role.threshold:
        raise QuorumError(
            f"quorum not met: {len(signers)} of {len(role.keys)} keys of the role "
            f"{name!r} signed, it asks for {role.threshold}"
        )
    return signers


def check_entry(trust: Trust, entry: Entry) -> None:
    """Check that those who signed an entry may claim what it says of the project.

    A rebuild needs the key of an operator, and the operator's own name in it. A yank
    and an objection are not disarmed by an illegible name or package.

    Raises:
        SignatureError: a signature is wrong, foreign, or another operator's.
        QuorumError: too few keys of the role signed.
        RefusedError: it speaks of another project.
    """
    match entry.claim:
        case ReleaseClaim(project=project):
            name: RoleName = "release"
        case PolicyClaim(project=project):
            name = "policy"
        case SuccessorClaim(project=project):
            name = "successor"
        case YankClaim():
            # It names a leaf of this log, whatever package it says.
            name, project = "yank", trust.project
        case RebuildClaim(rebuilder=rebuilder):
            _check_operator(trust, rebuilder.operator, entry.envelope)
            return
        case Objection(operator=operator):
            _check_operator(trust, operator, entry.envelope)
            return
        case _:
            assert_never(entry.claim)
    if project != trust.project:
        raise RefusedError(
            f"expected a claim about {trust.project}, came one about {project}"
        )
    check_role(trust, name, entry.envelope)


def _check_operator(trust: Trust, said: str | None, envelope: Envelope) -> None:
    verify(envelope, trust.rebuilders.keys)
    owner = trust.rebuilders.owner(envelope.signatures[0].keyid)
    # An entry has exactly one signature here, and `verify` has found its owner.
    assert owner is not None
    if said not in {owner.name, None}:
        raise SignatureError(
            f"expected a statement of {owner.name!r}, whose key signed it, "
            f"came one of {said!r}"
        )
