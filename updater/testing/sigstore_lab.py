"""A private Sigstore: certificates, log and signed times, in memory or on loopback.

    lab = SigstoreLab(time.time)
    bundle = lab.sign(digest, subject="ann@lab.example", fault="size")

    with lab:                                   # serves HTTP on loopback
        signature.sign(digest, token=lab.token("ann"), trust_config=lab.trust_config())

Unmodified sigstore-python signs and verifies against it. It also reads the real clock,
so whoever signs over HTTP hands in the real one; bundles made by `sign` may be of any
time in the past.
"""

import base64
import http.server
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Literal, Self, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from updater import jcs
from updater.jcs import Json
from updater.shape import base64_text
from updater.sigstore.identity import Identity, SigstorePolicy, format_policy
from updater.sigstore.rekor import format_bundle
from updater.testing.certificates import (
    CertificateAuthority,
    CertificateFault,
    new_key,
    spki,
)
from updater.testing.rekor_log import (
    OTHER,
    LogFault,
    RekorLog,
    hashedrekord_1,
    hashedrekord_2,
)
from updater.testing.timestamps import TimestampAuthority
from updater.testing.trust_files import trust_config, trusted_root

ISSUER = "https://issuer.lab.example"
SUBJECT = "https://git.lab.example/ringfence/.ci/release.yml@refs/tags/v1.4.0"
ORIGIN = "rekor.lab.example"

_NONE: Mapping[str, str] = MappingProxyType({})

Fault = (
    CertificateFault
    | LogFault
    | Literal["no-timestamp", "foreign-timestamp", "second-entry"]
)


_CERTIFICATE_FAULTS: tuple[CertificateFault, ...] = get_args(CertificateFault)
_LOG_FAULTS: tuple[LogFault, ...] = get_args(LogFault)


