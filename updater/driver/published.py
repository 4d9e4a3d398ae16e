"""Releases of any version, for whoever builds them again.

Carrier. What is fetched went through what an updater holds a release to: metadata by
the keys of its roles, the whole log read under a head that enough witnesses signed, a
claim by enough release keys, and a file with the hash that both of them name. What is
left out are the gates that wait, for time and for those who rebuild: these wait for the
one who asks here. Nothing is installed, and no version need be.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from updater.archive.bundle import Manifest
from updater.driver.anchor import Anchor
from updater.driver.following import NOBODY, log_client
from updater.driver.obtain import read_artifact
from updater.driver.session import Session, Surroundings, open_session
from updater.errors import (
    MalformedError,
    MisbehaviourError,
    NotYetError,
    RefusedError,
    RepositoryError,
    StoreError,
    UnreachableError,
)
from updater.findings import Failed, Severity
from updater.gates.log import CODES
from updater.install.root import Root
from updater.offer.version import check_version
from updater.transparency.claims.release import Artifact, ReleaseClaim
from updater.transparency.client import LogClient
from updater.transparency.entry import parse_entry
from updater.transparency.index import LoggedFile, LoggedYank
from updater.transparency.view import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published file of a release, and what the log says of it.

    Attributes:
        row: where the claim stands, in which log.
        claim: signed by enough release keys of trust files that counted.
        artifact: what the claim says of this very file.
        path: the file, with the SHA-256 of `artifact`; do not change it.
        manifest: of the bundle; a `Failed` where its bytes are none, which is worth
            saying aloud: enough keys signed for them.
        yanks: who said that nobody shall install it.
    """

    row: LoggedFile
    claim: ReleaseClaim
    artifact: Artifact
    path: Path
    manifest: Manifest | Failed
    yanks: tuple[LoggedYank, ...]


class Releases:
    """The releases of a product, as its log and its repository have them now."""

    def __init__(
        self, root: Root, anchor: Anchor, given: Surroundings, session: Session
    ) -> None:
        """Look at metadata and log.

        Raises:
            MisbehaviourError: somebody was caught lying, now or before.
            RefusedError, NotYetError: metadata or log do not hold.
            UnreachableError: they could not be had.
            StoreError: the disk refuses.
        """
        self._root = root
        self._anchor = anchor
        self._given = given
        self._session = session
        self.view = session.gathering.look()
        log, frozen_by = session.gathering.log, self.view.evidence
        for trouble in self.view.troubles:
            _refuse(trouble, log)
        if frozen_by is not None:
            text = f"log {self.view.origin} was caught lying; see 'ringfence update'"
            raise MisbehaviourError(text, log.read_evidence(frozen_by))

    def listed(self) -> tuple[LoggedFile, ...]:
        """List the files of all releases, in the order of the log, each once.

        One that was offered on two channels is listed where it stood first.
        """
        found: dict[str, LoggedFile] = {}
        for row in self.view.index.files:
            with contextlib.suppress(MalformedError):  # a version that has no order
                check_version(row.version, "version")
                found.setdefault(row.sha256, row)
        return tuple(found.values())

    def platforms(self, version: str) -> tuple[str, ...]:
        """Name the platforms of a version, sorted.

        Raises:
            RefusedError: no such version is in the log.
        """
        rows = [each for each in self.listed() if each.version == version]
        if not rows:
            raise RefusedError(f"no release {version} is in the log")
        return tuple(sorted({each.platform for each in rows}))

    def is_yanked(self, row: LoggedFile) -> bool:
        """Tell whether somebody entitled said that nobody shall install this file."""
        return bool(self.view.index.yanks_of(row.sha256))

    def fetch(self, version: str, platform: str) -> Published:
        """Bring the file of a release here, into the store of the managed folder.

        Raises:
            RefusedError: the log has no such release, or the repository another file.
            RepositoryError: no role lists it.
            UnreachableError: it could not be had.
            StoreError: the disk refuses.
        """
        row = self._row(version, platform)
        claim = self._claim(row)
        fitting = [each for each in claim.artifacts if each.sha256 == row.sha256]
        path = self._file(version, platform, fitting[0])
        stored, manifest = read_artifact(
            self._root.files, path, product=self._anchor.product.name
        )
        if isinstance(stored, Failed) or stored.sha256 != row.sha256:
            # It had this hash when it was fetched, so it is our disk that lost it.
            self._root.files.remove(path)
            raise StoreError(f"{path}: damaged, and removed; fetch it again")
        return Published(
            row=row,
            claim=claim,
            artifact=fitting[0],
            path=path,
            manifest=manifest,
            yanks=self.view.index.yanks_of(row.sha256),
        )

    def drop(self, published: Published) -> None:
        """Forget a file that was looked at; what is installed keeps its own.

        Raises:
            StoreError: the disk refuses.
        """
        self._root.files.remove(published.path)

    def _row(self, version: str, platform: str) -> LoggedFile:
        rows = self.view.index.files_of(version, platform)
        if not rows:
            raise RefusedError(
                f"{version} is not there for {platform}, but for"
                f" {', '.join(self.platforms(version))}"
            )
        return rows[0]  # all rows name one file, else the log has contradicted itself

    def _claim(self, row: LoggedFile) -> ReleaseClaim:
        """Read the claim, perhaps of a log before; nobody is asked."""
        client = log_client(
            self._root,
            self._anchor,
            NOBODY,
            NOBODY.trust_file,
            origin=row.place.origin,
        )
        claim = parse_entry(client.leaf(row.place)).claim
        assert isinstance(claim, ReleaseClaim)  # it was when it was indexed, by hash
        project = self._anchor.product.project
        if claim.project != project:
            raise RefusedError(f"expected a claim on {project}, came {claim.project!r}")
        return claim

    def _file(self, version: str, platform: str, artifact: Artifact) -> Path:
        """Fetch what the repository lists, if it is what the claim names."""
        path = self._anchor.product.target(version, platform)
        target = self._session.repository.find(path)
        if target is None:
            raise RepositoryError("missing", f"no role lists {path}")
        listed = (target.size, target.sha256)
        if listed != (artifact.size, artifact.sha256):
            raise RefusedError(
                f"{path}: claimed are {artifact.size} bytes with SHA-256"
                f" {artifact.sha256}, listed {target.size} with {target.sha256}"
            )
        place = self._root.store / target.sha256
        if not place.is_file():
            self._root.files.make_folder(place.parent)
            self._session.repository.download(
                target,
                place,
                lambda done, total: self._given.progress("fetch", done, total),
            )
        return place


@contextlib.contextmanager
def open_releases(
    root: Root, anchor: Anchor, given: Surroundings
) -> Iterator[Releases]:
    """Be the only one at work in a managed folder, and look at what is published.

    Raises:
        BusyError: an updater is at work there.
        UpdateError: as `Releases`.
    """
    with open_session(root, anchor, given) as session:
        yield Releases(root, anchor, given, session)


def _refuse(trouble: Trouble, log: LogClient) -> NoReturn:
    """Raise what a trouble with the log means, as the gate of consistency says it."""
    severity = CODES.get(trouble.code, Severity.UNREACHABLE)
    if trouble.evidence is not None and severity is Severity.MISBEHAVIOUR:
        raise MisbehaviourError(trouble.text, log.read_evidence(trouble.evidence))
    kinds = {Severity.REFUSED: RefusedError, Severity.NOT_YET: NotYetError}
    raise kinds.get(severity, UnreachableError)(trouble.text)
