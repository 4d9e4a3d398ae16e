"""The door to sigstore-python for those who verify.

`verify` asks the library whether a bundle is a good signature over a file, under a
trusted root that the caller has from its own trust files. It makes no network call, and
whoever signed is good enough for it: `identity.check` says who may, and closes
what the library leaves open.

The library is imported where it is used, since that takes half a second.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from updater import jcs
from updater.errors import (
    MalformedError,
    SigstoreDetail,
    SigstoreError,
    UpdateError,
)
from updater.sigstore import rekor
from updater.sigstore.identity import SigstoreFacts

if TYPE_CHECKING:
    from sigstore.hashes import Hashed
    from sigstore.models import TrustedRoot
    from sigstore_models.bundle.v1 import Bundle as RawBundle

MOST_TRUSTED_ROOT = 1_048_576  # bytes; that of the public instance has 7 kB

_IN_TOTO = "application/vnd.in-toto+json"
_NO_KEYS: Mapping[str, bytes] = MappingProxyType({})

# The library has one class for nearly every refusal, so its sentences say which it is.
# Tests hold them; one that we do not know is a `foreign-error`, and as much a no.
_SENTENCES: tuple[tuple[str, SigstoreDetail], ...] = (
    ("Bundle message digest mismatch", "digest"),
    ("Signature is invalid", "signature"),
    ("DSSE: invalid signature", "signature"),
    ("transparency log entry is inconsistent", "body"),
    ("invalid log entry", "inclusion"),
    ("failed to verify SCT", "sct"),
    ("SCT verify failed", "sct"),
    ("cert is not valid at validation time", "time"),
    ("invalid signing cert: expired", "time"),
    ("not enough sources of verified time", "time"),
    ("bundle must contain an inclusion promise or signed", "time"),
    ("too many signed timestamp", "timestamp"),
    ("duplicate timestamp", "timestamp"),
    ("Invalid Timestamp Response", "timestamp"),
    ("no Timestamp Authorities", "timestamp"),
    ("failed to build timestamp certificate chain", "chain"),
    ("expected exactly one log entry", "entry-count"),
    ("Expected log entry version", "entry-kind"),
    ("Expected entry type", "entry-kind"),
)


def verify(
    bundle: bytes,
    artifact: bytes,
    *,
    trusted_root: bytes,
    keys: Mapping[str, bytes] = _NO_KEYS,
) -> SigstoreFacts:
    """Check that somebody signed a file, in time and in a log, as the bundle says.

    Args:
        bundle: a Sigstore bundle, JSON, over the file or over an in-toto statement
            that has it as a subject.
        artifact: SHA-256 of the file, 32 bytes.
        trusted_root: a Sigstore trusted root, JSON.
        keys: DER SubjectPublicKeyInfo (P-256) by the hint that a bundle without a
            certificate gives.

    Raises:
        SigstoreError: it does not; `detail` says which check failed. No other exception
            of any library leaves here.
    """
    with refusals():
        raw, root = _read(bundle, trusted_root)
        key = certificate = b""
        times: tuple[float, ...] = ()
        if raw.verification_material.public_key:
            key = _check_with_key(rekor.read(bundle), raw, root, artifact, keys)
        else:
            certificate, times = _check_with_certificate(raw, root, artifact)
    return SigstoreFacts(
        hashlib.sha256(bundle).digest(),
        artifact,
        certificate=certificate,
        key=key,
        times=times,
    )


def verify_with_key(
    bundle: bytes, artifact: bytes, *, trusted_root: bytes, spki: bytes
) -> SigstoreFacts:
    """Check the same, of a key and whatever the bundle calls it.

    Raises:
        SigstoreError: as `verify`; `hint` if a certificate vouches and no key.
    """
    keys = {rekor.read(bundle).hint: spki}
    facts = verify(bundle, artifact, trusted_root=trusted_root, keys=keys)
    if facts.key != spki:
        raise SigstoreError("hint", "expected a key, came a certificate")
    return facts


def carried_root(*, is_staging: bool = False) -> bytes:
    """Give the public instance's trusted root, as old as the installed library."""
    from sigstore._internal import tuf  # noqa: PLC0415
    from sigstore._utils import read_embedded  # noqa: PLC0415

    url = tuf.STAGING_TUF_URL if is_staging else tuf.DEFAULT_TUF_URL
    return read_embedded("trusted_root.json", url)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn every exception of the library into a refusal that says why."""
    from sigstore.errors import Error  # noqa: PLC0415

    try:
        yield
    except UpdateError:
        raise
    except Error as error:
        text = str(error)
        details = (detail for words, detail in _SENTENCES if words in text)
        raise SigstoreError(next(details, "foreign-error"), text) from error
    except Exception as error:
        # pydantic's errors and bare ValueErrors get out of the library: whoever wrote
        # the bundle may have wanted them, so they are a no like any other.
        text = f"{type(error).__name__}: {error}"
        raise SigstoreError("foreign-error", text) from error


def hashed(artifact: bytes) -> "Hashed":
    """Give a SHA-256 in the library's own class."""
    from sigstore.hashes import Hashed  # noqa: PLC0415
    from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415

    return Hashed(algorithm=HashAlgorithm.SHA2_256, digest=artifact)


