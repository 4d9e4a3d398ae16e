"""A project with everything that stands behind its releases, for whoever attacks it.

In memory, and all of it can be changed: the TUF repository, the log and its witnesses,
those who claim and those who rebuild, a Sigstore of its own, and bundles of a program
that really runs. `World()` is honest; `world.thief("timestamp", "claim:release")` is a
copy of it in the hands of somebody who holds these keys and no others.

::

    world = World()
    good = world.release("1.1")
    world.wait(10 * DAY)
    world.write(folder)
"""

import copy
import hashlib
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.updater.places import APP, PLATFORM, app_bundle
from tests.updater.repositories import TufRepository, signer
from tests.updater.transparency import claimants, worlds
from tests.updater.transparency.worlds import Log, Witness
from tests.updater.wheels import EPOCH
from updater.driver.anchor import Anchor
from updater.errors import ProofError
from updater.offer.channel import Channel, format_channel
from updater.offer.waves import Wave
from updater.statement import Subject
from updater.testing.sigstore_lab import SUBJECT, SigstoreLab
from updater.transparency.checkpoint import merge_lines
from updater.transparency.claims.parts import Ref, Resource
from updater.transparency.claims.release import (
    Artifact,
    Build,
    Metadata,
    ReleaseClaim,
    Severity,
    Source,
)
from updater.transparency.entry import WholeClaim, parse_entry
from updater.transparency.honour import POLICY, TRUST, TrustSet, read_set
from updater.transparency.merkle import hash_leaf
from updater.transparency.proof import format_proof
from updater.transparency.rebuilders import Operator
from updater.transparency.trust import Trust, check_entry, format_trust

DAY: Final = 86_400
START: Final = 1_800_000_000
LAB_TIME: Final = 1_750_000_000.0
"""When Sigstore signs; its library asks the real clock whether that was in the past."""

OPERATORS: Final = ("anna", "bert", "carl")

