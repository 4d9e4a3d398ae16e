import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.laboratory import (
    ARTIFACT,
    HINT,
    OTHER,
    RELEASE,
    changed,
    facts,
    key,
    lab,
    signed,
    signed_with_key,
)
from updater import jcs
from updater.errors import MalformedError, SigstoreError
from updater.sigstore.identity import (
    MOST_BYTES,
    Identity,
    Release,
    SigstorePolicy,
    check,
    check_key,
    format_policy,
    parse_policy,
)
from updater.sigstore.signer import Signer
from updater.testing.certificates import new_key, spki
from updater.testing.sigstore_lab import ISSUER, ORIGIN, SUBJECT

TAGGED = SUBJECT.replace("v1.4.0", "{tag}")


def policy(*identities: Identity, logs: Any = None, keys: Any = None) -> SigstorePolicy:
    return SigstorePolicy(
        identities or (Identity(ISSUER, TAGGED),),
        keys or {},
        logs=logs or {lab().rekor.key_id: ORIGIN},
    )


def checked(bundle: bytes, given: SigstorePolicy, **changes: Any) -> Signer | None:
    about: dict[str, Any] = {"artifact": ARTIFACT, "release": RELEASE, **changes}
    return check(bundle, facts(bundle), given, **about)


EVERYTHING = SigstorePolicy(
    (
        Identity(ISSUER, TAGGED, extensions={"sourceRepositoryDigest": "{commit}"}),
        Identity("https://{version}", "ann@lab.example"),
    ),
    {HINT: spki(new_key())},
    logs={bytes(range(32)): "rekor.example - 1193050959916656506"},
)
GOOD: Any = json.loads(format_policy(EVERYTHING))


# The policy file.


def test_a_policy_is_read_as_it_was_written() -> None:
    assert parse_policy(format_policy(EVERYTHING)) == EVERYTHING


def test_the_policy_of_the_format_document_is_one() -> None:
    document = Path(__file__).parents[3] / "docs" / "formats" / "sigstore.md"
    example = document.read_bytes().split(b"```\n")[1].rstrip(b"\n")
    policy = parse_policy(example)

    assert format_policy(policy) == example
    assert policy.identities[0].filled(RELEASE).subject.endswith("@refs/tags/v1.4.0")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "ringfence-sigstore/2"),
        ("more", 1),
        ("logs", []),
        ("logs", ...),
        ("logs", [GOOD["logs"][0]] * 2),
        ("logs", [GOOD["logs"][0]] * 17),
        ("logs.0.keyId", "AA=="),
        ("logs.0.origin", ""),
        ("logs.0.origin", " rekor.example"),
        ("logs.0.origin", "two\nlines"),
        ("keys", [GOOD["keys"][0]] * 2),
        ("keys.0.hint", "two words"),
        ("keys.0.spki", "AA=="),
        ("identities.0.issuer", ""),
        ("identities.0.issuer", "https://{issuer}"),
        ("identities.0.subject", "{tag"),
        ("identities.0.subject", "tag}"),
        ("identities.0.subject", "v{}"),
        ("identities.0.subject", "two words"),
        ("identities.0.subject", "s" * 513),
        ("identities.0.subject", "ünïcode"),
        ("identities.0.extensions", {"buildTrigger": "push"}),
        ("identities.0.extensions", {"runnerEnvironment": 1}),
        ("identities.0.extensions", ...),
    ],
)
def test_a_policy_of_another_form_is_refused(path: str, value: object) -> None:
    whole = json.loads(changed(format_policy(EVERYTHING), path, value))

    with pytest.raises(MalformedError):
        parse_policy(jcs.write(whole))


def test_a_policy_that_names_nobody_is_refused() -> None:
    whole = {**GOOD, "identities": [], "keys": []}

    with pytest.raises(MalformedError, match="expected an identity or a key"):
        parse_policy(jcs.write(whole))


def test_a_policy_may_name_keys_alone() -> None:
    parsed = parse_policy(jcs.write({**GOOD, "identities": []}))

    assert parsed.identities == ()


def test_a_policy_has_one_spelling() -> None:
    with pytest.raises(MalformedError, match="canonical spelling"):
        parse_policy(json.dumps(GOOD).encode())


def test_a_policy_that_is_too_long_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most"):
        parse_policy(format_policy(EVERYTHING) + b" " * MOST_BYTES)


@given(st.data())
def test_no_part_of_a_policy_is_a_policy(data: st.DataObject) -> None:
    text = format_policy(EVERYTHING)
    length = data.draw(st.integers(0, len(text) - 1))

    with pytest.raises(MalformedError):
        parse_policy(text[:length])


@given(st.data())
def test_a_changed_byte_is_refused_or_another_policy(data: st.DataObject) -> None:
    spoilt = bytearray(format_policy(EVERYTHING))
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = parse_policy(bytes(spoilt))
    except MalformedError:
        return

    assert format_policy(parsed) == bytes(spoilt)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_policy_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_policy(data)


