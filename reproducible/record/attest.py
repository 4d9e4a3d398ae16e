"""A result becomes statements: what was found, and how the rebuilt files came about.

Only the first goes into a log. Both are in-toto statements in envelopes with one
signature each. Format: docs/formats/claims.md, docs/formats/buildinfo.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reproducible.compare.shown import shown
from reproducible.compare.verdict import Comparison, Difference, FileId
from reproducible.errors import BuildFailedError, SourceError, UnsupportedError
from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import (
    MAX_ENVELOPE_BYTES,
    SIGNATURE_BYTES,
    Envelope,
    Signature,
    Statement,
    Subject,
    format_envelope,
    format_statement,
    parse_statement,
    sign,
)
from updater.transparency.claims import parts
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import (
    MAX_DIFFERENCES,
    MAX_TOOLS,
    Environment,
    Exemption,
    RebuildClaim,
    Rebuilder,
    Stage,
    format_rebuild,
)
from updater.transparency.claims.rebuild import Comparison as Compared
from updater.transparency.entry import format_claim

LIFE_S: Final = 120 * 86_400
"""Seconds that a finding stands unless it is renewed."""

PROVENANCE: Final = "https://slsa.dev/provenance/v1"
BUILD: Final = f"{parts.BASE}build/v1"
"""The build type of a provenance: the recipe says all there is to say."""

_LONGEST: Final = 500  # characters of a text of a statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a statement says besides the comparison; times are POSIX seconds.

    Attributes:
        locks: of the toolchain, and of the bundles.
        toolchain: the wheels that built; more than 64 are left to their lock.
        report: the whole comparison, where it is published.
        log: what the build said.
        life_s: after `finished_on`, how long the statement stands; a year at most.
    """

    source: Resource
    recipe: Resource
    buildinfo: Resource
    environment: Environment
    rebuilder: Rebuilder
    started_on: int
    finished_on: int
    locks: tuple[Resource, ...] = ()
    toolchain: tuple[Resource, ...] = ()
    report: Resource | None = None
    log: Resource | None = None
    life_s: int = LIFE_S

    @property
    def tools(self) -> tuple[Resource, ...]:
        """The toolchain as far as a statement holds it."""
        return self.toolchain if len(self.toolchain) <= MAX_TOOLS else ()


def unbuilt(
    published: FileId,
    error: SourceError | UnsupportedError | BuildFailedError,
    stage: Stage,
) -> Comparison:
    """Say of a published file that there is nothing to compare it with, and why."""
    if isinstance(error, SourceError):
        return Comparison(
            verdict="different",
            method="sha256",
            published=published,
            rebuilt=None,
            differences=(Difference("source", "both", published.name, str(error)),),
            stage=stage,
        )
    return Comparison(
        verdict="unsupported"
        if isinstance(error, UnsupportedError)
        else "build-failed",
        method="sha256",
        published=published,
        rebuilt=None,
        differences=(Difference("reason", "both", error.reason, str(error)),),
        reason=error.reason,
        stage=stage,
    )


def claim_of(comparison: Comparison, facts: Facts) -> RebuildClaim:
    """Say what was found, as it is signed; `comparison.stage` is set.

    At most 50 differences, and fewer where the signed statement would exceed the 65,535
    bytes of a log's entry; the last then counts those left out.

    Raises:
        MalformedError: the facts do not make a statement that readers accept.
    """
    whole = _claim(comparison, facts)
    for most in range(MAX_DIFFERENCES, 1, -1):
        lines = _lines(comparison.differences, most) or None
        claim = replace(whole, comparison=replace(whole.comparison, differences=lines))
        if _size(claim) <= MAX_ENVELOPE_BYTES:
            format_claim(claim)  # raises what is told above
            return claim
    raise MalformedError(
        f"statement: expected at most {MAX_ENVELOPE_BYTES} bytes besides differences"
    )


def sign_claim(claim: RebuildClaim, key: Ed25519PrivateKey) -> bytes:
    """Sign a finding; gives the leaf of a log, which is also the file that is shown.

    Raises:
        MalformedError: nobody could read it.
    """
    return format_envelope(sign(format_claim(claim), [key]))


