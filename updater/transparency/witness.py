"""A witness: what it knows of logs, and its signature on what follows from that.

Carrier: the checks are `cosigning`'s. Comparing with the stored tree and storing the
new one are one transaction that is on disk before the signature is given away; without
that, a slow request for a smaller tree could roll the witness back, and a power cut
could make it sign two trees.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from updater.errors import BusyError, DeclinedError, RefusedError, StoreError
from updater.files import Files
from updater.transparency.checkpoint import cosign
from updater.transparency.cosigning import (
    NOTHING,
    Head,
    Logs,
    Opened,
    check_clock,
    check_growth,
    check_rate,
    is_repeated,
    open_checkpoint,
    open_submission,
    place_of,
)
from updater.transparency.key import Kind, SigningKey

_WAIT_S = 30  # for other requests; each holds the database for one commit
_MAX_SUSPECTS = 1_000  # only a log's key can make one, so this many are enough

# With FULL, a committed transaction is rolled back if the power fails before the name
# of its journal is gone from the disk; EXTRA syncs the folder as well.
_SYNC = "PRAGMA synchronous=EXTRA"
_TABLES = (
    """CREATE TABLE IF NOT EXISTS heads (
        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
        note BLOB NOT NULL, lines BLOB NOT NULL, time INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS suspects (
        note BLOB PRIMARY KEY, known BLOB NOT NULL, time INTEGER NOT NULL)""",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a witness stored of one log."""

    head: Head
    note: bytes
    """The checkpoint with the log's own lines."""
    lines: bytes = field(kw_only=True)
    """The witness's own."""
    time: int = field(kw_only=True)
    """When it signed them, POSIX seconds."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A note that a log signed and that does not contain what was cosigned before."""

    note: bytes
    known: bytes
    """What was cosigned last when this came."""
    time: int = field(kw_only=True)
    """POSIX seconds."""


class Witness:
    """One witness and its database; any number of threads and processes may ask."""

    def __init__(  # noqa: PLR0913 - a database, keys, logs, and how to be
        self,
        database: Path,
        keys: Sequence[SigningKey],
        logs: Logs,
        *,
        now: Callable[[], float],
        is_trusting: bool = False,
        files: Files | None = None,
    ) -> None:
        """Make the database if need be.

        Args:
            database: a file in a folder that is there.
            keys: of kind WITNESS or ML_DSA, a signature line each.
            logs: those it knows; the others are refused.
            now: gives POSIX seconds.
            is_trusting: whether the first tree of a known log is believed; otherwise
                it must be pinned.
            files: makes the database.

        Raises:
            RefusedError: a key is not one of a witness.
            StoreError: the database cannot be used, or others can write it.
        """
        if not keys or any(key.kind is Kind.LOG for key in keys):
            raise RefusedError("a witness: expected keys of kind 04 or 06")
        self._database = database
        self._keys = tuple(keys)
        self._logs = logs
        self._now = now
        self._is_trusting = is_trusting
        self._full_at: dict[str, float] = {}
        files = files or Files()
        if database.name not in files.names(database.parent):
            files.create(database, b"")
        files.check_private(database)
        with self._transaction() as db:
            for table in _TABLES:
                db.execute(table)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its keys."""
        return tuple(key.name for key in self._keys)

    def add_checkpoint(self, body: bytes) -> bytes:
        """Cosign what a request asks for; gives the witness's signature lines.

        Raises:
            DeclinedError: a check of `cosigning` failed; its status says which.
            BusyError: other requests hold the database.
            StoreError: the database refuses; nothing was signed.
        """
        with self._transaction() as db:
            check_clock(int(self._now()), _last_time(db))
        opened = open_submission(body, self._logs)
        with self._transaction() as db:
            known = _find(db, opened.checkpoint.origin)
            if known is None and not self._is_trusting:
                raise DeclinedError(
                    f"log {opened.checkpoint.origin!r} is not pinned", status=404
                )
            try:
                check_growth(opened, known.head if known else NOTHING)
            except DeclinedError as error:
                if known is None or error.status != 422:
                    raise
                _keep(db, Suspect(opened.note, known.note, time=int(self._now())))
                declined = error
            else:
                return self._sign(db, opened, known)
        raise declined  # after the commit, which keeps the note

    def pin(self, note: bytes) -> bytes:
        """Set the tree that a log starts from here, and cosign it.

        Gives the witness's signature lines.

        Raises:
            DeclinedError: the log is unknown or did not sign it.
            RefusedError: it has a start already.
        """
        opened = open_checkpoint(note, self._logs)
        with self._transaction() as db:
            known = _find(db, opened.checkpoint.origin)
            if known is not None:
                raise RefusedError(
                    f"{opened.checkpoint.origin!r} is known already, at size"
                    f" {known.head.size}"
                )
            return self._sign(db, opened, None)

    def known(self, origin: str) -> Known | None:
        """Give what it stored of a log."""
        with self._transaction() as db:
            return _find(db, origin)

    def checkpoint(self, place: str) -> bytes | None:
        """Give the last note of a log with the log's and the own lines.

        `place` is the lower hexadecimal SHA-256 of the origin (C2SP tlog-witness).
        """
        for origin in self._logs:
            if place_of(origin) == place and (known := self.known(origin)):
                return known.note + known.lines
        return None

    def suspects(self) -> list[Suspect]:
        """List the notes that contradict what was cosigned, oldest first."""
        with self._transaction() as db:
            rows = db.execute("SELECT note, known, time FROM suspects ORDER BY time")
            return [Suspect(note, known, time=time) for note, known, time in rows]

    def _sign(
        self, db: sqlite3.Connection, opened: Opened, known: Known | None
    ) -> bytes:
        """Sign and store; the caller's transaction commits before anybody sees it."""
        now = int(self._now())
        check_clock(now, _last_time(db))
        if known and is_repeated(opened, known.note, known.time, now):
            return known.lines
        tree = opened.checkpoint
        # Whoever holds the transaction is alone, so this needs no lock of its own.
        self._full_at[tree.origin] = check_rate(self._full_at.get(tree.origin, 0), now)
        lines = "".join(str(cosign(opened.text, key, now)) for key in self._keys)
        row = (tree.origin, tree.size, tree.root, opened.note, lines.encode(), now)
        db.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?)", row)
        return lines.encode()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the only right to write; what the block did is on disk after it."""
        try:
            db = sqlite3.connect(self._database, timeout=_WAIT_S, isolation_level=None)
            with contextlib.closing(db):
                db.execute(_SYNC)
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise BusyError(f"{self._database}: {error}") from error
            raise StoreError(f"{self._database}: {error}") from error
        except sqlite3.Error as error:
            raise StoreError(f"{self._database}: {error}") from error


def _find(db: sqlite3.Connection, origin: str) -> Known | None:
    found = db.execute(
        "SELECT size, root, note, lines, time FROM heads WHERE origin = ?", (origin,)
    ).fetchone()
    if found is None:
        return None
    size, root, note, lines, time = found
    return Known(Head(size, root), note, lines=lines, time=time)


def _last_time(db: sqlite3.Connection) -> int:
    (last,) = db.execute("SELECT coalesce(max(time), 0) FROM heads").fetchone()
    return int(last)


def _keep(db: sqlite3.Connection, suspect: Suspect) -> None:
    (count,) = db.execute("SELECT count(*) FROM suspects").fetchone()
    if count < _MAX_SUSPECTS:
        row = (suspect.note, suspect.known, suspect.time)
        db.execute("INSERT OR IGNORE INTO suspects VALUES (?, ?, ?)", row)
