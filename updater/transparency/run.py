"""One run of a client: from the state on disk to the latest tree, every entry read.

Carrier. In this order, and no other: the latest checkpoint is opened, counted, held
against the floor, against what was accepted before and against what peers have seen;
then it is accepted; then every new entry is read. Whatever stops the run is told as a
`Trouble`, and what was found up to there is kept.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, TypeVar

from updater.errors import (
    FetchError,
    MalformedError,
    ProofError,
    QuorumError,
    RefusedError,
    SignatureError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.transparency.checkpoint import OpenedCheckpoint
from updater.transparency.evidence import (
    DuplicateRelease,
    Local,
    build_duplicate,
    build_fork,
    format_evidence,
    parse_evidence,
)
from updater.transparency.honour import TRUST, Honoured
from updater.transparency.index import Place
from updater.transparency.note import MAX_NOTE
from updater.transparency.proof import LogProof
from updater.transparency.reading import Conflict, Reader
from updater.transparency.shelf import Shelf
from updater.transparency.state import Kept, Memory, Seen, State, accept, with_evidence
from updater.transparency.tiles import WIDTH, TileReader
from updater.transparency.view import Code, Trouble
from updater.transparency.witnessed import check_quorum, fresh_at, seen_at

MAX_ENTRIES = 100_000
"""Read in one run; the next goes on. A log that is flooded costs no more than this."""
MAX_BYTES = 256 << 20
"""Fetched in one run, likewise."""
SAVE_EVERY = 64
"""Bundles between two writes of the state: who is killed reads at most these again."""

Progress = Callable[[int, int], None]
"""Told (entries read, entries in all) after each bundle."""

_T = TypeVar("_T")


class StopError(Exception):
    """The run cannot go on."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


