"""A yank: a release is bad; final, for ever, and hard to disarm.

A yank only restricts. Appending one asks for its whole form; a reader is stopped by
less: the release that is meant and the files, whatever else it says or fails to say.
Format: docs/formats/claims.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Ref

TYPE: Final = f"{BASE}yank/v1"

REASONS: Final = (
    "backdoor",
    "broken",
    "key-compromise",
    "legal",
    "mistake",
    "vulnerability",
)
NOTICES: Final = ("block-install", "block-install-and-warn-running")


@dataclass(frozen=True, slots=True)
class YankClaim:
    """A release, or some of its files, must not be installed any more.

    Attributes:
        release: the entry that is yanked.
        subject: its files that are meant; one that names none of them yanks nothing.
        purl: the package, None where a reader could not make it out; so the others.
        reason: one of `REASONS`.
        notice: one of `NOTICES`.
        replacement: the version to take instead, None if there is none.
        advisory: a URI to read, None if there is none.
    """

    release: Ref
    subject: tuple[Subject, ...]
    purl: str | None = field(default=None, kw_only=True)
    reason: str | None = field(default=None, kw_only=True)
    notice: str | None = field(default=None, kw_only=True)
    replacement: str | None = field(default=None, kw_only=True)
    advisory: str | None = field(default=None, kw_only=True)


def parse_yank(statement: Statement) -> YankClaim:
    """Read the whole form out of a statement of its type.

    Raises:
        MalformedError: a field is missing, wrong or one too many.
    """
    said = shape.record(
        statement.predicate,
        "yank",
        ("advisory", "notice", "purl", "reason", "release", "replacement"),
    )
    return YankClaim(
        parts.ref(said["release"], "release"),
        statement.subject,
        purl=_purl(said["purl"]),
        reason=_reason(said["reason"]),
        notice=_notice(said["notice"]),
        replacement=_replacement(said["replacement"]),
        advisory=_advisory(said["advisory"]),
    )


def read_yank(statement: Statement) -> YankClaim:
    """Read what a yank does, and of what it says all that is legible.

    Raises:
        MalformedError: the release that is meant cannot be made out.
    """
    said = statement.predicate
    release = shape.fields(
        shape.fields(said, "yank", ("release",))["release"],
        "release",
        ("index", "leafHash"),
    )
    return YankClaim(
        parts.ref(
            {"index": release["index"], "leafHash": release["leafHash"]}, "release"
        ),
        statement.subject,
        purl=_legible(_purl, said.get("purl")),
        reason=_legible(_reason, said.get("reason")),
        notice=_legible(_notice, said.get("notice")),
        replacement=_legible(_replacement, said.get("replacement")),
        advisory=_legible(_advisory, said.get("advisory")),
    )


def _legible(read: Callable[[Json], str | None], value: Json) -> str | None:
    try:
        return read(value)
    except MalformedError:
        return None


def _purl(value: Json) -> str:
    return shape.text(value, "purl", parts.PURL)


def _reason(value: Json) -> str:
    return shape.one_of(value, "reason", *REASONS)


def _notice(value: Json) -> str:
    return shape.one_of(value, "notice", *NOTICES)


def _replacement(value: Json) -> str | None:
    return None if value is None else shape.text(value, "replacement", parts.VERSION)


def _advisory(value: Json) -> str | None:
    return None if value is None else shape.text(value, "advisory", parts.URI)


def format_yank(claim: YankClaim) -> Statement:
    """Write a yank as `parse_yank` reads it, when all of it is there."""
    return Statement(
        TYPE,
        claim.subject,
        predicate={
            "advisory": claim.advisory,
            "notice": claim.notice,
            "purl": claim.purl,
            "reason": claim.reason,
            "release": parts.ref_json(claim.release),
            "replacement": claim.replacement,
        },
    )
