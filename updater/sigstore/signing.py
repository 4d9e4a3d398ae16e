"""The door to sigstore-python for those who sign.

The log and the authorities are asked over the network, at addresses that the trust
configuration names. What comes back is a bundle as docs/formats/sigstore.md has it;
whoever publishes it holds it first against what clients will ask. The library itself
waits for ever, so each call has one deadline over all that it asks.

The library is imported where it is used, since that takes half a second.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeVar

from updater.errors import SigstoreError, UnreachableError
from updater.shape import base64_text
from updater.sigstore import rekor
from updater.sigstore.signature import hashed, refusals

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

Sign = Callable[[bytes], bytes]
"""Signs a SHA-256 digest with ECDSA P-256; gives the signature in DER."""

DEADLINE_S: Final = 120.0
"""For one signature: a log answers only once it holds the entry, which takes seconds,
and three services are asked besides, the trust of the public instance among them."""

_Answer = TypeVar("_Answer")


def sign(
    artifact: bytes,
    *,
    token: str,
    trust_config: bytes | None = None,
    deadline_s: float = DEADLINE_S,
) -> bytes:
    """Sign a file as the identity of a token; gives the bundle.

    Args:
        artifact: SHA-256 of the file, 32 bytes.
        token: an OpenID Connect identity token for the audience ``sigstore``.
        trust_config: a Sigstore ClientTrustConfig, JSON; None is the public instance,
            whose configuration the library fetches.
        deadline_s: seconds for all of it.

    Raises:
        UnreachableError: a service did not answer, or not as it should, or not in time.
        SigstoreError: the token or the configuration is refused.
    """

    def ask() -> bytes:
        from sigstore.oidc import IdentityToken  # noqa: PLC0415
        from sigstore.sign import SigningContext  # noqa: PLC0415

        context = SigningContext.from_trust_config(_config(trust_config))
        with context.signer(IdentityToken(token)) as signer:
            return signer.sign_artifact(hashed(artifact)).to_json().encode()

    with _failures():
        return _within(deadline_s, ask)


def sign_with_key(  # noqa: PLR0913 - a key, where it is logged, and for how long
    artifact: bytes,
    *,
    sign: Sign,
    spki: bytes,
    hint: str,
    trust_config: bytes | None = None,
    deadline_s: float = DEADLINE_S,
) -> bytes:
    """Sign a file with a key, have that logged by a Rekor v2, and give the bundle.

    Args:
        artifact: SHA-256 of the file, 32 bytes.
        sign: signs with the key, wherever it is kept.
        spki: the public key, DER SubjectPublicKeyInfo.
        hint: how the policies of verifiers name it.
        trust_config: as in `sign`.
        deadline_s: seconds for the log; the key may take its time.

    Raises:
        UnreachableError: the log did not answer, or not as it should, or not in time.
        SigstoreError: the configuration names no Rekor v2, or is refused.
    """
    signature = sign(artifact)
    request = {
        "hashedRekordRequestV002": {
            "digest": base64_text(artifact),
            "signature": {
                "content": base64_text(signature),
                "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "publicKey": {"rawBytes": base64_text(spki)},
                },
            },
        }
    }

    def ask() -> bytes:
        from sigstore._internal.rekor import EntryRequestBody  # noqa: PLC0415
        from sigstore._internal.rekor.client_v2 import RekorV2Client  # noqa: PLC0415

        (log, *_) = _config(trust_config).signing_config.get_tlogs()
        if not isinstance(log, RekorV2Client):
            raise SigstoreError("entry-kind", "expected a Rekor v2 to log to")
        entry = log.create_entry(EntryRequestBody(request))._inner.to_dict()  # noqa: SLF001 - held by a contract test
        return rekor.format_bundle(
            artifact,
            signature,
            {"publicKey": {"hint": hint}, "tlogEntries": [entry]},
        )

    with _failures():
        return _within(deadline_s, ask)


def ambient_token(*, deadline_s: float = DEADLINE_S) -> str | None:
    """Ask the machine, a CI job for example, who it is; None where it does not know.

    Raises:
        UnreachableError: it should know, and does not say, or not in time.
    """
    from sigstore.oidc import IdentityError, detect_credential  # noqa: PLC0415

    try:
        return _within(deadline_s, detect_credential)
    except IdentityError as error:
        raise UnreachableError(f"no identity token: {error}") from error


def _config(trust_config: bytes | None) -> "ClientTrustConfig":
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415

    if trust_config is None:
        return ClientTrustConfig.production()
    return ClientTrustConfig.from_json(trust_config.decode())


def _within(deadline_s: float, ask: Callable[[], _Answer]) -> _Answer:
    """Wait so many seconds for the library, and no longer.

    Its requests have no time-outs, and a time-out between two bytes would not end an
    answer that never does. A thread that is left behind ends with the program; what it
    may still sign stands in the log for all to see, and is used by nobody.
    """
    answer: Future[_Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    Thread(target=run, name="sigstore", daemon=True).start()
    try:
        return answer.result(deadline_s)
    except TimeoutError as error:
        if answer.done():  # the library's own
            raise
        raise UnreachableError(
            f"sigstore: no answer within {deadline_s:g} seconds"
        ) from error


@contextmanager
def _failures() -> Iterator[None]:
    """Tell services that do not answer from what is refused."""
    from sigstore._internal.fulcio.client import (  # noqa: PLC0415
        ExpiredCertificate,
        FulcioClientError,
    )
    from sigstore._internal.rekor import RekorClientError  # noqa: PLC0415
    from sigstore.errors import NetworkError  # noqa: PLC0415
    from sigstore.oidc import ExpiredIdentity, IdentityError  # noqa: PLC0415

    with refusals():
        try:
            yield
        # An OSError is what `requests` raises of its own.
        except (OSError, FulcioClientError, NetworkError, RekorClientError) as error:
            raise UnreachableError(
                f"sigstore: {str(error) or type(error).__name__}"
            ) from error
        except ExpiredCertificate as error:
            raise SigstoreError("time", "the certificate came expired") from error
        except (ExpiredIdentity, IdentityError) as error:
            raise SigstoreError("identity", str(error) or "expired token") from error
