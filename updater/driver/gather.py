"""Gathering the evidence: metadata, channel, log, claim, proof, bundle, file.

Carrier: it asks everybody, and whatever goes wrong, in any library, becomes a `Failed`
in the place of what is missing. It decides nothing. No question is left out because of
an answer, unless the answer is what it is about: without a channel file nobody knows of
which release to ask.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from updater.archive.bundle import Manifest
from updater.archive.tree import Tree
from updater.driver.anchor import Anchor
from updater.driver.conclusion import CURRENT, NOT_FETCHED
from updater.driver.following import LogSource, log_client, successor
from updater.driver.listed import Listed
from updater.driver.settings import Settings
from updater.errors import (
    MalformedError,
    MisbehaviourError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.fetch import mirrors
from updater.fetch.fetch import Fetcher
from updater.findings import Failed, Severity, failed
from updater.gates.evidence import Evidence, Here, Linked, Stored, Vouched, Wish
from updater.install.root import Root
from updater.install.stage import read_tree
from updater.installed.slots import version_of
from updater.offer.channel import MAX_BYTES as MAX_CHANNEL
from updater.offer.channel import Channel, parse_channel
from updater.offer.version import check_version, order
from updater.sigstore import rekor
from updater.sigstore.identity import parse_policy
from updater.sigstore.signature import verify
from updater.transparency.client import LogClient
from updater.transparency.entry import Entry, parse_entry
from updater.transparency.honour import TrustSet
from updater.transparency.policy import Policy
from updater.transparency.proof import MAX_FILE as MAX_PROOF
from updater.transparency.proof import LogProof, parse_proof
from updater.transparency.state import MAX_LOGS
from updater.transparency.tiles import MAX_ENTRY
from updater.transparency.view import LogView
from updater.tuf.layout import SignedFile, Target
from updater.tuf.repository import Repository, Site

MAX_TRUST_FILE: Final = 1 << 20  # a trusted root of Sigstore is the largest
LATER: Final = Failed(
    Severity.NOT_YET, "it is fetched when nothing else speaks against it", NOT_FETCHED
)

Progress = Callable[[str, int, int], None]
"""Told (step, done, in all)."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a run is given.

    Attributes:
        bases: addresses of the repository, in the order in which they are asked.
        platform: of a first install; what is installed, and whole, knows its own.
        running: the version of the program that asks, if that is what is updated.
        own_policy: the user's own witnesses.
    """

    root: Root
    anchor: Anchor
    fetcher: Fetcher
    bases: tuple[str, ...]
    platform: str
    running: str | None = None
    settings: Settings = field(default=Settings())
    own_policy: Policy | None = None
    progress: Progress = lambda _step, _done, _total: None


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What is known of one release."""

    target: Target | Failed
    claim: Entry | Failed
    proof: LogProof | Failed
    sigstore: Vouched | Failed | None


