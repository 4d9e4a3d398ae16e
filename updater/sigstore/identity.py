"""Who may sign with Sigstore, and whether they did.

The policy file names identities, keys and logs, all exactly. There are no patterns: an
unanchored one lets a subject pass that only begins like the right one. Its format is in
docs/formats/sigstore.md.

`check` is all that is held against a bundle beside what sigstore-python said of it.
That verdict arrives as `SigstoreFacts`, bound to the bytes that it is about.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from updater import jcs, shape
from updater.errors import MalformedError, SigstoreDetail, SigstoreError
from updater.jcs import Json
from updater.sigstore import rekor
from updater.sigstore.signer import EXTENSIONS, Signer, check_signer, read_signer

SCHEMA = "ringfence-sigstore/1"
MOST_BYTES = 65_536  # sixteen of everything, with room

_MOST = 16  # identities, keys or logs: more would be a directory, not a policy
_KEY_ID = 32  # bytes of a log's key id

_SLOTS = "version|tag|commit"  # the fields of `Release`
_SLOT = re.compile(rf"\{{({_SLOTS})\}}")
# Printable ASCII. A brace stands only around a slot, so that a misspelt one is refused
# here, where somebody reads the sentence, and not by every client later.
_FILLED = re.compile(rf"(?:[!-z|~]|\{{(?:{_SLOTS})\}}){{1,512}}")
_ORIGIN = re.compile("[!-~](?:[ -~]{0,198}[!-~])?")  # Rekor v1 has spaces in it

_NEARER: tuple[SigstoreDetail, ...] = ("identity", "issuer", "extension")


_Name = TypeVar("_Name")
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class Release:
    """What the claim of a release says, as far as a policy may ask for it."""

    version: str
    tag: str
    commit: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SigstoreFacts:
    """What sigstore-python found true of one bundle and one file.

    `bundle` and `artifact` are the SHA-256 (32 bytes) of both. Who signed is either a
    `certificate` (DER) or a `key` (DER SubjectPublicKeyInfo); the other is empty.
    `times` (POSIX, seconds) were signed by authorities of the trusted root.
    """

    bundle: bytes
    artifact: bytes
    certificate: bytes = field(kw_only=True)
    key: bytes = field(kw_only=True)
    times: tuple[float, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity that may sign; its strings hold slots such as ``{version}``."""

    issuer: str
    subject: str
    extensions: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def filled(self, release: Release) -> Signer:
        """Give whom this means for one release."""
        return Signer(
            _fill(self.issuer, release),
            _fill(self.subject, release),
            extensions={
                name: _fill(text, release) for name, text in self.extensions.items()
            },
        )


@dataclass(frozen=True, slots=True)
class SigstorePolicy:
    """Who may sign, and which logs may say so.

    `keys` maps the hint in a bundle to a DER SubjectPublicKeyInfo, and `logs` a key id
    (32 bytes) to the first line of that log's checkpoints.
    """

    identities: tuple[Identity, ...]
    keys: Mapping[str, bytes]
    logs: Mapping[bytes, str] = field(kw_only=True)


def parse_policy(data: bytes) -> SigstorePolicy:
    """Read a policy file.

    Raises:
        MalformedError: it is anything but the one spelling of a policy.
    """
    value = jcs.parse_canonical(data, most=MOST_BYTES)
    top = shape.record(value, "policy", ("identities", "keys", "logs", "schema"))
    shape.one_of(top["schema"], "schema", SCHEMA)
    identities = shape.items(top["identities"], "identities", most=_MOST)
    keys = shape.items(top["keys"], "keys", most=_MOST)
    if not identities and not keys:
        raise MalformedError("policy: expected an identity or a key, came neither")
    logs = [
        _parse_log(log) for log in shape.items(top["logs"], "logs", least=1, most=_MOST)
    ]
    pairs = [_parse_key(key) for key in keys]
    return SigstorePolicy(
        tuple(_parse_identity(identity) for identity in identities),
        _unique(pairs, "keys"),
        logs=_unique(logs, "logs"),
    )


