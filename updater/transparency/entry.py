"""The entries of a log: signed claims of five kinds, and what else may stand there.

Strict to grant, lenient to restrict: `parse_entry` is what may be appended, whole in
every part. `read_entry` is what a reader takes out of a log that others wrote: yanks
and negative rebuilds count by less, and what nobody can make out is a value too, kept
and counted and without effect. Neither checks a signature: who may claim what is in
`trust`. Format: docs/formats/claims.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

from updater.errors import MalformedError
from updater.statement import (
    PAYLOAD_TYPE,
    Envelope,
    Statement,
    format_statement,
    parse_envelope,
    parse_statement,
    read_statement,
)
from updater.transparency.claims import policy, rebuild, release, successor, yank
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import Objection, RebuildClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.claims.yank import YankClaim
from updater.transparency.merkle import hash_leaf

Claim = (
    ReleaseClaim | RebuildClaim | Objection | YankClaim | PolicyClaim | SuccessorClaim
)
"""What a reader may find; `Objection` is a negative rebuild that is not whole."""

WholeClaim = ReleaseClaim | RebuildClaim | YankClaim | PolicyClaim | SuccessorClaim
"""What can be written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim and the envelope it came in, whose signatures nobody has checked yet.

    Attributes:
        leaf_hash: of the leaf's bytes as they came (RFC 6962), 32 bytes.
    """

    claim: Claim
    envelope: Envelope = field(repr=False)
    leaf_hash: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Unknown:
    """An entry of another predicate type: of a later version, or of somebody else."""

    predicate_type: str
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Garbage:
    """An entry that is no claim, and why."""

    reason: str
    leaf_hash: bytes


def parse_entry(leaf: bytes) -> Entry:
    """Read a leaf that is whole in every part: what may be appended.

    Raises:
        MalformedError: it is not an envelope or its claim is not as its kind is
            written, is of an unknown kind, or has too many or no signatures.
    """
    envelope = _envelope(leaf)
    return _entry(_whole(envelope.payload), envelope, leaf)


def read_entry(leaf: bytes) -> Entry | Unknown | Garbage:
    """Read a leaf of a log, whatever it is; never raises for what a leaf may hold."""
    try:
        envelope = _envelope(leaf)
    except MalformedError as error:
        return Garbage(str(error), hash_leaf(leaf))
    return read_opened(envelope, leaf)


def read_opened(envelope: Envelope, leaf: bytes) -> Entry | Unknown | Garbage:
    """Read a leaf whose envelope was parsed already, as `read_entry` does."""
    try:
        claim = _legible(envelope.payload)
        if isinstance(claim, str):
            return Unknown(claim, hash_leaf(leaf))
        return _entry(claim, envelope, leaf)
    except MalformedError as error:
        return Garbage(str(error), hash_leaf(leaf))


def format_claim(claim: WholeClaim) -> bytes:
    """Write a claim as the payload to sign (`statement.sign`).

    Raises:
        MalformedError: nobody could read the claim; its parts are wrong or disagree.
    """
    match claim:
        case ReleaseClaim():
            statement = release.format_release(claim)
        case RebuildClaim():
            statement = rebuild.format_rebuild(claim)
        case YankClaim():
            statement = yank.format_yank(claim)
        case PolicyClaim():
            statement = policy.format_policy(claim)
        case SuccessorClaim():
            statement = successor.format_successor(claim)
        case _:
            assert_never(claim)
    payload = format_statement(statement)
    # What is signed cannot be taken back, so it is read first as everybody will.
    _whole(payload)
    return payload


def _envelope(leaf: bytes) -> Envelope:
    envelope = parse_envelope(leaf)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise MalformedError(
            f"payloadType: expected {PAYLOAD_TYPE}, came {envelope.payload_type!r}"
        )
    return envelope


def _entry(claim: Claim, envelope: Envelope, leaf: bytes) -> Entry:
    count = len(envelope.signatures)
    if isinstance(claim, RebuildClaim | Objection) and count != 1:
        # One statement, one operator: two together would need a rule on who said it.
        raise MalformedError(f"signatures: expected exactly one, came {count}")
    if count == 0:
        raise MalformedError("signatures: expected at least one, came none")
    return Entry(claim, envelope, leaf_hash=hash_leaf(leaf))


def _whole(payload: bytes) -> WholeClaim:
    statement = parse_statement(payload)
    try:
        parse = _PARSERS[statement.predicate_type]
    except KeyError:
        raise MalformedError(
            f"claim: expected a known type, came {statement.predicate_type!r}"
        ) from None
    return parse(statement)


def _legible(payload: bytes) -> Claim | str:
    """Read a claim whole, or of one that restricts at least what it restricts.

    Of a statement that is no claim, its predicate type is given.
    """
    try:
        return _whole(payload)
    except MalformedError as error:
        statement = read_statement(payload)
        if statement.predicate_type not in _PARSERS:
            return statement.predicate_type
        restricting = _RESTRICTING.get(statement.predicate_type)
        if restricting is None:
            raise
        try:
            return restricting(statement)
        except MalformedError:
            raise error from None


_PARSERS: Final[dict[str, Callable[[Statement], WholeClaim]]] = {
    release.TYPE: release.parse_release,
    rebuild.TYPE: rebuild.parse_rebuild,
    yank.TYPE: yank.parse_yank,
    policy.TYPE: policy.parse_policy,
    successor.TYPE: successor.parse_successor,
}

_RESTRICTING: Final[dict[str, Callable[[Statement], Claim]]] = {
    rebuild.TYPE: rebuild.read_objection,
    yank.TYPE: yank.read_yank,
}
