import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.laboratory import (
    ARTIFACT,
    ENTRY,
    HINT,
    OTHER,
    PROOF,
    changed,
    key,
    lab,
    signed,
    signed_with_key,
    value_at,
)
from updater.errors import SigstoreError
from updater.sigstore import rekor
from updater.testing.certificates import new_key, spki
from updater.testing.sigstore_lab import ORIGIN

MATERIAL = "verificationMaterial"


def check(
    bundle: bytes, *, artifact: bytes = ARTIFACT, public: bytes = b""
) -> rekor.Entry:
    entry = rekor.read(bundle)
    rekor.check_entry(entry, origin=ORIGIN)
    rekor.check_body(entry, artifact=artifact, key=public)
    return entry


def detail_of(bundle: bytes) -> str:
    with pytest.raises(SigstoreError) as caught:
        check(bundle)
    return caught.value.detail


@pytest.mark.parametrize("version", ["0.0.1", "0.0.2"])
def test_an_entry_of_either_rekor_is_read_and_holds(version: str) -> None:
    entry = check(signed(version))

    assert (entry.version, entry.digest, entry.hint) == (version, ARTIFACT, "")


def test_an_entry_of_a_key_holds_with_that_key() -> None:
    entry = check(signed_with_key(), public=spki(key()))

    assert (entry.hint, entry.certificate) == (HINT, b"")


def test_an_entry_of_a_key_does_not_hold_with_another() -> None:
    with pytest.raises(SigstoreError, match="body: the log's entry is not about this"):
        check(signed_with_key(), public=spki(new_key()))


def test_an_old_entry_holds_a_key_as_pem() -> None:
    """Rekor v1 wrote PEM, in lines of 64 characters (RFC 7468)."""
    signature = rekor.read(signed_with_key()).signature
    pem = "\n".join(
        [
            "-----BEGIN PUBLIC KEY-----",
            *_lines(base64.b64encode(spki(key())).decode()),
            "-----END PUBLIC KEY-----",
            "",
        ]
    )
    body = {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": ARTIFACT.hex()}},
            "signature": {
                "content": base64.b64encode(signature).decode(),
                "publicKey": {"content": base64.b64encode(pem.encode()).decode()},
            },
        },
    }
    bundle = changed(signed_with_key(), f"{ENTRY}.kindVersion.version", "0.0.1")
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    entry = rekor.read(changed(bundle, f"{ENTRY}.canonicalizedBody", encoded))

    rekor.check_body(entry, artifact=ARTIFACT, key=spki(key()))


def _lines(text: str) -> list[str]:
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def test_a_bundle_is_written_as_it_is_read() -> None:
    entry = rekor.read(signed())
    material = value_at(signed(), MATERIAL)
    written = rekor.format_bundle(ARTIFACT, entry.signature, material)

    assert written == signed()


# C1: one entry, of a kind that we can read.


def test_two_log_entries_are_refused() -> None:
    assert detail_of(lab().sign(ARTIFACT, fault="second-entry")) == "entry-count"


def test_a_bundle_without_a_log_entry_is_refused() -> None:
    assert detail_of(changed(signed(), f"{MATERIAL}.tlogEntries", [])) == "entry-count"


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "dsse"), ("version", "0.0.3"), ("version", None), ("version", 1)],
)
def test_an_entry_of_another_kind_is_refused(field: str, value: object) -> None:
    bundle = changed(signed(), f"{ENTRY}.kindVersion.{field}", value)

    assert detail_of(bundle) == "entry-kind"


@pytest.mark.parametrize("text", ["01", "+1", "1_0", " 1", "٣", "", "9" * 19, 1, None])
@pytest.mark.parametrize("field", ["logIndex", "treeSize"])
def test_a_number_has_one_spelling(field: str, text: object) -> None:
    assert detail_of(changed(signed(), f"{PROOF}.{field}", text)) == "form"


# C2: the checkpoint is a note, and this log's.


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    assert detail_of(lab().sign(ARTIFACT, fault="origin")) == "origin"


@pytest.mark.parametrize("note", ["", "rekor.lab.example\n", 7, None, "\ud800"])
def test_a_checkpoint_that_is_no_note_is_refused(note: object) -> None:
    assert detail_of(changed(signed(), f"{PROOF}.checkpoint.envelope", note)) == "form"


def test_a_checkpoint_with_further_lines_is_read() -> None:
    envelope = value_at(signed(), f"{PROOF}.checkpoint.envelope")
    longer = envelope.replace("\n\n", "\nTimestamp: 1750000000\n\n")

    check(changed(signed(), f"{PROOF}.checkpoint.envelope", longer))


# C3: the proof is for the size that the checkpoint says, and leads to its root.


def test_a_checkpoint_of_another_size_is_refused() -> None:
    assert detail_of(lab().sign(ARTIFACT, fault="size")) == "size"


def test_a_checkpoint_of_another_root_is_refused() -> None:
    assert detail_of(lab().sign(ARTIFACT, fault="root")) == "inclusion"


