"""The two files by which Sigstore's clients know an instance, for tests.

Sources: trusted root 0.1 and client trust config 0.1 of Sigstore's protobuf-specs.
"""

import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from updater.jcs import Json
from updater.shape import base64_text
from updater.testing.certificates import Chain, spki
from updater.testing.rekor_log import RekorLog


def trusted_root(
    rekor: RekorLog,
    ct_key: ec.EllipticCurvePrivateKey,
    certificates: Chain,
    *,
    times: Chain,
    start: datetime,
) -> Json:
    """Give whom to trust, all of it from `start` on."""
    ct_spki = spki(ct_key)
    ct_id = hashlib.sha256(ct_spki).digest()
    ct_kind = "PKIX_ECDSA_P256_SHA_256"
    return {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [_log(rekor.spki, rekor.key_id, "PKIX_ED25519", start)],
        "ctlogs": [_log(ct_spki, ct_id, ct_kind, start)],
        "certificateAuthorities": [_chain(certificates, start)],
        "timestampAuthorities": [_chain(times, start)],
    }


def trust_config(root: Json, url: str, start: datetime) -> Json:
    """Give whom to trust and where to sign: everything at one address."""

    def services(path: str, version: int) -> Json:
        return [
            {
                "url": url + path,
                "majorApiVersion": version,
                "operator": "lab.example",
                "validFor": _since(start),
            }
        ]

    return {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": services("", 1),
            "oidcUrls": services("", 1),
            "rekorTlogUrls": services("", 2),
            "tsaUrls": services("/api/v1/timestamp", 1),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        },
    }


def _log(key: bytes, key_id: bytes, details: str, start: datetime) -> Json:
    return {
        "baseUrl": "https://log.lab.example",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": base64_text(key),
            "keyDetails": details,
            "validFor": _since(start),
        },
        "logId": {"keyId": base64_text(key_id)},
    }


def _chain(chain: Chain, start: datetime) -> Json:
    ders = (each.public_bytes(Encoding.DER) for each in (chain.below, chain.root))
    return {
        "subject": {"organization": "lab.example", "commonName": "lab"},
        "uri": "https://lab.example",
        "certChain": {"certificates": [{"rawBytes": base64_text(der)} for der in ders]},
        "validFor": _since(start),
    }


def _since(start: datetime) -> Json:
    return {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
