import socket
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from tests.updater.laboratory import ARTIFACT, HINT, changed, key
from updater.errors import SigstoreError, UnreachableError
from updater.sigstore import rekor, signature, signing
from updater.sigstore.signer import Signer, read_signer
from updater.testing.certificates import spki
from updater.testing.sigstore_lab import ISSUER, ORIGIN, SUBJECT, SigstoreLab

_JOBS = ("GITHUB_ACTIONS", "BUILDKITE", "GITLAB_CI", "CIRCLECI")  # who would answer


@pytest.fixture(scope="module")
def served() -> Iterator[SigstoreLab]:
    with SigstoreLab(time.time) as served:  # the library reads that clock itself
        yield served


def sign(digest: bytes) -> bytes:
    return key().sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_what_an_identity_signs_is_verified(served: SigstoreLab) -> None:
    bundle = signing.sign(
        ARTIFACT, token=served.token(), trust_config=served.trust_config()
    )
    facts = signature.verify(bundle, ARTIFACT, trusted_root=served.trusted_root())

    assert read_signer(facts.certificate) == Signer(ISSUER, SUBJECT)


def test_what_an_identity_signs_we_read_as_well(served: SigstoreLab) -> None:
    bundle = signing.sign(
        ARTIFACT, token=served.token(), trust_config=served.trust_config()
    )
    entry = rekor.read(bundle)
    rekor.check_entry(entry, origin=ORIGIN)
    rekor.check_body(entry, artifact=ARTIFACT)


def test_what_a_key_signs_is_verified(served: SigstoreLab) -> None:
    bundle = signing.sign_with_key(
        ARTIFACT,
        sign=sign,
        spki=spki(key()),
        hint=HINT,
        trust_config=served.trust_config(),
    )
    facts = signature.verify(
        bundle,
        ARTIFACT,
        trusted_root=served.trusted_root(),
        keys={HINT: spki(key())},
    )

    assert facts.key == spki(key())


def test_a_key_is_logged_by_rekor_v2_alone(served: SigstoreLab) -> None:
    path = "signingConfig.rekorTlogUrls.0.majorApiVersion"
    old = changed(served.trust_config(), path, 1)

    with pytest.raises(SigstoreError, match="entry-kind: expected a Rekor v2"):
        signing.sign_with_key(
            ARTIFACT, sign=sign, spki=spki(key()), hint=HINT, trust_config=old
        )


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls"])
def test_a_service_that_does_not_answer_can_be_asked_again(
    served: SigstoreLab, service: str
) -> None:
    config = changed(
        served.trust_config(), f"signingConfig.{service}.0.url", "http://127.0.0.1:1"
    )

    with pytest.raises(UnreachableError, match="sigstore: "):
        signing.sign(ARTIFACT, token=served.token(), trust_config=config)


def test_a_log_that_fails_can_be_asked_again(served: SigstoreLab) -> None:
    path = "signingConfig.rekorTlogUrls.0.url"
    config = changed(served.trust_config(), path, f"{served.url}/elsewhere")

    with pytest.raises(UnreachableError, match="HTTP 404"):
        signing.sign(ARTIFACT, token=served.token(), trust_config=config)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls"])
def test_a_service_that_never_answers_is_not_waited_for(
    served: SigstoreLab, service: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = changed(
            served.trust_config(),
            f"signingConfig.{service}.0.url",
            f"http://127.0.0.1:{silent.getsockname()[1]}",
        )

        with pytest.raises(UnreachableError, match=r"no answer within 0\.1 seconds"):
            signing.sign(
                ARTIFACT, token=served.token(), trust_config=config, deadline_s=0.1
            )


def test_a_log_that_never_answers_a_key_is_not_waited_for(served: SigstoreLab) -> None:
    path = "signingConfig.rekorTlogUrls.0.url"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = changed(
            served.trust_config(), path, f"http://127.0.0.1:{silent.getsockname()[1]}"
        )

        with pytest.raises(UnreachableError, match=r"no answer within 0\.1 seconds"):
            signing.sign_with_key(
                ARTIFACT,
                sign=sign,
                spki=spki(key()),
                hint=HINT,
                trust_config=config,
                deadline_s=0.1,
            )


@pytest.mark.parametrize("token", ["", "no token", "a.b.c"])
def test_a_token_that_is_none_is_refused(served: SigstoreLab, token: str) -> None:
    with pytest.raises(SigstoreError, match="sigstore: identity: "):
        signing.sign(ARTIFACT, token=token, trust_config=served.trust_config())


def test_a_token_of_yesterday_is_refused(served: SigstoreLab) -> None:
    old = SigstoreLab(lambda: 1_750_000_000.0).token()

    with pytest.raises(SigstoreError, match="sigstore: identity: "):
        signing.sign(ARTIFACT, token=old, trust_config=served.trust_config())


@pytest.mark.parametrize("config", [b"{}", b"", b"\xff"])
def test_a_configuration_that_is_none_is_refused(config: bytes) -> None:
    with pytest.raises(SigstoreError, match="sigstore: foreign-error: "):
        signing.sign(ARTIFACT, token="any", trust_config=config)


def test_a_bundle_without_a_timestamp_is_not_made(served: SigstoreLab) -> None:
    served.fault = "no-timestamp"
    try:
        with pytest.raises(SigstoreError, match="sigstore: time: "):
            signing.sign(
                ARTIFACT, token=served.token(), trust_config=served.trust_config()
            )
    finally:
        served.fault = None


def test_a_machine_that_is_no_ci_job_has_no_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for job in _JOBS:
        monkeypatch.delenv(job, raising=False)

    assert signing.ambient_token() is None


def test_a_ci_job_that_may_not_say_who_it_is_can_be_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)

    with pytest.raises(UnreachableError, match="no identity token"):
        signing.ambient_token()
