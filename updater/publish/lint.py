"""What a publisher must not publish, though a client might take it.

Rules. A finding stops a publication unless the project waives its code in release.toml,
and a waived one is shown every time: a small project may do with one key, but never
without being told.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from updater.errors import RepositoryError
from updater.publish.rolefile import RoleFile
from updater.publish.roles import Signers
from updater.transparency.lint import Code as PolicyCode
from updater.transparency.trust import Trust
from updater.tuf import layout

OwnCode: TypeAlias = Literal[
    "root-threshold", "family-threshold", "shared-key", "trust-not-disjoint",
    "targets-not-empty", "pattern-overlap", "lifetime", "version-jump",
    "no-consistent-snapshot", "missing-sidecar", "unlogged-root", "expires-soon",
]  # fmt: skip
Code: TypeAlias = OwnCode | PolicyCode
CODES: Final[tuple[str, ...]] = (*get_args(OwnCode), *get_args(PolicyCode))

SOON_S: Final = 2 * 3600
"""What ends so soon after it is published would be dead before it is renewed."""

_BUNDLE: Final = ".tar"
_SIDECARS: Final = (".claim.json", ".tlog-proof")
_POST_QUANTUM: Final = "MLDSA"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in words."""

    code: Code
    text: str


def check_keys(
    signers: Mapping[str, Signers], trust: Trust, log_keys: Collection[bytes]
) -> list[Finding]:
    """Look over who signs what: roles by name, claims, and raw keys of the log."""
    return [
        *_root(signers["root"]),
        *_shared(signers, trust, log_keys),
        *_trust(signers),
    ]


def check_files(
    files: Mapping[str, RoleFile],
    public: Mapping[str, int],
    *,
    announced: Collection[str],
    digests: Mapping[str, str],
    now: float,
) -> list[Finding]:
    """Look over what is about to be public, role by role.

    Args:
        files: the newest file of every role.
        public: the versions that are public now, or used up.
        announced: SHA-256 of every root and targets that a policy entry names.
        digests: SHA-256 of the files of root and targets.
        now: POSIX seconds.
    """
    return [
        *_layout(files),
        *_times(files, now),
        *_versions(files, public),
        *_sidecars(files),
        *_announced(digests, announced),
    ]


def _root(root: Signers) -> Iterator[Finding]:
    if root.threshold < 2:
        yield Finding("root-threshold", "one key alone can replace all the others")
    kinds = Counter(_family(each) for each in root.keys)
    for family, count in sorted(kinds.items()):
        # TUF counts keys and not kinds: one broken kind must not meet the threshold.
        if len(kinds) > 1 and count >= root.threshold:
            yield Finding(
                "family-threshold",
                f"{count} {family} keys alone meet the root's {root.threshold}",
            )


def _shared(
    signers: Mapping[str, Signers], trust: Trust, log_keys: Collection[bytes]
) -> Iterator[Finding]:
    """Find keys with two purposes: whoever steals one holds two offices."""
    purposes: dict[bytes, list[str]] = {}
    for role, who in signers.items():
        if role != layout.ARCHIVE.name:  # the same files as `releases`, only older
            for key in who.keys:
                purposes.setdefault(key, []).append(role)
    raw = {f"claim {name}": role.keys for name, role in trust.roles.items()}
    raw |= {f"rebuilder {each.name}": each.keys for each in trust.rebuilders.operators}
    raw["log"] = tuple(log_keys)
    for purpose, keys in raw.items():
        for key in keys:
            purposes.setdefault(_spki(key), []).append(purpose)
    for names in purposes.values():
        if len(names) > 1:
            yield Finding("shared-key", f"one key serves {' and '.join(names)}")


def _trust(signers: Mapping[str, Signers]) -> Iterator[Finding]:
    own = set(signers[layout.TRUST.name].keys)
    for role in (layout.RELEASES.name, layout.CHANNELS.name, layout.CLAIMS.name):
        if not own.isdisjoint(signers[role].keys):
            yield Finding(
                "trust-not-disjoint", f"trust and {role} can be signed by one person"
            )


def _layout(files: Mapping[str, RoleFile]) -> Iterator[Finding]:
    if not files["root"].is_consistent:
        yield Finding("no-consistent-snapshot", "a mirror could mix two publications")
    targets = files["targets"]
    if targets.files:
        yield Finding("targets-not-empty", "targets lists files itself")
    for role, patterns in targets.patterns.items():
        try:
            known = layout.role(role).paths
        except RepositoryError:
            known = ()
        if tuple(patterns) != known:
            yield Finding("pattern-overlap", f"{role} may list {', '.join(patterns)}")


def _times(files: Mapping[str, RoleFile], now: float) -> Iterator[Finding]:
    for name, file in files.items():
        left = file.expires - now
        if left > layout.role(name).longest_s:
            yield Finding("lifetime", f"{name} lives longer than clients accept")
        if left < SOON_S:
            yield Finding("expires-soon", f"{name} ends in {round(left / 60)} minutes")


def _versions(
    files: Mapping[str, RoleFile], public: Mapping[str, int]
) -> Iterator[Finding]:
    for name, file in files.items():
        before = public.get(name, file.version)
        if file.version not in {before, before + 1}:
            yield Finding("version-jump", f"{name}: {file.version} follows {before}")


def _sidecars(files: Mapping[str, RoleFile]) -> Iterator[Finding]:
    claims = files[layout.CLAIMS.name].files
    for path in files[layout.RELEASES.name].files:
        if path.endswith(_BUNDLE):
            for each in _SIDECARS:
                if path + each not in claims:
                    yield Finding("missing-sidecar", f"{path} has no {each}")


def _announced(
    digests: Mapping[str, str], announced: Collection[str]
) -> Iterator[Finding]:
    for name, digest in digests.items():
        if digest not in announced:
            yield Finding("unlogged-root", f"no policy entry announces this {name}")


def _family(spki: bytes) -> str:
    name = type(load_der_public_key(spki)).__name__
    return "ML-DSA" if name.startswith(_POST_QUANTUM) else "classical"


def _spki(raw: bytes) -> bytes:
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
