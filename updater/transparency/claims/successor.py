"""A successor: the log goes on elsewhere, under another origin and key.

The last entry of a log. Its subject is the new origin, by the SHA-256 of the new log's
first key text. Format: docs/formats/claims.md.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from updater import shape
from updater.errors import MalformedError
from updater.statement import Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Head
from updater.transparency.key import Kind, parse_vkey

TYPE: Final = f"{BASE}successor/v1"

Reason = Literal["key-compromise", "log-damaged", "scheduled"]

_KINDS: Final = (Kind.LOG, Kind.ML_DSA)  # the first is a must, the second may be
_VKEY: Final = re.compile(r"[!-*,-~]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44,1752}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessorClaim:
    """This log is followed by another.

    Attributes:
        project: package URL without a version.
        origin: of the new log.
        vkeys: its one or two keys, as `name+hash+key`, the name being the origin.
        floor: the new log's head from which it is followed.
        not_before: when it counts at the earliest, POSIX seconds.
        reason: why.
    """

    project: str
    origin: str
    vkeys: tuple[str, ...]
    floor: Head
    not_before: int
    reason: Reason


def parse_successor(statement: Statement) -> SuccessorClaim:
    """Read a successor out of a statement of its type.

    Raises:
        MalformedError: a field is missing, wrong or one too many, or the keys, the
            floor and the subject do not speak of one log.
    """
    said = shape.record(
        statement.predicate,
        "successor",
        ("floor", "notBefore", "purl", "reason", "vkeys"),
    )
    listed = shape.items(said["vkeys"], "vkeys", least=1, most=len(_KINDS))
    vkeys = tuple(shape.text(each, "vkey", _VKEY) for each in listed)
    reason = shape.one_of(
        said["reason"], "reason", "key-compromise", "log-damaged", "scheduled"
    )
    claim = SuccessorClaim(
        project=shape.text(said["purl"], "purl", parts.PURL),
        origin=statement.subject[0].name,
        vkeys=vkeys,
        floor=parts.head(said["floor"], "floor"),
        not_before=shape.moment(said["notBefore"], "notBefore"),
        reason=cast("Reason", reason),  # `one_of` has looked
    )
    _check_log(claim)
    if statement.subject != _subject(claim):
        raise MalformedError("subject: expected the SHA-256 of the first key alone")
    return claim


def _check_log(claim: SuccessorClaim) -> None:
    """Hold the keys and the floor to the one new log."""
    keys = [parse_vkey(each) for each in claim.vkeys]
    if tuple(key.kind for key in keys) != _KINDS[: len(keys)]:
        raise MalformedError(
            "vkeys: expected an Ed25519 log key, then an ML-DSA-44 one"
        )
    for name in (*(key.name for key in keys), claim.floor.origin):
        if name != claim.origin:
            raise MalformedError(
                f"successor: expected all of {claim.origin!r}, came {name!r}"
            )


def _subject(claim: SuccessorClaim) -> tuple[Subject, ...]:
    first = hashlib.sha256(claim.vkeys[0].encode()).hexdigest()
    return (Subject(claim.origin, first),)


def format_successor(claim: SuccessorClaim) -> Statement:
    """Write a successor as `parse_successor` reads it."""
    return Statement(
        TYPE,
        _subject(claim),
        predicate={
            "floor": parts.head_json(claim.floor),
            "notBefore": shape.moment_text(claim.not_before),
            "purl": claim.project,
            "reason": claim.reason,
            "vkeys": list(claim.vkeys),
        },
    )
