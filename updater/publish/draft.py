"""Drafting a change: what it adds to the public folder, staged and unsigned.

Carrier. Nothing here is signed, logged or public. A draft that was cut off is no change
at all, since the journal names one only when all of it is staged.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from updater.archive.bundle import Manifest, check_bundle, open_bundle
from updater.archive.opened import opened
from updater.errors import MalformedError, RefusedError
from updater.files import Files
from updater.offer.channel import Channel, Via, format_channel, parse_channel
from updater.offer.product import Product
from updater.offer.version import order
from updater.offer.waves import NORMAL, SECURITY, Wave
from updater.publish import claims, metadata
from updater.publish.folder import PublisherFolder
from updater.publish.rolefile import Listed
from updater.publish.roles import TOP, Setup
from updater.publish.steps import Change
from updater.publish.vouching import check_bundles
from updater.transparency.admission import Register
from updater.transparency.claims.parts import Ref
from updater.transparency.claims.release import (
    Artifact,
    Build,
    ReleaseClaim,
    Severity,
    Source,
)
from updater.transparency.claims.yank import NOTICES, YankClaim
from updater.transparency.entry import Entry, format_claim, read_entry
from updater.transparency.folder import Facts
from updater.transparency.honour import POLICY, TRUST, TrustSet
from updater.transparency.publishing import open_tree, shown_checkpoint
from updater.transparency.tiles import WIDTH
from updater.tuf import layout

NEWEST: Final = 12
"""Releases that `releases` lists; older ones are in `archive`. Each client loads the
whole role at each change, and a release has eight entries of 455 bytes."""
NO_IMAGE: Final = "0" * 64
"""For a build that ran in no image that could be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A way from an older bundle to one of a release."""

    platform: str
    old: str
    """SHA-256 of the older bundle."""
    version: str
    """Of the older bundle."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is to be released.

    Attributes:
        channel: where it is offered.
        bundles: files, one for each platform; all of one version and one source.
        sigstore: a Sigstore bundle for some of them, by the file's SHA-256.
        patches: from versions that the channel offered before.
        repository: URI of the source.
        tag: of the source; None is ``v`` and the version.
        lock: SHA-256 of the lock of what built it; None is that of the bundle's wheels.
        image: SHA-256 of what it was built in.
        notes: SHA-256 of the release notes.
        minimum: the oldest version that stays supported; None leaves it.
        waves: how fast; None is the usual for the severity.
    """

    channel: str
    bundles: Sequence[Path]
    severity: Severity = "normal"
    sigstore: Mapping[str, bytes] = field(default_factory=dict)
    patches: Sequence[Patch] = ()
    repository: str
    tag: str | None = None
    lock: str | None = None
    image: str = NO_IMAGE
    notes: str | None = None
    minimum: str | None = None
    waves: tuple[Wave, ...] | None = None
    via: tuple[Via, ...] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle that was read from end to end."""

    path: Path
    manifest: Manifest
    listed: Listed = field(kw_only=True)


def create(folder: PublisherFolder, setup: Setup, now: float) -> Change:
    """Stage the first version of everything, and make an empty log."""
    roles = {name: setup.signers(name) for name in setup.delegated}
    tops = {name: setup.signers(name) for name in TOP}
    folder.stage_role("root", 1, metadata.new_root(tops, version=1, now=now))
    folder.stage_role("targets", 1, metadata.new_targets(roles, version=1, now=now))
    for name in setup.delegated:
        if not name.startswith(layout.REBUILD):  # operators begin with what they say
            files = _stage_trust(folder, setup) if name == layout.TRUST.name else {}
            stage_listing(folder, name, files, version=1, now=now)
    log = folder.log
    if not (log.private / "journal").exists():
        log.create(
            Facts(setup.log, contact=setup.contact),
            policy=setup.trust.files[POLICY],
            trust=setup.trust.files[TRUST],
            register=Register(),
            witnesses=dict(setup.witnesses),
        )
    claim = claims.policy_claim(
        setup.product.project,
        setup.trust,
        ("root", "targets"),
        not_before=now,
    )
    label = f"create the repository of {setup.product.name}"
    return Change(kind="create", label=label, claim=format_claim(claim))


