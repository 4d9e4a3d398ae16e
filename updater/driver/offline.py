"""Copies of a repository, for machines without a network.

Carrier. A repository is static, so a copy of it is the offline form: a folder, or a
canonical tar of one. A copy is trusted no more than a server: whoever updates from it
checks everything, and learns from the witnesses' times how old it is.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from updater.archive import ustar
from updater.archive.opened import opened
from updater.archive.ustar import Member, format_header, padding, read_members
from updater.driver.anchor import Anchor
from updater.driver.session import Surroundings, open_session
from updater.errors import FetchError, MalformedError, RefusedError, StoreError
from updater.fetch.fetch import Fetcher
from updater.fetch.mirrors import ask_each
from updater.files import Files
from updater.install.root import Root
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.client import LogClient
from updater.transparency.entry import Entry, read_entry
from updater.transparency.honour import NAMES
from updater.transparency.tiles import MAX_BUNDLE, TileFile, files_of
from updater.transparency.view import LogView
from updater.tuf.layout import Target
from updater.tuf.repository import Repository

ARCHIVE: Final = ".tar"
MAX_FILES: Final = 100_000
"""Of a copy: a log of ten million entries has half as many."""
MAX_ROOT: Final = 256 << 10
MAX_ROLE: Final = 5 << 20


def make_copy(
    root: Root, anchor: Anchor, given: Surroundings, to: Path, platform: str
) -> int:
    """Copy what a machine of a platform needs, for updating without a network.

    `to` becomes a folder, or with the suffix ``.tar`` an archive. Gives when witnesses
    last called the log in it the newest, POSIX seconds.

    Raises:
        UpdateError: something could not be had, or did not hold.
    """
    if to.suffix != ARCHIVE:
        return _copy(root, anchor, given, to, platform)
    folder = root.stage / f"copy-{root.entropy(8).hex()}"
    try:
        seen = _copy(root, anchor, given, folder, platform)
        pack(folder, to, Files())
    finally:
        root.files.remove_tree(folder)
    return seen


def _copy(
    root: Root, anchor: Anchor, given: Surroundings, to: Path, platform: str
) -> int:
    with open_session(root, anchor, given) as session:
        view = session.gathering.look()
        channel = session.gathering.channel()
        copying = _Copying(
            root=root,
            repository=session.repository,
            fetcher=session.fetcher,
            bases=session.bases,
            to=to,
            disk=Files(),
        )
        copying.target(f"channels/{channel.name}.json")
        for version in dict.fromkeys(
            (*(each.take for each in channel.via), channel.version)
        ):
            copying.release(anchor.product.target(version, platform))
        copying.log(view, session.gathering.log)
        copying.metadata()
        return view.fresh_at or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copying:
    """Writes what a run has seen of a repository into a folder, file by file."""

    root: Root
    repository: Repository
    fetcher: Fetcher
    bases: Sequence[str]
    to: Path
    disk: Files

    def metadata(self) -> None:
        """Copy every root, and the roles that were looked at.

        Raises:
            FetchError: a root could not be had.
            StoreError: the disk refuses.
        """
        for each in self.repository.roles():
            if each.role == "root":
                for number in range(1, each.version + 1):
                    path = f"metadata/{number}.root.json"
                    self._write(path, self._fetch(path, MAX_ROOT))
                continue
            name = f"{each.role}.json"
            if each.role != "timestamp":
                name = f"{each.version}.{name}"
            kept = self.root.folder / "tuf" / f"{each.role}.json"
            data = self.root.files.read(kept, most=MAX_ROLE)
            self._write(f"metadata/{name}", data)

    def target(self, path: str) -> Target | None:
        """Copy a target, if there is one.

        Raises:
            RepositoryError, FetchError: it does not hold, or could not be had.
            StoreError: the disk refuses.
        """
        found = self.repository.find(path)
        if found is not None:
            folder, _, name = path.rpartition("/")
            place = self.to / "targets" / folder / f"{found.sha256}.{name}"
            self.disk.make_folder(place.parent, 0o755)
            self.repository.download(found, place)
        return found

    def release(self, path: str) -> None:
        """Copy a bundle and what lies beside it.

        Raises:
            RefusedError: it is not listed.
            FetchError, StoreError: as `target`.
        """
        if self.target(path) is None:
            raise RefusedError(f"nothing is listed as {path}")
        for kind in ("claim.json", "tlog-proof", "sigstore.json"):
            self.target(f"{path}.{kind}")

    def log(self, view: LogView, client: LogClient) -> None:
        """Copy a log as it was accepted, and the trust files that it names.

        Raises:
            FetchError: a file could not be had.
            StoreError: an entry is not kept any more, or the disk refuses.
        """
        if view.head is None:
            raise FetchError("unreachable", "no checkpoint of the log was accepted")
        for file in files_of(view.head.checkpoint.size):
            self._tile(file)
        self._write("log/checkpoint", view.head.note)
        for place in view.index.policies:
            entry = read_entry(client.leaf(place))
            if isinstance(entry, Entry) and isinstance(entry.claim, PolicyClaim):
                for each in entry.claim.files:
                    if each.name in NAMES:
                        self.target(f"trust/history/{each.sha256}")

    def _tile(self, file: TileFile) -> None:
        """Copy a tile; where the log has grown since, the full one has it all."""
        try:
            data, path = self._fetch(f"log/{file.path}", MAX_BUNDLE), file.path
        except FetchError:
            path = TileFile(file.level, file.index).path
            data = self._fetch(f"log/{path}", MAX_BUNDLE)
        self._write(f"log/{path}", data)

    def _fetch(self, path: str, most: int) -> bytes:
        return ask_each(
            self.bases, lambda base: self.fetcher.get(base + path, max_bytes=most)
        )

    def _write(self, path: str, data: bytes) -> None:
        place = self.to / path
        self.disk.make_folder(place.parent, 0o755)
        self.disk.replace(place, data, 0o644)


def pack(folder: Path, archive: Path, disk: Files) -> None:
    """Write a folder as a canonical tar; an archive of that name is replaced.

    Raises:
        StoreError: it cannot be read or written.
    """
    paths = sorted(
        each.relative_to(folder).as_posix()
        for each in folder.rglob("*")
        if each.is_file()
    )
    beside = archive.with_name(f"{archive.name}.part")
    disk.remove(beside)
    disk.stage(beside, _packed(folder, paths, disk), 0o644)
    disk.rename(beside, archive)


@contextmanager
def opened_copy(copy: Path, root: Root) -> Iterator[Path]:
    """Give the folder of a copy; an archive is unpacked for as long as it is used.

    Raises:
        MalformedError: it is neither a folder nor a canonical tar.
        StoreError: it cannot be read, or not be unpacked.
    """
    if copy.is_dir():
        yield copy.resolve()
        return
    # Not in the stage, which every run begins by emptying.
    folder = root.folder / "copy"
    root.files.remove_tree(folder)
    root.files.make_folder(folder)
    try:
        _unpack(copy, folder, root.files)
        yield folder
    finally:
        root.files.remove_tree(folder)


def _packed(folder: Path, paths: Sequence[str], disk: Files) -> Iterator[bytes]:
    total = 0
    for path in paths:
        with disk.open(folder / path) as file:
            size = os.fstat(file.fileno()).st_size
            head = format_header(Member(path, size))
            yield head
            left = size
            while left and (piece := file.read(min(left, 1 << 20))):
                left -= len(piece)
                yield piece
            if left:
                raise StoreError(f"{folder / path}: changed while it was read")
        yield padding(size)
        total += len(head) + size + len(padding(size))
    yield ustar.ending(total)


def _unpack(archive: Path, folder: Path, disk: Files) -> None:
    with opened(Files(), archive) as extent:
        try:
            for member, data in read_members(extent, most=MAX_FILES):
                place = folder / member.name
                disk.make_folder(place.parent)
                disk.stage(place, data.chunks())
        except MalformedError as error:
            raise MalformedError(f"{archive}: {error}") from None
