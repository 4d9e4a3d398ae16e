"""Publishing: from a draft to what everybody sees, one repeatable step after another.

Carrier. A run takes up where the journal says that the last one ended, and goes as far
as it can: it signs with the keys that are here, and where those do not suffice it says
whose are missing. Versions that are signed are never signed again with other bytes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from updater import layout
from updater.anchor import Anchor
from updater.channel import Channel
from updater.errors import NotYetError, RefusedError, StoreError
from updater.product import Product
from updater.publish import claims, draft, metadata
from updater.publish.draft import Release
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring
from updater.publish.metadata import Listed, list_file
from updater.publish.roles import TOP, Setup
from updater.publish.steps import Change, Journal, Step
from updater.statement import (
    Envelope,
    format_envelope,
    key_id,
    merge,
    parse_envelope,
    sign,
)
from updater.transparency.asking import Ask, ask
from updater.transparency.gathering import Gatherer
from updater.transparency.honour import NAMES, read_set
from updater.transparency.log import Log
from updater.transparency.merkle import hash_leaf
from updater.transparency.proof import MAX_FILE as MAX_PROOF
from updater.transparency.publishing import Means as LogMeans
from updater.transparency.publishing import shown_checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What publishing needs of the world.

    Attributes:
        now: gives POSIX seconds.
        sleep: waits so many seconds.
        ask: asks a witness over HTTP.
        wait_s: how long to wait for witnesses.
        is_dev: whether a log may grow that no witness can be asked about.
        places: folders besides the public one that are uploaded to.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    ask: Ask = ask
    wait_s: float = 600.0
    is_dev: bool = False
    places: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Signatures that are still needed: of how many of these keys, for what."""

    what: str
    count: int
    keys: frozenset[bytes] = field(kw_only=True)
    """DER SubjectPublicKeyInfo for a role, raw Ed25519 for a claim."""


