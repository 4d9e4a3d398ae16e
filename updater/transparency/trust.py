"""Who may claim what, and how long things must have been public: trust.json.

Signers are counted by the bytes of their keys, and a key has one role. The file is
canonical JSON. Format: docs/formats/claims.md.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from updater.statement import Envelope
from updater.transparency.claims.parts import Head
from updater.transparency.entry import Entry
from updater.transparency.rebuilders import RebuildPolicy

SCHEMA: Final = "ringfence-bt-trust/1"
MAX_TRUST_BYTES: Final = 65_536  # 64 operators with 8 keys are 32 KiB

RoleName = Literal["release", "yank", "policy", "successor"]
ROLES: Final[tuple[RoleName, ...]] = ("release", "yank", "policy", "successor")


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of claim: `threshold` of these raw Ed25519 keys (32 bytes) must sign it."""

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
    raise NotImplementedError


def format_trust(trust: Trust) -> bytes:
    """Write a trust file as `parse_trust` reads it."""
    raise NotImplementedError


def check_role(trust: Trust, name: RoleName, envelope: Envelope) -> frozenset[bytes]:
    """Check that enough keys of a role signed, and give them.

    Raises:
        SignatureError: a signature of a key of the role is wrong, or none is there.
        QuorumError: too few of the role's keys signed.
    """
    raise NotImplementedError


def check_entry(trust: Trust, entry: Entry) -> None:
    """Check that those who signed an entry may claim what it says of the project.

    A rebuild needs the key of an operator, and the operator's own name in it. A yank
    and an objection are not disarmed by an illegible name or package.

    Raises:
        SignatureError: a signature is wrong, foreign, or another operator's.
        QuorumError: too few keys of the role signed.
        RefusedError: it speaks of another project.
    """
    raise NotImplementedError
