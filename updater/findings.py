"""What is said of a release: proofs, refusals, and how bad a no is.

A gate is a pure function of the gathered `Evidence` that answers with a `Proof` or a
`Refusal`. What could not be gathered is a `Failed` in its place, never a gap.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from updater.errors import (
    BusyError,
    FetchError,
    MisbehaviourError,
    NotYetError,
    RepositoryError,
    SigstoreError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.jcs import Json

NO_FACTS: Mapping[str, Json] = MappingProxyType({})


class Severity(enum.IntEnum):
    """What a no means for who asked; the worst of all refusals leads."""

    NOT_YET = 1
    """Right, but too early: asked again later by itself."""
    UNREACHABLE = 2
    """Could not ask."""
    REFUSED = 3
    """Looked at, and wrong."""
    MISBEHAVIOUR = 4
    """Proven: somebody signed a contradiction."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a gate is passed, in a sentence and as facts; `waived` is by the user."""

    text: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a gate is not passed; `code` is stable, so that programs may read it."""

    severity: Severity
    code: str
    text: str
    facts: Mapping[str, Json] = field(default_factory=dict, kw_only=True)


Outcome = Proof | Refusal


@dataclass(frozen=True, slots=True)
class Result:
    """What one gate answered."""

    gate: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """A piece of evidence that could not be had, in the place of that piece.

    `code` is empty where the gate that misses it knows the better one; `detail` is a
    second stable word, where the error had one.
    """

    severity: Severity
    text: str
    code: str = ""
    detail: str = field(default="", kw_only=True)

    def refusal(self, code: str) -> Refusal:
        """Refuse because of this, under `code` if the failure has none of its own."""
        facts: Mapping[str, Json] = {"detail": self.detail} if self.detail else NO_FACTS
        return Refusal(self.severity, self.code or code, self.text, facts=facts)


def spell(seconds: float) -> str:
    """Write a time span for people, in its two largest units: ``3 d 4 h``."""
    left = max(0, round(seconds))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for at, (name, size) in enumerate(units):
        if left >= size and at < len(units) - 1:
            below, size_below = units[at + 1]
            count, rest = divmod(left, size)
            smaller = f" {rest // size_below} {below}" if rest >= size_below else ""
            return f"{count} {name}{smaller}"
    return f"{left} s"


def failed(error: Exception, code: str = "") -> Failed:  # noqa: PLR0911 - a table
    """Turn any exception of any library into evidence of its absence.

    An exception of ours means what it says. A foreign one is looked at as a refusal,
    since whoever wrote the bytes that caused it may have wanted it.
    """
    text = str(error) or type(error).__name__
    match error:
        case FetchError():
            slow = error.kind == "slow"
            return Failed(Severity.UNREACHABLE, text, "slow" if slow else "network")
        case UnreachableError():
            return Failed(Severity.UNREACHABLE, text, "network")
        case BusyError():
            return Failed(Severity.UNREACHABLE, text, "busy")
        case StoreError() | OSError():
            return Failed(Severity.UNREACHABLE, text, "disk")
        case RepositoryError() | SigstoreError():
            return Failed(Severity.REFUSED, text, code, detail=error.detail)
        case MisbehaviourError():
            return Failed(Severity.MISBEHAVIOUR, text, code)
        case NotYetError():
            return Failed(Severity.NOT_YET, text, code)
        case UpdateError():
            return Failed(Severity.REFUSED, text, code)
        case _:
            foreign = f"{type(error).__name__}: {text}"
            return Failed(Severity.REFUSED, foreign, code, detail="foreign-error")