class Publisher:
    """Whoever publishes one product from one folder, with the keys that are here."""

    def __init__(
        self, folder: PublisherFolder, product: Product, ring: Keyring, means: Means
    ) -> None:
        self.folder = folder
        self.product = product
        self._ring = ring
        self._means = means

    # Changes

    def create(self, setup: Setup) -> None:
        """Begin a repository and its log, and publish them with nothing in them.

        Raises:
            RefusedError: there is one, or another change is under way.
            NotYetError: signatures are missing; `publish` goes on.
        """
        self.folder.make()
        with self.folder.lock():
            self._expect_idle()
            if self.folder.role("root", staged=False) is not None:
                raise RefusedError(f"{self.folder.path}: there is a repository already")
            self._begin(draft.create(self.folder, setup, self._means.now()))
            self._go_on()

    def release(self, wanted: Release) -> None:
        """Publish a release.

        Raises:
            RefusedError: it cannot be one, or another change is under way.
            NotYetError: signatures are missing; `publish` goes on.
        """
        with self.folder.lock():
            self._expect_idle()
            now = self._means.now()
            self._begin(draft.release(self.folder, self.product, wanted, now))
            self._go_on()

    def set_channel(self, changed: Channel) -> None:
        """Publish a channel file: a pause, other waves, an older release.

        Raises:
            RefusedError, NotYetError: as `release`.
        """
        with self.folder.lock():
            self._expect_idle()
            now = self._means.now()
            self._begin(draft.channel(self.folder, self.product, changed, now))
            self._go_on()

    def publish(self) -> None:
        """Go on with the change that is under way, as far as it can go.

        Raises:
            NotYetError: signatures or witnesses are missing, or it is too early.
            RefusedError: nothing is under way, or it does not hold.
        """
        with self.folder.lock():
            if self.folder.journal().change is None:
                raise RefusedError("nothing is under way")
            self._go_on()

    def anchor(self, *, channel: str, repositories: tuple[str, ...]) -> Anchor:
        """Give what an application carries, by what is public now.

        `repositories` are the addresses of the public folder, each with a slash at its
        end; `channel` is the one that new installations follow.
        """
        root, targets = self._public("root"), self._public("targets")
        trust = self._public(layout.TRUST.name)
        listed = metadata.read(trust).files
        shown = shown_checkpoint(self.folder.log)
        return Anchor(
            product=self.product,
            channel=channel,
            repositories=repositories,
            root=root,
            accepted=frozenset(list_file(each).sha256 for each in (root, targets)),
            origin=self.folder.log.facts().key.name,
            floor=None if shown is None else shown.note,
            trust=read_set(
                {
                    name: self.folder.read_target(path, listed[path])
                    for name in NAMES
                    if (path := f"trust/{name}") in listed
                }
            ),
        )

    def _public(self, role: str) -> bytes:
        found = self.folder.role(role, staged=False)
        if found is None:
            raise RefusedError(f"{self.folder.path}: no {role} is public yet")
        return found

    # Signing

    def missing(self) -> list[Missing]:
        """Say which signatures the change under way still needs."""
        return [*self._missing_roles(), *self._missing_claims()]

    # Steps

    def _expect_idle(self) -> None:
        change = self.folder.journal().change
        if change is not None:
            raise RefusedError(
                f"under way since before: {change.label}; finish or drop it first"
            )
        self.folder.clear()  # what a draft that was cut off had staged

    def _begin(self, change: Change) -> None:
        journal = self.folder.journal()
        self.folder.store_journal(replace(journal, change=change))

    def _go_on(self) -> None:
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
        if self._fresh("timestamp") is None:
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
            self._sign_role(role)
        self._expect(self._missing_roles())

    def _sign_claim(self, change: Change) -> None:
        if change.claim is None:
            return
        envelope = self._envelope(change.claim)
        role = claims.role_of(envelope.payload)
        wanted = self.folder.log.trust().roles[role].keys
        signed = merge(envelope, sign(envelope.payload, self._ring.claimants(wanted)))
        self.folder.store_claim(format_envelope(signed))
        self._expect(self._missing_claims())

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
            folder = self.folder.log
            log, name = Log(folder), hash_leaf(leaf).hex()
            waiting = [folder.read_queued(each) for each in folder.queue()]
            if folder.index_of(name) is None and leaf not in waiting:
                log.append([leaf])
            self._publish_log(log)
        if self._means.now() < change.not_before:
            raise NotYetError(f"{change.label}: announced, and not before its time")

    def _publish_log(self, log: Log) -> None:
        """Have the log witnessed, and show it: what is signed cannot be taken back."""
        try:
            log.publish(self._log_means(wait_s=0))
        except NotYetError:
            # Witnesses that only read look at the tiles and at what is pending.
            self.folder.upload_log(self._places, pending=True)
            log.publish(self._log_means(wait_s=self._means.wait_s))
        self.folder.upload_log(self._places)

    def _log_means(self, *, wait_s: float) -> LogMeans:
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
        roles = self.folder.all_roles()
        now = self._means.now()
        snapshot = self._stage(
            "snapshot",
            lambda version: metadata.new_snapshot(roles, version=version, now=now),
        )
        self._stage(
            "timestamp",
            lambda version: metadata.new_timestamp(snapshot, version=version, now=now),
        )
        self._expect(self._missing_roles())

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
        now = self._means.now()
        self._stage(
            layout.CLAIMS.name,
            lambda version: metadata.new_listing(
                layout.CLAIMS.name, files, version=version, now=now
            ),
        )

    def _stage(self, role: str, write: Callable[[int], bytes]) -> bytes:
        """Stage and sign the next version of an online role, if that is not done."""
        if self._fresh(role) is None:
            version = draft.next_version(self.folder, role)
            if (stale := self.folder.staged_role(role)) is not None:
                before = metadata.read(stale).version
                version = max(version, before + 1)
            self.folder.stage_role(role, version, write(version))
        return self._sign_role(role)

    def _fresh(self, role: str) -> bytes | None:
        """Give what is staged of a role, if half its lifetime is still ahead."""
        data = self.folder.staged_role(role)
        if data is None:
            return None
        left = metadata.read(data).expires - self._means.now()
        return data if left > layout.role(role).lifetime_s / 2 else None

    def _rehearse(self, change: Change) -> None:
        pass

    def _upload(self, change: Change) -> None:
        if self.folder.staged() != change.files:
            raise StoreError("staging is not what was rehearsed: drop the change")
        self.folder.upload(self._places)

    @property
    def _places(self) -> list[Path]:
        return [self.folder.public, *self._means.places]

    # Signatures

    def _sign_role(self, role: str) -> bytes:
        """Sign a staged role with the keys of its that are here."""
        data = self.folder.role(role)
        assert data is not None
        for above in self._delegators(role, data):
            unsigned = metadata.standing(data, role, above).unsigned
            data = metadata.sign(data, self._ring.signers(unsigned))
        self.folder.stage_role(role, metadata.read(data).version, data)
        return data

    def _delegators(self, role: str, data: bytes) -> list[bytes]:
        """Give the files that say who signs a role; a root needs two of them."""
        if role == "root":
            before = self.folder.root(metadata.read(data).version - 1)
            return [data] if before is None else [before, data]
        above = self.folder.role("root" if role in TOP else "targets")
        assert above is not None
        return [above]

    def _missing_roles(self) -> list[Missing]:
        found = []
        for role in self.folder.staged_roles():
            data = self.folder.role(role)
            assert data is not None
            for above in self._delegators(role, data):
                standing = metadata.standing(data, role, above)
                if standing.missing:
                    found.append(
                        Missing(role, standing.missing, keys=standing.unsigned)
                    )
        return found

    def _missing_claims(self) -> list[Missing]:
        data = self.folder.claim()
        if data is None:
            return []
        envelope = parse_envelope(data)
        name = claims.role_of(envelope.payload)
        role = self.folder.log.trust().roles[name]
        ids = {each.keyid for each in envelope.signatures}
        unsigned = frozenset(each for each in role.keys if key_id(each) not in ids)
        count = role.threshold - (len(role.keys) - len(unsigned))
        if count <= 0:
            return []
        return [Missing(f"claim ({name})", count, keys=unsigned)]

    def _expect(self, missing: Sequence[Missing]) -> None:
        if missing:
            text = ", ".join(f"{each.what}: {each.count} more" for each in missing)
            raise NotYetError(f"signatures are missing: {text}")
