"""The publisher's folder: what lies where, and what is uploaded in which order.

Carrier::

    release.toml    what is released, and by which keys
    journal.json    the change under way            lock
    keys/           key files, and public halves    anchor/   for the application
    log/            public and private folder of the log
    staging/        what the change under way adds to the public folder
    public/         what everybody may see: metadata/ targets/ log/

What is staged lies over what is public: `role` gives the newest of both. Uploading
copies what others refer to before what refers to it, `timestamp.json` last, so that the
public folder is good for a client at every moment.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from updater.errors import StoreError
from updater.files import PIECE_BYTES, Files
from updater.publish import metadata, steps
from updater.publish.rolefile import Listed, list_file
from updater.publish.steps import Journal, format_journal, parse_journal
from updater.statement import MAX_ENVELOPE_BYTES
from updater.transparency.folder import CHECKPOINT, LogFolder

TIMESTAMP: Final = "metadata/timestamp.json"
CLAIM: Final = "claim.json"

_STAGING: Final = "staging"
_LASTING: Final = ("tile/", "claims/")
_ASIDE: Final = "refresh"

_FILE: Final = 0o644
_FOLDER: Final = 0o755
_NUMBERED: Final = re.compile(r"([1-9][0-9]{0,15})\.([a-z][a-z0-9-]*)\.json")
_MOST_SMALL: Final = 8 << 20  # of whatever is read whole


class PublisherFolder:
    """A folder of one publisher."""

    def __init__(self, path: Path, files: Files | None = None) -> None:
        self.path = path
        self.files = files or Files()
        self.staging = path / _STAGING

    def aside(self) -> "PublisherFolder":
        """Give the same folder with another staging, for what cannot wait."""
        other = PublisherFolder(self.path, self.files)
        other.staging = self.path / _ASIDE
        return other

    def make(self) -> None:
        """Make what is not there.

        Raises:
            StoreError: it cannot be made.
        """
        self.files.make_folder(self.path)
        for name in ("keys", _STAGING, _ASIDE, "anchor"):
            self.files.make_folder(self.path / name)
        self.files.make_folder(self.public, _FOLDER)

    @property
    def public(self) -> Path:
        """What is uploaded to other places, or served from here."""
        return self.path / "public"

    @property
    def anchor(self) -> Path:
        """The files that an application carries."""
        return self.path / "anchor"

    @property
    def log(self) -> LogFolder:
        """The log's own folders, whose public one is uploaded below ``public/log``."""
        place = self.path / "log"
        return LogFolder(place / "public", place / "private", self.files)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder for one run.

        Raises:
            BusyError: another process publishes.
        """
        return self.files.lock(self.path / "lock")

    # The journal

    def journal(self) -> Journal:
        """Read where the publication stands.

        Raises:
            StoreError: it cannot be read.
            MalformedError: it is damaged.
        """
        data = self.files.read_if_there(self._journal, most=steps.MAX_BYTES)
        return Journal() if data is None else parse_journal(data)

    def store_journal(self, journal: Journal) -> None:
        """Replace the journal; it is on disk afterwards."""
        self.files.replace(self._journal, format_journal(journal))

    @property
    def _journal(self) -> Path:
        return self.path / "journal.json"

    # Roles

    def role(self, name: str, *, staged: bool = True) -> bytes | None:
        """Read the newest file of a role: the staged one, or that which is public."""
        if staged and (found := self.staged_role(name)) is not None:
            return found
        return self._newest(self.public, name)

    def staged_role(self, name: str) -> bytes | None:
        """Read the file of a role that is staged."""
        return self._newest(self.staging, name)

    def all_roles(self) -> dict[str, bytes]:
        """Read what a snapshot is of: the newest of targets and delegated roles."""
        names = {
            name for place in (self.staging, self.public) for name in self._roles(place)
        } - {"root", "snapshot"}
        found = {name: self.role(name) for name in sorted(names)}
        return {name: data for name, data in found.items() if data is not None}

    def root(self, version: int) -> bytes | None:
        """Read one version of the root."""
        for place in (self.staging, self.public):
            path = place / _role_path("root", version)
            if path.is_file():
                return self._small(path)
        return None

    def staged_roles(self) -> list[str]:
        """Name the roles of which a new version is staged."""
        found = set(self._roles(self.staging))
        if (self.staging / TIMESTAMP).is_file():
            found.add("timestamp")
        return sorted(found)

    def next_version(self, role: str) -> int:
        """Give the version that the next file of a role has.

        A number that was signed once is used up, whether it was published or not.
        """
        places = (self.path / _STAGING, self.path / _ASIDE, self.public)
        found = [self._newest(each, role) for each in places]
        versions = [metadata.read(data).version for data in found if data is not None]
        return max([*versions, self.journal().used.get(role, 0)], default=0) + 1

    def stage_role(self, name: str, version: int, data: bytes) -> None:
        """Write a role's file where the change under way has its files.

        Another version of it that was staged before goes, and its number is used up.
        """
        staged = self.staged_role(name)
        before = version if staged is None else metadata.read(staged).version
        if before != version:
            journal = self.journal()
            used = {**journal.used, name: before}
            self.store_journal(replace(journal, used=used))
            self.files.remove(self.staging / _role_path(name, before))
        self._write(self.staging / _role_path(name, version), data)

    def _newest(self, place: Path, name: str) -> bytes | None:
        if name == "timestamp":
            path = place / TIMESTAMP
            return self._small(path) if path.is_file() else None
        versions = self._roles(place).get(name)
        return (
            self._small(place / _role_path(name, max(versions))) if versions else None
        )

    def _roles(self, place: Path) -> dict[str, list[int]]:
        """List the versions that there are of each role but the timestamp."""
        found: dict[str, list[int]] = {}
        for each in map(_NUMBERED.fullmatch, self._names(place / "metadata")):
            if each is not None:
                found.setdefault(each[2], []).append(int(each[1]))
        return found

    # Targets

    def stage_target(self, path: str, data: bytes) -> Listed:
        """Write a target under the name by which it is fetched."""
        listed = list_file(data)
        self._write(self.staging / target_path(path, listed), data)
        return listed

    def stage_file(self, path: str, source: Path) -> Listed:
        """Copy a large target under the name by which it is fetched."""
        folder = self.staging / "targets" / Path(path).parent
        self.files.make_folder(folder, _FOLDER)
        part = folder / "copying.part"
        self.files.remove(part)
        listed = self._copy(source, part)
        self.files.rename(part, self.staging / target_path(path, listed))
        return listed

    def find(self, path: str, listed: Listed) -> Path:
        """Say where a target lies.

        Raises:
            StoreError: it is neither staged nor public.
        """
        for place in (self.staging, self.public):
            found = place / target_path(path, listed)
            if found.is_file():
                return found
        raise StoreError(f"{path}: expected the file {listed.sha256[:16]}")

    def read_target(self, path: str, listed: Listed) -> bytes:
        """Read a small target."""
        return self._small(self.find(path, listed))

    # The claim of the change under way

    def claim(self) -> bytes | None:
        """Read the claim, as far as it is signed."""
        if CLAIM not in self._names(self.path):
            return None
        return self.files.read(self.path / CLAIM, most=MAX_ENVELOPE_BYTES)

    def store_claim(self, envelope: bytes) -> None:
        """Replace the claim."""
        self.files.replace(self.path / CLAIM, envelope)

    # Uploading

    def clear(self) -> None:
        """Forget what is staged; the journal says that this is right."""
        self.files.remove_tree(self.staging)
        self.files.make_folder(self.staging)
        if self.staging.name == _STAGING:
            self.files.remove(self.path / CLAIM)

    def staged(self) -> dict[str, str]:
        """Hash all that is staged: SHA-256 by path."""
        return {
            path: self._hash(self.staging / path) for path in self._below(self.staging)
        }

    def upload(self, places: Iterable[Path]) -> None:
        """Copy what is staged to each place, the timestamp last."""
        order = sorted(self._below(self.staging), key=_upload_order)
        for place in places:
            for path in order:
                self._put(self.staging / path, place / path)

    def upload_log(self, places: Iterable[Path], *, pending: bool = False) -> None:
        """Copy the log to each place, its checkpoint last.

        With `pending` only what witnesses need to look at the next tree.
        """
        source = self.log.public
        last = {CHECKPOINT}
        order = [each for each in self._below(source) if each not in last]
        if not pending and (source / CHECKPOINT).is_file():
            order.append(CHECKPOINT)
        for place in places:
            for path in order:
                # A tile and a claim never change, and a log has many of them.
                to = place / "log" / path
                if not (path.startswith(_LASTING) and to.is_file()):
                    self._put(source / path, to)

    def _put(self, source: Path, to: Path) -> None:
        """Copy a file, unless it is there already."""
        if to.is_file() and self._hash(to) == self._hash(source):
            return
        self.files.make_folder(to.parent, _FOLDER)
        part = to.with_name(to.name + ".part")
        self.files.remove(part)
        self._copy(source, part)
        self.files.rename(part, to)

    def _copy(self, source: Path, part: Path) -> Listed:
        """Copy a file piece by piece, synced; gives what was copied."""
        digest, size = hashlib.sha256(), 0
        with self.files.appending(part) as out:
            for piece in self._pieces(source):
                out.write(piece)
                digest.update(piece)
                size += len(piece)
            out.sync()
        part.chmod(_FILE)
        return Listed(size, digest.hexdigest())

    def _hash(self, path: Path) -> str:
        digest = hashlib.sha256()
        for piece in self._pieces(path):
            digest.update(piece)
        return digest.hexdigest()

    def _pieces(self, path: Path) -> Iterator[bytes]:
        with self.files.open(path) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def _small(self, path: Path) -> bytes:
        return self.files.read(path, most=_MOST_SMALL)

    def _write(self, path: Path, data: bytes) -> None:
        self.files.make_folder(path.parent, _FOLDER)
        self.files.replace(path, data, _FILE)

    def _names(self, folder: Path) -> list[str]:
        return self.files.names(folder) if folder.is_dir() else []

    def _below(self, folder: Path) -> list[str]:
        """List the files below a folder by their paths in it, sorted."""
        return sorted(
            each.relative_to(folder).as_posix()
            for each in folder.rglob("*")
            if each.is_file() and not each.name.endswith((".new", ".part"))
        )


def target_path(path: str, listed: Listed) -> str:
    """Give the path under which a target is fetched."""
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{listed.sha256}.{name}"


def _role_path(name: str, version: int) -> str:
    if name == "timestamp":
        return TIMESTAMP
    return f"metadata/{version}.{name}.json"


def _upload_order(path: str) -> tuple[int, str]:
    """Put what others refer to before what refers to it."""
    if path == TIMESTAMP:
        return 2, path
    return (1 if path.startswith("metadata/") else 0), path
