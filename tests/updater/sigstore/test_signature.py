import base64
import hashlib
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from sigstore import dsse, models
from sigstore._internal import sct
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import verifier

from tests.updater.laboratory import (
    ARTIFACT,
    ENTRY,
    HINT,
    NOW,
    OTHER,
    PROOF,
    changed,
    key,
    lab,
    signed,
    signed_with_key,
    value_at,
)
from updater.errors import SigstoreDetail, SigstoreError
from updater.sigstore import rekor, signature
from updater.sigstore.identity import SigstoreFacts
from updater.sigstore.signer import read_signer
from updater.testing.certificates import new_key, spki
from updater.testing.sigstore_lab import SUBJECT, SigstoreLab

STAMPS = "verificationMaterial.timestampVerificationData.rfc3161Timestamps"


def verify(
    bundle: bytes, *, artifact: bytes = ARTIFACT, root: bytes = b"", **more: Any
) -> SigstoreFacts:
    return signature.verify(
        bundle, artifact, trusted_root=root or lab().trusted_root(), **more
    )


def detail_of(bundle: bytes, **more: Any) -> str:
    with pytest.raises(SigstoreError) as caught:
        verify(bundle, **more)
    return caught.value.detail


@pytest.mark.parametrize("version", ["0.0.1", "0.0.2"])
def test_a_good_bundle_is_verified_without_asking_anybody(version: str) -> None:
    facts = verify(signed(version))

    assert facts.bundle == hashlib.sha256(signed(version)).digest()
    assert (facts.artifact, facts.times, facts.key) == (ARTIFACT, (NOW,), b"")


def test_the_verdict_says_who_signed() -> None:
    assert read_signer(verify(signed()).certificate).subject == SUBJECT


# What the library finds, by name.


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("sct", "sct"),
        ("expired", "time"),
        ("future", "time"),
        ("no-timestamp", "time"),
        ("foreign-timestamp", "time"),
        ("root", "inclusion"),
        ("index", "inclusion"),
        ("body", "body"),
        ("second-entry", "entry-count"),
    ],
)
def test_what_is_wrong_with_a_bundle_is_named(fault: Any, detail: str) -> None:
    assert detail_of(lab().sign(ARTIFACT, fault=fault)) == detail


@pytest.mark.parametrize("fault", ["origin", "size", "fork"])
def test_what_the_library_lets_pass_is_known(fault: Any) -> None:
    """If this fails the library got better: our `rekor` may then say less."""
    verify(lab().sign(ARTIFACT, fault=fault))


def test_a_bundle_for_another_file_is_refused() -> None:
    assert detail_of(signed(), artifact=OTHER) == "digest"


def test_a_signature_over_another_file_is_refused() -> None:
    bundle = changed(lab().sign(OTHER), "messageSignature.messageDigest", ...)

    assert detail_of(bundle) == "signature"


def test_a_certificate_of_another_authority_is_refused() -> None:
    stranger = SigstoreLab(lambda: NOW).trusted_root()
    chains = value_at(stranger, "certificateAuthorities")
    root = changed(lab().trusted_root(), "certificateAuthorities", chains)

    assert detail_of(signed(), root=root) == "chain"


@pytest.mark.parametrize("count", [2, 33])
def test_timestamps_too_many_or_twice_are_refused(count: int) -> None:
    stamps = value_at(signed(), STAMPS) * count

    assert detail_of(changed(signed(), STAMPS, stamps)) == "timestamp"


def test_a_timestamp_that_is_none_is_refused() -> None:
    bundle = changed(signed(), f"{STAMPS}.0.signedTimestamp", "MAA=")

    assert detail_of(bundle) == "timestamp"


def test_a_timestamp_that_nobody_can_judge_is_refused() -> None:
    root = changed(lab().trusted_root(), "timestampAuthorities", [])

    assert detail_of(signed(), root=root) == "timestamp"