class SigstoreLab:
    """One instance of Sigstore, with keys of its own.

    `fault` is what goes wrong with whatever is signed while it is set.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.fault: Fault | None = None
        self._now = now
        # Older than anything signed here, as a trusted root has to be.
        self._start = self._clock() - timedelta(days=1)
        self.authority = CertificateAuthority(self._start)
        self.rekor = RekorLog(ORIGIN)
        # An index other than the only one is wrong in a way that can be said.
        self.rekor.log({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {}})
        self._times = TimestampAuthority(self._start)
        self._foreign_times = TimestampAuthority(self._start)
        self._server: http.server.ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    @property
    def url(self) -> str:
        """Where it is served, which it is inside `with`."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def sign(  # noqa: PLR0913 - one argument for each thing a test turns
        self,
        artifact: bytes,
        *more_subjects: str,
        subject: str = SUBJECT,
        issuer: str = ISSUER,
        extensions: Mapping[str, str] = _NONE,
        version: Literal["0.0.1", "0.0.2"] = "0.0.2",
        fault: Fault | None = None,
    ) -> bytes:
        """Give the bundle over a file (its SHA-256, 32 bytes), made without HTTP.

        An entry of version 0.0.1 has the log's promise in the place of a timestamp.
        """
        fault = fault or self.fault
        key = new_key()
        certificate = self.authority.issue(
            key.public_key(),
            subject,
            *more_subjects,
            issuer=issuer,
            at=self._clock(),
            extensions=extensions,
            fault=_certificate_fault(fault),
        )
        der = certificate.public_bytes(Encoding.DER)
        raw: Json = {"rawBytes": base64_text(der)}
        signature = key.sign(artifact, ec.ECDSA(Prehashed(hashes.SHA256())))
        logged = OTHER if fault == "body" else artifact
        if version == "0.0.1":
            body = hashedrekord_1(
                logged, signature, certificate.public_bytes(Encoding.PEM)
            )
        else:
            body = hashedrekord_2(logged, signature, {"x509Certificate": raw})
        entry = self.rekor.log(
            body,
            at=int(self._now()) if version == "0.0.1" else 0,
            fault=_log_fault(fault),
        )
        stamps: list[Json] = []
        if version == "0.0.2" and fault != "no-timestamp":
            stamp = self._stamps(fault).stamp(signature, self._clock())
            stamps = [{"signedTimestamp": base64_text(stamp)}]
        material: dict[str, Json] = {
            "certificate": raw,
            "tlogEntries": [entry, entry] if fault == "second-entry" else [entry],
            "timestampVerificationData": {"rfc3161Timestamps": stamps},
        }
        return format_bundle(artifact, signature, material)

    def sign_with_key(
        self,
        artifact: bytes,
        key: ec.EllipticCurvePrivateKey,
        hint: str,
        *,
        public: bytes = b"",
        fault: LogFault | None = None,
    ) -> bytes:
        """Give the bundle of a key that has no certificate.

        With `public` (DER) the log was sent that key, and not the one that signed.
        """
        logged = OTHER if fault == "body" else artifact
        signature = key.sign(artifact, ec.ECDSA(Prehashed(hashes.SHA256())))
        named: Json = {"rawBytes": base64_text(public or spki(key))}
        body = hashedrekord_2(logged, signature, {"publicKey": named})
        material: dict[str, Json] = {
            "publicKey": {"hint": hint},
            "tlogEntries": [self.rekor.log(body, fault=fault)],
        }
        return format_bundle(artifact, signature, material)

    def token(self, subject: str = SUBJECT) -> str:
        """Give an identity token that the lab believes, as it believes any."""
        now = int(self._now())
        claims: Json = {
            "iss": ISSUER,
            "sub": subject,
            "aud": "sigstore",
            "iat": now,
            "exp": now + 600,
        }
        parts: tuple[Json, ...] = ({"alg": "none", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(jcs.write(part)) for part in parts]
        return b".".join([*(each.rstrip(b"=") for each in encoded), b"bm9uZQ"]).decode()

    def trusted_root(self) -> bytes:
        """Write whom to trust, as a Sigstore trusted root 0.1."""
        return jcs.write(self._trusted_root())

    def trust_config(self) -> bytes:
        """Write whom to trust and where to sign, as a ClientTrustConfig 0.1."""
        return jcs.write(trust_config(self._trusted_root(), self.url, self._start))

    def policy(self) -> bytes:
        """Write a policy of ours that lets the lab's default identity sign."""
        identity = Identity(ISSUER, SUBJECT.replace("v1.4.0", "{tag}"))
        logs = {self.rekor.key_id: ORIGIN}
        return format_policy(SigstorePolicy((identity,), {}, logs=logs))

    def get(self, path: str) -> bytes | None:
        """Answer a GET, or None for what is not there."""
        if path != "/api/v2/checkpoint":
            return None
        return self.rekor.checkpoint().encode()

    def post(self, path: str, body: bytes, authorization: str) -> bytes | None:
        """Answer a POST, or None for what is not there or what a fault withholds."""
        match path:
            case "/api/v2/signingCert":
                return self._certify(body, authorization)
            case "/api/v2/log/entries":
                return self.rekor.answer(body, fault=_log_fault(self.fault))
            case "/api/v1/timestamp" if self.fault != "no-timestamp":
                return self._stamps(self.fault).answer(body, self._clock())
            case _:
                return None

    def _certify(self, body: bytes, authorization: str) -> bytes:
        payload = authorization.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        pem = base64.b64decode(json.loads(body)["certificateSigningRequest"])
        asked = x509.load_pem_x509_csr(pem).public_key()
        assert isinstance(asked, ec.EllipticCurvePublicKey)
        issued = self.authority.issue(
            asked,
            claims.get("email") or claims["sub"],
            issuer=claims["iss"],
            at=self._clock(),
            extensions=_NONE,
            fault=_certificate_fault(self.fault),
        )
        chain = (issued, self.authority.chain.below, self.authority.chain.root)
        pems = [each.public_bytes(Encoding.PEM).decode() for each in chain]
        return jcs.write(
            {"signedCertificateEmbeddedSct": {"chain": {"certificates": [*pems]}}}
        )

    def _trusted_root(self) -> Json:
        return trusted_root(
            self.rekor,
            self.authority.ct_key,
            self.authority.chain,
            times=self._times.chain,
            start=self._start,
        )

    def _stamps(self, fault: Fault | None) -> TimestampAuthority:
        return self._foreign_times if fault == "foreign-timestamp" else self._times

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(int(self._now()), UTC)


def _certificate_fault(fault: Fault | None) -> CertificateFault | None:
    return next((each for each in _CERTIFICATE_FAULTS if each == fault), None)


def _log_fault(fault: Fault | None) -> LogFault | None:
    return next((each for each in _LOG_FAULTS if each == fault), None)


def _handler(lab: SigstoreLab) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """Hands requests to the lab, and its answers back."""

        def do_GET(self) -> None:
            self._answer(lab.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(
                lab.post(self.path, body, self.headers.get("Authorization", ""))
            )

        def log_message(self, *_: object) -> None:
            """Say nothing: a test's output is the test's."""

        def _answer(self, body: bytes | None) -> None:
            self.send_response(404 if body is None else 201)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

    return Handler