def format_policy(policy: SigstorePolicy) -> bytes:
    """Write a policy as `parse_policy` reads it."""
    return jcs.write(
        {
            "schema": SCHEMA,
            "identities": [
                {
                    "issuer": identity.issuer,
                    "subject": identity.subject,
                    "extensions": dict(identity.extensions),
                }
                for identity in policy.identities
            ],
            "keys": [
                {"hint": hint, "spki": shape.base64_text(spki)}
                for hint, spki in policy.keys.items()
            ],
            "logs": [
                {"keyId": shape.base64_text(key_id), "origin": origin}
                for key_id, origin in policy.logs.items()
            ],
        }
    )


def check(
    bundle: bytes,
    facts: SigstoreFacts,
    policy: SigstorePolicy,
    *,
    artifact: bytes,
    release: Release,
) -> Signer | None:
    """Hold a bundle that the library accepted against the file and the policy.

    Gives the signer that the policy names, or None where a key of the policy signed.

    Args:
        bundle: as it came.
        facts: what `updater.sigstore.signature` found true of these very bytes.
        policy: the honoured one.
        artifact: SHA-256 of the file, 32 bytes.
        release: what the claim says, for the slots of the policy.

    Raises:
        SigstoreError: `detail` names the check that failed.
    """
    if facts.bundle != hashlib.sha256(bundle).digest() or facts.artifact != artifact:
        raise SigstoreError("digest", "the verdict is about another bundle or file")
    entry = rekor.read(bundle)
    if entry.log not in policy.logs:
        raise SigstoreError("origin", f"no log of the policy: {entry.log.hex()}")
    rekor.check_entry(entry, origin=policy.logs[entry.log])
    if entry.certificate:
        rekor.check_body(entry, artifact=artifact)
        return _check_identities(read_signer(entry.certificate), policy, release)
    # The key that the library was asked with, and the one of this hint, are one.
    if policy.keys.get(entry.hint) != facts.key:
        raise SigstoreError("hint", f"no key of the policy: {entry.hint!r}")
    rekor.check_body(entry, artifact=artifact, key=facts.key)
    return None


def _check_identities(came: Signer, policy: SigstorePolicy, release: Release) -> Signer:
    """Find the identity that fits, or say how the nearest one does not."""
    nearest = SigstoreError("identity", "the policy names keys alone")
    for identity in policy.identities:
        try:
            check_signer(came, identity.filled(release))
        except SigstoreError as error:
            nearest = max(error, nearest, key=lambda each: _NEARER.index(each.detail))
        else:
            return came
    raise nearest


def check_key(spki: bytes) -> None:
    """Expect a P-256 key as DER SubjectPublicKeyInfo, in its one spelling.

    No other kind signs a SHA-256 digest and is logged by Rekor.

    Raises:
        MalformedError: it is something else.
    """
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedError("spki: expected a public key in DER") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise MalformedError("spki: expected a P-256 key")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_bytes(serialization.Encoding.DER, form) != spki:
        raise MalformedError("spki: expected an uncompressed point on a named curve")


def _parse_identity(value: Json) -> Identity:
    one = shape.record(value, "identity", ("extensions", "issuer", "subject"))
    named = shape.record(one["extensions"], "extensions", (), tuple(EXTENSIONS))
    return Identity(
        shape.text(one["issuer"], "issuer", _FILLED),
        shape.text(one["subject"], "subject", _FILLED),
        extensions=MappingProxyType(
            {name: shape.text(text, name, _FILLED) for name, text in named.items()}
        ),
    )


def _parse_key(value: Json) -> tuple[str, bytes]:
    one = shape.record(value, "key", ("hint", "spki"))
    hint = shape.text(one["hint"], "hint", rekor.HINT)
    spki = shape.unbase64(one["spki"], "spki")
    check_key(spki)
    return hint, spki


def _parse_log(value: Json) -> tuple[bytes, str]:
    one = shape.record(value, "log", ("keyId", "origin"))
    key_id = shape.unbase64(one["keyId"], "keyId", size=_KEY_ID)
    return key_id, shape.text(one["origin"], "origin", _ORIGIN)


def _unique(pairs: list[tuple[_Name, _Thing]], where: str) -> Mapping[_Name, _Thing]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError(f"{where}: expected each once, came one twice")
    return MappingProxyType(found)


def _fill(text: str, release: Release) -> str:
    # One pass: a slot inside what is filled in stays the text that it is.
    return _SLOT.sub(lambda slot: str(getattr(release, slot[1])), text)
