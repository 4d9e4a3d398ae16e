"""Key files: bounds before any cost, and one answer to every wrong passphrase."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import example, given
from hypothesis import strategies as st

from updater.errors import MalformedError, RefusedError
from updater.keyfile import (
    Cost,
    PrivateKey,
    format_plain_key,
    open_key,
    parse_plain_key,
    seal_key,
)

WEAK = Cost(64 << 10, 2, lanes=1)  # the cheapest that is read
PASSPHRASE = b"correct horse"
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
KEYS: dict[str, PrivateKey] = {
    "ed25519": KEY,
    "p256": ec.derive_private_key(7, ec.SECP256R1()),
    "p384": ec.derive_private_key(7, ec.SECP384R1()),
    "ml-dsa-44": mldsa.MLDSA44PrivateKey.from_seed_bytes(b"\x02" * 32),
    "ml-dsa-65": mldsa.MLDSA65PrivateKey.from_seed_bytes(b"\x02" * 32),
    "ml-dsa-87": mldsa.MLDSA87PrivateKey.from_seed_bytes(b"\x02" * 32),
}
FOREIGN: dict[
    str, x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
] = {
    "x25519": x25519.X25519PrivateKey.from_private_bytes(b"\x01" * 32),
    "p521": ec.derive_private_key(7, ec.SECP521R1()),
    "rsa": rsa.generate_private_key(65_537, 2_048),
}


def _counted() -> Callable[[int], bytes]:
    """Give the bytes of the worked example: the salt 16 x 0a, the nonce 12 x 0b."""
    fill = iter(b"\x0a\x0b")
    return lambda size: bytes([next(fill)]) * size


FILE = seal_key(KEY, PASSPHRASE, _counted(), cost=WEAK)


def _der(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def test_the_worked_example_of_the_format_is_what_is_written() -> None:
    sealed = seal_key(KEY, b"passphrase", _counted(), cost=WEAK)

    assert sealed[:42].hex() == ("5246504b01000100000000000201" + "0a" * 16 + "0b" * 12)
    assert sealed[42:].hex() == (
        "538f1739e34acd98b9f881451c239b9c0b52574a37bf62972b6629c0d821a3ff"
        "978f5443d1cc20ff6c7db14d730ba47cbb3836fb33f0b72d79567268cb2f490a"
    )


@pytest.mark.parametrize("kind", KEYS)
def test_each_kind_of_key_is_opened_again(kind: str) -> None:
    sealed = seal_key(KEYS[kind], PASSPHRASE, _counted(), cost=WEAK)

    assert _der(open_key(sealed, PASSPHRASE)) == _der(KEYS[kind])


def test_the_default_cost_is_256_mib_three_passes_four_lanes() -> None:
    assert Cost().header.hex() == "5246504b01000400000000000304"


def test_salt_and_nonce_are_fresh(entropy: Callable[[int], bytes]) -> None:
    first = seal_key(KEY, PASSPHRASE, entropy, cost=WEAK)
    second = seal_key(KEY, PASSPHRASE, entropy, cost=WEAK)

    assert first[14:30] != second[14:30]
    assert first[30:42] != second[30:42]


def test_another_passphrase_does_not_open() -> None:
    with pytest.raises(RefusedError, match="wrong passphrase, or the key file is dam"):
        open_key(FILE, b"wrong")


@pytest.mark.parametrize("at", [14, 29, 30, 41, 42, -1])
def test_a_damaged_file_is_a_wrong_passphrase(at: int) -> None:
    damaged = bytearray(FILE)
    damaged[at] ^= 1

    with pytest.raises(RefusedError, match="wrong passphrase, or the key file is dam"):
        open_key(bytes(damaged), PASSPHRASE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "to begin with b'RFPK'"),
        (FILE[:57], "to begin with b'RFPK'"),
        (b"RFKS" + FILE[4:], "to begin with b'RFPK'"),
        (FILE[:4] + b"\x02" + FILE[5:], "expected version 1, came 2"),
        (FILE + bytes(16_384), "at most 16384 bytes"),
        (FILE[:5] + b"\xff" * 4 + FILE[9:], "64 MiB to 1 GiB"),
        (FILE[:5] + bytes(4) + FILE[9:], "64 MiB to 1 GiB"),
        (FILE[:9] + b"\xff" * 4 + FILE[13:], "2 to 10 passes"),
        (FILE[:13] + b"\x00" + FILE[14:], "1 to 8 lanes"),
    ],
    ids=range(9),
)
def test_another_file_is_malformed_before_anything_is_derived(
    data: bytes, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        open_key(data, PASSPHRASE)


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"),
    [
        ((64 << 10) - 1, 3, 4),
        ((1 << 20) + 1, 3, 4),
        (64 << 10, 1, 4),
        (64 << 10, 11, 4),
        (64 << 10, 3, 0),
        (64 << 10, 3, 9),
    ],
)
def test_a_cost_is_neither_cheap_nor_endless(
    memory_kib: int, passes: int, lanes: int
) -> None:
    with pytest.raises(MalformedError, match="cost: expected 64 MiB to 1 GiB"):
        Cost(memory_kib, passes, lanes=lanes)


@given(st.binary(max_size=100))
@example(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedError):
        open_key(data, PASSPHRASE)


def _sealed_by_hand(content: bytes) -> bytes:
    """Seal what `seal_key` would not."""

    class Content:
        def private_bytes(self, *_: object) -> bytes:
            return content

    return seal_key(Content(), PASSPHRASE, _counted(), cost=WEAK)  # type: ignore[arg-type]  # no key


def test_what_is_sealed_is_a_key() -> None:
    with pytest.raises(MalformedError, match="expected a PKCS#8 key within"):
        open_key(_sealed_by_hand(b"no key"), PASSPHRASE)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_key_of_another_kind_is_refused(kind: str) -> None:
    key = FOREIGN[kind]
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(MalformedError, match="expected an Ed25519, P-256, P-384 or"):
        open_key(_sealed_by_hand(der), PASSPHRASE)
    with pytest.raises(MalformedError, match="expected an Ed25519, P-256, P-384 or"):
        parse_plain_key(pem)


@pytest.mark.parametrize("kind", KEYS)
def test_an_encrypted_pem_of_another_program_is_opened(kind: str) -> None:
    pem = KEYS[kind].private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
    )

    assert _der(open_key(pem, PASSPHRASE)) == _der(KEYS[kind])


@pytest.mark.parametrize("passphrase", [b"wrong", b""])
def test_another_passphrase_opens_no_pem(passphrase: bytes) -> None:
    pem = KEY.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
    )

    with pytest.raises(RefusedError, match="wrong passphrase, or the key file is dam"):
        open_key(pem, passphrase)


def test_a_plain_key_is_not_opened_by_mistake() -> None:
    with pytest.raises(MalformedError, match="to begin with b'RFPK'"):
        open_key(format_plain_key(KEY), PASSPHRASE)


@pytest.mark.parametrize("kind", KEYS)
def test_a_plain_key_is_read_back(kind: str) -> None:
    plain = format_plain_key(KEYS[kind])

    assert format_plain_key(parse_plain_key(plain)) == plain


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FILE,
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        KEYS["p256"].private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ),
        format_plain_key(KEY) + bytes(16_384),
    ],
    ids=range(6),
)
def test_another_plain_file_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="key file: expected"):
        parse_plain_key(data)
