"""The sealed store: one file, encrypted, written whole or not at all.

Carrier: reads and writes bytes; what they mean is for `vault` to say. Several processes
may use one store at once: each change takes the lock, reads what is there now, writes
beside and renames. A reader, or a machine that lost power, sees the old value or the
new one. Format: docs/formats/identity.md.
"""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from voip.errors import MalformedError, MissingError, StoreError
from voip.identity.backup import Backup, format_backup, parse_backup
from voip.identity.sealed import (
    NONCE_BYTES,
    Cost,
    Header,
    open_sealed,
    parse_header,
    seal,
)
from voip.identity.unlock import Passphrase, Unlock, find_key, forget_key, new_key
from voip.identity.vault import Vault, format_vault, parse_vault

MAX_FILE_BYTES: Final = 16 << 20  # a full store has below 1 MB
LOCK_WAIT_S: Final = 10.0  # a change takes milliseconds; somebody hangs


class Store:
    """A person's store on disk, open: holds the file's key.

    ::

        store = Store.create(path, vault, Passphrase(b"..."))
        store = Store.open(path, Passphrase(b"..."))
        vault = store.read()
        vault = store.change(lambda vault: replace(vault, alias="alice"))
    """

    def __init__(self, path: Path, header: Header, kek: bytes) -> None:
        self._path = path
        self._header = header
        self._kek = kek  # derived once; each write has a nonce of its own
        self._last: tuple[bytes, Vault] | None = None  # what was read or written last

    def __repr__(self) -> str:
        return f"Store({str(self._path)!r})"

    @classmethod
    def create(
        cls, path: Path, vault: Vault, unlock: Unlock, *, cost: Cost | None = None
    ) -> "Store":
        """Make a new store; its folder is made with mode 0700 if it is not there.

        `cost` is for passphrases, and by default that of `Cost`.

        Raises:
            StoreError: there is one already, or others can read the folder.
            MissingError: no keyring on this machine.
        """
        with _os_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_private(path.parent.stat(), path.parent)
            with _locked(path):
                if path.exists():
                    raise StoreError(f"store: {path} exists already")
                header, kek = new_key(unlock, cost or Cost())
                store = cls(path, header, kek)
                store._write(vault)
        return store

    @classmethod
    def open(cls, path: Path, unlock: Unlock) -> "Store":
        """Open a store.

        Raises:
            PassphraseError: wrong passphrase, or a damaged file.
            StoreError: not a store, or others can read it.
            MissingError: there is no such file, or no keyring on this machine.
        """
        raw = _read_private(path)
        header = _header(raw, path)
        store = cls(path, header, find_key(unlock, header))
        store._parse(raw)
        return store

    def read(self) -> Vault:
        """Read what the store holds now.

        Raises:
            StoreError: it cannot be read any more.
            MissingError: it is gone.
        """
        return self._parse(_read_private(self._path))

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """Apply a function to what the store holds now; on disk when this returns.

        The lock is held for the one change only, and `change` runs under it: it must be
        quick. If it raises, nothing is written.

        Raises:
            StoreError: the store cannot be read or written, or stays locked.
            MissingError: it is gone.
        """
        with _os_errors(self._path), _locked(self._path):
            before = self.read()
            after = change(before)
            if after != before:
                self._write(after)
        return after

    def relock(self, unlock: Unlock, *, cost: Cost | None = None) -> None:
        """Seal the store under another key; on disk when this returns.

        Whoever has a copy of the file as it was can still open that with what opened
        it then, which a keyring may keep; its keys are those of the store. Other
        processes that have it open are refused from now on.

        Raises:
            StoreError: the store cannot be read or written, or stays locked.
            MissingError: it is gone, or there is no keyring on this machine.
        """
        with _os_errors(self._path), _locked(self._path):
            relocked = Store(self._path, *new_key(unlock, cost or Cost()))
            relocked._write(self.read())
            before, self._header, self._kek = (
                self._header,
                relocked._header,
                relocked._kek,
            )
            # A keyring that does not forget makes no failure of what is done: its key
            # opens nothing but copies of the file as it was.
            with contextlib.suppress(MissingError):
                forget_key(before)

    def _parse(self, raw: bytes) -> Vault:
        # Reading a full store takes as long as two audio frames; mostly nobody else
        # wrote, and the same bytes are the same value.
        if self._last is not None and self._last[0] == raw:
            return self._last[1]
        if _header(raw, self._path) != self._header:
            raise StoreError(
                f"store: {self._path} was given another passphrase; start again"
            )
        with _not_ours(self._path):
            vault = parse_vault(open_sealed(raw, self._kek))
        self._last = raw, vault
        return vault

    def _write(self, vault: Vault) -> None:
        """Write beside, sync, rename, sync the folder; the lock is held."""
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.unlink(missing_ok=True)  # of a process that was killed while writing
        raw = _seal(self._header, self._kek, format_vault(vault))
        _write_new(beside, raw)
        beside.rename(self._path)
        _sync_folder(self._path.parent)
        self._last = raw, vault