def attempt(ask: Callable[[], _Value], code: str = "") -> _Value | Failed:
    """Ask, and turn every exception of every library into an answer."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it was, nothing came
        return failed(error, code)


class Gathering:
    """One run's evidence.

    Attributes:
        files: what a release's slot keeps, by file name, as it came.
        log: the client of the log that goes on.
    """

    def __init__(self, means: Means, repository: Repository) -> None:
        self._means = means
        self._repository = repository
        self._fault: Failed | None = Failed(Severity.UNREACHABLE, "not asked yet")
        """Why the metadata says nothing, None if it does."""
        root = means.root
        self._listed = Listed(repository, root.folder / "kept", root.files)
        self.files: dict[str, bytes] = {}
        self.log = self._client(means.anchor.origin, means.anchor.trust)

    def gather(
        self, wish: Wish, about: tuple[Manifest, Stored] | None = None
    ) -> Evidence:
        """Ask for everything but the artifact.

        `about` is a file to judge as if the channel offered it to a machine without
        any: what speaks against it here is then not about it.
        """
        means = self._means
        # The log is read even if TUF fails: a yank must not depend on it.
        self._fault = attempt(self._refresh)
        view = attempt(self._follow)
        channel = self._listing(self.channel, "channel")
        here = self._here(view)
        if about:
            here, channel = _as_offered(about[0], here, channel)
        pieces = self._pieces(channel, here, view)
        link, view = self._link(pieces.proof, view)
        return Evidence(
            now=means.root.now(),
            wish=wish,
            tightening=means.settings.tightening(means.own_policy),
            here=here,
            metadata=self._listing(self._metadata),
            channel=channel,
            target=pieces.target,
            artifact=about[1] if about else LATER,
            claim=pieces.claim,
            sigstore=pieces.sigstore,
            proof=pieces.proof,
            link=link,
            log=view,
            rebuilds=self._rebuilds(pieces.target),
            manifest=about[0] if about else LATER,
        )

    def look(self) -> LogView:
        """Refresh the metadata and read the log.

        Raises:
            UpdateError: the metadata does not hold, or could not be had.
        """
        self._refresh()
        self._fault = None
        return self._follow()

    def channel(self) -> Channel:
        """Read the channel file.

        Raises:
            UpdateError: it is not listed, not to be had, or none.
        """
        path = f"channels/{self._channel_name()}.json"
        return parse_channel(self._listed.read(path, most=MAX_CHANNEL))

    def tidy(self) -> None:
        """Keep what was used for the next run, and nothing else.

        Raises:
            StoreError: the disk refuses.
        """
        if self._fault is None:
            self._keep_mirrors()
            self._listed.tidy()

    def trust_file(self, sha256: str) -> bytes:
        """Give a trust file that counted once, or will, by its SHA-256.

        Raises:
            UpdateError: it is not to be had.
        """
        if self._fault is not None:
            raise UnreachableError(f"trust file {sha256}: {self._fault.text}")
        target = self._listed.find(f"trust/history/{sha256}")
        return self._repository.read(target, most=MAX_TRUST_FILE)

    # TUF

    def _refresh(self) -> None:
        self._means.progress("metadata", 0, 1)
        self._repository.refresh()

    def _listing(self, ask: Callable[[], _Value], code: str = "") -> _Value | Failed:
        """Ask what only good metadata says."""
        return attempt(ask, code) if self._fault is None else self._fault

    def _metadata(self) -> dict[str, SignedFile]:
        return {each.role: each for each in self._repository.roles()}

    def _channel_name(self) -> str:
        means = self._means
        return means.settings.channel or means.root.read().channel

    def _keep_mirrors(self) -> None:
        """Remember the listed mirrors for the next run; they are a hint, no more."""
        root = self._means.root
        with contextlib.suppress(UpdateError):
            data = self._listed.read("trust/mirrors.json", most=mirrors.MAX_BYTES)
            mirrors.parse_mirrors(data)
            root.files.replace(mirrors_file(root), data)

    # Log

    def _follow(self) -> LogView:
        """Read the log at one site after the other until one has all of it.

        One that is late, or lies, must not hide what the next one has; none of them is
        asked for what another one began.
        """
        anchor, found = self._means.anchor, list[tuple[LogClient, LogView]]()
        for base in self._bases():
            self.log = self._client(anchor.origin, anchor.trust, base)
            view = self._follow_at(base)
            if view.evidence or (view.is_complete and not view.is_old_copy):
                return view
            found.append((self.log, view))
        complete = (each for each in found if each[1].is_complete)
        self.log, view = next(complete, found[0])
        return view

    def _follow_at(self, base: str) -> LogView:
        """Read the log to its end, and those that succeeded it.

        A frozen one is not left behind: only the user goes on after misbehaviour.
        """
        for _ in range(MAX_LOGS):
            view = self.log.update(
                lambda done, total: self._means.progress("log", done, total)
            )
            onward = successor(view)
            if onward is None or view.evidence:
                return view
            self.log = self._client(onward, view.honoured.current, base)
        raise UnreachableError("the logs succeed one another without end")

    def _bases(self) -> tuple[str, ...]:
        """Give all addresses, that first which had good metadata."""
        bases, good = self._means.bases, self._repository.site
        first = [each for each in bases if Site.under(each) == good]
        return tuple(dict.fromkeys((*first, *bases)))

    def _client(self, origin: str, trust: TrustSet, *bases: str) -> LogClient:
        means = self._means
        return log_client(
            means.root,
            means.anchor,
            LogSource(means.fetcher, bases or means.bases),
            self.trust_file,
            own_policy=means.own_policy,
            origin=origin,
            trust=trust,
        )

    def _link(
        self, proof: LogProof | Failed, view: LogView | Failed
    ) -> tuple[Linked | Failed, LogView | Failed]:
        """Hold the checkpoint of the proof against the log; a fork freezes the view."""
        if isinstance(proof, Failed):
            return proof, view
        try:
            found = self.log.compare(proof.checkpoint)
        except MisbehaviourError as error:
            return failed(error, "fork"), attempt(self.log.view)
        except Exception as error:  # noqa: BLE001 - as in `attempt`
            return failed(error), view
        return Linked(found.size, found.root), view

    # The release

    def _here(self, view: LogView | Failed) -> Here:
        means, root = self._means, self._means.root
        if means.running is not None:  # whoever built it may have named it freely
            check_version(means.running, "the running version")
        state, slot = root.read(), root.current()
        current = version_of(slot) if slot else None
        tree = running_tree(root)
        before = None if isinstance(view, Failed) else view.installed
        known = [v for v in (state.floor, current, before, means.running) if v]
        return Here(
            product=means.anchor.product,
            channel=self._channel_name(),
            platform=tree.platform if tree else means.platform,
            seed=state.seed,
            current=current,
            floor=max(known, key=order, default=None),
            bad=frozenset(each.slot for each in state.bad),
            skip=frozenset(state.skip),
            pending=state.pending,
            times=state.time,
            accepted=means.anchor.accepted,
        )

    def _pieces(
        self, channel: Channel | Failed, here: Here, view: LogView | Failed
    ) -> _Pieces:
        if isinstance(channel, Failed):
            return _Pieces(channel, channel, channel, channel)
        version = channel.offer(here.current)
        if version == here.current:
            same = Failed(Severity.NOT_YET, f"{version} runs already", CURRENT)
            return _Pieces(same, same, same, same)
        self._means.progress("release", 0, 1)
        path = here.product.target(version, here.platform)
        target = attempt(lambda: self._listed.find(path), "platform")
        return _Pieces(
            target,
            attempt(lambda: parse_entry(self._file(path, "claim.json", MAX_ENTRY))),
            attempt(lambda: parse_proof(self._file(path, "tlog-proof", MAX_PROOF))),
            self._sigstore(target, view),
        )

    def _file(self, path: str, kind: str, most: int) -> bytes:
        """Give a file that lies beside the artifact, and keep it for the slot."""
        data = self._listed.read(f"{path}.{kind}", most=most)
        self.files[kind] = data
        return data

    def _sigstore(
        self, target: Target | Failed, view: LogView | Failed
    ) -> Vouched | Failed | None:
        if isinstance(target, Failed):
            return target
        if isinstance(view, Failed):
            return view
        current = view.honoured.current
        if not current.trust.requires_sigstore:
            return None

        def look() -> Vouched:
            bundle = self._file(target.path, "sigstore.json", rekor.MOST_BYTES)
            facts = verify(
                bundle,
                bytes.fromhex(target.sha256),
                trusted_root=current.files["trusted_root.json"],
                keys=parse_policy(current.files["sigstore.json"]).keys,
            )
            return Vouched(bundle, facts)

        return attempt(look, "sigstore")

    def _rebuilds(
        self, target: Target | Failed
    ) -> tuple[tuple[bytes, int | None], ...] | Failed:
        """Give what the log says of rebuilds: what is not in there does not count."""
        if isinstance(target, Failed):
            return target
        found = attempt(lambda: self.log.rebuilds(target.sha256), "entries")
        if isinstance(found, Failed):
            return found
        for number, each in enumerate(found):
            self.files[f"rebuild-{number}.json"] = each.leaf
        return tuple((each.leaf, each.index) for each in found)


def _as_offered(
    manifest: Manifest, here: Here, channel: Channel | Failed
) -> tuple[Here, Channel | Failed]:
    here = replace(
        here,
        platform=manifest.platform,
        current=None,
        floor=None,
        pending=None,
        bad=frozenset(),
        skip=frozenset(),
    )
    if isinstance(channel, Failed):
        return here, channel
    return here, replace(channel, version=manifest.version, via=())


def mirrors_file(root: Root) -> Path:
    """Say where the mirrors are remembered that the repository listed last."""
    return root.folder / "mirrors.json"


def running_tree(root: Root) -> Tree | None:
    """Give the tree of what is installed; None if nothing is, or nothing whole.

    What is damaged must not stand in the way of the update that takes its place.
    """
    slot = root.current()
    try:
        return read_tree(root.files, root.slot(slot)) if slot else None
    except (MalformedError, StoreError):
        return None