def der(public: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    written: bytes = public.public_bytes(Encoding.DER, form)
    return written


def compressed() -> bytes:
    """Write a key in the second spelling that DER readers take for the same."""
    point = (
        new_key().public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    )
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return head + point


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected a public key in DER"),
        (
            der(ed25519.Ed25519PrivateKey.generate().public_key()),
            "expected a P-256 key",
        ),
        (der(ec.generate_private_key(ec.SECP384R1()).public_key()), "expected a P-256"),
        (compressed(), "expected an uncompressed point"),
    ],
    ids=["empty", "Ed25519", "P-384", "compressed"],
)
def test_a_key_that_signs_no_sha256_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        check_key(data)


# Slots.


def test_slots_are_filled_from_the_claim() -> None:
    identity = Identity("{version}", "{tag}@{commit}", extensions={"x": "v{version}"})
    filled = identity.filled(Release("1", "t", commit="c"))

    assert filled == Signer("1", "t@c", extensions={"x": "v1"})


def test_what_is_filled_in_is_not_filled_again() -> None:
    filled = Identity("i", "{tag}").filled(Release("1", "{commit}", commit="c"))

    assert filled.subject == "{commit}"


# The gate's reading of a bundle.


def test_a_bundle_of_the_policys_identity_passes() -> None:
    assert checked(signed(), policy()) == Signer(ISSUER, SUBJECT)


def test_any_identity_of_the_policy_is_enough() -> None:
    stranger = Identity(ISSUER, "ann@lab.example")
    signer = checked(signed(), policy(stranger, Identity(ISSUER, TAGGED), stranger))

    assert signer == Signer(ISSUER, SUBJECT)


def test_a_bundle_of_the_policys_key_passes() -> None:
    bundle, public = signed_with_key(), spki(key())
    about = facts(bundle, spki=public)
    given = policy(keys={HINT: public})

    assert check(bundle, about, given, artifact=ARTIFACT, release=RELEASE) is None


@pytest.mark.parametrize("known", [{}, {HINT: b"another key"}])
def test_a_key_that_the_policy_does_not_know_is_refused(known: Any) -> None:
    bundle = signed_with_key()
    about = facts(bundle, spki=spki(key()))

    with pytest.raises(SigstoreError, match="hint: no key of the policy"):
        check(bundle, about, policy(keys=known), artifact=ARTIFACT, release=RELEASE)


def test_a_key_of_the_policy_vouches_for_its_own_entries_alone() -> None:
    bundle, other = signed_with_key(), spki(new_key())
    about = facts(bundle, spki=other)
    given = policy(keys={HINT: other})

    with pytest.raises(SigstoreError, match="body: the log's entry is not about"):
        check(bundle, about, given, artifact=ARTIFACT, release=RELEASE)


def test_a_verdict_about_another_bundle_is_refused() -> None:
    about = facts(lab().sign(ARTIFACT))

    with pytest.raises(SigstoreError, match="digest: the verdict is about another"):
        check(signed(), about, policy(), artifact=ARTIFACT, release=RELEASE)


def test_a_verdict_about_another_file_is_refused() -> None:
    with pytest.raises(SigstoreError, match="digest: the verdict is about another"):
        checked(signed(), policy(), artifact=OTHER)


def test_a_bundle_for_another_file_is_refused_whatever_the_verdict() -> None:
    about = facts(signed(), artifact=OTHER)

    with pytest.raises(SigstoreError, match="digest: expected"):
        check(signed(), about, policy(), artifact=OTHER, release=RELEASE)


def test_a_log_that_the_policy_does_not_know_is_refused() -> None:
    with pytest.raises(SigstoreError, match="origin: no log of the policy"):
        checked(signed(), policy(logs={bytes(32): ORIGIN}))


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    with pytest.raises(SigstoreError, match="origin: expected a checkpoint of"):
        checked(lab().sign(ARTIFACT, fault="origin"), policy())


def test_a_checkpoint_of_another_size_is_refused() -> None:
    with pytest.raises(SigstoreError, match="size: the proof is for"):
        checked(lab().sign(ARTIFACT, fault="size"), policy())


def test_another_release_of_the_same_identity_is_refused() -> None:
    other = Release("1.4.1", "v1.4.1", commit="c" * 40)

    with pytest.raises(SigstoreError, match="identity: expected"):
        checked(signed(), policy(), release=other)


def test_the_nearest_identity_says_why_not() -> None:
    near = Identity(ISSUER, TAGGED, extensions={"runnerEnvironment": "hosted"})
    given = policy(Identity("i", TAGGED), near, Identity("i", "s"))

    with pytest.raises(SigstoreError) as caught:
        checked(signed(), given)

    assert caught.value.detail == "extension"


def test_a_policy_of_keys_alone_lets_no_certificate_pass() -> None:
    given = SigstorePolicy((), {HINT: b""}, logs={lab().rekor.key_id: ORIGIN})

    with pytest.raises(SigstoreError, match="identity: the policy names keys alone"):
        checked(signed(), given)