def release(
    folder: PublisherFolder,
    product: Product,
    wanted: Release,
    *,
    trust: TrustSet,
    now: float,
) -> Change:
    """Stage the files of a release, and the roles that list and offer them.

    Raises:
        RefusedError: it is public already, or not one release, or a Sigstore bundle is
            none that clients take by these trust files.
    """
    built = [read_bundle(each, product) for each in wanted.bundles]
    _check_one_release(built)
    version = built[0].manifest.version
    files = _listing(folder, layout.RELEASES.name)
    base = f"releases/{version}"
    if any(path.startswith(f"{base}/") for path in files):
        raise RefusedError(f"{version} is public already: a version has one file")
    for each in built:
        path = product.target(version, each.manifest.platform)
        files[path] = folder.stage_file(path, each.path)
        if each.listed.sha256 in wanted.sigstore:
            beside = f"{path}.sigstore.json"
            data = wanted.sigstore[each.listed.sha256]
            files[beside] = folder.stage_target(beside, data)
    for patch in wanted.patches:
        path = f"{product.target(version, patch.platform)}.from-{patch.old[:12]}.patch"
        files[path] = folder.stage_target(path, patch.data)
    _stage_releases(folder, files, now)
    _stage_channel(folder, product, _offer(folder, product, wanted, built), now)
    claim = _release_claim(folder, product, wanted, built)
    check_bundles(trust, claim, wanted.sigstore)
    return Change(kind="release", label=f"release {version}", claim=format_claim(claim))


def channel(
    folder: PublisherFolder, product: Product, changed: Channel, now: float
) -> Change:
    """Stage a new version of a channel: a pause, other waves, another release.

    `changed` has the sequence of the public one, or any if there is none.
    """
    _stage_channel(folder, product, changed, now)
    return Change(kind="channel", label=f"channel {changed.name}")


def yank(  # noqa: PLR0913 - the words of a yank, each by name
    folder: PublisherFolder,
    product: Product,
    version: str,
    *,
    reason: str,
    warn_running: bool = True,
    replacement: str | None = None,
    advisory: str | None = None,
) -> Change:
    """Draft a yank, which works through the log alone: it stages nothing.

    Raises:
        RefusedError: no such release is in the log.
    """
    for index, leaf in reversed(list(enumerate(entries(folder)))):
        entry = read_entry(leaf)
        if not isinstance(entry, Entry) or not isinstance(entry.claim, ReleaseClaim):
            continue
        if entry.claim.version == version:
            claim = YankClaim(
                Ref(index, entry.leaf_hash),
                entry.claim.subject,
                purl=entry.claim.purl,
                reason=reason,
                notice=NOTICES[warn_running],
                replacement=replacement,
                advisory=advisory,
            )
            label = f"yank {product.name} {version}"
            return Change(kind="yank", label=label, claim=format_claim(claim))
    raise RefusedError(f"no release {version} is in the log")


def read_bundle(path: Path, product: Product) -> Built:
    """Read a bundle from end to end, as strictly as a client does.

    Raises:
        MalformedError: it is none of this product.
        StoreError: it cannot be read.
    """
    with opened(Files(), path) as extent:
        bundle = open_bundle(extent, product=product.name)
        sha256 = check_bundle(bundle)
    return Built(path, bundle.manifest, listed=Listed(extent.size, sha256))


