"""Where a client's state lies: one file under a lock, and the evidence beside it.

Carrier. Every change is compared with what is on disk and written whole; a process that
lost a race starts over. What it writes is decided elsewhere.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from updater.errors import BusyError, MalformedError, StoreError
from updater.files import Files
from updater.transparency import evidence
from updater.transparency.state import State, check_follows
from updater.transparency.statefile import (
    MAX_BYTES,
    SALT_BYTES,
    format_state,
    parse_state,
)

TRIES = 40
"""How often a lock is asked for, `PAUSE_S` apart: a writer needs it for a moment."""
PAUSE_S = 0.05

_MAX_TRUST_FILE = 1 << 20  # a trusted root of Sigstore is the largest


class Store:
    """The folder of a client; made with its first change.

    Args:
        folder: private.
        files: the file system.
        entropy: as `os.urandom`.
        pause: as `time.sleep`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        files: Files,
        entropy: Callable[[int], bytes],
        pause: Callable[[float], None],
    ) -> None:
        self._folder = folder
        self._files = files
        self._entropy = entropy
        self._pause = pause
        # What was read or written last, so that unchanged bytes are parsed once.
        self._known: tuple[bytes, State] | None = None

    def load(self) -> State:
        """Give the state; a new one where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        found = self._read()
        return found or State(salt=self._entropy(SALT_BYTES))

    def swap(self, state: State) -> State:
        """Write a state that was made from what is on disk; gives it as written.

        Raises:
            BusyError: the state on disk has changed since; start over.
            StoreError: it cannot be written, or would forget part of a tree.
        """
        with self._locked():
            return self._write(state)

    def change(self, edit: Callable[[State], State]) -> State:
        """Write what an edit makes of the state on disk; raises as `swap`."""
        with self._locked():
            return self._write(edit(self.load()))

    def reset(self) -> None:
        """Throw the state away, readable or not; evidence stays.

        Raises:
            BusyError: another process holds it.
            StoreError: the disk refuses.
        """
        with self._locked():
            self._files.remove(self._path)

    def save_evidence(self, data: bytes) -> str:
        """Keep evidence and give its name.

        Raises:
            StoreError: the disk refuses.
        """
        name = evidence.name(data)
        folder = self._folder / "evidence"
        self._files.make_folder(folder)
        self._files.replace(folder / f"{name}.json", data)
        return name

    def read_evidence(self, sha256: str) -> bytes:
        """Give evidence by its name.

        Raises:
            StoreError: it is not there.
        """
        path = self._folder / "evidence" / f"{sha256}.json"
        return self._files.read(path, most=evidence.MAX_BYTES)

    def evidence_names(self) -> list[str]:
        """List the evidence in the folder, also what no state speaks of."""
        try:
            names = self._files.names(self._folder / "evidence")
        except StoreError:
            return []  # no folder: nothing was ever kept
        return [each.removesuffix(".json") for each in names if each.endswith(".json")]

    def trust_file(self, sha256: str, fetch: Callable[[str], bytes]) -> bytes:
        """Give a trust file that is kept, or fetch it and keep it.

        Raises:
            UpdateError: as `fetch` does, or the disk refuses.
        """
        path = self._folder / "honoured" / sha256
        try:
            kept = self._files.read_if_there(path, most=_MAX_TRUST_FILE)
        except StoreError:
            kept = None
        if kept is not None and _sha256(kept) == sha256:
            return kept
        data = fetch(sha256)
        if _sha256(data) == sha256:
            self._files.make_folder(path.parent)
            self._files.replace(path, data)
        return data

    @property
    def _path(self) -> Path:
        return self._folder / "state.json"

    def _read(self) -> State | None:
        if not self._folder.exists():
            return None
        data = self._files.read_if_there(self._path, most=MAX_BYTES)
        if data is None:
            return None
        if self._known is None or self._known[0] != data:
            try:
                self._known = (data, parse_state(data))
            except MalformedError as error:
                raise StoreError(f"{self._path}: {error}") from error
        return self._known[1]

    def _write(self, state: State) -> State:
        old = self._read()
        new = replace(state, rev=state.rev + 1)
        data = format_state(new)
        if len(data) > MAX_BYTES:  # it could not be read back
            raise StoreError(f"{self._path}: {len(data)} bytes, over {MAX_BYTES}")
        if old is not None:
            if old.rev != state.rev:
                raise BusyError(f"{self._path}: another process changed it")
            check_follows(old, new)
            self._remove_evidence(old, new)
        self._files.replace(self._path, data)
        self._known = (data, new)
        return new

    def _remove_evidence(self, old: State, new: State) -> None:
        """Remove what made way: whoever spoils tiles must not fill the disk.

        Before the state is written: what no state speaks of would stay for ever.
        """
        kept = {each.sha256 for each in new.evidence}
        for each in old.evidence:
            if each.sha256 not in kept:
                self._files.remove(self._folder / "evidence" / f"{each.sha256}.json")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._files.make_folder(self._folder)
        with contextlib.ExitStack() as held:
            for left in range(TRIES - 1, -1, -1):
                try:
                    held.enter_context(self._files.lock(self._folder / "lock"))
                    break
                except BusyError:
                    if not left:
                        raise
                    self._pause(PAUSE_S)
            yield


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
