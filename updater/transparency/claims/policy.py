"""A policy change: new trust files, said in public before they take effect.

Format: docs/formats/claims.md.
"""

from dataclasses import dataclass
from typing import Final

from updater import shape
from updater.errors import MalformedError
from updater.statement import Statement, Subject
from updater.transparency.claims import parts
from updater.transparency.claims.parts import BASE, Head, Ref

TYPE: Final = f"{BASE}policy/v1"

FILES: Final = (
    "policy",
    "sigstore.json",
    "trust.json",
    "trusted_root.json",
    "tuf/root.json",
    "tuf/targets.json",
)
"""The files that a policy entry may name, by their SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyClaim:
    """These files will be honoured.

    Attributes:
        project: package URL without a version.
        files: some of `FILES`, each once.
        not_before: when they count at the earliest, POSIX seconds.
        previous: the policy entry before this one, None for the first.
        predecessor: where the log that this one follows on was closed, None without.
        summary: what changes, for people; at most 500 characters.
    """

    project: str
    files: tuple[Subject, ...]
    not_before: int
    previous: Ref | None
    predecessor: Head | None
    summary: str

    def sha256(self, name: str) -> str | None:
        """Give the digest of a file, None if this entry does not name it."""
        return next((each.sha256 for each in self.files if each.name == name), None)


def parse_policy(statement: Statement) -> PolicyClaim:
    """Read a policy change out of a statement of its type.

    Raises:
        MalformedError: a field is missing, wrong or one too many, or a file is none of
            `FILES` or stands there twice.
    """
    said = shape.record(
        statement.predicate,
        "policy",
        ("notBefore", "predecessor", "previous", "purl", "summary"),
    )
    names = [shape.one_of(each.name, "subject", *FILES) for each in statement.subject]
    if len(set(names)) != len(names):
        raise MalformedError("subject: expected each file once")
    previous, predecessor = said["previous"], said["predecessor"]
    return PolicyClaim(
        project=shape.text(said["purl"], "purl", parts.PURL),
        files=statement.subject,
        not_before=shape.moment(said["notBefore"], "notBefore"),
        previous=None if previous is None else parts.ref(previous, "previous"),
        predecessor=(
            None if predecessor is None else parts.head(predecessor, "predecessor")
        ),
        summary=shape.text(said["summary"], "summary", parts.TEXT),
    )


def format_policy(claim: PolicyClaim) -> Statement:
    """Write a policy change as `parse_policy` reads it."""
    return Statement(
        TYPE,
        claim.files,
        predicate={
            "notBefore": shape.moment_text(claim.not_before),
            "predecessor": (
                None
                if claim.predecessor is None
                else parts.head_json(claim.predecessor)
            ),
            "previous": (
                None if claim.previous is None else parts.ref_json(claim.previous)
            ),
            "purl": claim.project,
            "summary": claim.summary,
        },
    )