def test_a_foreign_timestamp_beside_a_good_one_does_no_harm() -> None:
    foreign = value_at(lab().sign(ARTIFACT, fault="foreign-timestamp"), STAMPS)
    bundle = changed(signed(), STAMPS, foreign + value_at(signed(), STAMPS))

    assert verify(bundle).times == (NOW,)


@pytest.mark.parametrize("at", [0, -3])
def test_a_checkpoint_with_another_hint_or_signature_is_refused(at: int) -> None:
    envelope = value_at(signed(), f"{PROOF}.checkpoint.envelope")
    head, _, encoded = envelope.rstrip("\n").rpartition(" ")
    line = bytearray(base64.b64decode(encoded))
    line[at] ^= 1
    spoilt = f"{head} {base64.b64encode(line).decode()}\n"
    bundle = changed(signed(), f"{PROOF}.checkpoint.envelope", spoilt)

    assert detail_of(bundle) == "inclusion"


def test_a_log_that_is_not_in_the_trusted_root_is_refused() -> None:
    stranger = value_at(SigstoreLab(lambda: NOW).sign(ARTIFACT), ENTRY)

    assert detail_of(changed(signed(), ENTRY, stranger)) == "origin"


def test_a_trusted_log_does_not_speak_for_another() -> None:
    """The library alone would try the keys of both, and be content."""
    other = SigstoreLab(lambda: NOW)
    logs = [value_at(each.trusted_root(), "tlogs.0") for each in (lab(), other)]
    root = changed(lab().trusted_root(), "tlogs", logs)
    named = base64.b64encode(other.rekor.key_id).decode()
    hinted = changed(signed(), f"{ENTRY}.logId.keyId", named)
    envelope = value_at(signed(), f"{PROOF}.checkpoint.envelope")
    head, _, encoded = envelope.rstrip("\n").rpartition(" ")
    line = other.rekor.key_id[:4] + base64.b64decode(encoded)[4:]
    note = f"{head} {base64.b64encode(line).decode()}\n"

    detail = detail_of(changed(hinted, f"{PROOF}.checkpoint.envelope", note), root=root)

    assert detail == "inclusion"


@pytest.mark.parametrize(
    ("field", "value"), [("version", "0.0.3"), ("kind", "intoto"), ("kind", "dsse")]
)
def test_an_entry_of_another_kind_is_refused(field: str, value: str) -> None:
    bundle = changed(signed(), f"{ENTRY}.kindVersion.{field}", value)

    assert detail_of(bundle) == "entry-kind"


def test_a_bundle_without_an_entry_is_refused() -> None:
    bundle = changed(signed(), "verificationMaterial.tlogEntries", [])

    assert detail_of(bundle) == "entry-count"


@pytest.mark.parametrize(
    "bundle", [b"", b"{}", b"[" * 5000, b'{"a":NaN}', b'{"a":1,"a":1}', b'"\\ud800"']
)
def test_what_is_no_bundle_is_refused(bundle: bytes) -> None:
    assert detail_of(bundle) == "form"


def test_a_bundle_that_is_too_long_is_refused() -> None:
    assert detail_of(signed() + b" " * rekor.MOST_BYTES) == "form"


def test_what_is_no_trusted_root_is_refused() -> None:
    assert detail_of(signed(), root=b"{}") == "form"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verificationMaterial.certificate.rawBytes", "AAAA"),
        (f"{ENTRY}.canonicalizedBody", "AAAA"),
        (f"{PROOF}.checkpoint.envelope", "a\n1\nAA==\n\n\u2014 a AA==\n"),
    ],
)
def test_what_the_library_did_not_expect_is_a_refusal(path: str, value: str) -> None:
    assert detail_of(changed(signed(), path, value)) in get_args(SigstoreDetail)


def test_an_exception_of_another_library_is_named_so() -> None:
    bundle = changed(signed(), "verificationMaterial.certificate.rawBytes", "AAAA")

    assert detail_of(bundle) == "foreign-error"


# Keys.


