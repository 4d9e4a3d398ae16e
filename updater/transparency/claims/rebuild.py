"""A rebuild: somebody built a release again, and says what came out.

The statement's one subject is the **published** file. A verdict of `identical` or one
that is silent counts only in its whole form; a negative one restricts, so a reader is
warned by less (`Objection`): the file and the verdict. Format: docs/formats/claims.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, cast

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import FILE, Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Resource

TYPE: Final = f"{BASE}rebuild/v1"

Verdict = Literal[
    "identical", "identical-with-exceptions", "different", "build-failed", "unsupported"
]
Stage = Literal["git-to-sdist", "git-to-wheel", "sdist-to-wheel", "git-to-bundle"]
Method = Literal["sha256", "patch-proof/1"]

VERDICTS: Final = (
    "identical",
    "identical-with-exceptions",
    "different",
    "build-failed",
    "unsupported",
)
STAGES: Final = ("git-to-sdist", "git-to-wheel", "sdist-to-wheel", "git-to-bundle")
NEGATIVE: Final = ("different", "identical-with-exceptions")
"""The verdicts by which the published bytes are not what the source gives."""

FIELDS: Final = (
    "gzip.deflate",
    "gzip.mtime",
    "gzip.name",
    "gzip.os",
    "tar.mode",
    "tar.mtime",
    "tar.owner",
    "zip.create",
    "zip.date_time",
    "zip.external_attr",
)
"""The header fields of archives in which an exception may lie."""

MAX_TOOLS: Final = 64
MAX_EXCEPTIONS: Final = 64
MAX_DIFFERENCES: Final = 50
MAX_LIFE_S: Final = 365 * 86_400  # what nobody repeats within a year counts no more

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it was built.

    Attributes:
        arch: of the processor.
        level: how closed the sandbox was, 0 to 2.
        root: the locked system that it ran on, with level 2 and no other.
    """

    arch: str
    level: int
    root: Resource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilder:
    """Who built: one machine or account (`id`) of an operator, with which tool."""

    id: str
    operator: str
    tool: Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Header fields that were copied from the published file to make it identical."""

    field: str
    count: int
    entry: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How published and rebuilt file were compared; None where nothing was said.

    Attributes:
        differences: each `CLASS SIDE ENTRY`, perhaps with `: DETAIL`.
    """

    method: Method
    exceptions: tuple[Exemption, ...] | None = None
    differences: tuple[str, ...] | None = None
    report: Resource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildClaim:
    """What came out when a release was built again; times are POSIX seconds."""

    subject: Subject
    verdict: Verdict
    stage: Stage
    published: Resource
    rebuilt: Resource | None
    source: Resource
    recipe: Resource
    buildinfo: Resource
    environment: Environment
    rebuilder: Rebuilder
    comparison: Comparison
    started_on: int
    finished_on: int
    expires_on: int
    toolchain: tuple[Resource, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A negative rebuild of which only this could be read.

    Attributes:
        subject: the published file.
        verdict: one of `NEGATIVE`.
        operator: who says so, None if that is illegible.
        rebuilder: on which machine; None stands for all of the operator's.
        finished_on: POSIX seconds, None if illegible.
    """

    subject: Subject
    verdict: Verdict
    operator: str | None
    rebuilder: str | None
    finished_on: int | None


def parse_rebuild(statement: Statement) -> RebuildClaim:
    """Read the whole form out of a statement of its type.

    Raises:
        MalformedError: a field is missing, wrong or one too many, or they disagree.
    """
    claim = _fields(statement)
    _check_verdict(claim)
    if (claim.environment.level == 2) != (claim.environment.root is not None):
        raise MalformedError(
            "environment: expected a root with level 2, and only there"
        )
    if not (
        claim.started_on <= claim.finished_on < claim.expires_on
        and claim.expires_on <= claim.finished_on + MAX_LIFE_S
    ):
        raise MalformedError(
            "times: expected a start, an end not before it, and an expiry within a year"
        )
    return claim


def read_rebuild(statement: Statement) -> RebuildClaim | Objection:
    """Read a rebuild, and of a negative one at least its objection.

    Raises:
        MalformedError: it is neither.
    """
    try:
        return parse_rebuild(statement)
    except MalformedError:
        if statement.predicate.get("verdict") not in NEGATIVE:
            raise
    return _objection(statement)


def _objection(statement: Statement) -> Objection:
    said = shape.fields(statement.predicate, "rebuild", ("published", "verdict"))
    published = shape.fields(said["published"], "published", ("digest",))
    digest = shape.fields(published["digest"], "published digest", ("sha256",))
    subject = _only(statement.subject)
    if digest["sha256"] != subject.sha256:
        raise MalformedError("published: expected the digest of the subject")
    verdict = shape.one_of(said["verdict"], "verdict", *NEGATIVE)
    who = said.get("rebuilder")
    rebuilder = who if isinstance(who, dict) else {}
    return Objection(
        subject=subject,
        verdict=cast("Verdict", verdict),  # `one_of` has looked
        operator=_legible(lambda: _operator(rebuilder.get("operator"))),
        rebuilder=_legible(lambda: _machine(rebuilder.get("id"))),
        finished_on=_legible(
            lambda: shape.moment(said.get("finishedOn"), "finishedOn")
        ),
    )


def _legible(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except MalformedError:
        return None


def _only(subject: tuple[Subject, ...]) -> Subject:
    if len(subject) != 1:
        raise MalformedError(f"subject: expected one file, came {len(subject)}")
    return subject[0]


def _operator(value: Json) -> str:
    return shape.text(value, "operator", parts.WORD)


def _machine(value: Json) -> str:
    return shape.text(value, "id", FILE)


def _fields(statement: Statement) -> RebuildClaim:
    said = shape.record(
        statement.predicate,
        "rebuild",
        (
            "buildinfo",
            "comparison",
            "environment",
            "expiresOn",
            "finishedOn",
            "published",
            "rebuilder",
            "rebuilt",
            "recipe",
            "source",
            "stage",
            "startedOn",
            "verdict",
        ),
        ("toolchain",),
    )
    rebuilt = said["rebuilt"]
    return RebuildClaim(
        subject=_only(statement.subject),
        # `one_of` has looked at each word before it is cast.
        verdict=cast("Verdict", shape.one_of(said["verdict"], "verdict", *VERDICTS)),
        stage=cast("Stage", shape.one_of(said["stage"], "stage", *STAGES)),
        published=parts.resource(said["published"], "published"),
        rebuilt=None if rebuilt is None else parts.resource(rebuilt, "rebuilt"),
        source=parts.resource(said["source"], "source"),
        recipe=parts.resource(said["recipe"], "recipe"),
        buildinfo=parts.resource(said["buildinfo"], "buildinfo"),
        environment=_environment(said["environment"]),
        rebuilder=_rebuilder(said["rebuilder"]),
        comparison=_comparison(said["comparison"]),
        started_on=shape.moment(said["startedOn"], "startedOn"),
        finished_on=shape.moment(said["finishedOn"], "finishedOn"),
        expires_on=shape.moment(said["expiresOn"], "expiresOn"),
        toolchain=_several(
            said, "toolchain", MAX_TOOLS, lambda tool: parts.resource(tool, "toolchain")
        ),
    )


def _environment(value: Json) -> Environment:
    environment = shape.record(value, "environment", ("arch", "level"), ("root",))
    return Environment(
        shape.text(environment["arch"], "arch", parts.NAME),
        shape.integer(environment["level"], "level", most=2),
        parts.resource(environment["root"], "root") if "root" in environment else None,
    )


def _rebuilder(value: Json) -> Rebuilder:
    rebuilder = shape.record(value, "rebuilder", ("id", "operator", "tool"))
    return Rebuilder(
        id=_machine(rebuilder["id"]),
        operator=_operator(rebuilder["operator"]),
        tool=parts.resource(rebuilder["tool"], "tool"),
    )


def _comparison(value: Json) -> Comparison:
    said = shape.record(
        value, "comparison", ("method",), ("differences", "exceptions", "report")
    )
    method = shape.one_of(said["method"], "method", "sha256", "patch-proof/1")
    return Comparison(
        method=cast("Method", method),  # `one_of` has looked
        exceptions=_several(said, "exceptions", MAX_EXCEPTIONS, _exemption),
        differences=_several(
            said,
            "differences",
            MAX_DIFFERENCES,
            lambda text: shape.text(text, "difference", parts.TEXT),
        ),
        report=parts.resource(said["report"], "report") if "report" in said else None,
    )


def _several(
    said: dict[str, Json], key: str, most: int, read: Callable[[Json], _T]
) -> tuple[_T, ...] | None:
    if key not in said:
        return None
    return tuple(read(each) for each in shape.items(said[key], key, most=most))


def _exemption(value: Json) -> Exemption:
    exemption = shape.record(value, "exception", ("count", "entry", "field", "reason"))
    return Exemption(
        field=shape.text(exemption["field"], "field", parts.TEXT),
        count=shape.integer(exemption["count"], "count"),
        entry=shape.text(exemption["entry"], "entry", parts.TEXT),
        reason=shape.text(exemption["reason"], "reason", parts.TEXT),
    )


def _check_verdict(claim: RebuildClaim) -> None:
    raise NotImplementedError


def format_rebuild(claim: RebuildClaim) -> Statement:
    """Write a rebuild as `parse_rebuild` reads it."""
    raise NotImplementedError