def export_backup(
    saved: Backup, path: Path, passphrase: Passphrase, *, cost: Cost | None = None
) -> None:
    """Write a backup: the same file format, under a passphrase of its own.

    Raises:
        StoreError: the file exists, or cannot be written.
    """
    with _os_errors(path):
        header, kek = new_key(passphrase, cost or Cost())
        _write_new(path, _seal(header, kek, format_backup(saved)))
        _sync_folder(path.parent)


def import_backup(path: Path, passphrase: Passphrase) -> Backup:
    """Read a backup, from wherever it was kept: its mode is not looked at.

    Raises:
        PassphraseError: wrong passphrase, or a damaged file.
        StoreError: not a backup.
        MissingError: there is no such file.
    """
    with _os_errors(path):
        raw = _read(path)
    kek = find_key(passphrase, _header(raw, path))
    with _not_ours(path):
        return parse_backup(open_sealed(raw, kek))


def _seal(header: Header, kek: bytes, plaintext: bytes) -> bytes:
    raw = seal(header, kek, plaintext, nonce=os.urandom(NONCE_BYTES))
    if len(raw) > MAX_FILE_BYTES:  # it could never be read again
        raise StoreError(f"store: it would have {len(raw)} bytes, too many")
    return raw


def _header(raw: bytes, path: Path) -> Header:
    with _not_ours(path):
        return parse_header(raw)


def _write_new(path: Path, raw: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)  # else the rename may be lost with the power
    finally:
        os.close(descriptor)


def _read_private(path: Path) -> bytes:
    with _os_errors(path):
        _check_private(path.parent.stat(), path.parent)
        return _read(path, private=True)


def _read(path: Path, *, private: bool = False) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if private:
            _check_private(status, path)
        if status.st_size > MAX_FILE_BYTES:
            raise StoreError(f"store: {path} has {status.st_size} bytes, too many")
        return file.read(MAX_FILE_BYTES)


def _check_private(status: os.stat_result, path: Path) -> None:
    """Check that only its owner, us, can read or write a file or folder."""
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise StoreError(
            f"store: expected {path} to be yours alone, "
            f"came owner {status.st_uid} and mode {stat.S_IMODE(status.st_mode):04o}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock beside the store; it dies with the process, the file stays."""
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _take_lock(descriptor, lock)
        yield
    finally:
        os.close(descriptor)


def _take_lock(descriptor: int, lock: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"store: {lock} was held for {LOCK_WAIT_S:.0f} s by another process"
                ) from None
            time.sleep(0.005)
        else:
            return


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MissingError(f"store: there is no {path}") from None
    except OSError as error:
        raise StoreError(f"store: {path}: {error.strerror}") from error


@contextmanager
def _not_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except MalformedError as error:
        raise StoreError(f"{path}: {error}") from error
