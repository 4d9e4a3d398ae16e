"""What the log is told of a change: the claim, before and after its last words.

Rules. A claim is drafted with everything else of a change. Two of its words are known
only once metadata is signed, since they are hashes of it: the list of files that a
release stands in, and the root and targets that a policy announces. `complete` puts
them in; what is signed is its result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from updater.errors import MalformedError
from updater.publish.rolefile import Listed
from updater.statement import Subject, parse_statement
from updater.transparency.claims import policy, release, yank
from updater.transparency.claims.parts import Ref
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.release import Metadata, ReleaseClaim
from updater.transparency.entry import (
    Claim,
    Entry,
    format_claim,
    parse_entry,
    read_entry,
)
from updater.transparency.honour import TrustSet
from updater.transparency.trust import RoleName
from updater.tuf.layout import RELEASES

UNKNOWN: Final = "0" * 64
"""Stands for a hash that only signing will tell."""

_TUF: Final = "tuf/"


def open_metadata() -> Metadata:
    """Give what a drafted release says about the list it stands in: nothing yet."""
    return Metadata(role=RELEASES.name, version=0, sha256=UNKNOWN)


def policy_claim(
    project: str,
    trust: TrustSet,
    roles: Sequence[str],
    *,
    not_before: float,
    previous: Ref | None = None,
) -> PolicyClaim:
    """Announce trust files, and new versions of top roles that are yet to be signed."""
    files = [Subject(name, sha256) for name, sha256 in trust.digests.items()]
    files += [Subject(f"{_TUF}{role}.json", UNKNOWN) for role in roles]
    return PolicyClaim(
        project=project,
        files=tuple(sorted(files, key=lambda each: each.name)),
        not_before=int(not_before),
        previous=previous,
        predecessor=None,
        summary=f"new: {', '.join(each.name for each in files)}",
    )


def role_of(payload: bytes) -> RoleName:
    """Say whose claim this is.

    Raises:
        MalformedError: it is none that a publisher makes.
    """
    kind = parse_statement(payload).predicate_type
    roles: dict[str, RoleName] = {
        release.TYPE: "release",
        yank.TYPE: "yank",
        policy.TYPE: "policy",
    }
    if kind not in roles:
        raise MalformedError(f"claim: expected one that a publisher makes: {kind!r}")
    return roles[kind]


def complete(payload: bytes, signed: Mapping[str, tuple[int, Listed]]) -> bytes:
    """Put in what was not known: version and hash of roles that are signed now.

    Raises:
        MalformedError: it is no claim of a publisher.
    """
    statement = parse_statement(payload)
    match role_of(payload):
        case "release":
            version, listed = signed[RELEASES.name]
            metadata = Metadata(
                role=RELEASES.name, version=version, sha256=listed.sha256
            )
            drafted = release.parse_release(statement)
            return format_claim(replace(drafted, metadata=metadata))
        case "policy":
            announced = policy.parse_policy(statement)
            files = tuple(_announced(each, signed) for each in announced.files)
            return format_claim(replace(announced, files=files))
        case _:
            return payload


def files_of(claim: ReleaseClaim) -> tuple[str, ...]:
    """Give the paths of the release's files, as TUF targets, in the claim's order."""
    return tuple(f"releases/{claim.version}/{each.name}" for each in claim.artifacts)


def last_of(kind: type[Claim], leaves: Sequence[bytes]) -> Ref | None:
    """Find the last claim of a kind among the entries of a log."""
    for index in range(len(leaves) - 1, -1, -1):
        entry = read_entry(leaves[index])
        if isinstance(entry, Entry) and isinstance(entry.claim, kind):
            return Ref(index, entry.leaf_hash)
    return None


def parse_release(leaf: bytes) -> ReleaseClaim:
    """Read a release out of an entry.

    Raises:
        MalformedError: it is something else.
    """
    claim = parse_entry(leaf).claim
    if not isinstance(claim, ReleaseClaim):
        raise MalformedError(f"expected a release, came {type(claim).__name__}")
    return claim


def _announced(file: Subject, signed: Mapping[str, tuple[int, Listed]]) -> Subject:
    role = file.name.removeprefix(_TUF).removesuffix(".json")
    if not file.name.startswith(_TUF) or role not in signed:
        return file
    return Subject(file.name, signed[role][1].sha256)
