"""TUF metadata as the publisher writes it: the second door to python-tuf.

Every function takes and gives whole files as bytes. What is signed is never changed:
`sign` adds signatures of those who have not signed yet, and nothing else. Format:
docs/formats/repository.md.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from securesystemslib.signer import Key, Signer, SSlibKey
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import CanonicalJSONSerializer, JSONSerializer

from updater.errors import RepositoryError
from updater.publish.rolefile import Listed, RoleFile, Standing, list_file
from updater.publish.roles import TOP, Signers
from updater.tuf import layout

_SERIALIZER: Final = JSONSerializer(compact=True)


# Writing


def new_root(signers: Mapping[str, Signers], *, version: int, now: float) -> bytes:
    """Write a root that names the signers of the four top roles, unsigned."""
    keys: dict[str, Key] = {}
    roles = {name: _role(signers[name], keys) for name in TOP}
    signed = Root(
        version=version,
        expires=_expiry("root", now),
        keys=keys,
        roles=roles,
        consistent_snapshot=True,
    )
    return _write(signed)


def new_targets(signers: Mapping[str, Signers], *, version: int, now: float) -> bytes:
    """Write the targets role, which delegates in the order of `signers`, unsigned."""
    keys: dict[str, Key] = {}
    roles: dict[str, DelegatedRole] = {}
    for name, who in signers.items():
        known, counted = layout.role(name), _role(who, keys)
        roles[name] = DelegatedRole(
            name,
            counted.keyids,
            counted.threshold,
            known.terminating,
            paths=list(known.paths),
        )
    signed = Targets(
        version=version,
        expires=_expiry("targets", now),
        delegations=Delegations(keys=keys, roles=roles),
    )
    return _write(signed)


def new_listing(
    name: str, files: Mapping[str, Listed], *, version: int, now: float
) -> bytes:
    """Write a role that lists files, unsigned."""
    targets = {
        path: TargetFile(each.size, {"sha256": each.sha256}, path)
        for path, each in files.items()
    }
    signed = Targets(version=version, expires=_expiry(name, now), targets=targets)
    return _write(signed)


def new_snapshot(roles: Mapping[str, bytes], *, version: int, now: float) -> bytes:
    """Write a snapshot of role files, by the roles' names, unsigned."""
    meta = {f"{name}.json": _entry(data) for name, data in roles.items()}
    return _write(
        Snapshot(version=version, expires=_expiry("snapshot", now), meta=meta)
    )


def new_timestamp(snapshot: bytes, *, version: int, now: float) -> bytes:
    """Write a timestamp of a signed snapshot, unsigned."""
    return _write(
        Timestamp(
            version=version,
            expires=_expiry("timestamp", now),
            snapshot_meta=_entry(snapshot),
        )
    )


# Signing


def sign(data: bytes, signers: Iterable[Signer]) -> bytes:
    """Add the signatures of those who have not signed; the rest stays as it is."""
    metadata = _read(data)
    for signer in signers:
        if signer.public_key.keyid not in metadata.signatures:
            metadata.sign(signer, append=True)
    return metadata.to_bytes(_SERIALIZER)


def merge(ours: bytes, theirs: bytes) -> bytes:
    """Add the signatures that a copy has, made somewhere else, to a file.

    Raises:
        RepositoryError: ``mismatch``: it is a copy of something else.
    """
    mine, came = _read(ours), _read(theirs)
    if _payload(mine) != _payload(came):
        raise RepositoryError("mismatch", "expected signatures on the same bytes")
    for keyid, signature in came.signatures.items():
        mine.signatures.setdefault(keyid, signature)
    return mine.to_bytes(_SERIALIZER)


