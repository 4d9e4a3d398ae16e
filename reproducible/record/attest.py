"""A result becomes statements: what was found, and how the rebuilt files came about.

Only the first goes into a log. Both are in-toto statements in envelopes with one
signature each. Format: docs/formats/claims.md, docs/formats/buildinfo.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reproducible.compare.verdict import Comparison, FileId
from reproducible.errors import BuildFailedError, SourceError, UnsupportedError
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import (
    Environment,
    RebuildClaim,
    Rebuilder,
    Stage,
)

LIFE_S: Final = 120 * 86_400
"""Seconds that a finding stands unless it is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a statement says besides the comparison; times are POSIX seconds.

    Attributes:
        toolchain: the wheels that built; more than 64 are left to the buildinfo.
        report: the whole comparison, where it is published.
        life_s: after `finished_on`, how long the statement stands; a year at most.
    """

    source: Resource
    recipe: Resource
    buildinfo: Resource
    environment: Environment
    rebuilder: Rebuilder
    started_on: int
    finished_on: int
    toolchain: tuple[Resource, ...] = ()
    report: Resource | None = None
    life_s: int = LIFE_S


def unbuilt(
    published: FileId,
    error: SourceError | UnsupportedError | BuildFailedError,
    stage: Stage,
) -> Comparison:
    """Say of a published file that there is nothing to compare it with, and why."""
    raise NotImplementedError


def claim_of(comparison: Comparison, facts: Facts) -> RebuildClaim:
    """Say what was found, as it is signed; `comparison.stage` is set.

    At most 50 differences, and fewer where the signed statement would exceed the 65,535
    bytes of a log's entry; the last then counts those left out.

    Raises:
        MalformedError: the facts do not make a statement that readers accept.
    """
    raise NotImplementedError


def sign_claim(claim: RebuildClaim, key: Ed25519PrivateKey) -> bytes:
    """Sign a finding; gives the leaf of a log, which is also the file that is shown."""
    raise NotImplementedError


def sign_provenance(
    rebuilt: Iterable[FileId], level: int, facts: Facts, key: Ed25519PrivateKey
) -> bytes:
    """Sign how files came about (SLSA provenance v1); gives an envelope's bytes."""
    raise NotImplementedError


def format_jsonl(envelopes: Iterable[bytes]) -> bytes:
    """Write envelopes one to a line."""
    raise NotImplementedError