def sign_provenance(
    rebuilt: Iterable[FileId], facts: Facts, key: Ed25519PrivateKey
) -> bytes:
    """Sign how files came about (SLSA provenance v1); gives an envelope's bytes.

    Raises:
        MalformedError: there is no file, or one with a name that statements cannot say.
    """
    statement = Statement(
        PROVENANCE,
        tuple(Subject(each.name, each.sha256) for each in rebuilt),
        predicate=_provenance(facts),
    )
    payload = format_statement(statement)
    parse_statement(payload)  # what is signed cannot be taken back
    return format_envelope(sign(payload, [key]))


def format_jsonl(envelopes: Iterable[bytes]) -> bytes:
    """Write envelopes one to a line."""
    return b"".join(each + b"\n" for each in envelopes)


def _claim(comparison: Comparison, facts: Facts) -> RebuildClaim:
    """Say everything but the differences."""
    assert comparison.stage is not None
    published, rebuilt = comparison.published, comparison.rebuilt
    return RebuildClaim(
        subject=Subject(published.name, published.sha256),
        verdict=comparison.verdict,
        stage=comparison.stage,
        published=_resource(published),
        rebuilt=None if rebuilt is None else _resource(rebuilt),
        source=facts.source,
        recipe=facts.recipe,
        buildinfo=facts.buildinfo,
        environment=facts.environment,
        rebuilder=facts.rebuilder,
        comparison=Compared(
            method=comparison.method,
            exceptions=tuple(map(_exemption, comparison.exceptions)) or None,
            report=facts.report,
        ),
        started_on=facts.started_on,
        finished_on=facts.finished_on,
        expires_on=facts.finished_on + facts.life_s,
        toolchain=facts.tools or None,
    )


def _resource(file: FileId) -> Resource:
    return Resource(name=file.name, sha256=file.sha256)


def _exemption(found: Exemption) -> Exemption:
    """Cut what archives say to what a statement can hold."""
    return replace(found, entry=_text(found.entry), reason=_text(found.reason))


def _lines(differences: tuple[Difference, ...], most: int) -> tuple[str, ...]:
    """Write at most so many lines; the last says how many there are beyond."""
    if len(differences) <= most:
        return tuple(map(_line, differences))
    kept = differences[: most - 1]
    return (*map(_line, kept), f"more both {len(differences) - len(kept)}")


def _line(difference: Difference) -> str:
    detail = f": {difference.detail}" if difference.detail else ""
    return _text(f"{difference.kind} {difference.side} {difference.entry}{detail}")


def _text(foreign: str) -> str:
    """Show foreign text in what a statement has room for."""
    safe = shown(foreign[: _LONGEST + 1])
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"


def _size(claim: RebuildClaim) -> int:
    """Say how large the envelope around a claim will be, in bytes."""
    unsigned = Signature("0" * 64, bytes(SIGNATURE_BYTES))
    payload = format_statement(format_rebuild(claim))
    return len(format_envelope(Envelope(payload, (unsigned,))))


def _provenance(facts: Facts) -> dict[str, Json]:
    """Write the predicate (slsa.dev/spec/v1.0/provenance)."""
    root = facts.environment.root
    used = (facts.source, facts.recipe, *facts.locks, *facts.tools)
    made = [each for each in (facts.buildinfo, facts.log) if each is not None]
    who = facts.rebuilder
    return {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {
                "level": facts.environment.level,
                "recipe": parts.resource_json(facts.recipe),
            },
            "resolvedDependencies": [
                parts.resource_json(each)
                for each in (used if root is None else (*used, root))
            ],
        },
        "runDetails": {
            # A URI, as SLSA asks for: one machine of one operator.
            "builder": {"id": f"{parts.BASE}rebuilder/{who.operator}/{who.id}"},
            "byproducts": [parts.resource_json(each) for each in made],
            "metadata": {
                "finishedOn": shape.moment_text(facts.finished_on),
                "startedOn": shape.moment_text(facts.started_on),
            },
        },
    }