def entries(folder: PublisherFolder) -> list[bytes]:
    """Read every entry of the log that is public."""
    log = folder.log
    shown = shown_checkpoint(log)
    if shown is None:
        return []
    tree = shown.checkpoint
    reader = open_tree(log, tree.size, tree.root)
    bundles = range(-(-tree.size // WIDTH))
    return [leaf for number in bundles for leaf in reader.entries(number)]


def stage_listing(
    folder: PublisherFolder,
    role: str,
    files: Mapping[str, Listed],
    *,
    version: int | None = None,
    now: float,
) -> None:
    """Stage the next version of a role that lists files."""
    number = version or folder.next_version(role)
    data = metadata.new_listing(role, files, version=number, now=now)
    folder.stage_role(role, number, data)


def read_channel(folder: PublisherFolder, name: str) -> Channel | None:
    """Read a channel file as it is public; None if there is none."""
    path = f"channels/{name}.json"
    listed = _listing(folder, layout.CHANNELS.name).get(path)
    return None if listed is None else parse_channel(folder.read_target(path, listed))


def _listing(folder: PublisherFolder, role: str) -> dict[str, Listed]:
    """Give what a role lists in public."""
    data = folder.role(role, staged=False)
    return {} if data is None else dict(metadata.read(data).files)


def _check_one_release(built: Sequence[Built]) -> None:
    """Expect bundles of one version, one source and different platforms."""
    if not built:
        raise MalformedError("release: expected a bundle, came none")
    first = built[0].manifest
    for each in built[1:]:
        one, other = first, each.manifest
        for what, ours, theirs in (
            ("version", one.version, other.version),
            ("commit", one.commit, other.commit),
            ("recipe", one.recipe_sha256, other.recipe_sha256),
            ("epoch", str(one.epoch), str(other.epoch)),
        ):
            if ours != theirs:
                raise RefusedError(
                    f"{each.path.name}: expected {what} {ours}, came {theirs}"
                )
    if len({each.manifest.platform for each in built}) != len(built):
        raise RefusedError("release: two bundles are of one platform")


def _stage_releases(
    folder: PublisherFolder, files: dict[str, Listed], now: float
) -> None:
    """Stage `releases`, and put what is not among the newest into `archive`."""
    versions = {path.split("/")[1] for path in files}
    newest = set(sorted(versions, key=order)[-NEWEST:])
    old = {
        path: each for path, each in files.items() if path.split("/")[1] not in newest
    }
    kept = {path: each for path, each in files.items() if path not in old}
    stage_listing(folder, layout.RELEASES.name, kept, now=now)
    if old:
        archived = _listing(folder, layout.ARCHIVE.name) | old
        stage_listing(folder, layout.ARCHIVE.name, archived, now=now)


def _stage_channel(
    folder: PublisherFolder, product: Product, wanted: Channel, now: float
) -> None:
    public = read_channel(folder, wanted.name)
    sequence = 1 if public is None else public.sequence + 1
    data = format_channel(replace(wanted, project=product.project, sequence=sequence))
    parse_channel(data)  # what is signed cannot be taken back: read it as clients will
    path = f"channels/{wanted.name}.json"
    files = _listing(folder, layout.CHANNELS.name)
    files[path] = folder.stage_target(path, data)
    stage_listing(folder, layout.CHANNELS.name, files, now=now)


def _offer(
    folder: PublisherFolder, product: Product, wanted: Release, built: Sequence[Built]
) -> Channel:
    """Make the channel file that offers a release."""
    version = built[0].manifest.version
    public = read_channel(folder, wanted.channel)
    usual = SECURITY if wanted.severity == "security" else NORMAL
    deltas = {each.version for each in wanted.patches}
    return Channel(
        name=wanted.channel,
        project=product.project,
        sequence=1,
        version=version,
        minimum=wanted.minimum or (public.minimum if public else version),
        paused=False,
        platforms=tuple(sorted(each.manifest.platform for each in built)),
        delta_from=tuple(sorted(deltas, key=order)),
        via=wanted.via if wanted.via is not None else (public.via if public else ()),
        waves=wanted.waves or usual,
    )


def _release_claim(
    folder: PublisherFolder, product: Product, wanted: Release, built: Sequence[Built]
) -> ReleaseClaim:
    first = built[0].manifest
    return ReleaseClaim(
        project=product.project,
        version=first.version,
        channel=wanted.channel,
        severity=wanted.severity,
        artifacts=tuple(_artifact(product, wanted, each) for each in built),
        source=Source(
            repository=wanted.repository,
            commit=first.commit,
            tag=wanted.tag or f"v{first.version}",
        ),
        build=Build(
            recipe=first.recipe_sha256,
            lock=wanted.lock or first.lock_sha256,
            image=wanted.image,
            source_date_epoch=first.epoch,
        ),
        metadata=claims.open_metadata(),
        previous=claims.last_of(ReleaseClaim, entries(folder)),
        notes=wanted.notes,
    )


def _artifact(product: Product, wanted: Release, built: Built) -> Artifact:
    manifest, listed = built.manifest, built.listed
    bundle = wanted.sigstore.get(listed.sha256)
    return Artifact(
        name=product.artifact(manifest.version, manifest.platform),
        sha256=listed.sha256,
        size=listed.size,
        platform=manifest.platform,
        sigstore=None if bundle is None else hashlib.sha256(bundle).hexdigest(),
    )


def _stage_trust(folder: PublisherFolder, setup: Setup) -> dict[str, Listed]:
    return {
        path: folder.stage_target(path, data)
        for name, data in setup.trust.files.items()
        for path in (f"trust/{name}",)
    }
