"""The shelf of a relay on disk: SQLite, a thread for jobs, many jobs a commit.

What `run` returned is on disk: SQLite's write-ahead log is synced before a result is
handed out, and all jobs that wait at that moment share the sync. A kill at any moment
leaves the file whole. Several processes may open one file; SQLite's lock puts their
transactions in a row. A spool that only reads has a snapshot of what was committed, and
waits for no sync.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from voip.errors import LimitError, StoreError
from voip.signalling.frames import BoardPut, Parcel
from voip.signalling.mailbox import Shelf

_R = TypeVar("_R")
_Job = tuple[Callable[[Shelf], Any], asyncio.Future[Any]]
_Outcome = tuple[asyncio.Future[Any], Any, Exception | None]

MAX_WAITING = 2048  # jobs; beyond, clients are asked to slow down
MAX_BATCH = 2000  # jobs that share one sync
LOCK_WAIT_S = 5.0  # for another process on the same file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS parcel (
    number INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    tag BLOB NOT NULL,
    expires INTEGER NOT NULL,
    blob BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS parcel_tag ON parcel (tag, expires);
CREATE INDEX IF NOT EXISTS parcel_expires ON parcel (expires);
CREATE TABLE IF NOT EXISTS slot (
    board BLOB NOT NULL,
    number INTEGER NOT NULL,
    version BLOB NOT NULL,
    signature BLOB NOT NULL,
    expires INTEGER NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (board, number)
) STRICT;
CREATE TABLE IF NOT EXISTS pulse (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
"""


