"""A small project with every key at hand, three witnesses, and a clock to be set."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.updater.wheels import bundle_of, manifest_of, small_wheels
from updater.errors import DeclinedError, UnreachableError
from updater.files import Files
from updater.offer.product import Product
from updater.publish.draft import Release
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring, raw_public, spki
from updater.publish.publication import Means
from updater.publish.roles import TOP, Setup, Signers
from updater.publish.run import Publisher
from updater.transparency.addresses import Address
from updater.transparency.asking import Answer
from updater.transparency.cosigning import SIZE_TYPE
from updater.transparency.honour import TrustSet, read_set
from updater.transparency.key import Kind, SigningKey
from updater.transparency.policy import Group, Log, Policy, format_policy
from updater.transparency.policy import Witness as Listed
from updater.transparency.rebuilders import RebuildPolicy
from updater.transparency.trust import ROLES, Role, Trust, format_trust
from updater.transparency.witness import Witness
from updater.tuf import layout

NOW = 1_790_000_000
DAY = 86_400
ORIGIN = "bt.example/app/1"
PRODUCT = Product("app", "pkg:pypi/app", module="app.main")
PLATFORM = "cp312-linux-x86_64"


def key(name: str) -> Ed25519PrivateKey:
    """Give the key that always belongs to a name."""
    seed = hashlib.sha256(name.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def keys(role: str, count: int) -> list[Ed25519PrivateKey]:
    """Give the keys of a role."""
    return [key(f"{role} {number}") for number in range(count)]


def seeded(name: str, kind: Kind) -> SigningKey:
    """Give the key of a log or a witness."""
    return SigningKey(name, kind, seed=key(name).private_bytes_raw())


LOG = seeded(ORIGIN, Kind.LOG)
WITNESSES = {
    f"w{number}": seeded(f"w{number}.example/bt", Kind.WITNESS) for number in (1, 2, 3)
}
TUF = {
    name: keys(name, layout.role(name).keys)
    for name in (*TOP, "trust", "rebuild-anna", "claims", "channels", "releases")
}
CLAIMS = {name: keys(f"claim {name}", 3) for name in ROLES}
EVERYTHING = tuple(itertools.chain(*TUF.values(), *CLAIMS.values(), [key(ORIGIN)]))


def policy() -> bytes:
    """Write the policy of three witnesses who all must sign."""
    return format_policy(
        Policy(
            logs=(Log(LOG.verifier),),
            witnesses=tuple(
                Listed(name, each.verifier) for name, each in WITNESSES.items()
            ),
            groups=(Group("all3", 3, members=tuple(WITNESSES)),),
            quorum="all3",
        )
    )


def trust(**changes: object) -> Trust:
    """Give trust with short times, two signatures on a claim, and no rebuilders."""
    settings: dict[str, object] = {
        "project": PRODUCT.project,
        "roles": {
            name: Role(1 if name == "yank" else 2, tuple(map(raw_public, held)))
            for name, held in CLAIMS.items()
        },
        "rebuilders": RebuildPolicy(
            is_enforced=False,
            threshold=1,
            veto_quorum=1,
            min_environments=1,
            min_level=0,
            max_age_days=90,
            operators=(),
        ),
        "cooldown_group": None,
        "cooldown_normal_s": 3600,
        "cooldown_security_s": 600,
        "fresh_warn_s": 7 * DAY,
        "fresh_refuse_s": 30 * DAY,
        "policy_delay_s": 3 * DAY,
        "requires_sigstore": False,
    }
    return Trust(**(settings | changes))  # type: ignore[arg-type]  # as the fields are


def trust_set(**changes: object) -> TrustSet:
    """Give the trust files of the project."""
    return read_set({"policy": policy(), "trust.json": format_trust(trust(**changes))})


def setup(**changes: object) -> Setup:
    """Give what the repository begins with."""
    roles = {
        name: Signers(layout.role(name).threshold, tuple(map(spki, held)))
        for name, held in TUF.items()
    }
    settings: dict[str, object] = {
        "product": PRODUCT,
        "roles": roles,
        "trust": trust_set(),
        "log": LOG.verifier,
        "witnesses": {
            name: Address(f"https://{name}", f"https://{name}") for name in WITNESSES
        },
    }
    return Setup(**(settings | changes))  # type: ignore[arg-type]  # likewise


@dataclass
class Clock:
    """A clock that tests set; sleeping moves it."""

    time: float = float(NOW)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Project:
    """A publisher's folder and three witnesses, below one folder."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    silent: set[str] = field(default_factory=set)
    files: Files = field(default_factory=Files)
    places: Sequence[Path] = ()
    is_rehearsed: bool = False
    """A rehearsal takes most of a second, and has tests of its own."""

    def __post_init__(self) -> None:
        self.place = PublisherFolder(self.folder / "publisher", self.files)
        self.witnesses = {}
        for name, each in WITNESSES.items():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            self.witnesses[name] = Witness(
                self.folder / name / "witness.sqlite",
                [each],
                {ORIGIN: (LOG.verifier,)},
                now=self.clock.now,
                is_trusting=True,
            )

    @property
    def public(self) -> Path:
        return self.place.public

    def publisher(self, held: Sequence[Ed25519PrivateKey] = EVERYTHING) -> Publisher:
        """Give the publisher with all keys, or with some."""
        means = Means(
            now=self.clock.now,
            sleep=self.clock.sleep,
            ask=self.ask,
            wait_s=0,
            is_rehearsed=self.is_rehearsed,
            places=self.places,
        )
        return Publisher(self.place, PRODUCT, Keyring(held), means)

    def create(self) -> "Project":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.publisher().create(setup())
        return self

    def bundle(self, version: str, printed: bytes = b"one") -> Path:
        """Write the bundle of a version."""
        wheels = small_wheels(version=version, printed=printed)
        manifest = manifest_of(wheels, version=version, product=PRODUCT.name)
        path = self.folder / f"{version}.tar"
        path.write_bytes(bundle_of(manifest, wheels))
        return path

    def draft(self, version: str, **changes: object) -> Release:
        """Give what is to be released as a version."""
        settings: dict[str, object] = {
            "channel": "stable",
            "bundles": [self.bundle(version)],
            "repository": "https://git.example/app",
        }
        return Release(**(settings | changes))  # type: ignore[arg-type]  # likewise

    def release(self, version: str, **changes: object) -> "Project":
        self.publisher().release(self.draft(version, **changes))
        return self

    def ask(self, method: str, url: str, body: bytes | None) -> Answer:
        """Be the witnesses, without HTTP."""
        parts = urlsplit(url)
        name = parts.netloc
        if name in self.silent:
            raise UnreachableError(f"{url}: silent")
        witness = self.witnesses[name]
        if method == "POST":
            assert body is not None
            try:
                return Answer(200, witness.add_checkpoint(body))
            except DeclinedError as error:
                kind = SIZE_TYPE if error.status == 409 else ""
                return Answer(error.status, b"%d\n" % error.size, content_type=kind)
        shown = witness.checkpoint(parts.path.strip("/").split("/")[0])
        return Answer(404, b"") if shown is None else Answer(200, shown)
