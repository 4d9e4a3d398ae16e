"""One publication of a log, step by step; each can be repeated after any kill.

Carrier. The journal says where a run begins::

    P2  read the journal, compare with       P7  sign; journal: signed
        what is public                       P8  collect cosignatures
    P3  ask the witnesses what they saw      P9  open the note as a client would;
    P4  check the queue; write tiles             write proofs and claims
    P5  read back, hash again, compare       P10 show the checkpoint; journal:
    P6  journal: prepared, a promise             published; empty the queue

Nothing is signed before P5 has read from the disk what it is about, and nothing is
shown before the quorum signed. `state-lost` in an error means that the world knows a
tree of ours that we do not: a backup was restored, or a second writer is at work.
`log-damaged` means that the disk no longer holds what was promised. Both need a person.
"""

import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from updater.errors import (
    MalformedError,
    NotYetError,
    ProofError,
    RefusedError,
    StoreError,
    UnreachableError,
)
from updater.transparency import journal as steps
from updater.transparency.checkpoint import (
    Checkpoint,
    OpenedCheckpoint,
    open_checkpoint,
    sign_checkpoint,
)
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import Entry, read_entry
from updater.transparency.folder import CHECKPOINT, PENDING, LogFolder
from updater.transparency.gathering import Gatherer
from updater.transparency.growth import (
    Edge,
    File,
    grow,
    partial_files,
    read_back,
    read_edge,
)
from updater.transparency.intake import admit, caught_up
from updater.transparency.journal import MAX_BATCH, Journal
from updater.transparency.key import SigningKey, VerifierKey
from updater.transparency.merkle import EMPTY_ROOT, hash_leaf
from updater.transparency.note import MAX_NOTE
from updater.transparency.policy import NONE
from updater.transparency.proof import LogProof, format_proof
from updater.transparency.tiles import WIDTH, TileReader
from updater.transparency.witnessed import accept, counting_times, is_met

MAX_BATCH_BYTES = 256 << 20
"""Of the entries of one append: as many as a client reads in one run."""

POLL_S = 15.0
"""Seconds between two rounds over witnesses that have not signed yet."""


@dataclass(frozen=True, slots=True)
class Published:
    """The tree that everybody can see now."""

    checkpoint: Checkpoint
    note: bytes
    added: int = field(kw_only=True)
    """Entries that are new in it."""
    silent: dict[str, str] = field(kw_only=True)
    """Witnesses that were asked and did not sign, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a publication needs besides the folder.

    Attributes:
        key: the log's own.
        gatherer: asks the witnesses.
        now: gives POSIX seconds.
        sleep: waits so many seconds.
        wait_s: how long to wait for the quorum, and for the cooldown group.
        is_dev: whether a log may grow that no witness can be asked about.
    """

    key: SigningKey
    gatherer: Gatherer
    now: Callable[[], float]
    sleep: Callable[[float], None]
    wait_s: float = 600.0
    is_dev: bool = False