def standing(data: bytes, name: str, delegator: bytes) -> Standing:
    """Say who of those whom a root or targets file names has signed a role's file.

    Keys are counted by their bytes: one that stands there under two ids is one.

    Raises:
        RepositoryError: ``layout``: the delegator knows no such role.
    """
    metadata, above = _read(data), _read(delegator).signed
    assert isinstance(above, Root | Targets)
    try:
        result = above.get_verification_result(
            name, _payload(metadata), metadata.signatures
        )
    except ValueError as error:
        raise RepositoryError("layout", str(error)) from error
    signed = frozenset(map(_spki, result.signed.values()))
    unsigned = frozenset(map(_spki, result.unsigned.values()))
    return Standing(result.threshold, signed, unsigned=unsigned - signed)


def payload(data: bytes) -> bytes:
    """Give the bytes that are signed in a metadata file."""
    return _payload(_read(data))


# Reading


def read(data: bytes) -> RoleFile:
    """Read a metadata file; its signatures are not checked.

    Raises:
        RepositoryError: ``syntax``: it is none.
    """
    signed = _read(data).signed
    facts = {
        "kind": signed.type,
        "version": signed.version,
        "expires": int(signed.expires.replace(tzinfo=dt.UTC).timestamp()),
    }
    match signed:
        case Root():
            named: Mapping[str, Role] = signed.roles
            return RoleFile(
                **facts,
                signers=_signers(named, signed.keys),
                is_consistent=bool(signed.consistent_snapshot),
            )
        case Targets():
            delegations = signed.delegations
            delegated = (delegations and delegations.roles) or {}
            keys = delegations.keys if delegations else {}
            return RoleFile(
                **facts,
                files={
                    path: Listed(each.length, each.hashes["sha256"])
                    for path, each in signed.targets.items()
                },
                signers=_signers(delegated, keys),
                patterns={
                    name: tuple(role.paths or ()) for name, role in delegated.items()
                },
            )
        case Snapshot():
            return RoleFile(**facts, roles=_versions(signed.meta))
        case Timestamp():
            meta = {"snapshot.json": signed.snapshot_meta}
            return RoleFile(**facts, roles=_versions(meta))
        case _:
            raise RepositoryError("syntax", f"no role is a {signed.type!r}")


def _read(data: bytes) -> Metadata[Any]:
    try:
        return Metadata.from_bytes(data)
    except (DeserializationError, TufError, ValueError) as error:
        raise RepositoryError("syntax", f"expected metadata: {error}") from error


def _payload(metadata: Metadata[Any]) -> bytes:
    return CanonicalJSONSerializer().serialize(metadata.signed)


def _write(signed: Any) -> bytes:
    # One of four types, which Metadata's type variable knows and their parent is not.
    return Metadata(signed).to_bytes(_SERIALIZER)


def _role(who: Signers, keys: dict[str, Key]) -> Role:
    """Make a role, and put its keys among those of the file."""
    own = [_key(each) for each in who.keys]
    keys |= {each.keyid: each for each in own}
    return Role([each.keyid for each in own], who.threshold)


def _key(spki: bytes) -> SSlibKey:
    return SSlibKey.from_crypto(load_der_public_key(spki))


def _spki(key: Key) -> bytes:
    assert isinstance(key, SSlibKey)
    return key._crypto_key().public_bytes(  # noqa: SLF001 - held by a contract test
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def _signers(roles: Mapping[str, Role], keys: Mapping[str, Key]) -> dict[str, Signers]:
    return {
        name: Signers(role.threshold, tuple(_spki(keys[each]) for each in role.keyids))
        for name, role in roles.items()
    }


def _entry(data: bytes) -> MetaFile:
    listed = list_file(data)
    version = _read(data).signed.version
    return MetaFile(version, listed.size, {"sha256": listed.sha256})


def _versions(meta: Mapping[str, MetaFile]) -> dict[str, int]:
    return {name.removesuffix(".json"): each.version for name, each in meta.items()}


def _expiry(name: str, now: float) -> dt.datetime:
    at = int(now) + layout.role(name).lifetime_s
    return dt.datetime.fromtimestamp(at, tz=dt.UTC)
