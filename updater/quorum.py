"""Rebuild statements and a rebuild policy become met, short or vetoed.

Pure, and no network: statements are static files and log entries, so no rebuilder
learns who updates.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from updater.transparency.rebuilders import RebuildPolicy

MAX_ENTRIES: Final = 256  # 64 operators with some machines each, and corrections

Outcome = Literal["met", "short", "vetoed"]

Reason = Literal[
    "oversize", "not-canonical", "bad-type", "not-one-signature", "unknown-signer",
    "bad-signature", "malformed", "wrong-operator", "other-subject", "other-stage",
    "not-logged", "future",  # not looked at any further
    "publisher", "no-vote", "superseded", "expired", "too-old", "level", "negative",
]  # fmt: skip
"""Why a statement was not counted."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A statement that did not count for an install.

    Attributes:
        reason: why.
        index: its index in the log, None if it is not known to be logged.
        operator: whose it is, None where that is not sure.
    """

    reason: Reason
    index: int | None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """A kind of machine: architecture, and SHA-256 of a locked root or None.

    Hosts without a locked root are one environment per architecture, since nothing
    proves that they differ.
    """

    arch: str
    root: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rebuilds of a file come to.

    Attributes:
        outcome: `vetoed` blocks always, `short` where the policy is enforced.
        counted: operators who got the same bytes, by name, sorted.
        vetoes: operators who got other bytes.
        uncounted: every other statement, in the order given, and why.
        environments: those of the counted.
        policy: what was asked for.
    """

    outcome: Outcome
    counted: tuple[str, ...]
    vetoes: tuple[str, ...]
    uncounted: tuple[Uncounted, ...]
    environments: frozenset[Environment]
    policy: RebuildPolicy = field(repr=False)

    @property
    def blocks(self) -> bool:
        """Whether the file must not be installed."""
        return self.outcome == "vetoed" or (
            self.outcome == "short" and self.policy.is_enforced
        )


def evaluate(
    policy: RebuildPolicy,
    sha256: str,
    entries: Iterable[tuple[bytes, int | None]],
    now: float,
) -> Decision:
    """Judge a file by the rebuild statements about it.

    Args:
        policy: who counts, perhaps `tightened` by the user.
        sha256: of the file, lower hexadecimal.
        entries: leaves as they came, each with its index in the log, or None where no
            proof of inclusion held. At most 256.
        now: POSIX seconds.

    Raises:
        LimitError: too many entries.
    """
    raise NotImplementedError
