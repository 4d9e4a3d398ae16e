import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from voip.errors import HandshakeError
from voip.handshake.kem import (
    CIPHERTEXT_BYTES,
    EK_BYTES,
    SECRET_BYTES,
    decapsulate,
    encapsulate,
)

KEY = MLKEM768PrivateKey.from_seed_bytes(bytes(range(64)))


def wycheproof(vectors: Path, name: str) -> list[dict[str, Any]]:
    file = vectors / "wycheproof" / f"mlkem_768_{name}.json"
    groups = json.loads(file.read_text())["testGroups"]
    return [case for group in groups for case in group["tests"]]


def test_what_is_encapsulated_is_decapsulated() -> None:
    secret, ciphertext = encapsulate(KEY.public_key().public_bytes_raw())

    assert decapsulate(KEY, ciphertext) == secret
    assert (len(secret), len(ciphertext)) == (SECRET_BYTES, CIPHERTEXT_BYTES)


@pytest.mark.parametrize("ek", [b"", bytes(EK_BYTES - 1), b"\xff" * EK_BYTES])
def test_a_bad_encapsulation_key_is_refused(ek: bytes) -> None:
    with pytest.raises(HandshakeError, match="encapsulation key refused"):
        encapsulate(ek)


@pytest.mark.parametrize("size", [0, CIPHERTEXT_BYTES - 1, CIPHERTEXT_BYTES + 1])
def test_a_ciphertext_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(HandshakeError, match="ciphertext refused"):
        decapsulate(KEY, bytes(size))


def test_a_doctored_ciphertext_gives_another_secret_and_no_error() -> None:
    secret, ciphertext = encapsulate(KEY.public_key().public_bytes_raw())
    doctored = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]

    assert decapsulate(KEY, doctored) != secret


def test_decapsulation_meets_wycheproof(vectors: Path) -> None:
    wrong = []
    for case in wycheproof(vectors, "test"):
        try:
            key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(case["seed"]))
            got = decapsulate(key, bytes.fromhex(case["c"])).hex()
        except (HandshakeError, ValueError):
            got = ""
        if got != (case["K"] if case["result"] == "valid" else ""):
            wrong.append(case["tcId"])

    assert wrong == []


def test_malformed_keys_of_wycheproof_are_refused(vectors: Path) -> None:
    wrong = []
    for case in wycheproof(vectors, "encaps_test"):
        try:
            encapsulate(bytes.fromhex(case["ek"]))
            got = "valid"
        except HandshakeError:
            got = "invalid"
        if got != case["result"]:
            wrong.append(case["tcId"])

    assert wrong == []


def test_keys_come_from_seeds_as_in_wycheproof(vectors: Path) -> None:
    wrong = [
        case["tcId"]
        for case in wycheproof(vectors, "keygen_seed_test")
        if MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(case["seed"]))
        .public_key()
        .public_bytes_raw()
        .hex()
        != case["ek"]
    ]

    assert wrong == []
