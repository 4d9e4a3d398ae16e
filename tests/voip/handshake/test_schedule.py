"""The check values of docs/formats/handshake.md, and that keys keep apart."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voip.handshake import schedule
from voip.handshake.schedule import Opening, Role, SessionKeys, session_keys

CK, H = bytes(range(64)), bytes(range(64, 128))
NONCE_A, NONCE_B, E_A = b"\xaa" * 32, b"\xbb" * 32, b"\x11" * 32
RS = b"\x22" * 64
KEYS = session_keys(CK, H)
S_0 = KEYS.call_secret
REKEY = b"\0\0\0\1" + b"\x55" * 32 + b"\x66" * 1184
ACK = b"\0\0\0\1" + b"\x77" * 32 + b"\x88" * 1088


@pytest.mark.parametrize(
    ("value", "expected", "size"),
    [
        (KEYS.master, "e111a16f2627b1ee11bb78a2ff7c365e", 64),
        (KEYS.signal(0), "f3e375b9afc3fc8cd2c0d28e60954f58", 32),
        (KEYS.signal(1), "b004880568cd396308e24dc3a3081420", 32),
        (KEYS.sas(NONCE_A, NONCE_B), "deb7ff4ca0ad0607", 8),
        (KEYS.retained, "7d5339bac0fc78d832023b751afa90e1", 64),
        (S_0, "296e97bb53f667fad060bcd6e43d0e1c", 64),
        (schedule.srtp(S_0, 0, 0), "b9e02c461fd4356f41821be871511516", 44),
        (schedule.srtp(S_0, 1, 0), "32d91d71c66285688c6c6cf7c81719da", 44),
        (schedule.record(S_0, 0, 0), "8cefa4eb1c8d5938490746510e4a97f5", 44),
        (schedule.sframe(S_0, 0, 0), "ee78bf6a0d9d6caaa2c7b40e09a3557e", 32),
        (schedule.psk(RS), "e3099fcce4743b54f39ce84c41baeebd", 32),
        (schedule.hint(RS, E_A), "c80fc29ee0dffbe4", 8),
        (
            schedule.next_secret(
                S_0, b"\x33" * 32 + b"\x44" * 32, epoch=1, transcript=REKEY + ACK
            ),
            "1b24966523579a6476eef5cf8fa02b60",
            64,
        ),
    ],
)
def test_key_is_the_one_in_the_format(value: bytes, expected: str, size: int) -> None:
    assert (value[:16].hex(), len(value)) == (expected, size)


@pytest.mark.parametrize(
    ("role", "opening"),
    [
        (
            Role.CALLER,
            Opening("i66uCnWN", "HUedjs+9qcfmv90vxSf5jKXF+k2Cpikk", ssrc=0x642251A9),
        ),
        (
            Role.CALLEE,
            Opening("djh9J1mI", "shYEh+5b1Y80TPGjkm9lW+2VNNUwdZiQ", ssrc=0xF28E130F),
        ),
    ],
)
def test_a_side_begins_as_the_format_says(role: Role, opening: Opening) -> None:
    assert KEYS.opening(role) == opening


def test_an_ssrc_is_never_0() -> None:
    # Nobody finds a key that gives 0; so the shortest output stands for it.
    assert schedule.opening(bytes(30) + bytes(4)).ssrc == 1


def test_no_two_keys_of_a_call_are_alike() -> None:
    keys = [
        derive(S_0, role, epoch)[:32]
        for derive in (schedule.srtp, schedule.record, schedule.sframe)
        for role in Role
        for epoch in range(3)
    ]

    assert len(set(keys)) == len(keys)


def test_the_master_secret_is_not_shown() -> None:
    assert repr(SessionKeys(b"m" * 64)) == "SessionKeys()"


def test_a_password_is_not_shown() -> None:
    assert repr(Opening("name", "p" * 32, ssrc=1)) == "Opening(ufrag='name', ssrc=1)"


def test_expansion_meets_wycheproof(vectors: Path) -> None:
    """`cryptography`'s HKDF, on which `expand` and the mixing of keys stand."""
    file = vectors / "wycheproof" / "hkdf_sha512_test.json"
    wrong = []
    for group in json.loads(file.read_text())["testGroups"]:
        for case in group["tests"]:
            salt, info = bytes.fromhex(case["salt"]), bytes.fromhex(case["info"])
            try:
                hkdf = HKDF(hashes.SHA512(), case["size"], salt, info)
                okm = hkdf.derive(bytes.fromhex(case["ikm"])).hex()
            except ValueError:
                okm = ""
            if okm != case["okm"]:
                wrong.append(case["tcId"])

    assert wrong == []
