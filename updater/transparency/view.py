"""What is known of a log at one moment: gathered by the client, judged by the gates."""

from dataclasses import dataclass, field
from typing import Literal

from updater.transparency.checkpoint import OpenedCheckpoint
from updater.transparency.honour import Honoured
from updater.transparency.index import Index
from updater.transparency.state import Memory

Code = Literal[
    "busy",  # another process changes the state all the time
    "duplicate-release",  # proven: two files for one version and platform
    "entries",  # entries could not be read, or not all of them yet
    "fork",  # proven: the log signed two histories
    "frozen",  # proven misbehaviour stands from before
    "log-signature",  # the log did not sign its checkpoint
    "network",  # the checkpoint or a trust file could not be had
    "origin",  # another log, or one past its closed size
    "quorum",  # too few witnesses on the latest checkpoint
    "state",  # our own memory cannot be read or written
    "tiles",  # tiles could not be had, or are wrong
]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run could not finish; `code` is stable."""

    code: Code
    text: str
    evidence: str | None = field(default=None, kw_only=True)
    """The SHA-256 of the evidence that was saved, lower hexadecimal."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it stands in a log."""

    leaf: bytes
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """What is known of one log.

    Attributes:
        origin: of the log.
        memory: what is remembered of it: history, floor, learned heads, what froze it.
        index: what all its entries say, and those of its predecessors.
        honoured: the trust files that count.
        head: the accepted checkpoint; None before the first was accepted.
        fresh_at: until when witnesses called that the newest, POSIX seconds; None when
            nobody vouches for a time.
        troubles: what went wrong, the first first; empty after a complete run.
        behind_peers: the largest head learned from a peer that is not reached yet.
        is_old_copy: whether the server showed a checkpoint older than ours.
        evidence: SHA-256 of what froze the log, None if nothing did.
        installed: the version that was last installed from here, None if none was.
        agreements: for each peer that agreed in the last 30 days the size agreed on.
    """

    origin: str
    memory: Memory
    index: Index
    honoured: Honoured
    head: OpenedCheckpoint | None
    fresh_at: int | None
    troubles: tuple[Trouble, ...]
    behind_peers: int | None
    is_old_copy: bool
    evidence: str | None
    installed: str | None
    agreements: tuple[int, ...]

    @property
    def is_complete(self) -> bool:
        """Whether the latest checkpoint is accepted and every entry of it was read."""
        return not self.troubles

    def seen_at(self, index: int) -> int | None:
        """Give when witnesses had first seen a checkpoint of ours that covers an entry.

        POSIX seconds; None while no such checkpoint, or nobody vouches for its time.
        """
        return self.memory.seen_at(index)
