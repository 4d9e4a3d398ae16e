"""A TUF repository in memory that a test edits: good as it comes, and then not.

Roles are python-tuf's own objects; whoever changes one calls `publish` with its name,
which raises its version and signs it, the snapshot and the timestamp. The lower steps
(`sign`, `sign_snapshot`, `sign_timestamp`) are for attackers who hold some of the keys.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from updater.tuf import layout

NOW: Final = 1_760_000_000
"""When a repository is made, in POSIX seconds."""

TOP: Final = ("root", "targets", "snapshot", "timestamp")
_SERIALIZER: Final = JSONSerializer(compact=True)


class TufRepository:
    """A repository with our layout; `files` holds each by its path, in bytes."""

    def __init__(
        self, *, now: float = NOW, operators: Sequence[str] = ("alpha", "beta")
    ) -> None:
        self.now = now
        self.files: dict[str, bytes] = {}
        self.delegated = (
            layout.TRUST.name,
            *(layout.REBUILD + each for each in operators),
            *(layout.CLAIMS.name, layout.CHANNELS.name),
            *(layout.RELEASES.name, layout.ARCHIVE.name),
        )
        self.signers: dict[str, list[Signer]] = {
            name: [signer(f"{name} {each}") for each in range(layout.role(name).keys)]
            for name in (*TOP, *self.delegated)
        }
        self.signers["archive"] = self.signers["releases"]
        self.root = Root(consistent_snapshot=True)
        self.targets = Targets()
        self.snapshot = Snapshot(meta={})
        self.timestamp = Timestamp()
        self.roles = {name: Targets() for name in self.delegated}
        for each in (self.snapshot, self.timestamp, *self.roles.values()):
            each.version = 0  # none is signed yet
        self._delegate()
        self.sign_root()
        self.sign("targets")
        self.publish(*self.delegated)

    @property
    def first_root(self) -> bytes:
        """The root that a program made with this repository carries."""
        return self.files["metadata/1.root.json"]

    def signed(self, name: str) -> Signed:
        """Give a role to edit."""
        tops: dict[str, Signed] = {
            "root": self.root,
            "targets": self.targets,
            "snapshot": self.snapshot,
            "timestamp": self.timestamp,
        }
        return tops.get(name) or self.roles[name]

    def raw(self, name: str) -> bytes:
        """Give a role, but for the timestamp, as it was signed last."""
        return self.files[f"metadata/{self.signed(name).version}.{name}.json"]

    def add(self, path: str, data: bytes, role: str) -> None:
        """List a file under a role, and put it where it is fetched from."""
        digest = hashlib.sha256(data).hexdigest()
        self.roles[role].targets[path] = TargetFile(len(data), {"sha256": digest}, path)
        folder, slash, name = path.rpartition("/")
        self.files[f"targets/{folder}{slash}{digest}.{name}"] = data

    def publish(self, *roles: str) -> None:
        """Sign the next version of some roles, of the snapshot and of the timestamp."""
        for name in roles:
            self.roles[name].version += 1
            self.renew(name)
            self.sign(name)
        self.sign_snapshot()
        self.sign_timestamp()

    def renew(self, name: str) -> None:
        """Let a role expire a full lifetime from now."""
        self.expire(name, self.now + layout.role(name).lifetime_s)

    def expire(self, name: str, at: float) -> None:
        """Let a role expire at a time, in POSIX seconds; sign it afterwards."""
        self.signed(name).expires = dt.datetime.fromtimestamp(at, tz=dt.UTC)

    def sign_root(self, signers: Iterable[Signer] | None = None) -> None:
        """Sign the root as it is, with all its keys or the given ones."""
        raw = self._bytes(self.root, signers or self.signers["root"])
        self.files[f"metadata/{self.root.version}.root.json"] = raw

    def rotate_root(self, signers: Iterable[Signer] | None = None) -> None:
        """Sign the root's next version with new keys besides the old ones."""
        old = self.signers["root"]
        new = list(
            signers or [signer(f"root {self.root.version} {n}") for n in range(5)]
        )
        self._set_keys("root", new)
        self.root.version += 1
        self.renew("root")
        self.sign_root([*old, *new])

    def rekey(self) -> None:
        """Have root and targets name the keys in `signers`, and sign all anew."""
        self._delegate()
        self.root.version += 1
        self.sign_root()
        self.targets.version += 1
        self.sign("targets")
        self.publish(*self.delegated)

    def sign(self, name: str, signers: Iterable[Signer] | None = None) -> None:
        """Sign targets or a delegated role as it is, and enter it in the snapshot."""
        role = self.signed(name)
        raw = self._bytes(role, signers or self.signers[name])
        self.files[f"metadata/{role.version}.{name}.json"] = raw
        self.snapshot.meta[f"{name}.json"] = _entry(role.version, raw)

    def sign_snapshot(self) -> None:
        """Sign the snapshot's next version, and enter it in the timestamp."""
        self.snapshot.version += 1
        self.renew("snapshot")
        raw = self._bytes(self.snapshot, self.signers["snapshot"])
        self.files[f"metadata/{self.snapshot.version}.snapshot.json"] = raw
        self.timestamp.snapshot_meta = _entry(self.snapshot.version, raw)

    def sign_timestamp(self, *, expires: float | None = None) -> None:
        """Sign the timestamp's next version."""
        self.timestamp.version += 1
        self.expire("timestamp", expires or self.now + layout.DAY_S)
        raw = self._bytes(self.timestamp, self.signers["timestamp"])
        self.files["metadata/timestamp.json"] = raw

    def set_delegation(self, role: DelegatedRole, keys: Sequence[Signer]) -> None:
        """Delegate to a role; sign the targets role afterwards."""
        assert self.targets.delegations is not None
        assert self.targets.delegations.roles is not None
        self.targets.delegations.roles[role.name] = role
        for each in keys:
            self.targets.add_key(each.public_key, role.name)

    def write(self, folder: Path) -> None:
        """Lay all files out in a folder, replacing what changed."""
        for path, data in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    def _delegate(self) -> None:
        for name in TOP:
            self._set_keys(name, self.signers[name])
            self.renew(name)
        self.targets.delegations = Delegations(keys={}, roles={})
        for name in self.delegated:
            table = layout.role(name)
            role = DelegatedRole(
                name, [], table.threshold, table.terminating, paths=list(table.paths)
            )
            self.set_delegation(role, self.signers[name])

    def _set_keys(self, name: str, signers: list[Signer]) -> None:
        for keyid in list(self.root.roles[name].keyids):
            self.root.revoke_key(keyid, name)
        for each in signers:
            self.root.add_key(each.public_key, name)
        self.root.roles[name].threshold = layout.role(name).threshold
        self.signers[name] = signers

    def _bytes(self, signed: Any, signers: Iterable[Signer]) -> bytes:
        # One of four types, which Metadata's type variable knows and Signed is not.
        metadata = Metadata(signed)
        for each in signers:
            metadata.sign(each, append=True)
        return metadata.to_bytes(_SERIALIZER)


def signer(name: str) -> CryptoSigner:
    """Give the key that always belongs to a name."""
    seed = hashlib.sha256(name.encode()).digest()
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(seed))


def _entry(version: int, raw: bytes) -> MetaFile:
    digest = hashlib.sha256(raw).hexdigest()
    return MetaFile(version, len(raw), {"sha256": digest})
