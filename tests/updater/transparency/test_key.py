"""Keys: one spelling, one use, and nothing shown of a secret."""

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from tests.updater.transparency.logs import LOG, WITNESS
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, MissingError, SignatureError
from updater.transparency.key import (
    Kind,
    SigningKey,
    VerifierKey,
    check_name,
    parse_vkey,
)

_PUBLISHED = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_ML_DSA = SigningKey("w2.example/pq", Kind.ML_DSA, seed=bytes([3]) * 32)


def test_the_published_key_is_read_and_written() -> None:
    key = parse_vkey(_PUBLISHED)

    assert (key.name, key.kind, key.key_id.hex()) == (
        "example.com/foo",
        Kind.LOG,
        "530d903a",
    )
    assert str(key) == _PUBLISHED


def test_the_keys_of_the_worked_example_are_written_as_stated() -> None:
    assert str(LOG.verifier) == (
        "bt.example/ringfence/1+b2c42b3a+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    )
    assert str(WITNESS.verifier) == (
        "w1.example/bt+e80e03b7+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
    )


@pytest.mark.parametrize("key", [LOG, WITNESS, _ML_DSA])
def test_what_a_key_signs_it_recognises_and_nothing_else(key: SigningKey) -> None:
    signature = key.sign(b"message")

    assert len(signature) == key.kind.signature_size
    assert len(key.verifier.public) == key.kind.public_size
    key.verifier.check(b"message", signature)
    with pytest.raises(SignatureError, match="is wrong"):
        key.verifier.check(b"another", signature)


@pytest.mark.parametrize("key", [LOG, _ML_DSA])
def test_a_vkey_has_one_spelling(key: SigningKey) -> None:
    good = str(key.verifier)[:200] if key is LOG else str(key.verifier)

    assert parse_vkey(good) == key.verifier
    if key is LOG:
        assert_one_spelling(
            lambda data: parse_vkey(data.decode("latin-1")),
            lambda value: str(value).encode(),
            good.encode(),
        )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected <name>"),
        ("name+530d903a", "expected <name>"),
        ("name+530D903A+AekyeRrm", "expected <name>"),
        ("+530d903a+AekyeRrm", "no plus and no space"),
        ("a b+530d903a+AekyeRrm", "no plus and no space"),
        ("a\u00a0b+530d903a+AekyeRrm", "no plus and no space"),
        ("name+530d903a+", "of kind 01, 04 or 06"),
        ("name+530d903a+Ag==", "of kind 01, 04 or 06"),
        ("name+530d903a+AekyeRrm", "expected 32 bytes of key, came 5"),
        ("name+530d903a+AB==", "canonical"),
        (_PUBLISHED.replace("530d903a", "530d903b"), "expected key id 530d903a"),
        (_PUBLISHED.replace("example", "exomple"), "expected key id"),
    ],
)
def test_other_texts_are_no_vkeys(text: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_vkey(text)


def test_a_name_without_bytes_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected UTF-8"):
        check_name("a\ud800")


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected 32 bytes, came 31"):
        SigningKey("a", Kind.LOG, seed=bytes(31))


def test_a_secret_is_not_shown() -> None:
    assert repr(LOG) == f"SigningKey(name={LOG.name!r}, kind=<Kind.LOG: 1>)"


def test_one_public_key_has_another_id_for_another_use() -> None:
    public = LOG.verifier.public
    ids = {VerifierKey("a", kind, public=public).key_id for kind in Kind}

    assert len(ids) == 3


def test_only_cosignatures_carry_a_time() -> None:
    assert [kind for kind in Kind if kind.is_timed] == [Kind.WITNESS, Kind.ML_DSA]


def test_an_old_openssl_lacks_ml_dsa_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signature, verifier = _ML_DSA.sign(b""), _ML_DSA.verifier
    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", _Lacking)
    monkeypatch.setattr(mldsa, "MLDSA44PrivateKey", _Lacking)

    with pytest.raises(MissingError, match=r"OpenSSL 3\.5"):
        verifier.check(b"", signature)
    with pytest.raises(MissingError, match=r"OpenSSL 3\.5"):
        _ML_DSA.sign(b"")
    with pytest.raises(MissingError, match=r"OpenSSL 3\.5"):
        _ = _ML_DSA.verifier


class _Lacking:
    """What `cryptography` does where its OpenSSL has no ML-DSA."""

    @staticmethod
    def from_public_bytes(_: bytes) -> None:
        raise UnsupportedAlgorithm("ML-DSA-44")

    from_seed_bytes = from_public_bytes
