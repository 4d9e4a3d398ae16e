"""A TUF repository, as those see it who update: what it lists, and the files.

Carrier: a `Repository` is one run against one repository, which may have several sites
(mirrors). It decides nothing about a release; what it verified it says as facts.
Formats: docs/formats/repository.md.

::

    anchor = Anchor(EMBEDDED_ROOT, at=now())
    with Repository(folder, fetcher, sites, anchor, files) as repository:
        repository.refresh()
        target = repository.find("channels/stable.json")
"""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import quote

from updater.errors import FetchError, RepositoryError
from updater.fetch.fetch import Fetcher, Progress
from updater.fetch.mirrors import ask_each
from updater.files import Files
from updater.tuf import layout
from updater.tuf.layout import Anchor, SignedFile, Target
from updater.tuf.ngclient import ROLE_BYTES, ROOT_BYTES, Client, posix

TARGET_REDIRECTS: Final = 3  # hosts of large files send to their stores
_URL_TEXT: Final = "/!$&'()*+,;=:@~%"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a copy of the repository is; both addresses end in a slash."""

    metadata: str
    targets: str

    @classmethod
    def under(cls, base: str) -> Self:
        """Give the site whose two folders lie under one address, as ours do."""
        return cls(base + "metadata/", base + "targets/")


def begin(folder: Path, root: bytes, files: Files) -> None:
    """Store a trusted root, so that `stored_root` finds it; asks nobody.

    Raises:
        RepositoryError: it is no root, or not signed by itself.
        StoreError: it cannot be written.
    """
    files.make_folder(folder)
    Client(folder, "", _ask_nobody, Anchor(root, 0, checked=False), files)


def stored_root(folder: Path, files: Files) -> bytes:
    """Read the newest root that was verified here.

    Raises:
        RepositoryError: ``state``: there is none.
        StoreError: it cannot be read.
    """
    named = files.link_text(folder / "root.json")
    if named is None:
        raise RepositoryError("state", f"{folder}: no root is stored")
    return files.read(folder / named, most=ROOT_BYTES)


class Repository:
    """A repository, seen in one run: everything it says is of one snapshot."""

    def __init__(
        self,
        folder: Path,
        fetcher: Fetcher,
        sites: Sequence[Site],
        anchor: Anchor,
        files: Files,
    ) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._sites = sites
        self._anchor = anchor
        self._files = files
        self._client: Client | None = None
        self._site: Site | None = None  # that the client asks
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Lock the folder for the run: two at once were seen to destroy it.

        Raises:
            BusyError: another process is at work on it.
            StoreError: it cannot be used.
        """
        self._files.make_folder(self._folder)
        self._held.enter_context(self._files.lock(self._folder / ".lock"))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def refresh(self) -> None:
        """Learn and verify the newest metadata; each site is asked until one is good.

        Raises:
            RepositoryError: a site answered with what does not hold, and none was good.
            FetchError: no site answered.
            StoreError: it cannot be stored.
        """
        before = self._timestamp()
        refused: RepositoryError | None = None
        missed = FetchError("unreachable", "no site to ask")
        for site in self._sites:
            try:
                client = self._ask(site)
            except FetchError as error:
                missed = error
            except RepositoryError as error:
                refused = refused or error
            else:
                # The last word so far, even if it is held back and no other has more.
                self._client, self._site = client, site
                if not self._is_stale(before):
                    return
        if self._client is None:
            raise refused or missed

    def signed(self, role: str) -> SignedFile:
        """Say what was verified of a role that has been loaded.

        Raises:
            RepositoryError: ``missing``: it has not been loaded.
            StoreError: it cannot be read any more.
        """
        found = self._loaded.loaded().get(role)
        if found is None:
            raise RepositoryError("missing", f"{role} has not been loaded")
        name = f"root_history/{found.version}.root" if role == "root" else role
        raw = self._files.read(self._folder / f"{name}.json", most=ROLE_BYTES)
        return SignedFile(
            role=role,
            version=found.version,
            sha256=hashlib.sha256(raw).hexdigest(),
            expires=posix(found.expires),
        )

    def roles(self) -> tuple[SignedFile, ...]:
        """Say what was verified of every role loaded so far, sorted by name.

        Raises:
            StoreError: one cannot be read any more.
        """
        return tuple(self.signed(name) for name in sorted(self._loaded.loaded()))

    def find(self, path: str) -> Target | None:
        """Look up a file; loads the roles that may list it. None if no role does.

        The failure of an operator's role means no file: what the operator says stands
        in the log anyway, and one who is late must not stop the others.

        Raises:
            RepositoryError: a role that may list it does not hold.
            FetchError: a role could not be had.
            StoreError: a role cannot be stored.
        """
        if f".{layout.REBUILD}" in path.rpartition("/")[2]:
            try:
                found = self._loaded.find(path)
            except (RepositoryError, FetchError):
                return None
        else:
            found = self._find(path)
        if found is None:
            return None
        role, size, sha256 = found
        return Target(path=path, size=size, sha256=sha256, role=role)

    def read(self, target: Target, *, most: int) -> bytes:
        """Fetch a small file that a role lists, and check it.

        Raises:
            RepositoryError: ``length``: it is listed with more than `most` bytes.
            FetchError: no site had it, or none the right one.
        """
        if target.size > most:
            raise RepositoryError(
                "length", f"{target.path}: {target.size} bytes, expected at most {most}"
            )
        return self._ask_each(target, lambda url: self._read(url, target))

    def read_range(self, target: Target, start: int, size: int) -> bytes:
        """Fetch a part of a file that a role lists; the caller checks it.

        Raises:
            FetchError: no site gave it.
        """
        return self._ask_each(
            target,
            lambda url: self._fetcher.get_range(url, start, size, whole=target.size),
        )

    def download(
        self, target: Target, path: Path, progress: Progress | None = None
    ) -> None:
        """Fetch a large file that a role lists to `path`, resuming; and check it.

        Raises:
            FetchError: no site had it, or none the right one.
            StoreError: it cannot be written.
        """
        self._ask_each(
            target,
            lambda url: self._fetcher.download(
                url, path, size=target.size, sha256=target.sha256, progress=progress
            ),
        )

    @property
    def site(self) -> Site | None:
        """Where the metadata came from; None while none was good."""
        return self._site

    @property
    def _loaded(self) -> Client:
        if self._client is None:
            raise RepositoryError("missing", "the repository has not been refreshed")
        return self._client

    def _ask(self, site: Site) -> Client:
        client = Client(
            self._folder,
            site.metadata,
            lambda url, most: self._fetcher.get(url, max_bytes=most),
            self._anchor,
            self._files,
        )
        client.load()
        return client

    def _find(self, path: str) -> tuple[str, int, str] | None:
        """Look up a file; a site that lacks a role, or lies of it, is not the end."""
        here = self._loaded
        try:
            return here.find(path)
        except (RepositoryError, FetchError) as error:
            failure = error
        for site in self._sites:
            if site == self._site:
                continue
            try:
                client = self._ask(site)
                found = client.find(path)
            except (RepositoryError, FetchError):
                continue
            if client.loaded()["snapshot"].version == here.loaded()["snapshot"].version:
                self._client, self._site = client, site
                return found
        raise failure

    def _timestamp(self) -> bytes | None:
        path = self._folder / "timestamp.json"
        return self._files.read_if_there(path, most=ROLE_BYTES)

    def _is_stale(self, before: bytes | None) -> bool:
        """Tell whether a site says nothing new although it should have by now."""
        left = self.signed("timestamp").expires - self._anchor.at
        half = layout.role("timestamp").lifetime_s / 2
        return self._anchor.checked and left < half and self._timestamp() == before

    def _read(self, url: str, target: Target) -> bytes:
        data = self._fetcher.get(
            url, max_bytes=target.size, exact=target.size, redirects=TARGET_REDIRECTS
        )
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != target.sha256:
            raise FetchError("cut", f"{url}: expected {target.sha256}, came {sha256}")
        return data

    def _ask_each(self, target: Target, ask: Callable[[str], T]) -> T:
        folder, slash, name = target.path.rpartition("/")
        # A target's path is URL text already (TUF 1.0.31, section 4.5).
        path = quote(f"{folder}{slash}{target.sha256}.{name}", safe=_URL_TEXT)
        return ask_each([site.targets + path for site in self._sites], ask)


def _ask_nobody(url: str, _: int) -> bytes:
    raise FetchError("unreachable", f"{url}: nobody is asked")
