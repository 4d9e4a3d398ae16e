"""A successor: the log goes on elsewhere, under another origin and key.

The last entry of a log. Its subject is the new origin, by the SHA-256 of the new log's
first key text. Format: docs/formats/claims.md.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, cast

from updater import shape
from updater.errors import MalformedError
from updater.statement import Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Head

TYPE: Final = f"{BASE}successor/v1"

Reason = Literal["key-compromise", "log-damaged", "scheduled"]

_KEYS: Final = 2  # Ed25519, and ML-DSA-44 where the log signs with both


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
    raise NotImplementedError


def format_successor(claim: SuccessorClaim) -> Statement:
    """Write a successor as `parse_successor` reads it."""
    first = hashlib.sha256(claim.vkeys[0].encode()).hexdigest()
    return Statement(
        TYPE,
        (Subject(claim.origin, first),),
        predicate={
            "floor": parts.head_json(claim.floor),
            "notBefore": shape.moment_text(claim.not_before),
            "purl": claim.project,
            "reason": claim.reason,
            "vkeys": list(claim.vkeys),
        },
    )
