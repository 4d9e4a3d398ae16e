"""One publication: from a draft to what everybody sees, one repeatable step each.

Carrier. A run takes up where the journal says that the last one ended, and goes as far
as it can: it signs with the keys that are here, and where those do not suffice it says
whose are missing. Versions that are signed are never signed again with other bytes.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from updater.driver.anchor import Anchor
from updater.errors import NotYetError, RefusedError, StoreError
from updater.offer.channel import parse_channel
from updater.offer.product import Product
from updater.publish import claims, lint, metadata
from updater.publish.draft import entries
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring
from updater.publish.lint import Finding
from updater.publish.online import Online
from updater.publish.rehearsal import OLDEST_ROOTS, Rehearsal
from updater.publish.rolefile import Listed, list_file
from updater.publish.rotation import current_trust
from updater.publish.signatures import Signatures, expect
from updater.publish.steps import Change, Journal, Step
from updater.statement import Envelope, parse_envelope
from updater.transparency.asking import Ask, ask
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.entry import Entry, read_entry
from updater.transparency.gathering import Gatherer
from updater.transparency.growth import File
from updater.transparency.honour import POLICY, TRUST
from updater.transparency.log import Log
from updater.transparency.merkle import hash_leaf
from updater.transparency.proof import MAX_FILE as MAX_PROOF
from updater.transparency.publishing import Means as LogMeans
from updater.transparency.publishing import shown_checkpoint
from updater.tuf import layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What publishing needs of the world.

    Attributes:
        now: gives POSIX seconds.
        sleep: waits so many seconds.
        ask: asks a witness over HTTP.
        wait_s: how long to wait for witnesses.
        is_dev: whether a log may grow that no witness can be asked about.
        is_rehearsed: whether a client of ours tries it first.
        waived: codes of `lint` that the project lives with.
        places: folders besides the public one that are uploaded to.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    ask: Ask = ask
    wait_s: float = 600.0
    is_dev: bool = False
    is_rehearsed: bool = True
    waived: Collection[str] = ()
    places: Sequence[Path] = ()


class Publication:
    """The change under way in one folder, whose lock the caller holds."""

    def __init__(
        self, folder: PublisherFolder, product: Product, ring: Keyring, means: Means
    ) -> None:
        self.folder = folder
        self.signatures = Signatures(folder, ring)
        self._product = product
        self._online = Online(folder, self.signatures, means.now)
        self._ring = ring
        self._means = means

    def expect_idle(self) -> None:
        """Expect that no change is under way.

        Raises:
            RefusedError: one is.
        """
        change = self.folder.journal().change
        if change is not None:
            raise RefusedError(
                f"under way since before: {change.label}; finish or drop it first"
            )
        self.folder.clear()  # what a draft that was cut off had staged

    def start(self, change: Change) -> None:
        """Begin a change that is drafted, and go as far as it can go.

        Raises:
            NotYetError, RefusedError: as `go_on`.
        """
        self.begin(change)
        self.go_on()

    def begin(self, change: Change) -> None:
        """Begin a change that is drafted, and stop there."""
        journal = self.folder.journal()
        self.folder.store_journal(replace(journal, change=change))

    def sign(self) -> None:
        """Sign what waits for it with the keys that are here, and stop there.

        Raises:
            RefusedError: nothing is under way.
        """
        change = self.folder.journal().change
        if change is None:
            raise RefusedError("nothing is under way")
        for role in self.folder.staged_roles():
            self.signatures.sign_role(role)
        if change.claim is not None and not self.signatures.missing_roles():
            self.signatures.sign_claim(self._envelope(change.claim))

    def go_on(self) -> None:
        """Go on with the change that is under way, as far as it can go.

        Raises:
            NotYetError: signatures or witnesses are missing, or it is too early.
            RefusedError: it does not hold: a client of ours would refuse it.
            MissingError: the key of the log is not here.
            StoreError: the disk refuses, or the log is damaged.
        """
        self._renew_stale()
        while (change := self.folder.journal().change) is not None:
            self._take(change)
            self._advance()

    def _take(self, change: Change) -> None:
        """Do what lies between a step and the next."""
        match change.step:
            case Step.DRAFTED:
                self._sign_roles()
            case Step.SIGNED:
                self._sign_claim(change)
            case Step.CLAIMED:
                self._log(change)
            case Step.LOGGED:
                self._stage_online(change)
            case Step.STAGED:
                self._rehearse(change)
            case Step.REHEARSED:
                self._upload(change)
            case _:
                assert_never(change.step)

    def _renew_stale(self) -> None:
        """Make snapshot and timestamp anew, if a run was cut off too long ago."""
        journal = self.folder.journal()
        change = journal.change
        if change is None or change.step not in {Step.STAGED, Step.REHEARSED}:
            return
        if not self._online.is_fresh("timestamp"):
            again = replace(change, step=Step.LOGGED, files={})
            self.folder.store_journal(replace(journal, change=again))

    def _advance(self) -> None:
        journal = self.folder.journal()
        change = journal.change
        assert change is not None
        if change.step.next is not None:
            following = change.advanced()
            if following.step.next is None:
                following = replace(following, files=self.folder.staged())
            self.folder.store_journal(replace(journal, change=following))
            return
        # All is public: numbers that a dropped change used are passed now.
        self.folder.store_journal(Journal())
        self.folder.clear()

    def _sign_roles(self) -> None:
        for role in self.folder.staged_roles():
            self.signatures.sign_role(role)
        expect(self.signatures.missing_roles())

    def _sign_claim(self, change: Change) -> None:
        if change.claim is not None:
            self.signatures.sign_claim(self._envelope(change.claim))
            expect(self.signatures.missing_claims())

    def _envelope(self, drafted: bytes) -> Envelope:
        """Give the claim with the signatures it has, completed before the first."""
        if (data := self.folder.claim()) is not None:
            return parse_envelope(data)
        signed: dict[str, tuple[int, Listed]] = {}
        for role in self.folder.staged_roles():
            data = self.folder.role(role)
            assert data is not None
            signed[role] = (metadata.read(data).version, list_file(data))
        return Envelope(claims.complete(drafted, signed))

    def _log(self, change: Change) -> None:
        leaf = self.folder.claim()
        if leaf is not None:
            log = Log(self.folder.log)
            if not self.is_logged():
                log.append([leaf])
            self.publish_log(log)
        if self._means.now() < change.not_before:
            opens = datetime.fromtimestamp(change.not_before, UTC)
            raise NotYetError(
                f"{change.label}: announced, and not before {opens:%Y-%m-%d %H:%M} UTC"
            )

    def publish_log(self, log: Log) -> None:
        """Have the log witnessed, and show it: what is signed cannot be taken back."""
        try:
            log.publish(self.log_means(wait_s=0))
        except NotYetError:
            # Witnesses that only read look at the tiles and at what is pending.
            self.folder.upload_log(self.places, pending=True)
            log.publish(self.log_means(wait_s=self._means.wait_s))
        self.folder.upload_log(self.places)

    def log_means(self, *, wait_s: float) -> LogMeans:
        """Give what the log needs to publish.

        Raises:
            MissingError: its key is not here.
        """
        folder = self.folder.log
        own = folder.facts().key
        return LogMeans(
            key=self._ring.log_key(own),
            gatherer=Gatherer(
                folder.policy(),
                folder.addresses(),
                own,
                ask=self._means.ask,
                files=self.folder.files,
            ),
            now=self._means.now,
            sleep=self._means.sleep,
            wait_s=wait_s,
            is_dev=self._means.is_dev,
        )

    def _stage_online(self, change: Change) -> None:
        if change.kind == "release":
            self._stage_claims()
        self._online.stage_tops()

    def _stage_claims(self) -> None:
        """List the claim and its proof beside each file of the release."""
        leaf = self.folder.claim()
        assert leaf is not None
        place = f"proofs/{hash_leaf(leaf).hex()}.tlog-proof"
        proof = self.folder.log.read(place, MAX_PROOF)
        if proof is None:
            raise StoreError(f"{place}: expected the proof of the claim")
        files = dict(metadata.read(self._public(layout.CLAIMS.name)).files)
        for path in claims.files_of(claims.parse_release(leaf)):
            for ending, data in ((".claim.json", leaf), (".tlog-proof", proof)):
                files[path + ending] = self.folder.stage_target(path + ending, data)
        self._online.stage_listing(layout.CLAIMS.name, files)

    def _rehearse(self, change: Change) -> None:
        """Look all over, and let clients try it where they could install something."""
        self._expect_clean()
        listing = self.folder.role(layout.CHANNELS.name)
        assert listing is not None
        channels = [
            parse_channel(self.folder.read_target(path, each))
            for path, each in metadata.read(listing).files.items()
        ]
        if not channels or change.kind == "yank" or not self._means.is_rehearsed:
            return
        Rehearsal(
            staged=self.folder.staging,
            public=self.folder.public,
            anchors=list(self._anchors()),
            channels=channels,
            is_first=self.folder.role("timestamp", staged=False) is None,
        ).run(self._means.now)

    def findings(self) -> list[Finding]:
        """Look over what is public, or about to be, and who signs it."""
        folder = self.folder
        names = [*folder.all_roles(), "root", "snapshot", "timestamp"]
        data = {name: raw for name in names if (raw := folder.role(name)) is not None}
        files = {name: metadata.read(raw) for name, raw in data.items()}
        if not {"targets", "timestamp"} <= set(files):
            return []  # nothing is there yet
        used = dict(folder.journal().used)
        public = {
            name: max(metadata.read(raw).version, used.get(name, 0))
            for name in files
            if (raw := folder.role(name, staged=False)) is not None
        }
        signers = {**files["root"].signers, **files["targets"].signers}
        log = folder.log
        announced = {
            each.sha256
            for leaf in entries(folder)
            if isinstance(entry := read_entry(leaf), Entry)
            and isinstance(entry.claim, PolicyClaim)
            for each in entry.claim.files
        }
        return [
            *lint.check_keys(signers, log.trust(), [log.facts().key.public]),
            *lint.check_files(
                files,
                public,
                announced=announced,
                digests={
                    name: list_file(data[name]).sha256 for name in ("root", "targets")
                },
                now=self._means.now(),
            ),
        ]

    def _expect_clean(self) -> None:
        """Expect no finding but those that the project waives."""
        for each in self.findings():
            if each.code not in self._means.waived:
                raise RefusedError(f"{each.code}: {each.text}")

    def _anchors(self) -> Iterator[Anchor]:
        """Give what programs carry that may be out there: of each of the last roots."""
        newest = self.folder.role("root")
        assert newest is not None
        version = metadata.read(newest).version
        at = self.anchor(channel="stable", repositories=("http://127.0.0.1/",))
        for number in range(max(1, version - OLDEST_ROOTS + 1), version + 1):
            root = self.folder.root(number)
            assert root is not None
            yield replace(at, root=root)

    def _upload(self, change: Change) -> None:
        if self.folder.staged() != change.files:
            raise StoreError("staging is not what was rehearsed: drop the change")
        self.folder.upload(self.places)

    @property
    def places(self) -> list[Path]:
        """Where everything is uploaded to."""
        return [self.folder.public, *self._means.places]

    def adopt_trust(self) -> None:
        """Judge new entries of the log by the newest trust files that are in force."""
        log, newest = self.folder.log, current_trust(self.folder)
        announced = [
            entry.claim
            for leaf in entries(self.folder)
            if isinstance(entry := read_entry(leaf), Entry)
            and isinstance(entry.claim, PolicyClaim)
            and entry.claim.sha256(TRUST) == newest.digests[TRUST]
        ]
        if announced and announced[-1].not_before <= self._means.now():
            log.write([File(name, newest.files[name]) for name in (POLICY, TRUST)])

    def is_logged(self) -> bool:
        """Tell whether the claim is in the log, or waits there."""
        leaf = self.folder.claim()
        if leaf is None:
            return False
        log = self.folder.log
        waiting = [log.read_queued(each) for each in log.queue()]
        return leaf in waiting or log.index_of(hash_leaf(leaf).hex()) is not None

    def anchor(self, *, channel: str, repositories: tuple[str, ...]) -> Anchor:
        """Give what an application carries, by what is public now.

        `repositories` are the addresses of the public folder, each with a slash at its
        end; `channel` is the one that new installations follow.
        """
        root, targets = self._public("root"), self._public("targets")
        shown = shown_checkpoint(self.folder.log)
        return Anchor(
            product=self._product,
            channel=channel,
            repositories=repositories,
            root=root,
            accepted=frozenset(list_file(each).sha256 for each in (root, targets)),
            origin=self.folder.log.facts().key.name,
            floor=None if shown is None else shown.note,
            trust=current_trust(self.folder),
        )

    def _public(self, role: str) -> bytes:
        found = self.folder.role(role, staged=False)
        if found is None:
            raise RefusedError(f"{self.folder.path}: no {role} is public yet")
        return found
