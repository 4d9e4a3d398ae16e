"""Sigstore bundles of what is released: who makes them, and whether clients take them.

Carrier. A claim names the hash of each bundle and cannot be taken back once it is in
the log. So a bundle is made and looked at before the release is drafted::

    vouch = vouching.by_token(token, Instance(trust_config))
    bundle = vouch(sha256)                  # of the file
    Release(..., sigstore={sha256.hex(): bundle})

Format: docs/formats/sigstore.md.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from updater.errors import RefusedError, SigstoreError
from updater.keyfile import PrivateKey
from updater.publish.keyring import spki
from updater.publish.keys import ModuleSigner
from updater.shape import base64_text
from updater.sigstore import rekor, signature, signing
from updater.sigstore.identity import Release as Named
from updater.sigstore.identity import check, check_key, parse_policy
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.honour import TrustSet

_POLICY, _ROOT = "sigstore.json", "trusted_root.json"

Vouch = Callable[[bytes], bytes]
"""Gives the bundle over a file, of which it takes the SHA-256, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The Sigstore that signs: a ClientTrustConfig (JSON), None for the public one.

    `deadline_s` are the seconds that one signature may take.
    """

    trust_config: bytes | None = None
    deadline_s: float = signing.DEADLINE_S


def by_token(token: str, instance: Instance) -> Vouch:
    """Sign as the identity of an OpenID Connect token for the audience ``sigstore``.

    What is given raises `UnreachableError` and `SigstoreError` as `signing.sign` does.
    """
    return lambda sha256: signing.sign(
        sha256,
        token=token,
        trust_config=instance.trust_config,
        deadline_s=instance.deadline_s,
    )


def by_key(
    key: PrivateKey | ModuleSigner, instance: Instance, *, hint: str | None = None
) -> Vouch:
    """Sign with a P-256 key; `hint` is its name in the policies of clients.

    What is given raises as `signing.sign_with_key` does.

    Raises:
        MalformedError: the key is of another kind.
    """
    public, sign = _halves(key)
    check_key(public)
    return lambda sha256: signing.sign_with_key(
        sha256,
        sign=sign,
        spki=public,
        hint=hint or usual_hint(public),
        trust_config=instance.trust_config,
        deadline_s=instance.deadline_s,
    )


def usual_hint(public: bytes) -> str:
    """Name a key (DER SubjectPublicKeyInfo) as Sigstore recommends: by its hash."""
    return base64_text(hashlib.sha256(public).digest())


def check_bundles(
    trust: TrustSet, claim: ReleaseClaim, bundles: Mapping[str, bytes]
) -> None:
    """Hold the bundles of a release against what clients will ask of them.

    Args:
        trust: the trust files that are public.
        claim: the drafted one.
        bundles: by the SHA-256 of the file, lower hexadecimal.

    Raises:
        RefusedError: one is asked for and was not made.
        SigstoreError: one is about another file, or of nobody who may sign.
    """
    for row in claim.artifacts:
        bundle = bundles.get(row.sha256)
        if bundle is not None:
            _check_bundle(trust, claim, bytes.fromhex(row.sha256), bundle)
        elif trust.trust.requires_sigstore:
            raise RefusedError(
                f"{row.name}: the trust files ask for a Sigstore bundle, and none came"
            )


def _check_bundle(
    trust: TrustSet, claim: ReleaseClaim, artifact: bytes, bundle: bytes
) -> None:
    if not {_POLICY, _ROOT} <= trust.files.keys():
        # Nobody says who may sign, so no client looks; a mix-up is seen all the same.
        found = rekor.read(bundle).digest
        if found != artifact:
            raise SigstoreError(
                "digest", f"expected {artifact.hex()}, the bundle is for {found.hex()}"
            )
        return
    policy = parse_policy(trust.files[_POLICY])
    facts = signature.verify(
        bundle, artifact, trusted_root=trust.files[_ROOT], keys=policy.keys
    )
    named = Named(claim.version, claim.source.tag, commit=claim.source.commit)
    check(bundle, facts, policy, artifact=artifact, release=named)


def _halves(key: PrivateKey | ModuleSigner) -> tuple[bytes, signing.Sign]:
    """Give the public half (DER), and what signs a digest."""
    if isinstance(key, ModuleSigner):
        return key.public_spki, key.sign_digest
    public = spki(key)

    def sign(digest: bytes) -> bytes:
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # `check_key` has looked
        return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))

    return public, sign