class _SqliteShelf:
    """A `Shelf` over one SQLite connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def stored_bytes(self) -> int:
        """Pages in use; SQLite knows the numbers without counting rows."""
        pages, free, size = (
            int(self._database.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def count(self, tag: bytes, *, now: int) -> int:
        """Count the blobs of a tag that have not expired."""
        sql = "SELECT count(*) FROM parcel WHERE tag = ? AND expires > ?"
        return int(self._database.execute(sql, (tag, now)).fetchone()[0])

    def add(self, parcel: Parcel, *, expires: int) -> None:
        """Keep a blob."""
        self._database.execute(
            "INSERT INTO parcel (message_id, tag, expires, blob) VALUES (?, ?, ?, ?)",
            (parcel.message_id, parcel.tag, expires, parcel.blob),
        )

    def find(self, tags: Sequence[bytes], *, now: int) -> list[bytes]:
        """Give the message ids under some tags that have not expired, oldest first."""
        rows = self._database.execute(
            f"SELECT message_id FROM parcel WHERE tag IN ({_marks(tags)})"  # noqa: S608 - marks only
            " AND expires > ? ORDER BY number",
            (*tags, now),
        )
        return [message_id for (message_id,) in rows]

    def read(self, message_ids: Sequence[bytes]) -> list[Parcel]:
        """Give blobs by message id, oldest first."""
        rows = self._database.execute(
            "SELECT tag, message_id, blob FROM parcel"  # noqa: S608 - marks only
            f" WHERE message_id IN ({_marks(message_ids)}) ORDER BY number",
            tuple(message_ids),
        )
        return [Parcel(tag, message_id, blob=blob) for tag, message_id, blob in rows]

    def remove(self, message_ids: Sequence[bytes]) -> None:
        """Drop blobs; ids that name none are ignored."""
        self._database.executemany(
            "DELETE FROM parcel WHERE message_id = ?",
            [(message_id,) for message_id in message_ids],
        )

    def slot(self, board: bytes, index: int) -> BoardPut | None:
        """Give what a slot of a board holds."""
        row = self._database.execute(
            "SELECT version, signature, blob FROM slot WHERE board = ? AND number = ?",
            (board, index),
        ).fetchone()
        if row is None:
            return None
        version = int.from_bytes(row[0], "big")
        return BoardPut(board, index, version=version, signature=row[1], blob=row[2])

    def set_slot(self, published: BoardPut, *, expires: int) -> None:
        """Replace what a slot of a board holds."""
        self._database.execute(
            "INSERT OR REPLACE INTO slot VALUES (?, ?, ?, ?, ?, ?)",
            (
                published.board,
                published.index,
                # An unsigned 64-bit version does not fit SQLite's signed integer.
                published.version.to_bytes(8, "big"),
                published.signature,
                expires,
                published.blob,
            ),
        )

    def sweep(self, now: int) -> None:
        """Drop what expired before `now`."""
        self._database.execute("DELETE FROM parcel WHERE expires <= ?", (now,))
        self._database.execute("DELETE FROM slot WHERE expires <= ?", (now,))

    def beat(self, now: int) -> None:
        """Write something; a commit that changes nothing is not synced."""
        self._database.execute("INSERT OR REPLACE INTO pulse VALUES (1, ?)", (now,))


def _marks(values: Sequence[bytes]) -> str:
    return ",".join("?" * len(values))


class Spool:
    """Runs jobs over the shelf, one after another, in a thread of its own."""

    def __init__(self, path: Path, *, is_reader: bool = False) -> None:
        self._path = path
        # A reader that took the lock at once would wait for the writer's sync.
        self._begin = "BEGIN DEFERRED" if is_reader else "BEGIN IMMEDIATE"
        # Bounded by `run`, which counts. A simple queue is written in C: putting takes
        # no lock that the thread may hold, so the loop does not wait its turn.
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._opened: Future[None] = Future()

    async def run(self, job: Callable[[Shelf], _R]) -> _R:
        """Run a job; once this returns, what the job wrote survives a kill.

        Raises:
            LimitError: 2048 jobs wait already.
            StoreError: the disk is full or broken; the job wrote nothing.
        """
        if self._waiting >= MAX_WAITING:
            raise LimitError(f"{MAX_WAITING} requests wait for the disk")
        result: asyncio.Future[_R] = self._loop.create_future()
        self._waiting += 1
        self._jobs.put((job, result))
        return await result

    async def open(self) -> None:
        """Open or create the file, readable by its owner only.

        Raises:
            StoreError: it cannot be opened, or is not a spool.
        """
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    async def close(self) -> None:
        """Finish what waits and close the file."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            database = self._connect()
        except (OSError, sqlite3.Error) as error:
            failure = StoreError(f"spool {str(self._path)!r}: {error}")
            self._opened.set_exception(failure)
            return
        self._opened.set_result(None)
        try:
            while batch := self._next_batch():
                # One wake-up of the loop for all: a thousand clients cost a thousand
                # jobs, not a thousand wake-ups.
                outcomes = _commit(database, batch, self._begin)
                self._loop.call_soon_threadsafe(self._hand_out, len(batch), outcomes)
        finally:
            database.close()

    def _connect(self) -> sqlite3.Connection:
        # Made here first, so that SQLite's own files beside it get its mode too.
        self._path.touch(mode=0o600)
        database = sqlite3.connect(
            self._path, timeout=LOCK_WAIT_S, isolation_level=None
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            # FULL syncs the log at each commit; NORMAL would lose acknowledged blobs in
            # a power cut.
            database.execute("PRAGMA synchronous = FULL")
            # A deleted blob is overwritten, not merely unlinked.
            database.execute("PRAGMA secure_delete = ON")
            database.executescript(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _next_batch(self) -> list[_Job]:
        """Wait for a job and take all that wait with it; empty at the end."""
        batch = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH or self._jobs.empty():
                return batch
            job = self._jobs.get()
        if batch:
            self._jobs.put(None)  # the end was read with the last jobs: read it again
        return batch

    def _hand_out(self, taken: int, outcomes: list[_Outcome]) -> None:
        """Tell those who wait; in the loop, for its futures are no other thread's."""
        self._waiting -= taken
        for future, result, failure in outcomes:
            if future.done():
                continue  # cancelled while the job ran
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


def _commit(
    database: sqlite3.Connection, batch: list[_Job], begin: str
) -> list[_Outcome]:
    """Run jobs in one transaction; results leave after the sync, and only then."""
    shelf = _SqliteShelf(database)
    # Whose asker has gone need not run. One that goes while this looks runs in vain.
    waiting = [each for each in batch if not each[1].cancelled()]
    try:
        database.execute(begin)
        results = [job(shelf) for job, _ in waiting]
        database.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for a job
        if database.in_transaction:
            database.execute("ROLLBACK")
        failure = (
            StoreError(f"spool: {error}") if isinstance(error, sqlite3.Error) else error
        )
        return [(future, None, failure) for _, future in waiting]
    return [
        (future, result, None)
        for (_, future), result in zip(waiting, results, strict=True)
    ]


@asynccontextmanager
async def open_spool(path: Path, *, is_reader: bool = False) -> AsyncIterator[Spool]:
    """Open a spool for the length of a block; jobs of a reader must not write.

    Raises:
        StoreError: it cannot be opened, or is not a spool.
    """
    spool = Spool(path, is_reader=is_reader)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()
