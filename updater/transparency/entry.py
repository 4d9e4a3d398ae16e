"""The entries of a log: signed claims of five kinds, and what else may stand there.

Strict to grant, lenient to restrict: `parse_entry` is what may be appended, whole in
every part. `read_entry` is what a reader takes out of a log that others wrote: yanks
and negative rebuilds count by less, and what nobody can make out is a value too, kept
and counted and without effect. Neither checks a signature: who may claim what is in
`trust`. Format: docs/formats/claims.md.
"""

from dataclasses import dataclass, field
from typing import assert_never

from updater.errors import MalformedError
from updater.statement import Envelope
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import Objection, RebuildClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.claims.yank import YankClaim

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
    raise NotImplementedError


def read_entry(leaf: bytes) -> Entry | Unknown | Garbage:
    """Read a leaf of a log, whatever it is; never raises for what a leaf may hold."""
    raise NotImplementedError


def format_claim(claim: WholeClaim) -> bytes:
    """Write a claim as the payload to sign (`statement.sign`).

    Raises:
        MalformedError: nobody could read the claim; its parts are wrong or disagree.
    """
    raise NotImplementedError
