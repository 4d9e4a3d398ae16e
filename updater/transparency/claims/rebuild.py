"""A rebuild: somebody built a release again, and says what came out.

The statement's one subject is the **published** file. A verdict of `identical` or one
that is silent counts only in its whole form; a negative one restricts, so a reader is
warned by less (`Objection`): the file and the verdict. Format: docs/formats/claims.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, assert_never, cast

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

    @property
    def is_negative(self) -> bool:
        """Whether the published bytes are not what the source gives."""
        return self.verdict in NEGATIVE


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


def read_objection(statement: Statement) -> Objection:
    """Read what a negative rebuild does, and who says so if that is legible.

    Raises:
        MalformedError: the verdict is not negative, or the published file cannot be
            made out.
    """
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
    """Hold the parts of a claim to its verdict."""
    if (claim.published.name, claim.published.sha256) != (
        claim.subject.name,
        claim.subject.sha256,
    ):
        raise MalformedError("published: expected the name and digest of the subject")
    comparison, rebuilt = claim.comparison, claim.rebuilt
    exceptions, differences = comparison.exceptions or (), comparison.differences or ()
    if rebuilt is not None and rebuilt.sha256 is None:
        raise MalformedError("rebuilt: expected a sha256")
    same = rebuilt is not None and rebuilt.sha256 == claim.subject.sha256
    first = differences[0].partition(" ")[0] if differences else ""
    match claim.verdict:
        case "identical":
            fits = same and not exceptions and not differences
            fits = fits and comparison.method == "sha256"
        case "identical-with-exceptions":
            fits = rebuilt is not None and not same and not differences
            fits = fits and comparison.method == "patch-proof/1" and bool(exceptions)
            fits = fits and all(each.field in FIELDS for each in exceptions)
        case "different":
            # A source that is not the claimed one is never built.
            fits = not same and not exceptions and bool(differences)
            fits = fits and (rebuilt is not None or first == "source")
        case "build-failed" | "unsupported":
            fits = rebuilt is None and first == "reason"
        case _:
            assert_never(claim.verdict)
    if not fits:
        raise MalformedError(f"rebuild: the comparison does not fit {claim.verdict!r}")


def format_rebuild(claim: RebuildClaim) -> Statement:
    """Write a rebuild as `parse_rebuild` reads it."""
    predicate: dict[str, Json] = {
        "buildinfo": parts.resource_json(claim.buildinfo),
        "comparison": _comparison_json(claim.comparison),
        "environment": parts.present(
            {
                "arch": claim.environment.arch,
                "level": claim.environment.level,
                "root": _optional(claim.environment.root),
            }
        ),
        "expiresOn": shape.moment_text(claim.expires_on),
        "finishedOn": shape.moment_text(claim.finished_on),
        "published": parts.resource_json(claim.published),
        "rebuilder": {
            "id": claim.rebuilder.id,
            "operator": claim.rebuilder.operator,
            "tool": parts.resource_json(claim.rebuilder.tool),
        },
        "rebuilt": _optional(claim.rebuilt),
        "recipe": parts.resource_json(claim.recipe),
        "source": parts.resource_json(claim.source),
        "stage": claim.stage,
        "startedOn": shape.moment_text(claim.started_on),
        "verdict": claim.verdict,
    }
    if claim.toolchain is not None:
        predicate["toolchain"] = [parts.resource_json(each) for each in claim.toolchain]
    return Statement(TYPE, (claim.subject,), predicate=predicate)


def _optional(described: Resource | None) -> Json:
    return None if described is None else parts.resource_json(described)


def _comparison_json(comparison: Comparison) -> Json:
    exceptions, differences = comparison.exceptions, comparison.differences
    return parts.present(
        {
            "differences": None if differences is None else list(differences),
            "exceptions": None
            if exceptions is None
            else [
                {
                    "count": each.count,
                    "entry": each.entry,
                    "field": each.field,
                    "reason": each.reason,
                }
                for each in exceptions
            ],
            "method": comparison.method,
            "report": _optional(comparison.report),
        }
    )
