"""What a client remembers of its logs, as one value.

Losing it costs nothing but safety: a missing state begins again at the floor that the
running program brought along, an unreadable one is never guessed at. A later state
never has a smaller tree (`check_follows`). Its file: `statefile`.
"""

from dataclasses import KW_ONLY, dataclass, field, replace

from updater.errors import StoreError
from updater.transparency.index import Index, Place, join

MAX_HISTORY = 4_096
"""Checkpoints remembered of a log: four a day for almost three years."""
MAX_LEARNED = 16
"""Heads learned from peers that are not reached yet."""
MAX_AGREED = 1_000
"""Peers that agreed."""
MAX_EVIDENCE = 256
"""Pieces of evidence that are remembered."""
MAX_LOGS = 16
"""Logs of a project, predecessors included: one a year."""
AGREED_S = 30 * 86_400
"""For so long somebody's agreement is counted, in seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that was accepted: its size in entries, and its root, 32 bytes."""

    size: int
    root: bytes
    seen_at: int | None = field(default=None, kw_only=True)
    """When the witnesses that begin a cooldown had seen it, POSIX seconds."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one log."""

    origin: str
    _: KW_ONLY
    floor: Seen
    """The oldest checkpoint that is believed, brought along by the program."""
    note: bytes | None = None
    """The accepted checkpoint, with all cosignatures that came."""
    next_entry: int = 0
    """The first entry that was not read yet."""
    history: tuple[Seen, ...] = ()
    """What was accepted, in rising size; the last is the accepted checkpoint."""
    learned: tuple[bytes, ...] = ()
    """Notes of larger heads that peers have; the next update must reach them."""
    frozen_by: str | None = None
    """SHA-256 of proven misbehaviour, until the user unfreezes; lower hexadecimal."""
    blocked_by: str | None = None
    """SHA-256 of evidence of local trouble, until the same check succeeds."""
    succeeded_at: int = 0
    """When everything was last read and checked, by our clock, POSIX seconds."""
    index: Index = field(default_factory=Index)
    judged_by: tuple[str, ...] = ()
    """SHA-256 of the trust files by which the index was made."""

    honoured_at: tuple[int, ...] = ()
    """The policy entries whose trust files were honoured; the last set counts."""

    @property
    def head(self) -> Seen:
        """The accepted checkpoint, or the floor before there is one."""
        return self.history[-1] if self.history else self.floor

    @property
    def unread(self) -> "Memory":
        """The same, with every entry still to be read."""
        return replace(self, next_entry=0, index=Index(), judged_by=())

    def seen_at(self, index: int) -> int | None:
        """Give when the first accepted checkpoint with this entry had been seen.

        POSIX seconds; None without such a checkpoint, or one with no time.
        """
        covering = (each for each in self.history if each.size > index)
        return min(
            (each.seen_at for each in covering if each.seen_at is not None),
            default=None,
        )


@dataclass(frozen=True, slots=True)
class Installed:
    """The release that was last installed."""

    place: Place
    version: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """A peer whose logs did not contradict ours."""

    peer: str
    """A keyed hash of who it is, 64 lower hexadecimal digits."""
    size: int
    """The smaller of both sizes: up to here both trees are one."""
    _: KW_ONLY
    origin: str
    at: int
    """When, by our clock, POSIX seconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece of evidence that was saved, by its SHA-256 in lower hexadecimal."""

    sha256: str
    kind: str
    is_settled: bool = field(default=False, kw_only=True)
    """Whether the user looked at it and unfroze: it does not freeze again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that is remembered."""

    salt: bytes = field(repr=False)
    """32 bytes of our own: peers are remembered by hashes that only we can make."""
    rev: int = 0
    """Rises with every change that was written."""
    logs: tuple[Memory, ...] = ()
    installed: Installed | None = None
    agreed: tuple[Agreement, ...] = ()
    evidence: tuple[Kept, ...] = ()

    @property
    def index(self) -> Index:
        """What all logs say together."""
        return join(each.index for each in self.logs)

    def memory(self, origin: str) -> Memory | None:
        """Give what is remembered of a log, None if nothing is."""
        return next((each for each in self.logs if each.origin == origin), None)

    def with_memory(self, memory: Memory) -> "State":
        """Remember this of a log instead of what was remembered."""
        others = [each for each in self.logs if each.origin != memory.origin]
        logs = sorted([*others, memory], key=lambda each: each.origin)
        return replace(self, logs=tuple(logs))

    def is_settled(self, sha256: str) -> bool:
        """Tell whether the user unfroze after having seen this evidence."""
        return any(each.is_settled for each in self.evidence if each.sha256 == sha256)

    def agreements(self, origin: str, now: float) -> tuple[int, ...]:
        """Give, for each peer that agreed in the last 30 days, up to which size."""
        return tuple(
            each.size
            for each in self.agreed
            if each.origin == origin and 0 <= now - each.at <= AGREED_S
        )


def accept(memory: Memory, note: bytes, seen: Seen) -> Memory:
    """Move the head: the note was opened, met the quorum and follows on the last.

    An equal tree replaces the note, whose cosignatures are fresher, and keeps the
    earliest time it was seen at.

    Raises:
        StoreError: the tree would become smaller, or another one of the same size.
    """
    head = memory.head
    if seen.size < head.size or (seen.size == head.size and seen.root != head.root):
        raise StoreError(f"log {memory.origin}: size {seen.size} after {head.size}")
    rows = list(memory.history)
    if rows and rows[-1].size == seen.size:
        times = [rows.pop().seen_at, seen.seen_at]
        seen = replace(
            seen, seen_at=min((t for t in times if t is not None), default=None)
        )
    rows.append(seen)
    return replace(memory, note=note, history=tuple(rows[-MAX_HISTORY:]))


def check_follows(old: State, new: State) -> None:
    """Check that a state may be written over another.

    Raises:
        StoreError: it does not come right after it, or forgets part of a tree.
    """
    if new.rev != old.rev + 1:
        raise StoreError(f"state: revision {new.rev} cannot follow {old.rev}")
    for memory in old.logs:
        later = new.memory(memory.origin)
        if later is None or later.head.size < memory.head.size:
            raise StoreError(f"state: log {memory.origin} would become smaller")


def with_evidence(state: State, kept: Kept) -> State:
    """Remember evidence; local trouble makes way, proof never does."""
    rows = [each for each in state.evidence if each.sha256 != kept.sha256]
    if len(rows) >= MAX_EVIDENCE:
        local = next((each for each in rows if each.kind == "local"), None)
        if local is None:
            return state
        rows.remove(local)
    return replace(state, evidence=(*rows, kept))
