"""A log of signatures like Rekor, over a real Merkle tree, for tests."""

import base64
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from updater import jcs
from updater.jcs import Json
from updater.shape import base64_text
from updater.transparency import merkle
from updater.transparency.checkpoint import Checkpoint, format_checkpoint
from updater.transparency.note import Note, SignatureLine, format_note

OTHER = hashlib.sha256(b"another file").digest()
"""What a log says it was sent when its fault is `body`."""

LogFault = Literal["origin", "size", "root", "index", "body", "fork"]


class RekorLog:
    """Logs whatever it is sent, and proves it; or lies as it is told."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.generate()
        self._bodies: list[bytes] = []
        self._lock = threading.Lock()  # the lab serves each client in a thread

    @property
    def key_id(self) -> bytes:
        """How bundles and trusted roots name the log (32 bytes), as Rekor v2 has it."""
        public = self._key.public_key().public_bytes_raw()
        return hashlib.sha256(self.origin.encode() + b"\n\x01" + public).digest()

    @property
    def spki(self) -> bytes:
        """Its public key as DER SubjectPublicKeyInfo."""
        return self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    def checkpoint(self) -> str:
        """Give what the log now says of itself, as a signed note."""
        with self._lock:
            root = _root(self._bodies)
            return self._sign(Checkpoint(self.origin, len(self._bodies), root=root))

    def log(
        self, body: Mapping[str, Json], *, at: int = 0, fault: LogFault | None = None
    ) -> dict[str, Json]:
        """Log an entry of ours, and give what a bundle holds of it.

        With `at` (POSIX, seconds) the log promises the time of it, as Rekor v1 did.
        """
        return self._log(jcs.write({**body}), str(body["apiVersion"]), at, fault)

    def answer(self, request: bytes, *, fault: LogFault | None = None) -> bytes:
        """Answer what a client of Rekor v2 posts."""
        asked = json.loads(request)["hashedRekordRequestV002"]
        digest = base64.b64decode(asked["digest"])
        signed = asked["signature"]
        verifier = {
            kind: named
            for kind, named in signed["verifier"].items()
            if kind != "keyDetails"
        }
        signature = base64.b64decode(signed["content"])
        body = hashedrekord_2(OTHER if fault == "body" else digest, signature, verifier)
        return json.dumps(self.log(body, fault=fault)).encode()

    def _log(
        self, body: bytes, version: str, at: int, fault: LogFault | None
    ) -> dict[str, Json]:
        with self._lock:
            bodies = [*self._bodies, body]
            if fault == "fork":
                # Another history of the same size, which the log has signed as well.
                bodies = [b"another entry", *bodies[1:-1], body]
            else:
                self._bodies = bodies
        index, size = len(bodies) - 1, len(bodies)
        root = _root(bodies)
        head = Checkpoint(
            "elsewhere.example" if fault == "origin" else self.origin,
            size + (fault == "size"),
            root=bytes(merkle.HASH_SIZE) if fault == "root" else root,
        )
        proof = merkle.prove_inclusion(index, size, _nodes(bodies))
        entry: dict[str, Json] = {
            "logIndex": str(index),
            "logId": {"keyId": base64_text(self.key_id)},
            "kindVersion": {"kind": "hashedrekord", "version": version},
            "inclusionProof": {
                "logIndex": str(index - 1 if fault == "index" else index),
                "rootHash": base64_text(root),
                "treeSize": str(size),
                "hashes": [base64_text(each) for each in proof],
                "checkpoint": {"envelope": self._sign(head)},
            },
            "canonicalizedBody": base64_text(body),
        }
        if at:
            entry["integratedTime"] = str(at)
            entry["inclusionPromise"] = {
                "signedEntryTimestamp": base64_text(self._promise(body, at, index))
            }
        return entry

    def _promise(self, body: bytes, at: int, index: int) -> bytes:
        """Sign as Rekor v1 did before it had the entry in its tree."""
        return self._key.sign(
            jcs.write(
                {
                    "body": base64_text(body),
                    "integratedTime": at,
                    "logID": self.key_id.hex(),
                    "logIndex": index,
                }
            )
        )

    def _sign(self, head: Checkpoint) -> str:
        text = format_checkpoint(head)
        line = SignatureLine(self.origin, self.key_id[:4], payload=self._key.sign(text))
        return format_note(Note(text, (line,))).decode()


def hashedrekord_1(artifact: bytes, signature: bytes, pem: bytes) -> dict[str, Json]:
    """Give the body of an entry as Rekor v1 wrote it; who signed is in PEM."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": artifact.hex()}},
            "signature": {
                "content": base64_text(signature),
                "publicKey": {"content": base64_text(pem)},
            },
        },
    }


def hashedrekord_2(
    artifact: bytes, signature: bytes, verifier: Mapping[str, Json]
) -> dict[str, Json]:
    """Give the body of an entry as Rekor v2 writes it, over a P-256 signature."""
    details = "PKIX_ECDSA_P256_SHA_256"
    signed: Json = {
        "content": base64_text(signature),
        "verifier": {"keyDetails": details, **verifier},
    }
    data: Json = {"algorithm": "SHA2_256", "digest": base64_text(artifact)}
    return {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": {"data": data, "signature": signed}},
    }


def _root(bodies: Sequence[bytes]) -> bytes:
    return merkle.hash_tree([merkle.hash_leaf(body) for body in bodies])


def _nodes(bodies: Sequence[bytes]) -> merkle.Nodes:
    """Read a small tree by hashing it again; a log for tests stays small."""

    def node(level: int, index: int) -> bytes:
        return _root(bodies[index << level : (index + 1) << level])

    return node
