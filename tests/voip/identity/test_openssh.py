"""OpenSSH key files and agent messages, as bytes."""

import base64
import subprocess
import sys

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    ssh,
)
from hypothesis import given

from tests.voip.identity.people import ALICE, BOB, JUNK
from voip.errors import MalformedError, MissingError, PassphraseError, RefusedError
from voip.identity.openssh import (
    AgentKey,
    format_sign_request,
    open_key_file,
    parse_identities,
    parse_signature,
)

A = ALICE.public_key()


def _file(encryption: KeySerializationEncryption) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(ALICE.seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


OPEN = _file(NoEncryption())
LOCKED = _file(BestAvailableEncryption(b"secret"))


def test_a_key_file_is_a_signer() -> None:
    assert open_key_file(OPEN, None) == ALICE


def test_a_key_file_with_a_passphrase_is_a_signer() -> None:
    assert open_key_file(LOCKED, b"secret") == ALICE


def test_a_passphrase_too_many_is_no_error() -> None:
    assert open_key_file(OPEN, b"secret") == ALICE


def test_a_missing_passphrase_is_asked_for() -> None:
    with pytest.raises(PassphraseError, match="none was given"):
        open_key_file(LOCKED, None)


def test_a_wrong_passphrase_is_said_to_be() -> None:
    with pytest.raises(PassphraseError, match="wrong passphrase"):
        open_key_file(LOCKED, b"other")


def test_a_key_of_another_type_is_refused() -> None:
    raw = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )

    with pytest.raises(MalformedError, match="expected type ssh-ed25519"):
        open_key_file(raw, None)


def test_a_key_of_an_unknown_type_is_refused() -> None:
    lines = OPEN.splitlines()
    body = b"".join(lines[1:-1])
    raw = _retyped(body)

    with pytest.raises(MalformedError, match="expected"):
        open_key_file(raw, None)


def _retyped(body: bytes) -> bytes:
    """Make a file say that its key is a hardware-backed one."""
    raw = base64.b64decode(body).replace(b"ssh-ed25519", b"sk-ed25519x")
    return (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
        + base64.encodebytes(raw)
        + b"-----END OPENSSH PRIVATE KEY-----\n"
    )


@pytest.mark.parametrize("raw", [b"", b"\xff" * 40, OPEN[:200]])
@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_another_file_is_malformed(raw: bytes, passphrase: bytes | None) -> None:
    with pytest.raises(MalformedError, match="expected an OpenSSH private key"):
        open_key_file(raw, passphrase)


@given(JUNK)
def test_any_file_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        open_key_file(raw, None)


_WITHOUT_BCRYPT = """
import sys
sys.modules["bcrypt"] = None
from voip.errors import MissingError
from voip.identity.openssh import open_key_file
try:
    open_key_file(sys.stdin.buffer.read(), b"secret")
except MissingError as error:
    print(error)
"""


def test_without_bcrypt_the_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_BCRYPT],
        input=LOCKED,
        capture_output=True,
        check=True,
    )

    assert b"ringfence[openssh]" in done.stdout


def test_what_the_library_says_without_bcrypt_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> bytes:
        raise UnsupportedAlgorithm("Need bcrypt module")

    monkeypatch.setattr(ssh, "_bcrypt_kdf", missing)

    with pytest.raises(MissingError, match=r"ringfence\[openssh\]"):
        open_key_file(LOCKED, b"secret")


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _key_blob(identity: bytes = A, kind: bytes = b"ssh-ed25519") -> bytes:
    return _string(kind) + _string(identity)


def _identities(*blobs: bytes) -> bytes:
    keys = b"".join(_string(blob) + _string(b"comment") for blob in blobs)
    return b"\x0c" + len(blobs).to_bytes(4, "big") + keys


def _signature(raw: bytes, kind: bytes = b"ssh-ed25519") -> bytes:
    return b"\x0e" + _string(_string(kind) + _string(raw))


def test_the_keys_of_an_agent_are_listed() -> None:
    answer = _identities(_key_blob(A), _key_blob(BOB.public_key()))

    assert parse_identities(answer) == (
        AgentKey(A, "comment"),
        AgentKey(BOB.public_key(), "comment"),
    )


@pytest.mark.parametrize("kind", [b"sk-ssh-ed25519@openssh.com", b"ssh-rsa"])
def test_keys_of_other_types_are_left_out(kind: bytes) -> None:
    assert parse_identities(_identities(_key_blob(kind=kind) + b"more")) == ()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x0e",
        _identities(_key_blob())[:-1],
        _identities(_key_blob()) + b"\0",
        _identities(_key_blob(A + b"\0")),
        _identities(_key_blob() + b"\0"),
        b"\x0c\xff\xff\xff\xff",
    ],
)
def test_another_list_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_identities(answer)


def test_an_agents_refusal_is_said_to_be_one() -> None:
    with pytest.raises(RefusedError, match="it refused"):
        parse_signature(b"\x05")


def test_a_request_names_key_data_and_no_flags() -> None:
    expected = b"\x0d" + _string(_key_blob()) + _string(b"data") + bytes(4)

    assert format_sign_request(A, b"data") == expected


def test_a_signature_is_64_raw_bytes() -> None:
    assert parse_signature(_signature(b"s" * 64)) == b"s" * 64


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x0c",
        _signature(b"s" * 64)[:-1],
        _signature(b"s" * 64) + b"\0",
        _signature(b"s" * 63),
        _signature(b"s" * 64, b"sk-ssh-ed25519@openssh.com"),
        b"\x0e" + _string(_string(b"ssh-ed25519") + _string(b"s" * 64) + b"\x01"),
    ],
)
def test_another_signature_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_signature(answer)


@given(JUNK)
def test_any_answer_is_refused_or_malformed(answer: bytes) -> None:
    for parse in (parse_identities, parse_signature):
        for raw in (answer, b"\x0c" + answer, b"\x0e" + answer):
            try:
                parse(raw)
            except RefusedError:
                continue
            assert raw == b"\x0c" + bytes(4)
