"""Following a log as a client: heads, tiles and every new entry.

Carrier: it gathers, saves and never gives the verdict. What goes wrong is a `Trouble`
in the `LogView` that the gates judge. Requests are the same on every machine: the
latest checkpoint, then what is new; what somebody wants to install changes none.
"""

import contextlib
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from updater.errors import (
    BusyError,
    MalformedError,
    MisbehaviourError,
    ProofError,
    RefusedError,
    SignatureError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.files import Files
from updater.transparency import evidence as proofs
from updater.transparency.cache import Source
from updater.transparency.checkpoint import Checkpoint, OpenedCheckpoint
from updater.transparency.evidence import build_fork, format_evidence, parse_evidence
from updater.transparency.honour import Honoured, TrustSet
from updater.transparency.index import Place
from updater.transparency.merkle import EMPTY_ROOT
from updater.transparency.peer import PeerView
from updater.transparency.policy import Policy
from updater.transparency.run import MAX_ENTRIES, Progress, Run
from updater.transparency.shelf import Setting, Shelf
from updater.transparency.state import (
    MAX_AGREED,
    MAX_LEARNED,
    Agreement,
    Installed,
    Kept,
    Memory,
    Seen,
    State,
    with_evidence,
)
from updater.transparency.store import Store
from updater.transparency.view import Code, Logged, LogView, Trouble
from updater.transparency.witnessed import check_quorum, fresh_at

_STARTS = 3  # a run that others overtake so often is told so


class LogClient:
    """One log, as one folder on this machine remembers it.

    Args:
        folder: private; holds state.json, lock, evidence/, honoured/ and cache/.
        origin: of the log that is followed.
        files: the file system.
        source: the log's public folder.
        trust_file: gives a former or new trust file by its SHA-256 in lower hexadecimal
            (the repository's `trust/history`); raises `UpdateError`.
        built_in: the trust files of the running program.
        floor: the note of the oldest checkpoint to believe, brought along by the
            program; None for a log that is followed from its first entry.
        own_policy: a second policy, of the user's own; it can only tighten.
        max_entries: after so many a run ends, and the next goes on.
        now: POSIX seconds.
        entropy: as `os.urandom`.
        pause: as `time.sleep`.
    """

    def __init__(  # noqa: PLR0913 - the doors of a carrier, each by name
        self,
        folder: Path,
        origin: str,
        *,
        files: Files,
        source: Source,
        trust_file: Callable[[str], bytes],
        built_in: TrustSet,
        floor: bytes | None,
        own_policy: Policy | None = None,
        max_entries: int = MAX_ENTRIES,
        now: Callable[[], float],
        entropy: Callable[[int], bytes],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._setting = Setting(
            folder=folder,
            origin=origin,
            files=files,
            source=source,
            trust_file=trust_file,
            built_in=built_in,
            floor=floor,
            own_policy=own_policy,
            max_entries=max_entries,
            now=now,
        )
        self._store = Store(folder, files=files, entropy=entropy, pause=pause)
        self._shelf = Shelf(self._setting, self._store)
        self._floor = self._floor_of(floor)

    def update(self, progress: Progress | None = None) -> LogView:
        """Fetch, check and remember what is new; never raises for what came of it."""
        try:
            for _ in range(_STARTS - 1):
                with contextlib.suppress(BusyError):
                    return self._run(progress)
            return self._run(progress)
        except BusyError as error:
            return self._lost("busy", error)
        except StoreError as error:
            return self._lost("state", error)
        except RefusedError as error:  # what we accepted once was signed by another key
            return self._lost("log-signature", error)

    def _run(self, progress: Progress | None) -> LogView:
        state = self._store.load()
        run = Run(self._shelf, state, self._memory(state))
        trouble = run.go(progress)
        return self._view(run.state, run.memory, trouble, is_old_copy=run.is_old_copy)

    def view(self) -> LogView:
        """Give what is remembered, without asking anybody."""
        try:
            state = self._store.load()
            memory = self._memory(state)
            return self._view(state, memory, _standing(memory))
        except StoreError as error:
            return self._lost("state", error)

    def compare(self, note: bytes) -> Checkpoint:
        """Check that a checkpoint of this log, as of a proof file, is in our tree.

        Raises:
            MisbehaviourError: it is of another branch: saved, and frozen.
            SignatureError, MalformedError: it is none of this log's.
            UnreachableError: it is later than the log that was shown to us.
            ProofError, UnreachableError: tiles of ours are damaged or gone; the next
                `update` reads everything again.
            StoreError: the state cannot be read or written.
        """
        memory = self._memory(self._store.load())
        policy = self._shelf.honour(memory).current.policy
        opened = self._shelf.open(note, policy)
        theirs = opened.checkpoint
        if memory.note is None or theirs.size > memory.head.size:
            raise UnreachableError(
                f"the log was shown up to {memory.head.size}, wanted is {theirs.size}"
            )
        if theirs.size == 0:
            return theirs  # it begins every tree, and parsing has seen its root
        with self._kept():
            tree = self._shelf.tree(memory)
            root = tree.root_at(theirs.size)
            proof = tree.prove_consistency(theirs.size)
        if root != theirs.root:
            log_key = self._shelf.log_key(policy)
            data = format_evidence(
                build_fork(note, memory.note, proof=proof, root=root, log_key=log_key)
            )
            self._record(data, "fork")
            raise MisbehaviourError(
                f"log {theirs.origin} signed two histories, at size {theirs.size}", data
            )
        return theirs

    def rebuilds(self, sha256: str) -> tuple[Logged, ...]:
        """Give every logged rebuild entry about a file; asks nobody.

        Raises:
            StoreError: entries that were read are not kept any more; the next `update`
                reads them all again.
        """
        memory = self._memory(self._store.load())
        with self._kept():
            return tuple(
                Logged(self._shelf.leaf(memory, place), place.index)
                for place in memory.index.rebuilds_of(sha256)
            )

    def leaf(self, place: Place) -> bytes:
        """Give an entry that was read; asks nobody, raises as `rebuilds`."""
        memory = self._memory(self._store.load())
        with self._kept():
            return self._shelf.leaf(memory, place)

    def peer_view(self) -> PeerView:
        """Give what peers may see, for an exchange of `gossip`."""
        memory = self._memory(self._store.load())
        return PeerView(self._shelf, memory, self._shelf.honour(memory).current)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Use what is kept; where some of it is lost, have it all read again."""
        try:
            yield
        except (ProofError, StoreError, UnreachableError):
            self._change(lambda memory: memory.unread)
            raise

    # What is remembered

    def record_install(self, place: Place, version: str) -> None:
        """Remember what was installed."""
        installed = Installed(place, version)
        self._store.change(lambda state: replace(state, installed=installed))

    def record_evidence(self, data: bytes) -> str:
        """Check and keep evidence of this log, and freeze; give its name.

        Raises:
            RefusedError: it proves nothing.
        """
        found = parse_evidence(data)
        current = self._shelf.honour(self._memory(self._store.load())).current
        log_key = self._shelf.log_key(current.policy)
        proofs.verify(found, log_key, current.trust)
        return self._record(data, proofs.kind(found))

    def learn(self, note: bytes) -> None:
        """Remember a head that a peer has; ours must reach it before an install.

        Raises:
            RefusedError: it does not meet our own quorum.
        """
        memory = self._memory(self._store.load())
        policy = self._shelf.honour(memory).current.policy
        opened = self._shelf.open(note, policy)
        check_quorum(policy, opened, self._setting.now())
        if opened.checkpoint.size <= memory.head.size:
            return

        def edit(memory: Memory) -> Memory:
            others = [each for each in memory.learned if each != note]
            return replace(memory, learned=(*others, note)[-MAX_LEARNED:])

        self._change(edit)

    def record_agreement(self, peer: bytes, size: int) -> None:
        """Remember that a peer (an opaque tag) has the same tree up to a size."""
        origin, now = self._setting.origin, int(self._setting.now())

        def edit(state: State) -> State:
            name = hmac.digest(state.salt, peer, "sha256").hex()
            others = [
                each
                for each in state.agreed
                if (each.peer, each.origin) != (name, origin)
            ]
            agreed = Agreement(name, size, origin=origin, at=now)
            return replace(state, agreed=(*others, agreed)[-MAX_AGREED:])

        self._store.change(edit)

    def evidence(self) -> list[str]:
        """List what is kept, by SHA-256."""
        return self._store.evidence_names()

    def read_evidence(self, sha256: str) -> bytes:
        """Give a piece of evidence.

        Raises:
            StoreError: it is not there.
        """
        return self._store.read_evidence(sha256)

    def unfreeze(self, sha256: str) -> None:
        """Go on after evidence that the user looked at; it and our branch are kept.

        Raises:
            RefusedError: this is not what froze the log.
        """

        def edit(state: State) -> State:
            memory = self._memory(state)
            if memory.frozen_by != sha256:
                raise RefusedError(f"log {memory.origin} is not frozen by {sha256}")
            settled = tuple(
                replace(each, is_settled=True) if each.sha256 == sha256 else each
                for each in state.evidence
            )
            state = replace(state, evidence=settled)
            return state.with_memory(replace(memory, frozen_by=None))

        self._store.change(edit)

    def start_again(self) -> None:
        """Throw the state away and begin at the floor; evidence stays, and freezes.

        The next `update` reads the log from its first entry.

        Raises:
            StoreError: the disk refuses.
        """
        self._store.reset()
        for name in self._store.evidence_names():
            data = self._store.read_evidence(name)
            try:
                self.record_evidence(data)
            except RefusedError:
                continue  # local trouble, or of another log

    def _record(self, data: bytes, kind: str) -> str:
        name = self._store.save_evidence(data)

        def edit(state: State) -> State:
            if not any(each.sha256 == name for each in state.evidence):
                state = with_evidence(state, Kept(name, kind))
            if state.is_settled(name):
                return state
            return state.with_memory(replace(self._memory(state), frozen_by=name))

        self._store.change(edit)
        return name

    def _change(self, edit: Callable[[Memory], Memory]) -> None:
        self._store.change(lambda state: state.with_memory(edit(self._memory(state))))

    # What is shown

    def _memory(self, state: State) -> Memory:
        """Give what is remembered of this log, or begin at the floor."""
        memory = state.memory(self._setting.origin)
        if memory is None:
            return Memory(self._setting.origin, floor=self._floor)
        # A newer program brings a newer floor.
        return replace(memory, floor=self._floor)

    def _floor_of(self, note: bytes | None) -> Seen:
        if note is None:
            return Seen(0, EMPTY_ROOT)
        head = self._shelf.open(note, self._setting.built_in.policy).checkpoint
        return Seen(head.size, head.root)

    def _view(
        self,
        state: State,
        memory: Memory,
        trouble: Trouble | None,
        *,
        is_old_copy: bool = False,
    ) -> LogView:
        now = self._setting.now()
        troubles = [trouble] if trouble else []
        honoured = self._built_in()
        try:
            honoured = self._shelf.honour(memory)
        except (StoreError, UnreachableError) as error:
            if not troubles:
                troubles.append(Trouble("network", str(error)))
        head = self._head(memory, honoured.current.policy)
        if head is None and memory.note is not None and not troubles:
            troubles.append(
                Trouble("quorum", "the accepted head is of former witnesses")
            )
        return LogView(
            origin=memory.origin,
            memory=memory,
            index=state.with_memory(memory).index,
            honoured=honoured,
            head=head,
            fresh_at=fresh_at(honoured.current.policy, head, now) if head else None,
            troubles=tuple(troubles),
            behind_peers=self._behind_peers(memory, honoured.current.policy),
            is_old_copy=is_old_copy,
            evidence=memory.frozen_by,
            installed=state.installed.version if state.installed else None,
            agreements=state.agreements(memory.origin, now),
        )

    def _head(self, memory: Memory, policy: Policy) -> OpenedCheckpoint | None:
        if memory.note is None:
            return None
        try:
            return self._shelf.open(memory.note, policy)
        except UpdateError:
            return None

    def _behind_peers(self, memory: Memory, policy: Policy) -> int | None:
        sizes = []
        for note in memory.learned:
            try:
                sizes.append(self._shelf.open(note, policy).checkpoint.size)
            except (MalformedError, SignatureError):
                continue  # of a log key that counts no more
        return max((size for size in sizes if size > memory.head.size), default=None)

    def _lost(self, code: Code, error: UpdateError) -> LogView:
        """Show that nothing can be shown."""
        memory = Memory(self._setting.origin, floor=self._floor)
        return self._view(State(salt=b""), memory, Trouble(code, str(error)))

    def _built_in(self) -> Honoured:
        sets = (self._setting.built_in,)
        return Honoured(sets=sets, places=(), ages={}, ignored=())


def _standing(memory: Memory) -> Trouble | None:
    """Tell what the last run left unfinished."""
    if memory.blocked_by is not None:
        text = "what was fetched last did not fit, and nothing fitted since"
        return Trouble("tiles", text, evidence=memory.blocked_by)
    if memory.note is None:
        return Trouble("network", "no checkpoint was ever accepted")
    if memory.next_entry < memory.head.size:
        text = f"{memory.next_entry} of {memory.head.size} entries are read"
        return Trouble("entries", text)
    return None