class Run:
    """One run.

    Attributes:
        state: as it was last written.
        memory: of the log, as it is now.
        honoured: the trust files that count; those of the program at first.
        is_old_copy: whether the server showed less than we have.
    """

    def __init__(self, shelf: Shelf, state: State, memory: Memory) -> None:
        self.state = state
        self.memory = memory
        self.honoured = Honoured(
            sets=(shelf.setting.built_in,), places=(), ages={}, ignored=()
        )
        self.is_old_copy = False
        self._shelf = shelf
        self._cache = shelf.cache()

    def go(self, progress: Progress | None) -> Trouble | None:
        """Bring everything up to date; gives what prevented that.

        Raises:
            BusyError: another process changed the state; start over.
            StoreError: the disk refuses.
        """
        try:
            self._honour()
            self._follow()
            self._read(progress)
            self._honour()
            self._read(
                progress
            )  # what was not judged by the trust files that count now
            self._expect_quorum()
        except StopError as stop:
            self._save()
            return stop.trouble
        self.memory = replace(
            self.memory,
            blocked_by=None,
            succeeded_at=int(self._shelf.setting.now()),
        )
        self._save()
        self._cache.tidy(self.memory.head.size)
        return None

    # Trust

    def _honour(self) -> None:
        """Find the trust files that count, by the entries read so far."""
        try:
            self.honoured = self._shelf.honour(self.memory)
        except UnreachableError as error:
            _stop("network", str(error))
        except StoreError:
            if not self.memory.next_entry:
                raise
            self.memory = self.memory.unread  # they are kept no more
            return
        unread = (
            index
            for index in self.memory.honoured_at
            if index >= self.memory.next_entry
        )
        indexes = (*(place.index for place in self.honoured.places), *unread)
        self.memory = replace(self.memory, honoured_at=indexes)

    # Heads

    def _follow(self) -> None:
        """Fetch the latest checkpoint and accept it, if all is well with it."""
        try:
            data = self._shelf.setting.source.get("checkpoint", MAX_NOTE)
        except FetchError as error:
            _stop("network", str(error))
        opened = self._open(data)
        try:
            self._count(opened)
        except QuorumError as error:
            self._expect_no_fork(opened)
            _stop("quorum", str(error))
        if (reader := self._hold_against_ours(opened)) is None:
            self.is_old_copy = True
        else:
            self._accept(opened, reader)

    def _expect_no_fork(self, opened: OpenedCheckpoint) -> None:
        """Look at a head that is not to be accepted: a second history proves itself."""
        try:
            self._hold_against_ours(opened)
        except StopError as stop:
            if stop.trouble.code == "fork":
                raise

    def _open(self, data: bytes) -> OpenedCheckpoint:
        origin = self.memory.origin
        try:
            opened = self._shelf.open(data, self.honoured.current.policy)
        except MalformedError as error:  # a page of somebody else's, often
            _stop("network", str(error))
        except SignatureError as error:
            is_ours = data.startswith(f"{origin}\n".encode())
            _stop("log-signature" if is_ours else "origin", str(error))
        except UpdateError as error:  # a key of a kind that this machine cannot check
            _stop("quorum", str(error))
        head = opened.checkpoint
        closed = self.honoured.current.trust.closed_at(origin)
        if closed is not None and (
            head.size > closed.size
            or (head.size == closed.size and head.root != closed.root)
        ):
            _stop("origin", f"log {origin} was closed at size {closed.size}")
        return opened

    def _count(self, opened: OpenedCheckpoint) -> None:
        now = self._shelf.setting.now()
        check_quorum(self.honoured.current.policy, opened, now)
        if own := self._shelf.setting.own_policy:
            check_quorum(own, opened, now)

    def _hold_against_ours(self, opened: OpenedCheckpoint) -> TileReader | None:
        """Check that a head continues what was accepted; None for an older copy."""
        head, ours, floor = opened.checkpoint, self.memory.head, self.memory.floor
        if self.memory.note is not None and head.size < ours.size:
            self._expect_older(opened, self.memory.note)
            return None
        if head.size < floor.size:
            _stop(
                "tiles", f"the log ends at {head.size}, before the floor {floor.size}"
            )
        reader = self._tree(head.size, head.root)
        for known, note in (
            (floor, self._shelf.setting.floor),
            (ours, self.memory.note or self._shelf.setting.floor),
        ):
            if self._root_at(reader, known.size) != known.root:
                assert note is not None  # without a note it is the empty tree
                self._fork(note, opened.note, reader, known.size)
        return reader

    def _expect_older(self, opened: OpenedCheckpoint, note: bytes) -> None:
        head, ours = opened.checkpoint, self.memory.head
        reader = self._tree(ours.size, ours.root)
        if self._root_at(reader, head.size) != head.root:
            self._fork(opened.note, note, reader, head.size)

    def _fork(
        self, small: bytes, large: bytes, reader: TileReader, size: int
    ) -> NoReturn:
        """Make evidence of two heads of this log that have no common history."""
        proof = self._use(lambda: reader.prove_consistency(size), "tiles")
        found = build_fork(
            small,
            large,
            proof=proof,
            root=self._root_at(reader, size),
            log_key=self._shelf.log_key(self.honoured.current.policy),
        )
        name = self._prove(format_evidence(found), "fork")
        text = f"log {self.memory.origin} signed two histories, at size {size}"
        _stop("fork", text, evidence=name)

    def _accept(self, opened: OpenedCheckpoint, reader: TileReader) -> None:
        """Move the head."""
        learned = []
        for note in self.memory.learned:
            try:
                theirs = self._shelf.open(note, self.honoured.current.policy).checkpoint
            except SignatureError:
                continue  # of a key that counts no more
            if theirs.size > reader.size:
                learned.append(note)
            elif self._root_at(reader, theirs.size) != theirs.root:
                self._fork(note, opened.note, reader, theirs.size)
        now, current = self._shelf.setting.now(), self.honoured.current
        seen = Seen(
            reader.size,
            reader.root,
            seen_at=seen_at(
                current.policy, opened, now, group=current.trust.cooldown_group
            ),
        )
        is_larger = seen.size > self.memory.head.size
        self.memory = replace(
            accept(self.memory, self._fresher(opened), seen), learned=tuple(learned)
        )
        self._cache.keep()
        if is_larger:  # else the end of the run is soon enough
            self._save()

    def _fresher(self, opened: OpenedCheckpoint) -> bytes:
        """Choose between two notes of one tree: an old copy must not make ours old."""
        ours, now = self.memory.note, self._shelf.setting.now()
        policy = self.honoured.current.policy
        if ours is None or self.memory.head.size != opened.checkpoint.size:
            return opened.note
        before = fresh_at(policy, self._shelf.open(ours, policy), now)
        return (
            ours
            if (before or 0) > (fresh_at(policy, opened, now) or 0)
            else opened.note
        )

    def _expect_quorum(self) -> None:
        """Count again: other trust files may count now than when the head moved."""
        if self.memory.note is None:
            return
        try:
            self._count(self._open(self.memory.note))
        except QuorumError as error:
            _stop("quorum", str(error))

    # Entries

    def _read(self, progress: Progress | None) -> None:
        """Read what is new, or everything if other trust files judge it now."""
        judged_by = tuple(each.digests[TRUST] for each in self.honoured.sets)
        if self.memory.judged_by != judged_by:
            self.memory = self.memory.unread
        self.memory = replace(self.memory, judged_by=judged_by)
        size = self.memory.head.size
        if self.memory.next_entry == size:
            return
        tree = self._tree(size, self.memory.head.root)
        reader = Reader(
            self.memory.origin,
            self.memory.index,
            others=[
                each.index
                for each in self.state.logs
                if each.origin != self.memory.origin
            ],
            judges=[each.trust for each in self.honoured.sets],
        )
        first = self.memory.next_entry
        until = min(size, first + self._shelf.setting.max_entries)
        while (at := self.memory.next_entry) < until:
            if self._cache.fetched_bytes > MAX_BYTES:
                break
            self._read_bundle(tree, reader, at)
            if progress is not None:
                progress(self.memory.next_entry, size)
            if at // WIDTH % SAVE_EVERY == SAVE_EVERY - 1:
                self._digest(tree, reader)
                self._save()
        self._digest(tree, reader)
        if self.memory.next_entry < size:
            _stop(
                "entries",
                f"{self.memory.next_entry} of {size} entries are read; the next run"
                " goes on",
            )

    def _read_bundle(self, tree: TileReader, reader: Reader, at: int) -> None:
        number = at // WIDTH
        entries = self._use(lambda: tree.entries(number), "entries")
        for index in range(at, number * WIDTH + len(entries)):
            reader.read(index, entries[index - number * WIDTH])
        self._cache.keep()
        self.memory = replace(self.memory, next_entry=number * WIDTH + len(entries))

    def _digest(self, tree: TileReader, reader: Reader) -> None:
        """Take what was read into memory, and stop at what it proves."""
        self.memory = replace(self.memory, index=reader.index)
        conflicts = list(reader.conflicts)
        reader.conflicts.clear()
        for conflict in conflicts:
            data = self._duplicate(conflict, tree)
            if data is None:
                continue  # no one log signed both: the gates refuse such a version
            name = self._prove(data, "duplicate-release")
            if self.memory.frozen_by is not None:
                _stop(
                    "duplicate-release",
                    f"entries {conflict.first.index} and {conflict.second.index} have"
                    f" two files for {conflict.version} on {conflict.platform}",
                    evidence=name,
                )

    def _duplicate(self, conflict: Conflict, tree: TileReader) -> bytes | None:
        """Make evidence of two releases, or find what was made before; None without."""
        first, second = conflict.first, conflict.second
        if first.origin != second.origin:
            return None
        shelf = self._shelf
        try:
            pair = (shelf.leaf(self.memory, first), shelf.leaf(self.memory, second))
        except StoreError as error:
            self.memory = self.memory.unread
            _stop("entries", f"{error}; the next run reads everything again")
        if data := self._known_duplicate(pair):
            return data
        both = (self._proof(first, tree), self._proof(second, tree))
        log_key = shelf.log_key(self.honoured.current.policy)
        for each in reversed(self.honoured.sets):
            # One trust file must entitle both, or no stranger could check it.
            with contextlib.suppress(RefusedError):
                found = build_duplicate(pair, both, log_key=log_key, trust=each.trust)
                return format_evidence(found)
        return None

    def _known_duplicate(self, pair: tuple[bytes, bytes]) -> bytes | None:
        for kept in self.state.evidence:
            if kept.kind == "duplicate-release":
                data = self._shelf.store.read_evidence(kept.sha256)
                found = parse_evidence(data)
                if isinstance(found, DuplicateRelease) and found.claims == pair:
                    return data
        return None

    def _proof(self, place: Place, tree: TileReader) -> LogProof:
        assert self.memory.note is not None
        hashes = self._use(lambda: tree.prove_inclusion(place.index), "entries")
        return LogProof(place.index, tuple(hashes), checkpoint=self.memory.note)

    # Tiles, evidence, state

    def _tree(self, size: int, root: bytes) -> TileReader:
        return self._use(lambda: TileReader(size, root, self._cache.read), "tiles")

    def _root_at(self, reader: TileReader, size: int) -> bytes:
        return self._use(lambda: reader.root_at(size), "tiles")

    def _use(self, read: Callable[[], _T], code: Code) -> _T:
        """Read tiles; once more from the log alone, if what is kept may be wrong."""
        try:
            try:
                return read()
            except (ProofError, UnreachableError) as error:
                if isinstance(error, FetchError) or not self._cache.has_read_kept:
                    raise
                self._cache.distrust()
                return read()
        except UnreachableError as error:
            _stop(code, str(error))
        except ProofError as error:
            local = Local(
                self.memory.origin,
                str(error),
                where=code,
                expected=f"what leads to the root at {self.memory.head.size}",
                got="something else",
            )
            name = self._keep(format_evidence(local), "local")
            self.memory = replace(self.memory, blocked_by=name)
            _stop(code, str(error), evidence=name)

    def _prove(self, data: bytes, kind: str) -> str:
        """Keep proof of misbehaviour, and freeze, unless the user settled it."""
        name = self._keep(data, kind)
        if not self.state.is_settled(name):
            self.memory = replace(self.memory, frozen_by=name)
        return name

    def _keep(self, data: bytes, kind: str) -> str:
        name = self._shelf.store.save_evidence(data)
        known = any(each.sha256 == name for each in self.state.evidence)
        if not known:
            self.state = with_evidence(self.state, Kept(name, kind))
        return name

    def _save(self) -> None:
        self.state = self._shelf.store.swap(self.state.with_memory(self.memory))


def _stop(code: Code, text: str, *, evidence: str | None = None) -> NoReturn:
    raise StopError(Trouble(code, text, evidence=evidence))
