"""New keys for roles, and new trust files: drafted, announced, and only then in force.

Carrier. Clients use the newest root and targets to refuse at once, and install nothing
by them until they have been in the log for the delay of the trust file. Announced as
long before, a rotation costs them nothing; one in an emergency costs that time.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from updater.errors import RefusedError
from updater.offer.product import Product
from updater.publish import claims, metadata
from updater.publish.draft import entries, stage_listing
from updater.publish.folder import PublisherFolder
from updater.publish.roles import TOP, Signers
from updater.publish.steps import Change
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.entry import format_claim
from updater.transparency.honour import NAMES, TrustSet, read_set
from updater.tuf import layout

_HISTORY: Final = "trust/history/"


def rotate(
    folder: PublisherFolder,
    product: Product,
    signers: Mapping[str, Signers],
    now: float,
    *,
    at_once: bool = False,
) -> Change:
    """Draft new keys for roles, and sign again what the old ones had signed.

    New keys of snapshot and timestamp also bring back clients that a thief sent far
    ahead: they forget which versions of these they had seen.

    Raises:
        RefusedError: a role is unknown here.
    """
    before = {**_signers(folder, "root"), **_signers(folder, "targets")}
    for role in signers:
        if role not in before:
            raise RefusedError(f"{role}: expected a role of {', '.join(before)}")
    new = before | dict(signers)
    if "releases" in signers:
        new["archive"] = signers["releases"]  # the same files, later
    changed = []
    if any(role in TOP for role in signers):
        number = folder.next_version("root")
        tops = {name: new[name] for name in TOP}
        folder.stage_role(
            "root", number, metadata.new_root(tops, version=number, now=now)
        )
        changed.append("root")
    if any(role not in TOP or role == "targets" for role in signers):
        number = folder.next_version("targets")
        below = {name: new[name] for name in new if name not in TOP}
        folder.stage_role(
            "targets", number, metadata.new_targets(below, version=number, now=now)
        )
        changed.append("targets")
    for role in new:
        if role not in TOP and new[role] != before.get(role):
            data = folder.role(role, staged=False)
            if data is not None:  # an operator may not have begun
                stage_listing(folder, role, metadata.read(data).files, now=now)
    trust = current_trust(folder)
    not_before = now if at_once else now + trust.trust.policy_delay_s
    claim = claims.policy_claim(
        product.project,
        trust,
        changed,
        not_before=not_before,
        previous=claims.last_of(PolicyClaim, entries(folder)),
    )
    return Change(
        kind="rotate",
        label=f"new keys for {', '.join(signers)}",
        claim=format_claim(claim),
        not_before=int(not_before),
    )


def renew(folder: PublisherFolder, product: Product, now: float) -> Change:
    """Draft root and targets again as they are, with a whole lifetime ahead."""
    signers = {name: _signers(folder, "root")[name] for name in ("root", "targets")}
    return rotate(folder, product, signers, now)


def set_trust(
    folder: PublisherFolder, product: Product, trust: TrustSet, now: float
) -> Change:
    """Draft other trust files; the former ones stay to be had by their hashes.

    They are public at once and honoured by nobody before their time.

    Raises:
        RefusedError: they are public already.
    """
    former = current_trust(folder)
    if trust.digests == former.digests:
        raise RefusedError("these trust files are public already")
    role = folder.role(layout.TRUST.name, staged=False)
    assert role is not None  # as `current_trust` has found it
    files = {
        path: each
        for path, each in metadata.read(role).files.items()
        if path not in {f"trust/{name}" for name in NAMES}
    }
    for data in former.files.values():
        path = _HISTORY + hashlib.sha256(data).hexdigest()
        files[path] = folder.stage_target(path, data)
    for name, data in trust.files.items():
        path = f"trust/{name}"
        files[path] = folder.stage_target(path, data)
    stage_listing(folder, layout.TRUST.name, files, now=now)
    claim = claims.policy_claim(
        product.project,
        trust,
        (),
        not_before=now + former.trust.policy_delay_s,
        previous=claims.last_of(PolicyClaim, entries(folder)),
    )
    return Change(kind="trust", label="new trust files", claim=format_claim(claim))


def current_trust(folder: PublisherFolder) -> TrustSet:
    """Read the trust files that are public.

    Raises:
        RefusedError: there are none.
    """
    role = folder.role(layout.TRUST.name, staged=False)
    if role is None:
        raise RefusedError("nothing is public yet")
    listed = metadata.read(role).files
    return read_set(
        {
            name: folder.read_target(path, listed[path])
            for name in NAMES
            if (path := f"trust/{name}") in listed
        }
    )


def _signers(folder: PublisherFolder, name: str) -> Mapping[str, Signers]:
    data = folder.role(name, staged=False)
    if data is None:
        raise RefusedError("nothing is public yet")
    return metadata.read(data).signers