def test_a_proof_for_another_place_is_refused() -> None:
    assert detail_of(lab().sign(ARTIFACT, fault="index")) == "inclusion"


def test_a_proof_of_another_hash_is_refused() -> None:
    zero = base64.b64encode(bytes(32)).decode()

    assert detail_of(changed(signed(), f"{PROOF}.hashes.0", zero)) == "inclusion"


def test_a_proof_with_a_hash_too_many_is_refused() -> None:
    hashes = value_at(signed(), f"{PROOF}.hashes")

    assert detail_of(changed(signed(), f"{PROOF}.hashes", hashes * 2)) == "inclusion"


def test_a_proof_longer_than_any_tree_is_refused_unread() -> None:
    zero = base64.b64encode(bytes(32)).decode()

    assert detail_of(changed(signed(), f"{PROOF}.hashes", [zero] * 64)) == "form"


# C4: what was logged is this signature of this signer over this file.


def test_a_bundle_for_another_file_is_refused() -> None:
    with pytest.raises(SigstoreError, match=f"digest: expected {OTHER.hex()}"):
        check(signed(), artifact=OTHER)


@pytest.mark.parametrize("version", ["0.0.1", "0.0.2"])
def test_an_entry_about_another_file_is_refused(version: Any) -> None:
    bundle = lab().sign(ARTIFACT, version=version, fault="body")

    assert detail_of(bundle) == "body"


def test_an_entry_of_another_signature_is_refused() -> None:
    other = value_at(lab().sign(ARTIFACT), "messageSignature.signature")

    assert detail_of(changed(signed(), "messageSignature.signature", other)) == "body"


def test_an_entry_of_another_certificate_is_refused() -> None:
    other = value_at(lab().sign(ARTIFACT), f"{MATERIAL}.certificate")

    assert detail_of(changed(signed(), f"{MATERIAL}.certificate", other)) == "body"


@pytest.mark.parametrize("body", [b"{}", b"no JSON", b'{"kind":1,"kind":1}'])
def test_a_body_that_says_anything_else_is_refused(body: bytes) -> None:
    encoded = base64.b64encode(body).decode()
    entry = rekor.read(changed(signed(), f"{ENTRY}.canonicalizedBody", encoded))

    with pytest.raises(SigstoreError) as caught:
        rekor.check_body(entry, artifact=ARTIFACT)

    assert caught.value.detail == "body"


# C5: the outer index is looked at by nobody.


@pytest.mark.parametrize("index", ["0", "99", "-1", None, {"a": []}, ...])
def test_the_outer_index_changes_nothing(index: object) -> None:
    entry = rekor.read(changed(signed(), f"{ENTRY}.logIndex", index))

    assert entry == rekor.read(signed())


# The form of the rest.


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.3"),
        ("mediaType", ...),
        ("dsseEnvelope", {}),
        ("messageSignature", ...),
        ("messageSignature.messageDigest", ...),
        ("messageSignature.messageDigest.algorithm", "SHA2_512"),
        ("messageSignature.messageDigest.digest", "AA=="),
        ("messageSignature.signature", "no base64"),
        (f"{MATERIAL}.certificate", ...),
        (f"{MATERIAL}.certificate.rawBytes", ""),
        (f"{MATERIAL}.publicKey", {"hint": "both"}),
        (f"{MATERIAL}.x509CertificateChain", {}),
        (f"{MATERIAL}.tlogEntries", "none"),
        (f"{ENTRY}.logId.keyId", "AA=="),
        (f"{ENTRY}.another", 1),
        (f"{PROOF}.hashes", ["AA=="]),
        (f"{PROOF}.rootHash", "AA=="),
        (f"{PROOF}.treeSize", ...),
    ],
)
def test_a_bundle_of_another_form_is_refused(path: str, value: object) -> None:
    assert detail_of(changed(signed(), path, value)) == "form"


def test_a_hint_that_is_no_word_is_refused() -> None:
    bundle = changed(signed_with_key(), f"{MATERIAL}.publicKey.hint", "two words")

    assert detail_of(bundle) == "form"


def test_a_bundle_that_is_too_long_is_refused() -> None:
    assert detail_of(signed() + b" " * rekor.MOST_BYTES) == "form"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_bundle_are_refused(data: bytes) -> None:
    assert detail_of(data) == "form"


@given(st.data())
def test_a_changed_byte_raises_nothing_but_a_refusal(data: st.DataObject) -> None:
    spoilt = bytearray(signed())
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        check(bytes(spoilt))
    except SigstoreError as error:
        assert error.detail in {  # noqa: PT017 - what is left unread may change
            "form", "entry-count", "entry-kind", "origin", "size", "inclusion",
            "digest", "body",
        }  # fmt: skip


@given(st.data())
def test_a_bundle_cut_short_is_refused(data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(signed()) - 1))

    assert detail_of(signed()[:length]) == "form"
