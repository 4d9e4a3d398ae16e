"""What a comparison says, as values.

The words are those of the statements that end up in a log (docs/formats/claims.md): a
verdict has no default, and none is reached by leaving something out.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self

from updater.transparency.claims.rebuild import (
    Exemption,
    Method,
    Stage,
    Verdict,
)

Side = Literal["both", "published", "rebuilt"]

Kind = Literal[
    "malformed", "name", "file-set", "code", "native", "dist-info", "record", "order",
    "container", "deflate", "gzip", "header", "source", "reason",
]  # fmt: skip
"""The class of a difference, in the order in which they are said."""

KINDS: Final[tuple[Kind, ...]] = (
    "malformed", "name", "file-set", "code", "native", "dist-info", "record", "order",
    "container", "deflate", "gzip", "header", "source", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileId:
    """A file that was compared: its name without a folder, its size in bytes."""

    name: str
    size: int
    sha256: str = field(kw_only=True)
    """Lower hexadecimal."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the files differ.

    Attributes:
        entry: the member, raw; for a member of a wheel in a bundle, ``WHEEL!MEMBER``.
        detail: in plain words, raw; may quote what the archives say.
    """

    kind: Kind
    side: Side
    entry: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why files differ, as far as can be told from them.

    Attributes:
        code: a stable word for programs.
        text: a sentence for people.
        entries: how many members it explains.
    """

    code: str
    text: str
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a published and a rebuilt file compare.

    Attributes:
        rebuilt: None where nothing was built.
        exceptions: header fields that were proven to be all that differs, counted.
        differences: all of them, uncut; empty for `identical` and for exceptions.
        warnings: what does not change the verdict and should be known.
        reason: with `unsupported` and `build-failed`, a stable word.
    """

    verdict: Verdict
    method: Method
    published: FileId
    rebuilt: FileId | None
    exceptions: tuple[Exemption, ...] = ()
    differences: tuple[Difference, ...] = ()
    causes: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    stage: Stage | None = None

    def at(self, stage: Stage) -> Self:
        """Say which step of the way from source to file was compared."""
        return replace(self, stage=stage)