KEYS: Final = {
    "release": claimants.RELEASE_KEYS,
    "yank": claimants.YANK_KEYS,
    "policy": claimants.POLICY_KEYS,
    "successor": claimants.SUCCESSOR_KEYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as it was made: the bundle, and where its claim stands in the log."""

    version: str
    bundle: bytes
    leaf: bytes
    index: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.bundle).hexdigest()

    @property
    def name(self) -> str:
        return APP.artifact(self.version, PLATFORM)

    @property
    def path(self) -> str:
        """The target, which its side files begin with."""
        return APP.target(self.version, PLATFORM)


class World:
    """A project at `now`, POSIX seconds; whoever changes something calls `publish`."""

    def __init__(self, *, lab: SigstoreLab | None = None) -> None:
        self.now: float = START
        self.lab = lab
        """The Sigstore that the trust files name."""
        self.signing_lab = lab
        """The one that the build signs with."""
        self.repository = TufRepository(now=START, operators=OPERATORS)
        self.ledger = worlds.World(_trust(requires_sigstore=lab is not None))
        self.claim_keys = dict(KEYS)
        self.operator_keys = {each: claimants.OPERATOR_KEYS[each] for each in OPERATORS}
        self.is_log_honest = True
        """An honest log takes only the claims of those who may make them."""
        self.releases: dict[str, Release] = {}
        self.channel = Channel(
            name="stable",
            project=APP.project,
            sequence=1,
            version="0.1",
            minimum="0.1",
            paused=False,
            platforms=(PLATFORM,),
            delta_from=(),
            via=(),
            waves=(Wave(0, 1000),),
        )
        self.log_policy()  # whatever changes later continues from here

    @property
    def log(self) -> Log:
        return self.ledger.log

    @property
    def witnesses(self) -> list[Witness]:
        return self.ledger.witnesses

    @property
    def trust(self) -> Trust:
        return self.ledger.trust

    @trust.setter
    def trust(self, trust: Trust) -> None:
        self.ledger.trust = trust

    @property
    def trust_set(self) -> TrustSet:
        """The trust files as they are now."""
        files = {POLICY: self.ledger.policy_text, TRUST: format_trust(self.trust)}
        if self.lab is not None:
            files["sigstore.json"] = self.lab.policy()
            files["trusted_root.json"] = self.lab.trusted_root()
        return read_set(files)

    @property
    def anchor(self) -> Anchor:
        """What a program that is made now brings along."""
        raw = self.repository.raw
        return Anchor(
            product=APP,
            channel="stable",
            repositories=("https://updates.example/",),
            root=raw("root"),
            accepted=frozenset((_sha256(raw("root")), _sha256(raw("targets")))),
            origin=self.log.origin,
            floor=None,
            trust=self.trust_set,
        )

    # What the publisher does

    def release(
        self,
        version: str,
        *,
        bundle: bytes = b"",
        severity: Severity = "normal",
        rebuilt_by: tuple[str, ...] = OPERATORS[:2],
        **signing: object,
    ) -> Release:
        """Build, list, claim, log and offer a release, and have it rebuilt.

        `signing` goes to the Sigstore lab.
        """
        bundle = bundle or app_bundle(version)
        sigstore = self.list_release(version, bundle, **signing)
        leaf = self.claim(version, bundle, sigstore=sigstore, severity=severity)
        made = self.log_release(version, bundle, leaf)
        for operator in rebuilt_by:
            self.rebuild(made, operator)
        self.offer(version)
        self.publish()
        return made

    def list_release(
        self, version: str, bundle: bytes, **signing: object
    ) -> bytes | None:
        """Put a bundle, and its Sigstore bundle, in the role that lists artifacts.

        Gives that Sigstore bundle, if there is any Sigstore.
        """
        path = APP.target(version, PLATFORM)
        self.repository.add(path, bundle, "releases")
        sigstore = None
        if self.signing_lab is not None:
            options = {"subject": subject_of(version), **signing}
            digest = hashlib.sha256(bundle).digest()
            sigstore = self.signing_lab.sign(digest, **options)  # type: ignore[arg-type]  # any
            self.repository.add(f"{path}.sigstore.json", sigstore, "releases")
        self._sign("releases")
        return sigstore

    def claim(
        self,
        version: str,
        bundle: bytes,
        *,
        sigstore: bytes | None = None,
        severity: Severity = "normal",
        **changes: object,
    ) -> bytes:
        """Make the leaf that claims a bundle; `changes` are fields of the claim."""
        row = Artifact(
            name=APP.artifact(version, PLATFORM),
            sha256=_sha256(bundle),
            size=len(bundle),
            platform=PLATFORM,
            sigstore=None if sigstore is None else _sha256(sigstore),
        )
        listed = self.repository.roles["releases"].version
        claim = ReleaseClaim(
            project=APP.project,
            version=version,
            channel="stable",
            severity=severity,
            artifacts=(row,),
            source=Source(
                repository="https://git.example/app",
                commit="a" * 40,
                tag=f"v{version}",
            ),
            build=Build(
                recipe="c" * 64,
                lock="d" * 64,
                image="e" * 64,
                source_date_epoch=EPOCH,
            ),
            metadata=Metadata(
                role="releases",
                version=listed,
                sha256=_sha256(self.repository.raw("releases")),
            ),
            previous=None,
        )
        return self.sign("release", replace(claim, **changes))  # type: ignore[arg-type]  # any field

    def sign(self, role: str, claim: WholeClaim) -> bytes:
        """Sign a claim with as many keys of a role as it takes."""
        threshold = self.trust.roles[role].threshold  # type: ignore[index]  # its names
        return claimants.entry(claim, *self.claim_keys[role][:threshold])

    def log_release(self, version: str, bundle: bytes, leaf: bytes) -> Release:
        """Have a claim logged and witnessed, and list it with its proof."""
        index = self.submit(leaf)
        made = Release(version=version, bundle=bundle, leaf=leaf, index=index)
        self.repository.add(f"{made.path}.claim.json", leaf, "claims")
        self.prove(made)
        self.releases[version] = made
        return made

    def prove(self, made: Release, note: bytes | None = None) -> None:
        """List a proof of a release, under the log as it is now or under a note."""
        note = note or self.witness()
        proof = format_proof(self.log.proof(made.index, note))
        self.repository.add(f"{made.path}.tlog-proof", proof, "claims")

    def offer(self, version: str, **changes: object) -> None:
        """Have the channel offer a version; `changes` are fields of its file."""
        self.channel = replace(
            self.channel,
            sequence=self.channel.sequence + 1,
            version=version,
            **changes,  # type: ignore[arg-type]  # any field
        )
        path = f"channels/{self.channel.name}.json"
        self.repository.add(path, format_channel(self.channel), "channels")

    def yank(self, made: Release) -> int:
        """Log that a release is bad."""
        return self.submit(self.yank_leaf(made))

    def yank_leaf(self, made: Release) -> bytes:
        """Make the leaf that says so."""
        release = Ref(made.index, hash_leaf(made.leaf))
        claim = replace(
            claimants.YANK,
            release=release,
            subject=(Subject(made.name, made.sha256),),
            purl=f"{APP.project}@{made.version}",
            replacement=None,
        )
        return self.sign("yank", claim)

    def rebuild(self, made: Release, operator: str, *, other: str = "") -> int:
        """Log that an operator rebuilt a release, with `other` to other bytes."""
        return self.submit(self.rebuild_leaf(made, operator, other=other))

    def rebuild_leaf(self, made: Release, operator: str, *, other: str = "") -> bytes:
        """Make the leaf of an operator's statement."""
        published = Resource(name=made.name, sha256=made.sha256)
        claim = replace(
            claimants.REBUILD,
            subject=Subject(made.name, made.sha256),
            published=published,
            rebuilt=published,
            rebuilder=replace(
                claimants.REBUILD.rebuilder, id=f"{operator}/1", operator=operator
            ),
            started_on=int(self.now) - 600,
            finished_on=int(self.now),
            expires_on=int(self.now) + 120 * DAY,
        )
        if other:
            claim = replace(
                claim,
                verdict="different",
                rebuilt=Resource(name=made.name, sha256=other),
                comparison=replace(
                    claim.comparison, differences=("code both app/main.py: 1 line",)
                ),
            )
        return claimants.entry(claim, self.operator_keys[operator])

    def change_trust(self, **changes: object) -> int:
        """Change trust.json, deliver it and log it; gives the entry's index."""
        self.trust = replace(self.trust, **changes)  # type: ignore[arg-type]  # any field
        return self.log_policy()

    def log_policy(self) -> int:
        """Deliver the trust files as they are; log their hashes and those of TUF's."""
        found, repository = self.trust_set, self.repository
        for name, digest in found.digests.items():
            repository.add(f"trust/history/{digest}", found.files[name], "trust")
        self._sign("trust")
        files = {
            f"tuf/{name}.json": repository.raw(name) for name in ("root", "targets")
        }
        digests = found.digests | {name: _sha256(raw) for name, raw in files.items()}
        claim = replace(
            claimants.POLICY,
            project=APP.project,
            files=tuple(Subject(*each) for each in sorted(digests.items())),
            not_before=int(self.now),
        )
        return self.submit(self.sign("policy", claim))

    def submit(self, leaf: bytes) -> int:
        """Have the log take an entry.

        Raises:
            RefusedError: it takes none from whoever may not make it.
        """
        if self.is_log_honest:
            check_entry(self.trust, parse_entry(leaf))
        return self.log.append(leaf)

    def witness(self) -> bytes:
        """Sign the log as it is; whoever is awake and has seen no other cosigns it."""
        note = self.log.checkpoint()
        for each in self.witnesses:
            if each.is_silent:
                continue
            try:
                line = each.cosign(note, int(self.now), self.log)
            except ProofError:
                continue
            note = merge_lines(note, line)
        self.log.note = note
        return note

    def publish(self, *roles: str) -> None:
        """Show the log as it is now, and sign what changes often, and more roles."""
        self.repository.now = self.now
        self.witness()
        self.repository.publish(*dict.fromkeys(("claims", "channels", *roles)))

    def wait(self, seconds: float) -> None:
        """Let time pass; afterwards everything is published anew."""
        self.now += seconds
        self.publish()

    def _sign(self, role: str) -> None:
        self.repository.now = self.now
        self.repository.roles[role].version += 1
        self.repository.renew(role)
        self.repository.sign(role)

    # What others do

    def copy(self) -> "World":
        """Give a second world that goes on by itself from here."""
        # A lab holds locks, and is not changed by who signs with it.
        shared = {id(self.lab): self.lab, id(self.signing_lab): self.signing_lab}
        return copy.deepcopy(self, shared)

    def thief(self, *stolen: str) -> "World":
        """Give a copy in the hands of somebody who holds these keys and no others.

        A name is a TUF role, ``claim:`` and a kind of claim, ``rebuilder:`` and an
        operator, ``witness:`` and a witness, ``log`` or ``identity``; with ``/1`` only
        the first key of a role. For the rest the thief uses keys of their own. The log
        and the witnesses stay honest and take what honest ones take.
        """
        held = dict(_how_many(each) for each in stolen)
        their = self.copy()
        for name, signers in self.repository.signers.items():
            count = held.pop(name, 0)
            their.repository.signers[name] = [
                each if at < count else signer(f"thief {name} {at}")
                for at, each in enumerate(signers)
            ]
        for name, keys in self.claim_keys.items():
            count = held.pop(f"claim:{name}", 0)
            their.claim_keys[name] = tuple(
                each if at < count else _foreign(name, at)
                for at, each in enumerate(keys)
            )
        for name in self.operator_keys:
            if not held.pop(f"rebuilder:{name}", 0):
                their.operator_keys[name] = _foreign(name, 0)
        for each in their.witnesses:
            each.is_honest = not held.pop(f"witness:{each.name}", 0)
        their.is_log_honest = not held.pop("log", 0)
        if not held.pop("identity", 0) and self.lab is not None:
            their.signing_lab = SigstoreLab(lambda: LAB_TIME)
        assert not held, f"nobody has {held}"
        return their

    def rewind_log(self, size: int) -> None:
        """Cut the log, as only whoever holds its key could show it."""
        assert not self.is_log_honest
        del self.log.leaves[size:]

    # What the network sees

    def files(self) -> dict[str, bytes]:
        """Give every public file by its path."""
        log = {f"log/{path}": data for path, data in self.log.files().items()}
        return {**self.repository.files, **log}

    def write(self, folder: Path) -> None:
        """Lay all public files out in a folder, in the place of what was there."""
        shutil.rmtree(folder, ignore_errors=True)
        for path, data in self.files().items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)


