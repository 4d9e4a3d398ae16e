"""Rebuild statements and a rebuild policy become met, short or vetoed.

Pure, and no network: statements are static files and log entries, so no rebuilder
learns who updates.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from updater.errors import LimitError, MalformedError, SignatureError
from updater.statement import (
    MAX_ENVELOPE_BYTES,
    PAYLOAD_TYPE,
    Envelope,
    parse_envelope,
    verify,
)
from updater.transparency.claims.rebuild import Objection, RebuildClaim
from updater.transparency.entry import Entry, Garbage, read_opened
from updater.transparency.rebuilders import STAGE, Operator, RebuildPolicy

MAX_ENTRIES: Final = 1024  # 64 operators with some machines each, and corrections

_LEEWAY_S: Final = 300  # clocks of honest rebuilders differ by minutes
_DAY_S: Final = 86_400

Outcome = Literal["met", "short", "vetoed"]

Reason = Literal[
    "oversize", "not-canonical", "bad-type", "not-one-signature", "unknown-signer",
    "bad-signature", "malformed", "wrong-operator", "other-subject", "other-stage",
    "not-logged", "future",  # not looked at any further
    "publisher", "no-vote", "superseded", "expired", "too-old", "level", "negative",
]  # fmt: skip
"""Why a statement was not counted."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A statement that did not count for an install.

    Attributes:
        reason: why.
        index: its index in the log, None if it is not known to be logged.
        operator: whose it is, None where that is not sure.
    """

    reason: Reason
    index: int | None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """A kind of machine: architecture, and SHA-256 of a locked root or None.

    Hosts without a locked root are one environment per architecture, since nothing
    proves that they differ.
    """

    arch: str
    root: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rebuilds of a file come to.

    Attributes:
        outcome: `vetoed` blocks always, `short` where the policy is enforced.
        counted: operators who got the same bytes, by name, sorted.
        vetoes: operators who got other bytes.
        uncounted: every other statement, and why.
        environments: those of the counted.
        policy: what was asked for.
    """

    outcome: Outcome
    counted: tuple[str, ...]
    vetoes: tuple[str, ...]
    uncounted: tuple[Uncounted, ...]
    environments: frozenset[Environment]
    policy: RebuildPolicy = field(repr=False)

    @property
    def blocks(self) -> bool:
        """Whether the file must not be installed."""
        return self.outcome == "vetoed" or (
            self.outcome == "short" and self.policy.is_enforced
        )


