"""Following a log on behalf of everybody.

Carrier: `watch` says what to take alarm at. Every entry is read once and led to the
root; what was read is remembered only after all alarms about it were taken.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from updater.errors import MisbehaviourError, UnreachableError
from updater.files import Files
from updater.transparency import watch
from updater.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from updater.transparency.evidence import build_fork, format_evidence, name
from updater.transparency.key import VerifierKey
from updater.transparency.note import MAX_NOTE
from updater.transparency.policy import Policy
from updater.transparency.tiles import MAX_TILE, WIDTH, Read, TileReader, tile_path
from updater.transparency.trust import Trust
from updater.transparency.watch import Alarm, Memory, format_memory, parse_memory

MOST_ENTRIES = 100_000
"""Read in one run; the next goes on, so a flood of entries costs no more than that."""


class Monitor:
    """Watches one log, from wherever it is read."""

    def __init__(  # noqa: PLR0913 - a log, who may do what in it, and a memory
        self,
        read: Read,
        key: VerifierKey,
        memory: Path,
        *,
        policy: Policy,
        trust: Trust,
        files: Files | None = None,
    ) -> None:
        """Watch the log with this key.

        Args:
            read: gives the files of its public folder.
            key: the log's own.
            memory: a file; without it, the log is read from its beginning.
            policy: who must have signed; better a stronger one than clients have.
            trust: who may claim what.
            files: keeps the memory.
        """
        self._read = read
        self._key = key
        self._path = memory
        self._policy = policy
        self._trust = trust
        self._files = files or Files()

    def look(
        self, now: float, published: Collection[str] | None = None
    ) -> Iterator[Alarm]:
        """Look once, and give every alarm; `now` in POSIX seconds.

        `published` are the SHA-256 of all files that are offered, if somebody says.

        Raises:
            UnreachableError: the log shows no checkpoint, or files are missing.
            RefusedError: what it shows was not signed by it, or does not lead to it.
            MisbehaviourError: the log signed two trees; the report proves it.
            StoreError: the memory cannot be read or kept.
        """
        memory = self._remember()
        opened = self._open(self._read("checkpoint", MAX_NOTE))
        old = self._open(memory.note) if memory.note else None
        before = None if old is None else old.checkpoint
        yield from watch.head_alarms(opened, before, self._policy, now)
        yield from watch.silence_alarms(opened, memory.seen, self._policy, now)
        tree = opened.checkpoint
        reader = TileReader(tree.size, tree.root, self._read)
        if old is not None:
            self._check_history(old, opened, reader)
        if self._read(tile_path(0, tree.size // WIDTH + 1), MAX_TILE) is not None:
            text = "files that cannot exist are answered with something"
            yield Alarm("error-page", "tile", text=text)
        yield from self._entries(memory, reader, published)
        if published is not None:
            yield from watch.offer_alarms(memory.register, published)
        if before is None or tree.size >= before.size:
            memory.note = opened.note
        self._files.replace(self._path, format_memory(memory))

    def _entries(
        self, memory: Memory, reader: TileReader, published: Collection[str] | None
    ) -> Iterator[Alarm]:
        end = min(reader.size, memory.register.size + MOST_ENTRIES)
        while memory.register.size < end:
            bundle, skip = divmod(memory.register.size, WIDTH)
            for leaf in reader.entries(bundle)[skip:]:
                yield from watch.entry_alarms(
                    memory.register, leaf, self._trust, published
                )

    def _check_history(
        self, old: OpenedCheckpoint, opened: OpenedCheckpoint, reader: TileReader
    ) -> None:
        """Expect one tree behind both heads; two are proven with both signatures."""
        before = old.checkpoint
        if before.size > reader.size:
            return  # an alarm already; whether it is a fork shows when it grows again
        root = reader.root_at(before.size)
        if root != before.root:
            fork = build_fork(
                old.note,
                opened.note,
                proof=reader.prove_consistency(before.size),
                root=root,
                log_key=self._key,
            )
            report = format_evidence(fork)
            kept = self._path.with_name(f"{name(report)}.evidence.json")
            self._files.replace(kept, report)
            raise MisbehaviourError(
                f"two trees of {before.origin!r} at size {before.size}, see {kept}",
                report,
            )

    def _remember(self) -> Memory:
        data = self._files.read_if_there(self._path, most=watch.MAX_BYTES)
        return Memory() if data is None else parse_memory(data)

    def _open(self, data: bytes | None) -> OpenedCheckpoint:
        if data is None:
            raise UnreachableError("the log shows no checkpoint")
        return open_checkpoint(data, [self._key], self._policy.witness_keys)
