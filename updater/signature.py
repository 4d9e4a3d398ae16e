"""The only door to sigstore-python.

`verify` asks the library whether a bundle is a good signature over a file, under a
trusted root that the caller has from its own trust files. It makes no network call, and
whoever signed is good enough for it: `updater.identity.check` is what says who may, and
closes what the library leaves open. `sign` and `sign_with_key` make bundles.

The library is imported where it is used, since that takes half a second.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from updater.identity import SigstoreFacts

Sign = Callable[[bytes], bytes]
"""Signs a SHA-256 digest with ECDSA P-256; gives the signature in DER."""

_NO_KEYS: Mapping[str, bytes] = MappingProxyType({})


def verify(
    bundle: bytes,
    artifact: bytes,
    *,
    trusted_root: bytes,
    keys: Mapping[str, bytes] = _NO_KEYS,
) -> SigstoreFacts:
    """Check that somebody signed a file, in time and in a log, as the bundle says.

    Args:
        bundle: a Sigstore bundle, JSON.
        artifact: SHA-256 of the file, 32 bytes.
        trusted_root: a Sigstore trusted root, JSON.
        keys: DER SubjectPublicKeyInfo (P-256) by the hint that a bundle without a
            certificate gives.

    Raises:
        SigstoreError: it does not; `detail` says which check failed.
    """
    raise NotImplementedError


def sign(artifact: bytes, *, token: str, trust_config: bytes | None = None) -> bytes:
    """Sign a file as the identity of a token; gives the bundle.

    Args:
        artifact: SHA-256 of the file, 32 bytes.
        token: an OpenID Connect identity token for the audience ``sigstore``.
        trust_config: a Sigstore ClientTrustConfig, JSON; None is the public instance,
            whose configuration the library fetches.

    Raises:
        UnreachableError: a service did not answer, or not as it should.
        SigstoreError: the token is refused, or the configuration.
    """
    raise NotImplementedError


def sign_with_key(
    artifact: bytes, *, sign: Sign, spki: bytes, hint: str, trust_config: bytes
) -> bytes:
    """Sign a file with a key and have it logged; gives the bundle.

    Raises:
        UnreachableError: the log did not answer, or not as it should.
        SigstoreError: the configuration names no Rekor v2, or is refused.
    """
    raise NotImplementedError


def ambient_token() -> str | None:
    """Ask the machine, a CI job for example, who it is; None where it does not know.

    Raises:
        UnreachableError: it knows, and would not say.
    """
    raise NotImplementedError


def carried_root(*, staging: bool = False) -> bytes:
    """Give the public instance's trusted root, as old as the installed library."""
    raise NotImplementedError