def test_a_bundle_of_a_key_is_verified() -> None:
    facts = verify(signed_with_key(), keys={HINT: spki(key())})

    assert (facts.key, facts.certificate, facts.times) == (spki(key()), b"", ())


def test_a_key_that_nobody_knows_is_refused() -> None:
    assert detail_of(signed_with_key()) == "hint"


def test_an_entry_of_another_key_is_refused() -> None:
    assert detail_of(signed_with_key(), keys={HINT: spki(new_key())}) == "body"


def test_a_bundle_of_a_key_for_another_file_is_refused() -> None:
    detail = detail_of(signed_with_key(), artifact=OTHER, keys={HINT: spki(key())})

    assert detail == "digest"


def test_a_signature_that_is_not_the_keys_is_refused() -> None:
    """The log took it all the same: logs log what they are sent."""
    public = spki(new_key())
    bundle = lab().sign_with_key(ARTIFACT, key(), HINT, public=public)

    assert detail_of(bundle, keys={HINT: public}) == "signature"


@pytest.mark.parametrize("fault", ["root", "index"])
def test_an_entry_of_a_key_that_is_not_logged_is_refused(fault: Any) -> None:
    bundle = lab().sign_with_key(ARTIFACT, key(), HINT, fault=fault)

    assert detail_of(bundle, keys={HINT: spki(key())}) == "inclusion"


def test_a_key_is_enough_whatever_the_bundle_calls_it() -> None:
    facts = signature.verify_with_key(
        signed_with_key(),
        ARTIFACT,
        trusted_root=lab().trusted_root(),
        spki=spki(key()),
    )

    assert facts.key == spki(key())


def test_a_certificate_does_not_stand_for_a_key() -> None:
    with pytest.raises(SigstoreError, match="hint: expected a key, came a cert"):
        signature.verify_with_key(
            signed(), ARTIFACT, trusted_root=lab().trusted_root(), spki=spki(key())
        )


# In-toto statements, as strangers' bundles have them.


@pytest.fixture(scope="module")
def served() -> Iterator[SigstoreLab]:
    with SigstoreLab(time.time) as served:  # the library reads that clock itself
        yield served


def stated(served: SigstoreLab) -> bytes:
    """Sign a statement about ARTIFACT as the library does."""
    config = models.ClientTrustConfig.from_json(served.trust_config().decode())
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": ARTIFACT.hex()}}],
        "predicateType": "https://lab.example/p",
        "predicate": {"part": 0.5},
    }
    with SigningContext.from_trust_config(config).signer(
        IdentityToken(served.token())
    ) as signer:
        made = signer.sign_dsse(dsse.Statement(json.dumps(statement).encode()))
    return made.to_json().encode()


def test_a_statement_about_the_file_is_verified(served: SigstoreLab) -> None:
    facts = verify(stated(served), root=served.trusted_root())

    assert facts.artifact == ARTIFACT


def test_a_statement_about_another_file_is_refused(served: SigstoreLab) -> None:
    root = served.trusted_root()

    assert detail_of(stated(served), artifact=OTHER, root=root) == "digest"


# What we hold the library to.


def test_every_sentence_that_we_know_is_the_librarys() -> None:
    source = "".join(map(inspect.getsource, (models, verifier, dsse, sct)))
    known = [words for words, _ in signature._SENTENCES if words in source]
    foreign = [words for words, _ in signature._SENTENCES if words not in known]

    assert foreign == ["cert is not valid at validation time"]  # of cryptography


def test_the_library_carries_the_trusted_roots_of_both_instances() -> None:
    public = json.loads(signature.carried_root())
    staging = json.loads(signature.carried_root(is_staging=True))

    assert public["tlogs"] != staging["tlogs"]


def test_private_names_of_the_library_are_there() -> None:
    assert callable(verifier.Verifier._establish_time)
    assert callable(models.TransparencyLogEntry._verify)


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, updater.sigstore.signing; print('sigstore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
