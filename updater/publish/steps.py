"""Where a publication stands, and what comes next.

Rules. The journal says which change is being made and how far it has come::

    DRAFTED   new versions of roles are staged, unsigned
    SIGNED    each has the signatures it needs
    CLAIMED   the claim that belongs to it has, too
    LOGGED    the claim is in the public log, witnessed
    STAGED    claims, snapshot and timestamp are made
    REHEARSED a client of ours accepts all of it
    (none)    it is public, and the journal is empty again

A step may be repeated after any kill; none is skipped. What was signed under a version
number stays so: the journal remembers the numbers that a dropped change used up.
Format: docs/formats/publisher.md.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, get_args

from updater import jcs, shape
from updater.jcs import Json

MAX_BYTES: Final = 1 << 20
"""Of a journal: a claim of 64 KiB, and the hashes of some thousand staged files."""

SCHEMA: Final = "ringfence-publication/1"
Kind: TypeAlias = Literal["create", "release", "yank", "channel", "rotate", "trust"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_ROLE: Final = re.compile("[a-z][a-z0-9-]{0,63}")
_PATH: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+/-]{0,511}")
_LABEL: Final = re.compile("[ -~]{0,200}")


class Step(enum.Enum):
    """How far a change has come."""

    DRAFTED = "drafted"
    SIGNED = "signed"
    CLAIMED = "claimed"
    LOGGED = "logged"
    STAGED = "staged"
    REHEARSED = "rehearsed"

    @property
    def next(self) -> "Step | None":
        """What comes after it; None after the last, for then all is public."""
        return _NEXT[self]


_NEXT: Final[dict[Step, Step | None]] = {
    Step.DRAFTED: Step.SIGNED,
    Step.SIGNED: Step.CLAIMED,
    Step.CLAIMED: Step.LOGGED,
    Step.LOGGED: Step.STAGED,
    Step.STAGED: Step.REHEARSED,
    Step.REHEARSED: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that is under way.

    Attributes:
        label: what it is, for people.
        claim: the statement that goes into the log, without what only signing will
            tell (see `claims.complete`); None where nothing is logged.
        not_before: POSIX seconds before which it does not go on past the log.
        files: SHA-256 of every staged file, once all are made.
    """

    kind: Kind
    step: Step = Step.DRAFTED
    label: str = ""
    claim: bytes | None = field(default=None, repr=False)
    not_before: int = 0
    files: Mapping[str, str] = field(default_factory=dict)

    def advanced(self) -> "Change":
        """Give the change one step further; it is not at the last."""
        following = self.step.next
        assert following is not None
        return replace(self, step=following)


@dataclass(frozen=True, slots=True)
class Journal:
    """The change under way, if any, and the versions that are used up, by role."""

    change: Change | None = None
    used: Mapping[str, int] = field(default_factory=dict, kw_only=True)


def parse_journal(data: bytes) -> Journal:
    """Read a journal.

    Raises:
        MalformedError: it is none.
    """
    value = jcs.parse_canonical(data, most=MAX_BYTES)
    found = shape.record(value, "journal", ("change", "schema", "used"))
    shape.one_of(found["schema"], "schema", SCHEMA)
    used = shape.fields(found["used"], "used", ())
    change = found["change"]
    return Journal(
        None if change is None else _change(change),
        used={
            shape.text(role, "used", _ROLE): shape.integer(version, role, least=1)
            for role, version in used.items()
        },
    )


def format_journal(journal: Journal) -> bytes:
    """Write a journal as RFC 8785."""
    used: dict[str, Json] = dict(journal.used)
    return jcs.write(
        {
            "change": None if journal.change is None else _change_json(journal.change),
            "schema": SCHEMA,
            "used": used,
        }
    )


def _change(value: Json) -> Change:
    found = shape.record(
        value, "change", ("claim", "files", "kind", "label", "notBefore", "step")
    )
    kind = shape.one_of(found["kind"], "kind", *KINDS)
    step = shape.one_of(found["step"], "step", *(each.value for each in Step))
    claim = found["claim"]
    files = shape.fields(found["files"], "files", ())
    return Change(
        kind=next(each for each in KINDS if each == kind),
        step=Step(step),
        label=shape.text(found["label"], "label", _LABEL),
        claim=None if claim is None else shape.unbase64(claim, "claim"),
        not_before=shape.integer(found["notBefore"], "notBefore"),
        files={
            shape.text(path, "files", _PATH): shape.text(sha256, path, shape.SHA256)
            for path, sha256 in files.items()
        },
    )


def _change_json(change: Change) -> dict[str, Json]:
    files: dict[str, Json] = dict(change.files)
    claim = change.claim
    return {
        "claim": None if claim is None else shape.base64_text(claim),
        "files": files,
        "kind": change.kind,
        "label": change.label,
        "notBefore": change.not_before,
        "step": change.step.value,
    }