def evaluate(
    policy: RebuildPolicy,
    sha256: str,
    entries: Collection[tuple[bytes, int | None]],
    now: float,
) -> Decision:
    """Judge a file by the rebuild statements about it.

    Args:
        policy: who counts, perhaps `tightened` by the user.
        sha256: of the file, lower hexadecimal.
        entries: leaves as they came, each with its index in the log, or None where no
            proof of inclusion held. At most 1,024.
        now: POSIX seconds.

    Raises:
        LimitError: too many entries.
    """
    if len(entries) > MAX_ENTRIES:
        raise LimitError(
            f"rebuilds: expected at most {MAX_ENTRIES} statements, came {len(entries)}"
        )
    votes: list[_Vote] = []
    uncounted: list[Uncounted] = []
    for leaf, index in _first_places(entries).items():
        try:
            votes.append(_vote(policy, sha256, leaf, index=index, now=now))
        except _UncountedError as error:
            uncounted.append(Uncounted(error.reason, index, error.operator))
    standing = [vote for vote in votes if not _is_superseded(vote, votes, now)]
    vetoes = {vote.operator for vote in standing if vote.positive is None}
    counted: dict[str, set[Environment]] = {}
    for vote in votes:
        worth = _worth(policy, vote, vetoes, now) if vote in standing else "superseded"
        if isinstance(worth, Environment):
            counted.setdefault(vote.operator, set()).add(worth)
        else:
            uncounted.append(Uncounted(worth, vote.index, vote.operator))
    environments = frozenset[Environment]().union(*counted.values())
    if len(vetoes) >= policy.veto_quorum:
        outcome: Outcome = "vetoed"
    elif (
        len(counted) >= policy.threshold
        and len(environments) >= policy.min_environments
    ):
        outcome = "met"
    else:
        outcome = "short"
    return Decision(
        outcome=outcome,
        counted=tuple(sorted(counted)),
        vetoes=tuple(sorted(vetoes)),
        uncounted=tuple(uncounted),
        environments=environments,
        policy=policy,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vote:
    """A logged statement of an independent operator about the file.

    `rebuilder` None is any machine of the operator's; `positive` None is a no.
    """

    operator: str
    rebuilder: str | None
    index: int
    finished_on: int | None
    positive: RebuildClaim | None


class _UncountedError(Exception):
    """A statement is set aside, for a reason; the operator is named once it is sure."""

    def __init__(self, reason: Reason, operator: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.operator = operator


def _first_places(
    entries: Collection[tuple[bytes, int | None]],
) -> dict[bytes, int | None]:
    """Give each leaf once, where it was logged first.

    Anybody can append a copy of an old leaf: at its last place, a statement that was
    taken back would be the newest again.
    """
    places: dict[bytes, int | None] = {}
    for leaf, index in entries:
        known = places.get(leaf)
        if known is None or (index is not None and index < known):
            places[leaf] = index
    return places


def _vote(
    policy: RebuildPolicy, sha256: str, leaf: bytes, *, index: int | None, now: float
) -> _Vote:
    envelope = _envelope(leaf)
    owner = _signer(policy, envelope)
    claim = _claim(envelope, leaf, owner)
    if claim.subject.sha256 != sha256:
        raise _UncountedError("other-subject", owner.name)
    # Strict to grant, lenient to restrict: a no needs neither stage nor time.
    grant = claim if isinstance(claim, RebuildClaim) and not claim.is_negative else None
    if grant is not None and grant.stage != STAGE:
        raise _UncountedError("other-stage", owner.name)
    if index is None:
        raise _UncountedError("not-logged", owner.name)
    if grant is not None and grant.finished_on > now + _LEEWAY_S:
        raise _UncountedError("future", owner.name)
    if owner.is_publisher:
        raise _UncountedError("publisher", owner.name)
    if grant is not None and grant.verdict != "identical":
        raise _UncountedError("no-vote", owner.name)
    return _Vote(
        operator=owner.name,
        rebuilder=_machine(claim),
        index=index,
        finished_on=claim.finished_on,
        positive=grant,
    )


def _envelope(leaf: bytes) -> Envelope:
    if len(leaf) > MAX_ENVELOPE_BYTES:
        raise _UncountedError("oversize")
    try:
        envelope = parse_envelope(leaf)
    except MalformedError:
        raise _UncountedError("not-canonical") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise _UncountedError("bad-type")
    if len(envelope.signatures) != 1:
        raise _UncountedError("not-one-signature")
    return envelope


def _signer(policy: RebuildPolicy, envelope: Envelope) -> Operator:
    owner = policy.owner(envelope.signatures[0].keyid)
    if owner is None:
        raise _UncountedError("unknown-signer")
    try:
        verify(envelope, owner.keys)
    except SignatureError:
        raise _UncountedError("bad-signature") from None
    return owner


def _claim(
    envelope: Envelope, leaf: bytes, owner: Operator
) -> RebuildClaim | Objection:
    match read_opened(envelope, leaf):
        case Entry(claim=RebuildClaim() as claim):
            said: str | None = claim.rebuilder.operator
        case Entry(claim=Objection() as claim):
            said = claim.operator
        case Garbage():
            raise _UncountedError("malformed", owner.name)
        case _:
            raise _UncountedError("bad-type", owner.name)
    if said not in {owner.name, None}:
        raise _UncountedError("wrong-operator", owner.name)
    return claim


def _machine(claim: RebuildClaim | Objection) -> str | None:
    return claim.rebuilder if isinstance(claim, Objection) else claim.rebuilder.id


def _is_superseded(vote: _Vote, votes: list[_Vote], now: float) -> bool:
    """Tell whether its operator has said something else since, of the same machine."""
    return any(
        later.operator == vote.operator
        and later.index > vote.index
        and vote.rebuilder in {None, later.rebuilder}
        and not _is_stale(later, vote, now)
        for later in votes
    )


def _is_stale(later: _Vote, vote: _Vote, now: float) -> bool:
    """Tell whether a yes that was logged after a no was made before it.

    Whoever runs the log chooses when a statement gets in: held back, an old yes would
    take back a newer no. A no that claims to come from the future says nothing here.
    """
    return (
        vote.positive is None
        and later.positive is not None
        and vote.finished_on is not None
        and later.positive.finished_on < vote.finished_on <= now + _LEEWAY_S
    )


def _worth(
    policy: RebuildPolicy, vote: _Vote, vetoes: Collection[str], now: float
) -> Environment | Reason:
    """Say where a standing yes was built, or why it does not count."""
    claim = vote.positive
    if claim is None or vote.operator in vetoes:
        return "negative"
    if now >= claim.expires_on:
        return "expired"
    if now > claim.finished_on + policy.max_age_days * _DAY_S:
        return "too-old"
    if claim.environment.level < policy.min_level:
        return "level"
    root = claim.environment.root
    return Environment(claim.environment.arch, None if root is None else root.sha256)
