"""A witness without a server: it reads a static log and leaves its signature there.

Carrier. The log's operator reads the file and merges the line. With a mirror, every
entry is read, checked and kept before anything is signed, by a key whose name ends in
``/mirror``: that line says "I hold the entries", which a plain one cannot say.
"""

from pathlib import Path

from updater.errors import RefusedError, UnreachableError
from updater.files import Files
from updater.transparency.checkpoint import Checkpoint
from updater.transparency.cosigning import (
    Logs,
    Opened,
    Submission,
    format_submission,
    open_checkpoint,
    place_of,
)
from updater.transparency.growth import file_data
from updater.transparency.lint import MIRROR
from updater.transparency.note import MAX_NOTE
from updater.transparency.tiles import Read, TileReader, files_of
from updater.transparency.witness import Witness

_PUBLIC = 0o644
_PUBLIC_FOLDER = 0o755


class Puller:
    """Pulls one log for one witness, into a folder that anything can serve."""

    def __init__(
        self,
        witness: Witness,
        logs: Logs,
        shown: Path,
        *,
        mirror: Path | None = None,
        files: Files | None = None,
    ) -> None:
        """Pull for this witness.

        Args:
            witness: checks, remembers and signs.
            logs: those it knows.
            shown: the folder of its monitoring path.
            mirror: where entries and tiles are kept; then each key must say so.
            files: writes both.

        Raises:
            RefusedError: a key says that it mirrors and does not, or the other way.
        """
        for name in witness.names:
            if name.endswith(MIRROR) != (mirror is not None):
                raise RefusedError(
                    f"{name!r}: a key signs as a mirror, its name ending in {MIRROR},"
                    " if and only if it keeps the entries"
                )
        self._witness = witness
        self._logs = logs
        self._shown = shown
        self._mirror = mirror
        self._files = files or Files()

    def pull(self, read: Read) -> Checkpoint:
        """Read the log once, sign what follows from what was known, and show it.

        Raises:
            UnreachableError: the log shows no checkpoint, or files of it are missing.
            DeclinedError: the log is unknown, not pinned, or did not grow from the
                tree that was signed before; 422 may be evidence against it.
            ProofError: its tiles are not those of the checkpoint.
            StoreError: our disk refuses.
        """
        opened = self._newest(read)
        tree = opened.checkpoint
        reader = TileReader(tree.size, tree.root, read)
        known = self._witness.known(tree.origin)
        old = known.head.size if known else 0
        proof = reader.prove_consistency(old) if 0 < old <= tree.size else []
        follows = known is None or (
            old <= tree.size and reader.root_at(old) == known.head.root
        )
        if follows and self._mirror is not None:
            self._keep(reader, self._mirror, old)
        self._witness.add_checkpoint(
            format_submission(Submission(old, tuple(proof), note=opened.note))
        )
        self._show(tree.origin)
        return tree

    def _newest(self, read: Read) -> Opened:
        """Open what the log wants signed, or what it shows, whichever is larger."""
        found = []
        for name in ("checkpoint.pending", "checkpoint"):
            data = read(name, MAX_NOTE)
            if data is not None:
                found.append(open_checkpoint(data, self._logs))
        if not found:
            raise UnreachableError("the log shows no checkpoint")
        return max(found, key=lambda opened: opened.checkpoint.size)

    def _keep(self, reader: TileReader, mirror: Path, signed: int) -> None:
        """Check every entry that is new here, and keep it with its tiles.

        What is there of the tree signed before was checked. Anything else may be of
        another tree, which this witness read and did not come to sign.
        """
        for file in files_of(reader.size):
            target = mirror / file.path
            if file.ends_at > signed or not target.exists():
                self._files.make_folder(target.parent, _PUBLIC_FOLDER)
                # Not what is read a second time, which could be something else.
                self._files.replace(target, file_data(reader, file), _PUBLIC)

    def _show(self, origin: str) -> None:
        place = place_of(origin)
        note = self._witness.checkpoint(place)
        assert note is not None
        folder = self._shown / place
        self._files.make_folder(folder, _PUBLIC_FOLDER)
        self._files.replace(folder / "checkpoint", note, _PUBLIC)
