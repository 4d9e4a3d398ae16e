"""What a publisher does: create, release, yank, rotate, refresh, one change at a time.

Carrier. Each change is drafted here and carried out by `publication`; where signatures
or time are missing it stops with `NotYetError`, and `publish` goes on from there.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from updater.driver.anchor import Anchor
from updater.errors import RefusedError
from updater.offer.channel import Channel
from updater.offer.product import Product
from updater.publish import draft, metadata, rotation
from updater.publish.draft import Release
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring
from updater.publish.lint import Finding
from updater.publish.publication import Means, Publication
from updater.publish.roles import Setup, Signers
from updater.publish.signatures import Missing
from updater.publish.steps import Change, Journal
from updater.publish.upkeep import Due, Upkeep
from updater.transparency.honour import TrustSet
from updater.transparency.log import Log


class Publisher:
    """Whoever publishes one product from one folder, with the keys that are here."""

    def __init__(
        self, folder: PublisherFolder, product: Product, ring: Keyring, means: Means
    ) -> None:
        self.folder = folder
        self.product = product
        self._ring = ring
        self._means = means
        self._run = Publication(folder, product, ring, means)
        self.signatures = self._run.signatures

    @contextlib.contextmanager
    def _changing(self) -> Iterator[float]:
        """Hold the folder while nothing else is under way; gives the time."""
        with self.folder.lock():
            self._run.expect_idle()
            yield self._means.now()

    def create(self, setup: Setup) -> None:
        """Begin a repository and its log, and publish them with nothing in them.

        Raises:
            RefusedError: there is one, or another change is under way.
            NotYetError: signatures are missing; `publish` goes on.
        """
        self.folder.make()
        with self._changing() as now:
            if self.folder.role("root", staged=False) is not None:
                raise RefusedError(f"{self.folder.path}: there is a repository already")
            self._run.start(draft.create(self.folder, setup, now))

    def release(self, wanted: Release) -> None:
        """Publish a release.

        Raises:
            RefusedError: it cannot be one, or another change is under way.
            NotYetError: signatures are missing; `publish` goes on.
        """
        with self._changing() as now:
            self._run.start(self._drafted(wanted, now))

    def draft(self, wanted: Release) -> None:
        """Draft a release and stop there, so that people can look at it and sign.

        Raises:
            RefusedError: as `release`.
        """
        with self._changing() as now:
            self._run.begin(self._drafted(wanted, now))

    def _drafted(self, wanted: Release, now: float) -> Change:
        trust = rotation.current_trust(self.folder)
        return draft.release(self.folder, self.product, wanted, trust=trust, now=now)

    def sign(self) -> list[Missing]:
        """Sign what waits for it with the keys that are here; gives what is missing.

        Raises:
            RefusedError: nothing is under way.
        """
        with self.folder.lock():
            self._run.sign()
            return self.signatures.missing()

    def set_channel(self, changed: Channel) -> None:
        """Publish a channel file: a pause, other waves, an older release.

        Raises:
            RefusedError, NotYetError: as `release`.
        """
        with self._changing() as now:
            self._run.start(draft.channel(self.folder, self.product, changed, now))

    def yank(
        self,
        version: str,
        *,
        reason: str,
        replacement: str | None = None,
        advisory: str | None = None,
    ) -> None:
        """Yank a release: once it is in the log, nobody installs it any more.

        Raises:
            RefusedError, NotYetError: as `release`.
        """
        with self._changing():
            self._run.start(
                draft.yank(
                    self.folder,
                    self.product,
                    version,
                    reason=reason,
                    replacement=replacement,
                    advisory=advisory,
                )
            )

    def rotate(self, signers: Mapping[str, Signers], *, at_once: bool = False) -> None:
        """Give roles new keys: announced in the log, and in force after its delay.

        Raises:
            NotYetError: signatures are missing, or its time has not come.
            RefusedError: as `release`.
        """
        with self._changing() as now:
            self._run.start(
                rotation.rotate(
                    self.folder, self.product, signers, now, at_once=at_once
                )
            )

    def set_trust(self, trust: TrustSet) -> None:
        """Publish other trust files, which count after the delay of the former ones.

        Raises:
            RefusedError, NotYetError: as `release`.
        """
        with self._changing() as now:
            self._run.start(rotation.set_trust(self.folder, self.product, trust, now))

    def add_statements(self, leaves: Sequence[bytes]) -> int:
        """Log what operators say of a release: that is where it counts.

        Gives how many are new; what is in the log already is passed over.

        Raises:
            RefusedError: one may not be logged.
            NotYetError: too few witnesses signed.
        """
        with self.folder.lock():
            log = Log(self.folder.log)
            added = log.append_missing(leaves)
            self._run.publish_log(log)
        return len(added)

    def refresh(self) -> list[Due]:
        """Renew the timestamp, what else ends soon, and the log; every six hours.

        Gives the roles that people have to sign soon.

        Raises:
            RefusedError: nothing is public, or a change is about to be uploaded.
            NotYetError: a key is not here, or too few witnesses signed.
        """
        with self.folder.lock():
            due = Upkeep(self.folder, self._ring, self._means.now).refresh(
                self._run.places
            )
            self._run.adopt_trust()
            log = Log(self.folder.log)
            log.refresh(self._run.log_means(wait_s=self._means.wait_s))
            self.folder.upload_log(self._run.places)
            return due

    def drop(self) -> None:
        """Give up the change under way; the numbers it signed stay used.

        Raises:
            RefusedError: its claim is in the log already, or nothing is under way.
        """
        with self.folder.lock():
            journal = self.folder.journal()
            change = journal.change
            if change is None:
                raise RefusedError("nothing is under way")
            if self._run.is_logged():
                raise RefusedError(
                    f"{change.label}: it is in the log, for everybody to see; finish it"
                )
            used = dict(journal.used)
            for role in self.folder.staged_roles():
                data = self.folder.staged_role(role)
                assert data is not None
                used[role] = metadata.read(data).version
            self.folder.store_journal(Journal(used=used))
            self.folder.clear()

    def publish(self) -> None:
        """Go on with the change that is under way, as far as it can go.

        Raises:
            NotYetError: signatures or witnesses are missing, or it is too early.
            RefusedError: nothing is under way, or it does not hold.
        """
        with self.folder.lock():
            if self.folder.journal().change is None:
                raise RefusedError("nothing is under way")
            self._run.go_on()

    def findings(self) -> list[Finding]:
        """Say what is weak about what is public or about to be, waived or not."""
        return self._run.findings()

    def anchor(self, *, channel: str, repositories: tuple[str, ...]) -> Anchor:
        """Give what an application carries, as of what is public now.

        Raises:
            RefusedError: nothing is public yet.
        """
        return self._run.anchor(channel=channel, repositories=repositories)
