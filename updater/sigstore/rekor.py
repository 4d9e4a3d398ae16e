"""What a Sigstore bundle says that Rekor logged, read by ourselves.

sigstore-python 4.5 accepts a checkpoint of another origin under the same key, and one
whose size is not the proof's; a true proof then also fits other places. So the one log
entry of a bundle is read here again from the raw JSON, whatever the library said.

Nothing read here is used for our own log. The outer `logIndex` is never looked at: it
is the place in a family of logs, and nobody signed it.

Sources: the Sigstore bundle format 0.3 (protobuf-specs), Rekor's hashedrekord 0.0.1 and
0.0.2, C2SP tlog-checkpoint. What we accept of it: docs/formats/sigstore.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from updater import jcs, shape
from updater.errors import MalformedError, ProofError, SigstoreError
from updater.jcs import Json
from updater.transparency import merkle
from updater.transparency.checkpoint import (
    Checkpoint,
    parse_extended,
    parse_number,
)
from updater.transparency.note import parse_note

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MOST_BYTES = 262_144  # a bundle has 5 to 12 kB; 32 long timestamps still fit

HINT = re.compile("[!-~]{1,128}")
"""How a bundle names a key; whoever knows the key gave it that name."""

_KIND = "hashedrekord"
_HASH = 32  # bytes of a SHA-256
_ANY = re.compile("(?s).*")  # a reader of its own follows


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature over a file, and the one entry that a log made of it; unchecked.

    Either `certificate` (DER) or `hint` says who signed; the other is empty.
    """

    signature: bytes
    digest: bytes
    """SHA-256 of the file, as the bundle says."""
    certificate: bytes = field(kw_only=True)
    hint: str = field(kw_only=True)
    log: bytes = field(kw_only=True)
    """The log's key id, 32 bytes."""
    version: str = field(kw_only=True)
    body: bytes = field(kw_only=True)
    index: int = field(kw_only=True)
    size: int = field(kw_only=True)
    root: bytes = field(kw_only=True)
    hashes: tuple[bytes, ...] = field(kw_only=True)
    checkpoint: Checkpoint = field(kw_only=True)


def read(bundle: bytes) -> Entry:
    """Read a bundle of a message signature with exactly one log entry.

    Raises:
        SigstoreError: `form`, `entry-count` or `entry-kind`.
    """
    try:
        return _read(jcs.parse(bundle, most=MOST_BYTES))
    except MalformedError as error:
        raise SigstoreError("form", str(error)) from None


def format_bundle(
    artifact: bytes, signature: bytes, material: Mapping[str, Json]
) -> bytes:
    """Write a bundle over a file (its SHA-256, 32 bytes) as `read` reads it.

    `material` says who signed, and holds the log's entry as the log gave it.
    """
    return jcs.write(
        {
            "mediaType": MEDIA_TYPE,
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": shape.base64_text(artifact),
                },
                "signature": shape.base64_text(signature),
            },
            "verificationMaterial": dict(material),
        }
    )


def check_entry(entry: Entry, *, origin: str) -> None:
    """Check that the entry's body is in the log whose checkpoints begin with `origin`.

    Who signed the checkpoint is the library's to say.

    Raises:
        SigstoreError: `origin`, `size` or `inclusion`.
    """
    head = entry.checkpoint
    if head.origin != origin:
        raise SigstoreError(
            "origin", f"expected a checkpoint of {origin!r}, came {head.origin!r}"
        )
    # A proof that holds at (5, 8) also holds at (5, 7), (9, 11) and (33, 36): only the
    # size that the log signed says where the entry is.
    if head.size != entry.size:
        raise SigstoreError(
            "size", f"the proof is for {entry.size}, the checkpoint for {head.size}"
        )
    if head.root != entry.root:
        raise SigstoreError("inclusion", "proof and checkpoint name two roots")
    try:
        merkle.check_inclusion(
            merkle.hash_leaf(entry.body),
            entry.index,
            entry.size,
            entry.root,
            entry.hashes,
        )
    except ProofError as error:
        raise SigstoreError("inclusion", str(error)) from None


def check_body(entry: Entry, *, artifact: bytes, key: bytes = b"") -> None:
    """Check that the log logged this signature of this signer over this file.

    Args:
        entry: of the bundle.
        artifact: SHA-256 of the file, 32 bytes.
        key: DER SubjectPublicKeyInfo (P-256) that a bundle without a certificate has
            as its signer.

    Raises:
        SigstoreError: `digest` or `body`.
    """
    if entry.digest != artifact:
        raise SigstoreError(
            "digest",
            f"expected {artifact.hex()}, the bundle is for {entry.digest.hex()}",
        )
    try:
        body = jcs.parse(entry.body, most=MOST_BYTES)
    except MalformedError as error:
        raise SigstoreError("body", str(error)) from None
    # One value may be there, so it is written and compared: no field goes unread.
    if body != _BODIES[entry.version](entry, artifact, key):
        raise SigstoreError("body", "the log's entry is not about this signature")


