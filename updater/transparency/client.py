"""Following a log as a client: heads, tiles and every new entry.

Carrier: it gathers, saves and never gives the verdict. What goes wrong is a `Trouble`
in the `LogView` that the gates judge. Requests are the same on every machine: the latest
checkpoint, then what is new; what somebody wants to install changes none of them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from updater.files import Files
from updater.transparency.honour import TrustSet
from updater.transparency.index import Place
from updater.transparency.policy import Policy
from updater.transparency.view import Logged, LogView

Progress = Callable[[int, int], None]
"""Told (entries read, entries in all) after each bundle."""


class Source(Protocol):
    """The public folder of a log."""

    def get(self, path: str, max_bytes: int) -> bytes:
        """Fetch a file of at most so many bytes.

        Raises:
            FetchError: it could not be had.
        """


class LogClient:
    """One log, as one folder on this machine remembers it.

    Args:
        folder: private; holds state.json, lock, evidence/, honoured/ and a cache of
            the log's tiles and bundles.
        origin: of the log that is followed.
        files: the file system.
        source: the log's public folder.
        trust_file: gives a former or new trust file by its SHA-256 in lower hexadecimal
            (the repository's `trust/history`); raises `UpdateError`.
        built_in: the trust files of the running program.
        floor: the note of the oldest checkpoint to believe, brought along by the
            program; None for a log that is followed from its first entry.
        own_policy: a second policy, of the user's own; it can only tighten.
        now: POSIX seconds.
        entropy: as `os.urandom`.
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
        now: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        raise NotImplementedError

    def update(self, progress: Progress | None = None) -> LogView:
        """Fetch, check and remember what is new; never raises for what came of it."""
        raise NotImplementedError

    def view(self) -> LogView:
        """Give what is remembered, without asking anybody."""
        raise NotImplementedError

    def compare(self, note: bytes) -> None:
        """Check that a checkpoint of this log, as of a proof file, is in our tree.

        Raises:
            MisbehaviourError: it is of another branch: saved, and frozen.
            SignatureError, MalformedError: it is none of this log's.
            UnreachableError: it is later than the log that was shown to us, or tiles
                of ours are gone; `update` brings both.
        """
        raise NotImplementedError

    def rebuilds(self, sha256: str) -> tuple[Logged, ...]:
        """Give every logged rebuild entry about a file; asks nobody.

        Raises:
            UnreachableError: entries that were read are gone from the cache; the next
                `update` reads them all again.
        """
        raise NotImplementedError

    def record_install(self, place: Place, version: str) -> None:
        """Remember what was installed."""
        raise NotImplementedError

    def record_evidence(self, data: bytes) -> str:
        """Check and keep evidence, and freeze if it proves misbehaviour; give its name.

        Raises:
            RefusedError: it proves nothing.
        """
        raise NotImplementedError

    def learn(self, note: bytes) -> None:
        """Remember a head that a peer has; ours must reach it before an install.

        Raises:
            RefusedError: it does not meet our own quorum.
        """
        raise NotImplementedError

    def record_agreement(self, peer: bytes, size: int) -> None:
        """Remember that a peer (an opaque tag) has the same tree up to a size."""
        raise NotImplementedError

    def evidence(self) -> Sequence[str]:
        """List what is kept, by SHA-256."""
        raise NotImplementedError

    def read_evidence(self, sha256: str) -> bytes:
        """Give a piece of evidence.

        Raises:
            StoreError: it is not there.
        """
        raise NotImplementedError

    def unfreeze(self, sha256: str) -> None:
        """Go on after evidence that the user looked at; it is kept, and so is our branch.

        Raises:
            RefusedError: this is not what froze the log.
        """
        raise NotImplementedError

    def start_again(self) -> None:
        """Throw the state away and begin at the floor; evidence stays, and what froze.

        The next `update` reads the log from its first entry.
        """
        raise NotImplementedError
