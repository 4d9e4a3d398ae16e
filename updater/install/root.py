"""The managed folder: its slots, its state, its audit file.

Carrier: every change of the state is made under ``lock``, which is held for moments,
and which the launcher takes too; ``run.lock`` is held by an updater while it works.
Layout: docs/formats/install.md.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from updater.errors import BusyError, MalformedError, StoreError
from updater.files import Files
from updater.installed.audit import (
    FILES_KEPT,
    MAX_FILE_BYTES,
    MAX_LINE_BYTES,
    Event,
    Head,
    Tail,
    find_tail,
    last_head,
    next_line,
)
from updater.installed.slots import (
    MAX_BYTES,
    InstallState,
    check_slot,
    format_state,
    highest_first,
    parse_state,
    version_of,
)
from updater.jcs import Json
from updater.offer.waves import SEED_BYTES

LOCK_WAIT_S: Final = 10.0  # who holds it longer than a probe takes is stopped
TREE: Final = "tree.json"
"""Is written last into a slot: without it the slot is not complete."""

_POLL_S: Final = 0.05
_VERSIONS: Final = "versions"
_MOST_AUDIT_BYTES: Final = MAX_FILE_BYTES + MAX_LINE_BYTES


class Root:
    """A managed folder; nothing is read or made before a method is called."""

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], float],
        entropy: Callable[[int], bytes],
        files: Files | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        self.folder = folder.resolve()  # the user's choice, links and all
        self.files = files or Files(within=self.folder)
        self.now = now
        self.entropy = entropy
        self._lock_wait_s = lock_wait_s

    @property
    def stage(self) -> Path:
        """Where versions are put together; what is left there is rubbish."""
        return self.folder / "stage"

    @property
    def store(self) -> Path:
        """Where bundles are kept by SHA-256, for patches those of what is installed."""
        return self.folder / "store"

    @property
    def state_file(self) -> Path:
        """Where the state lies."""
        return self.folder / "state.json"

    def slot(self, slot: str) -> Path:
        """Give the folder of a slot."""
        return self.folder / _VERSIONS / slot

    def slot_lock(self, slot: str) -> Path:
        """Give the file that every process of a slot holds a shared lock on."""
        return self.folder / _VERSIONS / f"{slot}.lock"

    def audit_file(self, age: int = 0) -> Path:
        """Give the audit file, or one that was put aside, the youngest being 1."""
        return self.folder / (f"audit.{age}.jsonl" if age else "audit.jsonl")

    def create(self) -> None:
        """Make the folder where it is not there, and refuse one that others may write.

        A state that is missing is made anew from the slots, with a new seed.

        Raises:
            StoreError: the folder is of somebody else, or the disk refuses.
        """
        for each in (self.folder, self.folder / _VERSIONS, self.stage, self.store):
            self._make_folder(each)
        if not self._has_state():
            with self._locked():
                if not self._has_state():
                    self._renew()

    def renew(self) -> InstallState:
        """Make the state anew, although there is one: it cannot be read.

        Raises:
            BusyError: another process is changing it.
            StoreError: the disk refuses.
        """
        with self._locked():
            return self._renew()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Be the only updater at work here.

        Raises:
            BusyError: another one is.
            StoreError: the lock cannot be made.
        """
        self._make_folder(self.folder)
        with self.files.lock(self.folder / "run.lock"):
            yield

    def read(self) -> InstallState:
        """Read the state.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        data = self.files.read(self.state_file, most=MAX_BYTES)
        try:
            return parse_state(data)
        except MalformedError as error:
            raise StoreError(f"{self.state_file}: {error}") from error

    @contextlib.contextmanager
    def changing(self) -> Iterator["Change"]:
        """Hold the state still; nobody else reads it for changing or starts by it.

        Raises:
            BusyError: another process holds it for too long.
            StoreError: it cannot be read or locked.
        """
        with self._locked():
            yield Change(self, self.read())

    def note(self, event: Event, data: Mapping[str, Json]) -> None:
        """Write a line of audit.

        Raises:
            BusyError: another process holds the state for too long.
            StoreError: it cannot be written.
        """
        with self.changing() as change:
            change.write(change.state, event, data)

    def current(self) -> str | None:
        """Name the slot that the link leads to; None if it is missing or dangling.

        Raises:
            StoreError: something else has the link's name.
        """
        text = self.files.link_text(self.folder / "current") or ""
        slot = text.removeprefix(f"{_VERSIONS}/")
        return slot if text != slot and self._is_complete(slot) else None

    def complete(self) -> list[str]:
        """List the complete slots, the highest version first.

        Raises:
            StoreError: the folder cannot be read.
        """
        names = self.files.names(self.folder / _VERSIONS)
        return highest_first([name for name in names if self._is_complete(name)])

    def point(self, slot: str) -> None:
        """Make a slot current.

        Raises:
            StoreError: the disk refuses, and the old one still is.
        """
        self.files.point(self.folder / "current", f"{_VERSIONS}/{slot}")

    def _make_folder(self, folder: Path) -> None:
        self.files.make_folder(folder)
        self.files.check_private(folder)

    def _is_complete(self, name: str) -> bool:
        try:
            check_slot(name, "slot")
        except MalformedError:
            return False
        return (self.slot(name) / TREE).is_file()

    def _has_state(self) -> bool:
        return self.files.read_if_there(self.state_file, most=MAX_BYTES) is not None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        ends = time.monotonic() + self._lock_wait_s
        with contextlib.ExitStack() as held:
            while True:
                try:
                    held.enter_context(self.files.lock(self.folder / "lock"))
                    break
                except BusyError:
                    if time.monotonic() >= ends:
                        raise
                time.sleep(_POLL_S)
            yield

    def _renew(self) -> InstallState:
        slots = self.complete()
        proved = self.current() or next(iter(slots), None)
        data = self.files.read_if_there(self.audit_file(), most=_MOST_AUDIT_BYTES)
        state = InstallState(
            seed=self.entropy(SEED_BYTES),
            floor=version_of(proved) if proved else None,
            audit=last_head(data or b""),
        )
        return Change(self, state).write(state, "repair", {"state": "made anew"})


class Change:
    """The state while it is held still."""

    def __init__(self, root: Root, state: InstallState) -> None:
        self._root = root
        self.state = state

    def write(
        self,
        state: InstallState,
        event: Event | None = None,
        data: Mapping[str, Json] | None = None,
    ) -> InstallState:
        """Write the state, and before it a line of audit; both last afterwards.

        Raises:
            StoreError: the disk refuses; the old state is untouched.
        """
        head = self.state.audit
        if event is not None:
            head = self._append(event, data or {})
        self.state = replace(state, rev=self.state.rev + 1, audit=head)
        self._root.files.replace(self._root.state_file, format_state(self.state))
        return self.state

    def _append(self, event: Event, data: Mapping[str, Json]) -> Head:
        """Add a line after the last one that continues the chain."""
        root, now = self._root, self._root.now()
        tail, size = self._tail()
        lines, head = b"", tail.head
        if tail.torn or tail.lost:
            found: dict[str, Json] = {"lost": tail.lost, "torn": tail.torn}
            lines, head = next_line(head, "repair", found, now)
        line, head = next_line(head, event, data, now)
        lines += line
        if tail.torn:
            with root.files.appending(root.audit_file()) as file:
                file.cut(size - tail.torn)
        if size - tail.torn + len(lines) > MAX_FILE_BYTES:
            self._put_aside()
        root.files.append(root.audit_file(), lines)
        return head

    def _tail(self) -> tuple[Tail, int]:
        """Find the end of the chain, and say how long the file is."""
        root = self._root
        data = (
            root.files.read_if_there(root.audit_file(), most=_MOST_AUDIT_BYTES) or b""
        )
        tail = find_tail(data, self.state.audit)
        if tail.lost and not data:
            # It was put aside, and a kill came before the next line.
            older = root.files.read_if_there(root.audit_file(1), most=_MOST_AUDIT_BYTES)
            tail = find_tail(older or b"", self.state.audit)
            tail = replace(tail, torn=0)
        return tail, len(data)

    def _put_aside(self) -> None:
        files, name = self._root.files, self._root.audit_file
        there = set(files.names(self._root.folder))
        for age in range(FILES_KEPT - 2, -1, -1):
            if name(age).name in there:
                files.rename(name(age), name(age + 1))