def _read(value: Json) -> Entry:
    top = shape.record(
        value, "bundle", ("mediaType", "messageSignature", "verificationMaterial")
    )
    shape.one_of(top["mediaType"], "mediaType", MEDIA_TYPE)
    signed = shape.record(
        top["messageSignature"], "messageSignature", ("messageDigest", "signature")
    )
    digest = shape.record(
        signed["messageDigest"], "messageDigest", ("algorithm", "digest")
    )
    shape.one_of(digest["algorithm"], "algorithm", "SHA2_256")
    material = shape.record(
        top["verificationMaterial"],
        "verificationMaterial",
        ("tlogEntries",),
        # Timestamps are the library's to check.
        ("certificate", "publicKey", "timestampVerificationData"),
    )
    certificate, hint = _read_signer(material)
    logged = _read_logged(material["tlogEntries"])
    proof = _read_proof(logged["inclusionProof"])
    log = shape.record(logged["logId"], "logId", ("keyId",))
    return Entry(
        shape.unbase64(signed["signature"], "signature"),
        shape.unbase64(digest["digest"], "digest", size=_HASH),
        certificate=certificate,
        hint=hint,
        log=shape.unbase64(log["keyId"], "keyId", size=_HASH),
        version=_read_version(logged["kindVersion"]),
        body=shape.unbase64(logged["canonicalizedBody"], "canonicalizedBody"),
        index=_number(proof["logIndex"], "proof logIndex"),
        size=_number(proof["treeSize"], "treeSize"),
        root=shape.unbase64(proof["rootHash"], "rootHash", size=_HASH),
        hashes=tuple(
            shape.unbase64(each, "hashes", size=_HASH)
            for each in shape.items(proof["hashes"], "hashes", most=merkle.MAX_PROOF)
        ),
        checkpoint=_read_checkpoint(proof["checkpoint"]),
    )


def _read_signer(material: dict[str, Json]) -> tuple[bytes, str]:
    """Give the certificate, or the hint of a key; one is there and the other empty."""
    if "certificate" in material and "publicKey" in material:
        raise MalformedError("bundle: expected a certificate or a key, came both")
    if "certificate" in material:
        one = shape.record(material["certificate"], "certificate", ("rawBytes",))
        certificate = shape.unbase64(one["rawBytes"], "certificate")
        if not certificate:
            raise MalformedError("bundle: expected a certificate, came an empty one")
        return certificate, ""
    if "publicKey" not in material:
        raise MalformedError("bundle: expected a certificate or a key, came neither")
    named = shape.record(material["publicKey"], "publicKey", ("hint",))
    return b"", shape.text(named["hint"], "hint", HINT)


def _read_logged(value: Json) -> dict[str, Json]:
    if isinstance(value, list) and len(value) != 1:
        raise SigstoreError(
            "entry-count", f"expected exactly one log entry, came {len(value)}"
        )
    (one,) = shape.items(value, "tlogEntries", least=1, most=1)
    return shape.record(
        one,
        "log entry",
        ("canonicalizedBody", "inclusionProof", "kindVersion", "logId"),
        # The promise and its time are the library's to check; `logIndex` is nobody's.
        ("inclusionPromise", "integratedTime", "logIndex"),
    )


def _read_version(value: Json) -> str:
    named = shape.record(value, "kindVersion", ("kind", "version"))
    kind, version = named["kind"], named["version"]
    if kind != _KIND or version not in _BODIES:
        raise SigstoreError(
            "entry-kind",
            f"expected {_KIND} 0.0.1 or 0.0.2, came {kind!r:.40} {version!r:.40}",
        )
    assert isinstance(version, str)  # it is a key of ours
    return version


def _read_proof(value: Json) -> dict[str, Json]:
    return shape.record(
        value,
        "inclusionProof",
        ("checkpoint", "hashes", "logIndex", "rootHash", "treeSize"),
    )


def _read_checkpoint(value: Json) -> Checkpoint:
    envelope = shape.record(value, "checkpoint", ("envelope",))["envelope"]
    note = shape.text(envelope, "envelope", _ANY)
    # Rekor v1 adds lines below the root, so they are let through here.
    return parse_extended(parse_note(note.encode()).text)


def _number(value: Json, where: str) -> int:
    """Read a uint64 as protobuf's JSON has it: decimal digits in a string."""
    return parse_number(shape.text(value, where, _ANY), where)


def _body_1(entry: Entry, artifact: bytes, key: bytes) -> Json:
    if key:
        verifier = _pem("PUBLIC KEY", key)
    else:
        verifier = _pem("CERTIFICATE", entry.certificate)
    return {
        "apiVersion": "0.0.1",
        "kind": _KIND,
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": artifact.hex()}},
            "signature": {
                "content": shape.base64_text(entry.signature),
                "publicKey": {"content": shape.base64_text(verifier)},
            },
        },
    }


def _body_2(entry: Entry, artifact: bytes, key: bytes) -> Json:
    kind = "publicKey" if key else "x509Certificate"
    return {
        "apiVersion": "0.0.2",
        "kind": _KIND,
        "spec": {
            "hashedRekordV002": {
                "data": {
                    "algorithm": "SHA2_256",
                    "digest": shape.base64_text(artifact),
                },
                "signature": {
                    "content": shape.base64_text(entry.signature),
                    "verifier": {
                        # A SHA-256 digest is signed with no other kind of key
                        # (Sigstore's algorithm registry).
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        kind: {"rawBytes": shape.base64_text(key or entry.certificate)},
                    },
                },
            }
        },
    }


_BODIES: dict[str, Callable[[Entry, bytes, bytes], Json]] = {
    "0.0.1": _body_1,
    "0.0.2": _body_2,
}


def _pem(label: str, der: bytes) -> bytes:
    """Write PEM as RFC 7468 section 3 has it: lines of 64."""
    encoded = shape.base64_text(der)
    lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
    return "\n".join(
        [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]
    ).encode()