def subject_of(version: str) -> str:
    """Say who builds a version, as Sigstore knows them."""
    return SUBJECT.replace("v1.4.0", f"v{version}")


def _trust(*, requires_sigstore: bool) -> Trust:
    operators = tuple(
        Operator(name, (claimants.public(claimants.OPERATOR_KEYS[name]),))
        for name in OPERATORS
    )
    return replace(
        claimants.TRUST,
        project=APP.project,
        rebuilders=replace(claimants.REBUILDERS, operators=operators),
        cooldown_group="most",
        requires_sigstore=requires_sigstore,
        closed_logs=(),
    )


def _how_many(name: str) -> tuple[str, int]:
    name, _, count = name.partition("/")
    return name, int(count or 99)


def _foreign(name: str, number: int) -> Ed25519PrivateKey:
    seed = hashlib.sha256(f"thief {name} {number}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _ready(lab: SigstoreLab | None) -> World:
    world = World(lab=lab)
    world.release("1.0")
    world.wait(10 * DAY)
    return world


def ready(lab: SigstoreLab | None = None) -> World:
    """Give an honest project of its own, whose 1.0 may be installed."""
    return _ready(lab).copy()


@cache
def lab() -> SigstoreLab:
    """Give the Sigstore of all tests that want one."""
    return SigstoreLab(lambda: LAB_TIME)
