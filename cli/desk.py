"""A publisher's folder as the commands find it: release.toml, keys, and what they make.

Every private key is opened when its signature is needed, and not before: a passphrase
takes half a second each.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.home import Home
from cli.output import note
from updater.driver.anchor import Anchor
from updater.driver.embedded import write_anchor
from updater.errors import MissingError, RefusedError
from updater.files import Files
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring, Open, spki
from updater.publish.keys import (
    KeyFiles,
    KeyUri,
    open_module,
    parse_uri,
    read_public,
    write_public,
)
from updater.publish.project import (
    MAX_BYTES,
    Project,
    build_setup,
    build_trust,
    parse_project,
)
from updater.publish.publication import Means
from updater.publish.roles import Setup
from updater.publish.run import Publisher
from updater.transparency.honour import TrustSet

PROJECT = "release.toml"
_SIGSTORE = ("sigstore.json", "trusted_root.json")
_MAX_FILE = 1 << 20  # a trusted root is the largest, with 7 kB


class Desk:
    """One publisher's folder, opened."""

    def __init__(self, home: Home, folder: Path, held: contextlib.ExitStack) -> None:
        self.folder = PublisherFolder(folder.resolve())
        self.project = read_project(self.folder.path)
        self._home = home
        self._files = KeyFiles(self.folder.path, Files())
        self._held = held
        self._passphrase: bytes | None = None

    def publisher(self, *, wait_s: float = 600.0, is_dev: bool = False) -> Publisher:
        """Give the publisher with the keys that are here."""
        means = Means(
            wait_s=wait_s,
            is_dev=is_dev,
            waived=self.project.waived,
            places=[Path(each) for each in self.project.places],
        )
        return Publisher(self.folder, self.project.product, self.ring(), means)

    def ring(self) -> Keyring:
        """Give the keys of release.toml whose private half is here."""
        closed: dict[bytes, Open] = {}
        for name, public in self.publics().items():
            uri = parse_uri(self.project.keys[name])
            if uri.scheme == "hsm" or self._files.has(uri):
                closed[public] = self._opening(uri)
        return Keyring(closed=closed)

    def publics(self) -> dict[str, bytes]:
        """Read the public halves that lie here, by name."""
        found = {}
        for name in self.project.keys:
            path = self._public(name)
            if path.is_file():
                found[name] = read_public(Files().read(path, most=_MAX_FILE))
        return found

    def setup(self) -> Setup:
        """Make what a repository begins with.

        Raises:
            MissingError: no key was made yet, or nobody is asked to witness.
            MalformedError, RefusedError: as `build_setup`.
        """
        publics = self.publics()
        if not publics:
            raise MissingError("no keys are here: 'ringfence release key' makes them")
        if not self.project.witnesses:
            raise MissingError(f"{PROJECT} has no [[witness]]: ask three people first")
        return build_setup(self.project, publics, self._sigstore())

    def trust(self) -> TrustSet:
        """Make the trust files as release.toml has them now."""
        return build_trust(self.project, self.publics(), self._sigstore())

    def _sigstore(self) -> dict[str, bytes]:
        """Read the files about Sigstore, where the project has them."""
        found = {}
        for name in _SIGSTORE:
            path = self.folder.path / name
            if path.is_file():
                found[name] = Files().read(path, most=_MAX_FILE)
        return found

    def create_key(self, name: str, *, is_plain: bool) -> bool:
        """Make a key if it is not here; tells whether it was made."""
        if name not in self.project.keys:
            raise RefusedError(f"{PROJECT} names no key {name!r}")
        uri = parse_uri(self.project.keys[name])
        if self._public(name).is_file():
            return False
        if uri.scheme == "hsm":
            with open_module(uri, self._secret) as (public, _):
                Files().create(self._public(name), write_public(public), 0o644)
            return True
        if uri.scheme == "plain" and not is_plain:
            raise RefusedError(
                f"{name} would lie there unsealed: say --insecure-plain-key, or use"
                " sealed:"
            )
        key = Ed25519PrivateKey.generate()
        self._files.create(uri, key, self._new_secret, os.urandom)
        Files().create(self._public(name), write_public(spki(key)), 0o644)
        if uri.scheme == "plain":
            note(f"whoever reads {uri.place} can sign as {name}")
        return True

    def write_anchor(self, publisher: Publisher) -> Anchor:
        """Write the files that an application carries, as of now."""
        anchor = publisher.anchor(
            channel=self.project.channel, repositories=self.project.repositories
        )
        write_anchor(self.folder.anchor, anchor, Files())
        return anchor

    def _opening(self, uri: KeyUri) -> Open:
        if uri.scheme == "hsm":
            return lambda: self._held.enter_context(open_module(uri, self._secret))[1]
        return lambda: self._files.open(uri, self._secret)

    def _public(self, name: str) -> Path:
        return self.folder.path / "keys" / f"{name}.pub"

    def _secret(self) -> bytes:
        """Ask for the passphrase once; it opens every key of this folder."""
        return self._asked(self._home.passphrase)

    def _new_secret(self) -> bytes:
        return self._asked(lambda: self._home.passphrase(new=True))

    def _asked(self, ask: Callable[[], bytes]) -> bytes:
        if self._passphrase is None:
            self._passphrase = ask()
        return self._passphrase


def read_project(folder: Path) -> Project:
    """Read release.toml.

    Raises:
        MissingError: it is not there.
        MalformedError: it is none.
    """
    data = Files().read_if_there(folder / PROJECT, most=MAX_BYTES)
    if data is None:
        raise MissingError(
            f"no {PROJECT} in {folder}: 'ringfence release init' makes one"
        )
    return parse_project(data)
