"""A new version proves itself: who runs it says that a start went well.

Carrier; imports nothing heavy, since every start of a new version comes by here. A
program that is its slot's wraps its main function::

    with Proving.of(Path(__file__)) as proving:
        proving.ended(main())
"""

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from updater.errors import UpdateError
from updater.install.root import TREE, Root
from updater.installed.slots import InstallState, version_of
from updater.installed.starts import confirm

LONG_S: Final = 20.0  # who ran for so long has got past all imports and checks
BUG: Final = 70
"""The exit code that stands for a bug, the only one that proves nothing good."""

_LOCK_WAIT_S: Final = 0.5  # the program waits for this when it ends


def prove(root: Root, slot: str) -> InstallState | None:
    """Note that a slot works, if that was not known; None if it was.

    Raises:
        BusyError: another process holds the state; a later start may say it again.
        StoreError: the state cannot be read or written.
    """
    if root.read().pending != slot:
        return None
    with root.changing() as change:
        if change.state.pending != slot or root.current() != slot:
            return None
        data = {"version": version_of(slot), "slot": slot}
        return change.write(confirm(change.state, slot), "confirm", {**data})


def running_slot(module: Path) -> tuple[Path, str] | None:
    """Say in which managed folder and slot a module lies, if in any.

    The module is `<folder>/versions/<slot>/lib/<package>/<module>.py`.
    """
    parents = module.parents
    if len(parents) < 5 or not (parents[2] / TREE).is_file():
        return None
    return parents[4], parents[2].name


class Proving:
    """A start of a program that may be a version's first."""

    def __init__(self, root: Root | None, slot: str, *, long_s: float = LONG_S) -> None:
        self._root = root
        self._slot = slot
        self._timer = threading.Timer(long_s, self._prove)
        self._timer.daemon = True

    @classmethod
    def of(cls, module: Path) -> Self:
        """Begin for the program that this module belongs to, wherever it lies."""
        found = running_slot(module)
        if found is None:
            return cls(None, "")
        folder, slot = found
        root = Root(folder, now=time.time, entropy=os.urandom, lock_wait_s=_LOCK_WAIT_S)
        return cls(root, slot)

    def ended(self, code: int) -> int:
        """Say with which exit code the program ends, and get it back."""
        if code != BUG:
            self._prove()
        return code

    def wait(self) -> None:
        """Wait until the program has run for long."""
        self._timer.join()

    def __enter__(self) -> Self:
        if self._root is not None:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def _prove(self) -> None:
        if self._root is None:
            return
        try:
            prove(self._root, self._slot)
        except UpdateError:
            # Nothing here stops the program: another start will say it.
            return