class Publication:
    """One run over one folder, whose lock the caller holds."""

    def __init__(self, folder: LogFolder, means: Means) -> None:
        """Read the journal.

        Raises:
            RefusedError: the key is not this log's.
            StoreError: the folder cannot be read.
        """
        self._folder = folder
        self._means = means
        self._key = folder.facts().key
        if means.key.verifier != self._key:
            raise RefusedError(
                f"expected the key {self._key}, came {means.key.verifier}"
            )
        self._policy = folder.policy()
        self._trust = folder.trust()
        self._journal = folder.journal()
        self._silent: dict[str, str] = {}

    def resume(self) -> Published | None:
        """Take up what an earlier run began; None if it had finished (P2).

        Raises:
            StoreError: `state-lost` or `log-damaged`.
        """
        shown = shown_checkpoint(self._folder)
        match self._journal.state:
            case "prepared":
                self._check_promise(shown)
                return self.finish()
            case "signed":
                self._check_not_behind(shown)
                return self.finish()
            case "published":
                self._check_shown(shown)
                self._folder.unqueue(self._journal.batch)
                self._folder.drop_pending()
                return None

    def check_witnesses(self) -> None:
        """Expect that each witness saw a beginning of our tree, or nothing (P3).

        Raises:
            UnreachableError: none could be asked.
            StoreError: `state-lost`.
        """
        heads, silent = self._means.gatherer.heads()
        if not heads and not self._means.is_dev:
            raise UnreachableError(f"no witness could be asked: {_sentence(silent)}")
        reader = self._reader()
        for name, head in heads.items():
            if head is None:
                continue
            if head.size > reader.size or reader.root_at(head.size) != head.root:
                raise StoreError(
                    f"state-lost: {name} cosigned size {head.size}, which is no"
                    f" beginning of our {reader.size}"
                )

    def grow(self) -> None:
        """Write the tree with the claims that wait, and promise it (P4 to P6).

        Raises:
            RefusedError: one of them may not be appended.
            StoreError: the disk gives back something else than was written.
        """
        waiting = map(self._folder.read_queued, self._folder.queue())
        leaves = _within_bounds(waiting)
        admit(self._folder, self._trust, self._reader(), leaves)
        edge = self._edge(self._journal.size, self._journal.root)
        growth = grow(edge, leaves)
        self._folder.write([*growth.files, *partial_files(growth.edge, edge)])
        try:
            # From the disk again, the old right end too: memory may be what is wrong.
            edge = self._edge(self._journal.size, self._journal.root)
            edge, leaf_hashes = read_back(edge, growth.edge.size, self._folder.read)
        except ProofError as error:
            raise StoreError(f"written and read back: {error}") from error
        if edge.root != growth.edge.root or leaf_hashes != growth.leaf_hashes:
            raise StoreError("written and read back: the root is another")
        self._store(steps.prepare(self._journal, tuple(leaf_hashes), edge.root))

    def current(self) -> Published:
        """Give the tree that is shown, where nothing waits.

        Raises:
            RefusedError: the log is empty.
        """
        if self._journal.note is None:
            raise RefusedError("nothing to publish: the log is empty")
        return Published(self._tree, self._note, added=0, silent={})

    def refresh(self) -> None:
        """Ask for new cosignatures on the published tree.

        Raises:
            RefusedError: the log is empty.
        """
        bare = sign_checkpoint(self._tree, self._means.key).decode()
        self._store(steps.refresh(self._journal, bare))

    def finish(self) -> Published:
        """Sign the promised tree, have it witnessed, and show it (P7 to P10).

        Raises:
            NotYetError: too few witnesses signed; the next run goes on here.
            StoreError: `state-lost`, or the disk refuses.
        """
        if self._journal.state == "prepared":
            note = sign_checkpoint(self._tree, self._means.key).decode()
            self._store(steps.sign(self._journal, note))
        self._folder.write([File(PENDING, self._note)])
        reader = self._reader()
        self._gather(reader)
        opened = accept(self._policy, self._note, self._means.now())
        self._write_proofs(reader)
        self._folder.write([File(CHECKPOINT, self._note)])
        added = len(self._journal.batch)
        self._store(steps.publish(self._journal))
        self._folder.store_register(caught_up(self._folder, reader))
        self._folder.unqueue(self._journal.batch)
        self._folder.drop_pending()
        return Published(
            opened.checkpoint, self._note, added=added, silent=self._silent
        )

    @property
    def _tree(self) -> Checkpoint:
        journal = self._journal
        return Checkpoint(journal.origin, journal.size, root=journal.root)

    @property
    def _note(self) -> bytes:
        assert self._journal.note is not None
        return self._journal.note.encode()

    def _store(self, new: Journal) -> None:
        self._folder.store_journal(new)
        self._journal = new

    def _reader(self) -> TileReader:
        """Open our tree on the disk.

        Raises:
            StoreError: `log-damaged`.
        """
        journal = self._journal
        return open_tree(self._folder, journal.size, journal.root)

    def _edge(self, size: int, root: bytes) -> Edge:
        """Read the right end of a tree back from the disk.

        Raises:
            StoreError: `log-damaged`.
        """
        try:
            return read_edge(size, root, self._folder.read)
        except (ProofError, MalformedError) as error:
            raise StoreError(f"log-damaged: {error}") from error

    def _check_shown(self, shown: OpenedCheckpoint | None) -> None:
        """Expect that the world sees the tree that the journal says it does."""
        size = shown.checkpoint.size if shown else 0
        root = shown.checkpoint.root if shown else EMPTY_ROOT
        if (size, root) != (self._journal.size, self._journal.root):
            raise StoreError(
                f"state-lost: the public checkpoint has size {size}, the journal"
                f" {self._journal.size}"
            )

    def _check_not_behind(self, shown: OpenedCheckpoint | None) -> None:
        """Expect that the world sees the signed tree already, or the one before."""
        size = shown.checkpoint.size if shown else 0
        if size not in {self._journal.old_size, self._journal.size}:
            raise StoreError(
                f"state-lost: the public checkpoint has size {size}, the journal signed"
                f" {self._journal.size} after {self._journal.old_size}"
            )

    def _check_promise(self, shown: OpenedCheckpoint | None) -> None:
        """Hash the promised tree again from the disk, on top of the shown one."""
        size = shown.checkpoint.size if shown else 0
        if size != self._journal.old_size:
            raise StoreError(
                f"state-lost: the public checkpoint has size {size}, the journal goes"
                f" on from {self._journal.old_size}"
            )
        root = shown.checkpoint.root if shown else EMPTY_ROOT
        edge = self._edge(size, root)
        try:
            edge, leaf_hashes = read_back(edge, self._journal.size, self._folder.read)
        except ProofError as error:
            raise StoreError(f"log-damaged: {error}") from error
        if (edge.root, tuple(leaf_hashes)) != (self._journal.root, self._journal.batch):
            raise StoreError("log-damaged: the entries are not those of the journal")

    def _gather(self, reader: TileReader) -> None:
        """Ask witnesses until the quorum and the cooldown group have signed (P8)."""
        until = self._means.now() + self._means.wait_s
        while not self._is_signed(self._trust.cooldown_group):
            asked = self._means.gatherer.gather(
                self._note,
                self._journal.old_size,
                reader.prove_consistency,
                self._signers(),
            )
            self._silent = asked.silent
            if asked.note != self._note:
                self._store(steps.sign(self._journal, asked.note.decode()))
            if self._is_signed(self._trust.cooldown_group):
                return
            if self._means.now() + POLL_S > until:
                if self._is_signed(None):
                    return
                raise NotYetError(
                    f"size {reader.size} is signed by {len(self._signers())} witnesses,"
                    f" too few for the quorum: {_sentence(asked.silent)}"
                )
            self._means.sleep(POLL_S)

    def _is_signed(self, group: str | None) -> bool:
        """Tell whether the quorum signed, and a group besides."""
        keys = self._counting()
        is_quorum = self._policy.quorum == NONE or is_met(
            self._policy, self._policy.quorum, keys
        )
        return is_quorum and (group is None or is_met(self._policy, group, keys))

    def _counting(self) -> Collection[VerifierKey]:
        """Give the witness keys whose lines in the note count now."""
        keys = self._policy.witness_keys
        opened = open_checkpoint(self._note, [self._key], keys)
        return counting_times(opened, self._means.now()).keys()

    def _signers(self) -> set[str]:
        keys = self._counting()
        return {each.name for each in self._policy.witnesses if each.key in keys}

    def _write_proofs(self, reader: TileReader) -> None:
        """Write claim and proof of each new entry, for whoever has no client (P9)."""
        journal = self._journal
        for index in range(journal.old_size, journal.size):
            try:
                leaf = reader.entries(index // WIDTH)[index % WIDTH]
                hashes = tuple(reader.prove_inclusion(index))
            except (ProofError, UnreachableError) as error:
                raise StoreError(f"log-damaged: {error}") from error
            proof = format_proof(LogProof(index, hashes, checkpoint=self._note))
            for name in self._names(leaf, index):
                self._folder.write(
                    [
                        File(f"proofs/{name}.tlog-proof", proof),
                        File(f"claims/{name}.json", leaf),
                    ]
                )

    def _names(self, leaf: bytes, index: int) -> list[str]:
        """Name an entry by its leaf hash, and by files no release named before."""
        names = [hash_leaf(leaf).hex()]
        entry = read_entry(leaf)
        if isinstance(entry, Entry) and isinstance(entry.claim, ReleaseClaim):
            for each in entry.claim.artifacts:
                first = self._folder.index_of(each.sha256)
                # A run that was killed may have written it, for this same entry.
                if first is None or first == index:
                    names.append(each.sha256)
        return names


def shown_checkpoint(folder: LogFolder) -> OpenedCheckpoint | None:
    """Open the public checkpoint under the log's own key; None while there is none.

    Raises:
        StoreError: `log-damaged`: it is not one.
    """
    data = folder.read(CHECKPOINT, MAX_NOTE)
    if data is None:
        return None
    try:
        return open_checkpoint(data, [folder.facts().key])
    except RefusedError as error:
        raise StoreError(f"log-damaged: the public checkpoint: {error}") from error


def open_tree(folder: LogFolder, size: int, root: bytes) -> TileReader:
    """Open a tree on our own disk.

    Raises:
        StoreError: `log-damaged`.
    """
    try:
        return TileReader(size, root, folder.read)
    except (ProofError, UnreachableError) as error:
        raise StoreError(f"log-damaged: {error}") from error


def _within_bounds(leaves: Iterable[bytes]) -> list[bytes]:
    """Take as many of the first as one batch may hold."""
    batch: list[bytes] = []
    free = MAX_BATCH_BYTES
    for leaf in itertools.islice(leaves, MAX_BATCH):
        free -= len(leaf)
        if free < 0:
            break
        batch.append(leaf)
    return batch


def _sentence(silent: dict[str, str]) -> str:
    return (
        "; ".join(f"{name}: {why}" for name, why in silent.items()) or "none is known"
    )
