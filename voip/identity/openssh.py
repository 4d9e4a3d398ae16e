"""OpenSSH as a signer: its key files and its agent's messages, as bytes.

Only type ``ssh-ed25519``. Hardware-backed ``sk-`` keys sign a longer text of their own
making, which is no signature of ours. Agent messages: draft-miller-ssh-agent §3,
carried by `agent`.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from voip.errors import MalformedError, MissingError, PassphraseError, RefusedError
from voip.identity.keys import KEY_BYTES
from voip.identity.signer import SIGNATURE_BYTES, NativeSigner
from voip.wire import Reader, be32

KEY_TYPE: Final = b"ssh-ed25519"  # RFC 8709 §4
MAX_IDENTITIES: Final = 1000  # of an agent; more is not an agent

LIST_REQUEST: Final = bytes((11,))  # SSH_AGENTC_REQUEST_IDENTITIES

_FAILURE: Final = 5
_IDENTITIES_ANSWER: Final = 12
_SIGN_REQUEST: Final = 13
_SIGN_RESPONSE: Final = 14
_NO_FLAGS: Final = be32(0)  # they choose RSA hashes and mean nothing for Ed25519


def open_key_file(raw: bytes, passphrase: bytes | None) -> NativeSigner:
    """Read an OpenSSH private key file of type ssh-ed25519.

    Raises:
        PassphraseError: a passphrase is needed, or this is not the one.
        MissingError: the file has a passphrase and `bcrypt` is not installed.
        MalformedError: not an OpenSSH private key, or of another type.
    """
    try:
        key = load_ssh_private_key(raw, passphrase)
    except UnsupportedAlgorithm as error:
        if "bcrypt" in str(error):
            raise MissingError(
                "a key file with a passphrase needs: pip install 'ringfence[openssh]'"
            ) from None
        raise MalformedError("key file: expected type ssh-ed25519") from None
    except TypeError:
        if passphrase is not None:  # "password was given but key is not encrypted"
            return open_key_file(raw, None)
        raise PassphraseError("the key file has a passphrase, none was given") from None
    except ValueError as error:
        if passphrase is not None and "checksum" in str(error):
            raise PassphraseError(
                "wrong passphrase, or the key file is damaged"
            ) from None
        raise MalformedError("key file: expected an OpenSSH private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise MalformedError("key file: expected type ssh-ed25519")
    return NativeSigner(key.private_bytes_raw())


@dataclass(frozen=True, slots=True)
class AgentKey:
    """An Ed25519 key that an agent offers: 32 bytes, and its owner's comment."""

    identity: bytes
    comment: str


def parse_identities(answer: bytes) -> tuple[AgentKey, ...]:
    """Read an agent's answer to `LIST_REQUEST`; keys of other types are left out.

    Raises:
        RefusedError: the agent said no.
        MalformedError: something else.
    """
    reader = _open_answer(answer, _IDENTITIES_ANSWER)
    count = reader.u32()
    if count > MAX_IDENTITIES:
        raise MalformedError(
            f"agent: expected at most {MAX_IDENTITIES} keys, came {count}"
        )
    keys = []
    for _ in range(count):
        blob, comment = _string(reader), _string(reader)
        identity = _parse_key(blob)
        if identity is not None:
            keys.append(AgentKey(identity, comment.decode(errors="replace")))
    reader.end()
    return tuple(keys)


def format_sign_request(identity: bytes, data: bytes) -> bytes:
    """Ask an agent for a signature of `data` by a key it offers."""
    return b"".join(
        (bytes((_SIGN_REQUEST,)), _lp32(_format_key(identity)), _lp32(data), _NO_FLAGS)
    )


def parse_signature(answer: bytes) -> bytes:
    """Read an agent's answer to `format_sign_request`: 64 raw bytes.

    Raises:
        RefusedError: the agent said no.
        MalformedError: something else, or a signature of another type.
    """
    reader = _open_answer(answer, _SIGN_RESPONSE)
    blob = Reader(_string(reader))
    reader.end()
    kind, signature = _string(blob), _string(blob)
    blob.end()
    if kind != KEY_TYPE or len(signature) != SIGNATURE_BYTES:
        raise MalformedError(
            f"agent: expected {SIGNATURE_BYTES} bytes of {KEY_TYPE!r}, "
            f"came {len(signature)} of {kind!r}"
        )
    return signature


def _open_answer(answer: bytes, expected: int) -> Reader:
    reader = Reader(answer)
    kind = reader.u8()
    if kind == _FAILURE:
        raise RefusedError("agent: it refused; is it locked, or the key gone?")
    if kind != expected:
        raise MalformedError(f"agent: expected answer {expected}, came {kind}")
    return reader


def _format_key(identity: bytes) -> bytes:
    return _lp32(KEY_TYPE) + _lp32(identity)


def _parse_key(blob: bytes) -> bytes | None:
    reader = Reader(blob)
    if _string(reader) != KEY_TYPE:
        return None
    identity = _string(reader)
    reader.end()
    if len(identity) != KEY_BYTES:
        raise MalformedError(f"agent: expected a key of 32 bytes, came {len(identity)}")
    return identity


def _lp32(value: bytes) -> bytes:
    return be32(len(value)) + value  # RFC 4251 §5: string


def _string(reader: Reader) -> bytes:
    return reader.take(reader.u32())