class _Anyone:
    """Lets everybody pass: who may sign is not for the library to say."""

    def verify(self, cert: object) -> None:
        """Refuse nobody."""


def _check_with_certificate(
    raw: "RawBundle", root: "TrustedRoot", artifact: bytes
) -> tuple[bytes, tuple[float, ...]]:
    """Give the certificate (DER) and the times (POSIX, seconds) that hold."""
    from sigstore.models import Bundle  # noqa: PLC0415
    from sigstore.verify import Verifier  # noqa: PLC0415

    verifier, bundle = Verifier(trusted_root=root), Bundle(raw)
    if raw.dsse_envelope:
        kind, payload = verifier.verify_dsse(bundle, _Anyone())
        _check_statement(kind, payload, artifact)
    else:
        verifier.verify_artifact(hashed(artifact), bundle, _Anyone())
    times = verifier._establish_time(bundle)  # noqa: SLF001 - held by a contract test
    return (
        bundle.signing_certificate.public_bytes(Encoding.DER),
        tuple(each.time.timestamp() for each in times),
    )


def _check_with_key(
    entry: rekor.Entry,
    raw: "RawBundle",
    root: "TrustedRoot",
    artifact: bytes,
    keys: Mapping[str, bytes],
) -> bytes:
    """Do for a key what the library does for certificates alone; gives the key."""
    from sigstore._internal.trust import KeyringPurpose  # noqa: PLC0415
    from sigstore.errors import VerificationError  # noqa: PLC0415
    from sigstore.models import TransparencyLogEntry  # noqa: PLC0415

    if entry.hint not in keys:
        raise SigstoreError("hint", f"no key is known as {entry.hint!r}")
    spki = keys[entry.hint]
    rekor.check_body(entry, artifact=artifact, key=spki)
    key = load_der_public_key(spki)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SigstoreError("signature", "expected an ECDSA key")
    try:
        key.verify(entry.signature, artifact, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        raise SigstoreError("signature", "not of this key over this file") from None
    logged = TransparencyLogEntry(raw.verification_material.tlog_entries[0])
    try:
        logged._verify(root.rekor_keyring(KeyringPurpose.VERIFY))  # noqa: SLF001 - held by a contract test
    except VerificationError as error:
        raise SigstoreError("inclusion", str(error)) from error
    return spki


def _read(bundle: bytes, trusted_root: bytes) -> tuple["RawBundle", "TrustedRoot"]:
    """Read both, and leave out the logs that the bundle does not name.

    The library tries every key it has when it does not know a key id, so that any
    trusted log could speak as any other.
    """
    from sigstore.models import TrustedRoot  # noqa: PLC0415
    from sigstore_models.bundle.v1 import Bundle as RawBundle  # noqa: PLC0415
    from sigstore_models.trustroot.v1 import TrustedRoot as RawRoot  # noqa: PLC0415

    # First our own reader: it bounds size and depth, and refuses a key that stands
    # twice, of which the library would take one and somebody else the other.
    _bound(bundle, rekor.MOST_BYTES)
    _bound(trusted_root, MOST_TRUSTED_ROOT)
    try:
        raw, inner = RawBundle.from_json(bundle), RawRoot.from_json(trusted_root)
    except ValueError as error:
        raise SigstoreError("form", str(error)) from None
    named = {each.log_id.key_id for each in raw.verification_material.tlog_entries}
    if not named:
        raise SigstoreError("entry-count", "expected a log entry, came none")
    inner.tlogs = [each for each in inner.tlogs if each.log_id.key_id in named]
    if not inner.tlogs:
        raise SigstoreError("origin", "the bundle names no log of the trusted root")
    return raw, TrustedRoot(inner)


def _check_statement(kind: str, payload: bytes, artifact: bytes) -> None:
    """Expect an in-toto statement about the file (in-toto attestation v1)."""
    if kind != _IN_TOTO:
        raise SigstoreError("form", f"expected {_IN_TOTO}, came {kind!r:.80}")
    # A stranger's predicate may hold what our own formats never do, such as fractions.
    subjects = json.loads(payload)["subject"]
    if artifact.hex() not in [each["digest"].get("sha256") for each in subjects]:
        raise SigstoreError("digest", f"no subject of it is {artifact.hex()}")


def _bound(data: bytes, most: int) -> None:
    try:
        jcs.parse(data, most=most)
    except MalformedError as error:
        raise SigstoreError("form", str(error)) from None
