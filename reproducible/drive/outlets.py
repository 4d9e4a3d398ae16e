"""Where a rebuilder's statements go: a folder for the publisher, a log of one's own.

Carrier. Handing out is repeated until it succeeded and may be cut off at any point, so
that every outlet takes a statement a second time as if it were the first.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from updater.files import Files
from updater.transparency.folder import LogFolder
from updater.transparency.log import Log
from updater.transparency.publishing import Means


class Outlet(Protocol):
    """A place for statements."""

    def hand_out(self, name: str, leaf: bytes) -> None:
        """Have it take the leaf of a statement; `name` is that of its file.

        Raises:
            UpdateError: it does not take it now; asked again later.
        """


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder from which the publisher, or a script, collects statements."""

    folder: Path

    def hand_out(self, name: str, leaf: bytes) -> None:
        """Write the file; a newer statement replaces the older one.

        Raises:
            StoreError: the disk refuses.
        """
        files = Files()
        files.make_folder(self.folder, 0o755)
        files.replace(self.folder / name, leaf, 0o644)


@dataclass(frozen=True, slots=True)
class OwnLog:
    """A log that the rebuilder writes: what a publisher does not take is seen there."""

    folder: LogFolder
    means: Means

    def hand_out(self, name: str, leaf: bytes) -> None:  # noqa: ARG002 - as Outlet
        """Append the leaf, unless it is there already, and publish.

        Raises:
            RefusedError: the log does not take it: the key is of no operator it knows.
            NotYetError, UnreachableError: too few witnesses signed.
            BusyError, StoreError: another writer is at work, or the disk refuses.
        """
        log = Log(self.folder)
        log.append_missing([leaf])
        log.publish(self.means)
