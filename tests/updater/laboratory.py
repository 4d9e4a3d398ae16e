"""One private Sigstore for all tests, what it signed, and ways to spoil that."""

import functools
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from updater.sigstore.identity import Release, SigstoreFacts
from updater.testing.certificates import new_key
from updater.testing.sigstore_lab import SigstoreLab

NOW = 1_750_000_000.0  # the library asks the real clock whether trust began before it
ARTIFACT = hashlib.sha256(b"a file").digest()
OTHER = hashlib.sha256(b"another file").digest()
HINT = "release-2026"
RELEASE = Release("1.4.0", "v1.4.0", commit="c" * 40)


@functools.cache
def lab() -> SigstoreLab:
    return SigstoreLab(lambda: NOW)


@functools.cache
def signed(version: Any = "0.0.2") -> bytes:
    """Give a good bundle over ARTIFACT by the default identity."""
    return lab().sign(ARTIFACT, version=version)


@functools.cache
def key() -> ec.EllipticCurvePrivateKey:
    return new_key()


@functools.cache
def signed_with_key() -> bytes:
    return lab().sign_with_key(ARTIFACT, key(), HINT)


def facts(bundle: bytes, *, artifact: bytes = ARTIFACT, spki: bytes = b"") -> Any:
    """Give what the library would say of a bundle, had it nothing against it."""
    return SigstoreFacts(
        hashlib.sha256(bundle).digest(),
        artifact,
        certificate=b"",
        key=spki,
        times=(NOW,),
    )


def changed(bundle: bytes, path: str, value: Any) -> bytes:
    """Give a bundle with another value at a dotted path; ``...`` takes it away."""
    whole = json.loads(bundle)
    *above, last = [int(each) if each.isdigit() else each for each in path.split(".")]
    place = whole
    for each in above:
        place = place[each]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(whole).encode()


ENTRY = "verificationMaterial.tlogEntries.0"
PROOF = f"{ENTRY}.inclusionProof"


def value_at(bundle: bytes, path: str) -> Any:
    place = json.loads(bundle)
    for each in path.split("."):
        place = place[int(each) if each.isdigit() else each]
    return place
