"""Signing what is staged: with the keys that are here, and saying which are not.

Carrier. What is signed is never changed, only signatures are added: a role's file by
those whom the file above it names, a claim by those whom the log's trust file names.
Signatures that were made elsewhere come as copies of the same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Signer

from updater.errors import NotYetError, RefusedError
from updater.keyfile import PrivateKey
from updater.publish import claims, metadata
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring
from updater.publish.roles import TOP
from updater.statement import (
    Envelope,
    format_envelope,
    key_id,
    merge,
    parse_envelope,
    sign,
    verify,
)

CLAIM = "claim"
"""Names the claim where roles are named: no role is called so."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Signatures that are still needed: of how many of these keys, for what."""

    what: str
    count: int
    keys: frozenset[bytes] = field(kw_only=True)
    """DER SubjectPublicKeyInfo for a role, raw Ed25519 for a claim."""


class Signatures:
    """The signatures on what is staged in one folder."""

    def __init__(self, folder: PublisherFolder, ring: Keyring) -> None:
        self._folder = folder
        self._ring = ring

    def sign_role(self, role: str) -> bytes:
        """Sign a staged role with the keys of it that are here; gives the file."""
        data = self._staged(role)
        for above in self._delegators(role, data):
            standing = metadata.standing(data, role, above)
            signers = self._ring.signers(sorted(standing.unsigned), standing.missing)
            data = metadata.sign(data, signers)
        self._folder.stage_role(role, metadata.read(data).version, data)
        return data

    def sign_claim(self, envelope: Envelope) -> Envelope:
        """Sign a claim with the keys of its role that are here, and store it."""
        self._folder.store_claim(format_envelope(envelope))
        for missing in self.missing_claims():
            keys = self._ring.claimants(sorted(missing.keys), missing.count)
            envelope = merge(envelope, sign(envelope.payload, keys))
        self._folder.store_claim(format_envelope(envelope))
        return envelope

    def can_sign(self, role: str) -> bool:
        """Tell whether the keys that are here suffice for a role."""
        above = self._folder.role("root" if role in TOP else "targets")
        who = metadata.read(above).signers.get(role) if above else None
        return who is not None and self._ring.count(who.keys) >= who.threshold

    def take_role(self, role: str, came: bytes) -> None:
        """Add the signatures of a copy to a staged role.

        Raises:
            RepositoryError: it is a copy of something else.
            RefusedError: nobody who counts has signed it.
        """
        data = self._staged(role)
        merged = metadata.merge(data, came)
        for above in self._delegators(role, data):
            before = metadata.standing(data, role, above).signed
            if metadata.standing(merged, role, above).signed != before:
                number = metadata.read(data).version
                self._folder.stage_role(role, number, merged)
                return
        raise RefusedError(f"{role}: expected a new signature of a key of this role")

    def take_claim(self, came: bytes) -> None:
        """Add the signatures of a copy to the claim.

        Raises:
            MalformedError: it is a copy of something else.
            SignatureError: nobody who counts has signed it, or wrongly.
        """
        theirs = parse_envelope(came)
        verify(theirs, self._claim_keys(theirs))
        ours = self._folder.claim()
        if ours is None:
            raise RefusedError("no claim waits for signatures")
        merged = merge(parse_envelope(ours), theirs)
        self._folder.store_claim(format_envelope(merged))

    def missing(self) -> list[Missing]:
        """Say which signatures are still needed."""
        return [*self.missing_roles(), *self.missing_claims()]

    def missing_roles(self) -> list[Missing]:
        """Say which are needed on staged roles."""
        found = []
        for role in self._folder.staged_roles():
            data = self._staged(role)
            for above in self._delegators(role, data):
                standing = metadata.standing(data, role, above)
                if standing.missing:
                    found.append(
                        Missing(role, standing.missing, keys=standing.unsigned)
                    )
        return found

    def missing_claims(self) -> list[Missing]:
        """Say which are needed on the claim."""
        data = self._folder.claim()
        if data is None:
            return []
        envelope = parse_envelope(data)
        role = self._folder.log.trust().roles[claims.role_of(envelope.payload)]
        ids = {each.keyid for each in envelope.signatures}
        unsigned = frozenset(each for each in role.keys if key_id(each) not in ids)
        count = role.threshold - (len(role.keys) - len(unsigned))
        return [Missing(CLAIM, count, keys=unsigned)] if count > 0 else []

    def _claim_keys(self, envelope: Envelope) -> Sequence[bytes]:
        role = claims.role_of(envelope.payload)
        return self._folder.log.trust().roles[role].keys

    def _staged(self, role: str) -> bytes:
        data = self._folder.staged_role(role)
        if data is None:
            raise RefusedError(f"{role}: nothing of it waits for signatures")
        return data

    def _delegators(self, role: str, data: bytes) -> list[bytes]:
        """Give the files that say who signs a role; a new root needs two of them."""
        if role == "root":
            before = self._folder.root(metadata.read(data).version - 1)
            return [data] if before is None else [before, data]
        above = self._folder.role("root" if role in TOP else "targets")
        if above is None:
            raise RefusedError(f"{role}: there is no file yet that names its keys")
        return [above]


def countersign(what: str, data: bytes, key: PrivateKey | Signer) -> bytes:
    """Add a signature to a file that was brought here: a role's, or the claim.

    Raises:
        RefusedError: a key of this kind cannot sign a claim.
        MalformedError, RepositoryError: the file is none.
    """
    if what != CLAIM:
        signer = key if isinstance(key, Signer) else CryptoSigner(key)
        return metadata.sign(data, [signer])
    if not isinstance(key, Ed25519PrivateKey):
        raise RefusedError("claim: expected an Ed25519 key")
    envelope = parse_envelope(data)
    return format_envelope(merge(envelope, sign(envelope.payload, [key])))


def expect(missing: Sequence[Missing]) -> None:
    """Expect that no signature is missing.

    Raises:
        NotYetError: some are; says how many of what.
    """
    if missing:
        text = ", ".join(f"{each.what}: {each.count} more" for each in missing)
        raise NotYetError(f"signatures are missing: {text}")
