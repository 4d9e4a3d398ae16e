"""What a new version of a role changes, in words for those who are asked to sign it."""

from collections.abc import Iterator, Mapping

from updater.publish.rolefile import Listed, RoleFile
from updater.publish.roles import Signers


def differences(before: RoleFile | None, after: RoleFile) -> list[str]:
    """Say what changes from one version of a role's file to another."""
    old = before or RoleFile(kind=after.kind, version=0, expires=0)
    return [
        f"version {old.version} -> {after.version}",
        *_files(old.files, after.files),
        *_signers(old.signers, after.signers),
    ]


def _files(old: Mapping[str, Listed], new: Mapping[str, Listed]) -> Iterator[str]:
    for path in sorted({*old, *new}):
        if path not in new:
            yield f"- {path}"
        elif old.get(path) != new[path]:
            sign = "!" if path in old else "+"
            yield f"{sign} {path} {new[path].size} bytes, sha256 {new[path].sha256}"


def _signers(old: Mapping[str, Signers], new: Mapping[str, Signers]) -> Iterator[str]:
    for role in sorted({*old, *new}):
        if role not in new:
            yield f"- role {role}"
        elif old.get(role) != new[role]:
            after, before = new[role], old.get(role, Signers(0, ()))
            added = len(set(after.keys) - set(before.keys))
            gone = len(set(before.keys) - set(after.keys))
            yield (
                f"! role {role}: {after.threshold} of {len(after.keys)} keys,"
                f" {added} new, {gone} gone"
            )
