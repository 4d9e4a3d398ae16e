"""An authority for signed times (RFC 3161), for tests."""

import hashlib
import os
from datetime import datetime

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from updater.testing.certificates import make_chain

_POLICY = "1.3.6.1.4.1.57264.2"


class TimestampAuthority:
    """Signs that something was there at a time; the caller says at which."""

    def __init__(self, start: datetime) -> None:
        self.chain = make_chain(
            "lab-time", start, ExtendedKeyUsageOID.TIME_STAMPING, is_authority=False
        )

    def stamp(self, signature: bytes, at: datetime) -> bytes:
        """Give the answer that a client would get for a signature."""
        request = tsp.TimeStampReq(
            {
                "version": "v1",
                "message_imprint": {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "hashed_message": hashlib.sha256(signature).digest(),
                },
                "cert_req": True,
            }
        )
        return self.answer(request.dump(), at)

    def answer(self, request: bytes, at: datetime) -> bytes:
        """Answer a TimeStampReq (DER) with a TimeStampResp (DER)."""
        asked = tsp.TimeStampReq.load(request)
        at = at.replace(microsecond=0)
        info = {
            "version": "v1",
            "policy": _POLICY,
            "message_imprint": asked["message_imprint"],
            "serial_number": int.from_bytes(os.urandom(8), "big") >> 1,
            "gen_time": at,
        }
        if asked["nonce"].native is not None:
            info["nonce"] = asked["nonce"]
        token = self._sign(tsp.TSTInfo(info).dump(), at, asked["cert_req"].native)
        answer = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": {"content_type": "signed_data", "content": token},
            }
        )
        return bytes(answer.dump())

    def _sign(self, info: bytes, at: datetime, with_certificate: object) -> object:
        """Wrap a TSTInfo as CMS signed data (RFC 5652 section 5)."""
        der = self.chain.below.public_bytes(Encoding.DER)
        own = asn1_x509.Certificate.load(der)
        essential = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(der).digest()})
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": at})]},
                {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [tsp.SigningCertificateV2({"certs": [essential]})],
                },
            ]
        )
        signer = {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber(
                {"issuer": own.issuer, "serial_number": own.serial_number}
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": self.chain.key.sign(
                attributes.dump(), ec.ECDSA(hashes.SHA256())
            ),
        }
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(info),
                },
                "certificates": [own] if with_certificate else None,
                "signer_infos": [signer],
            }
        )
