"""The Noise Protocol Framework, revision 34, with optional KEM tokens.

Mixing and tokens, nothing about calls. A message is a run of tokens and then a payload;
what the tokens do is the specification's §5 and §9, plus four of our own, in the manner
of the hybrid forward secrecy draft (noise_hfs):

======  ==========================================  =================================
token   the writer                                  sends
======  ==========================================  =================================
sk      shows its static ML-KEM key                 1184 bytes (+ 16)
e1      shows a fresh ML-KEM key                    1184 bytes (+ 16)
skem    encapsulates to the peer's static one       1088 bytes (+ 16), mixes the secret
ekem1   encapsulates to the peer's fresh one        1088 bytes (+ 16), mixes the secret
======  ==========================================  =================================

"+ 16" is the tag that every field gets once there is a key. Reading mirrors writing.
"""

import copy
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from voip.errors import HandshakeError
from voip.handshake import kem
from voip.handshake.kem import Encapsulate
from voip.identity.keys import Entropy
from voip.wire import Reader

DH_BYTES = 32
"""DHLEN of X25519 (§4.1)."""

KEY_BYTES = 32
"""Cipher keys; longer hash outputs are cut (§5.2)."""

TAG_BYTES = 16
"""What both AEADs add."""


class Token(StrEnum):
    """One step of a message. A DH is named caller's key first: §7.1."""

    E = "e"
    S = "s"
    EE = "ee"
    ES = "es"
    SE = "se"
    SS = "ss"
    SK = "sk"
    E1 = "e1"
    SKEM = "skem"
    EKEM1 = "ekem1"


class Aead(Protocol):
    """An AEAD of `cryptography` under one key."""

    def encrypt(
        self, nonce: bytes, data: bytes, associated_data: bytes | None
    ) -> bytes:
        """Seal."""

    def decrypt(
        self, nonce: bytes, data: bytes, associated_data: bytes | None
    ) -> bytes:
        """Open, or raise `InvalidTag`."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Hash and cipher of a handshake; the DH is always X25519."""

    hash_name: str
    """As hashlib calls it."""
    aead: Callable[[bytes], Aead]
    nonce_order: Literal["little", "big"] = field(kw_only=True)
    """Byte order of the counter: §12.3 (ChaChaPoly) little, §12.4 (AESGCM) big."""


CHACHAPOLY_SHA512 = Suite("sha512", ChaCha20Poly1305, nonce_order="little")


@dataclass(slots=True)
class CipherState:
    """A key and the number of messages under it (§5.1)."""

    suite: Suite
    key: bytes = field(repr=False)
    count: int = 0

    def encrypt(self, plaintext: bytes, ad: bytes = b"") -> bytes:
        """Seal the next message."""
        return self._aead().encrypt(self._nonce(), plaintext, ad)

    def decrypt(self, ciphertext: bytes, ad: bytes = b"") -> bytes:
        """Open the next message.

        Raises:
            HandshakeError: the tag is wrong.
        """
        try:
            return self._aead().decrypt(self._nonce(), ciphertext, ad)
        except InvalidTag:
            raise HandshakeError("tag is wrong") from None

    def _aead(self) -> Aead:
        return self.suite.aead(self.key)

    def _nonce(self) -> bytes:
        self.count += 1
        return bytes(4) + (self.count - 1).to_bytes(8, self.suite.nonce_order)


@dataclass(slots=True)
class SymmetricState:
    """Chaining key, transcript hash and, once there is one, the cipher (§5.2)."""

    suite: Suite
    ck: bytes = field(repr=False)
    h: bytes = field(kw_only=True)
    cipher: CipherState | None = field(default=None, kw_only=True)

    @classmethod
    def start(cls, suite: Suite, protocol_name: bytes) -> Self:
        """InitializeSymmetric: the name, padded or hashed to HASHLEN."""
        size = hashlib.new(suite.hash_name).digest_size
        h = protocol_name.ljust(size, b"\0")
        if len(protocol_name) > size:
            h = hashlib.new(suite.hash_name, protocol_name).digest()
        return cls(suite, h, h=h)

    def fork(self) -> Self:
        """Give an independent copy."""
        twin = copy.copy(self)
        twin.cipher = copy.copy(self.cipher)
        return twin

    def mix_hash(self, data: bytes) -> None:
        """Bind `data` to everything that follows."""
        self.h = hashlib.new(self.suite.hash_name, self.h + data).digest()

    def mix_key(self, secret: bytes) -> None:
        """Take up a secret: new chaining key, new cipher key."""
        self.ck, key = self._hkdf(secret, 2)
        self.cipher = CipherState(self.suite, key[:KEY_BYTES])

    def mix_key_and_hash(self, secret: bytes) -> None:
        """Take up a pre-shared key (§9.1)."""
        self.ck, data, key = self._hkdf(secret, 3)
        self.mix_hash(data)
        self.cipher = CipherState(self.suite, key[:KEY_BYTES])

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        """Seal a field if there is a key yet, and bind what is sent."""
        sealed = plaintext
        if self.cipher is not None:
            sealed = self.cipher.encrypt(plaintext, self.h)
        self.mix_hash(sealed)
        return sealed

    def decrypt_and_hash(self, sealed: bytes) -> bytes:
        """Open a field, the mirror of `encrypt_and_hash`.

        Raises:
            HandshakeError: the tag is wrong.
        """
        plaintext = sealed
        if self.cipher is not None:
            plaintext = self.cipher.decrypt(sealed, self.h)
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        """Give the transport ciphers, the initiator's first.

        Calls take `ck` and `h` to their own key schedule instead; the published vectors
        go through here.
        """
        first, second = self._hkdf(b"", 2)
        return (
            CipherState(self.suite, first[:KEY_BYTES]),
            CipherState(self.suite, second[:KEY_BYTES]),
        )

    def _hkdf(self, secret: bytes, count: int) -> list[bytes]:
        """HKDF of §4.3: RFC 5869 with `ck` as salt and no info."""
        name = self.suite.hash_name
        prk = hmac.digest(self.ck, secret, name)
        outputs = [b""]
        for number in range(1, count + 1):
            outputs.append(hmac.digest(prk, outputs[-1] + bytes([number]), name))
        return outputs[1:]


@dataclass(slots=True, kw_only=True)
class HandshakeState:
    """One side of a handshake (§5.3).

    Private keys are ours, public keys (`rs re rsk re1`) the peer's. A failed read
    leaves it in between: `fork` first where another try is allowed.
    """

    symmetric: SymmetricState = field(repr=False)
    initiator: bool
    has_psk: bool
    """The pattern has a psk token, so `e` is mixed into the key as well (§9.2)."""
    s: X25519PrivateKey | None = field(default=None, repr=False)
    sk: MLKEM768PrivateKey | None = field(default=None, repr=False)
    e: X25519PrivateKey | None = field(default=None, repr=False)
    e1: MLKEM768PrivateKey | None = field(default=None, repr=False)
    rs: bytes | None = None
    rsk: bytes | None = None
    re: bytes | None = None
    re1: bytes | None = None

    def fork(self) -> Self:
        """Give an independent copy."""
        twin = copy.copy(self)
        twin.symmetric = self.symmetric.fork()
        return twin

    def write(
        self, tokens: Sequence[Token], *, entropy: Entropy, encapsulate: Encapsulate
    ) -> bytes:
        """Write a message up to its payload.

        Raises:
            HandshakeError: a key of the peer is a low-order point or a bad ML-KEM key.
        """
        return b"".join(self._write(token, entropy, encapsulate) for token in tokens)

    def write_payload(self, payload: bytes) -> bytes:
        """Write what ends a message."""
        return self.symmetric.encrypt_and_hash(payload)

    def read(self, tokens: Sequence[Token], message: Reader) -> None:
        """Read a message up to its payload.

        Raises:
            HandshakeError: a tag is wrong or a key is bad.
            MalformedError: it is cut short.
        """
        for token in tokens:
            self._read(token, message)

    def read_payload(self, message: Reader) -> bytes:
        """Read what remains of a message.

        Raises:
            HandshakeError: the tag is wrong.
        """
        return self.symmetric.decrypt_and_hash(message.rest())

    def mix_psk(self, psk: bytes) -> None:
        """Take the psk token; who has several keys to try forks first."""
        self.symmetric.mix_key_and_hash(psk)

    def _write(self, token: Token, entropy: Entropy, encapsulate: Encapsulate) -> bytes:
        match token:
            case Token.E:
                self.e = X25519PrivateKey.from_private_bytes(entropy(DH_BYTES))
                return self._mix_e(self.e.public_key().public_bytes_raw())
            case Token.S:
                assert self.s is not None
                return self._seal(self.s.public_key().public_bytes_raw())
            case Token.SK:
                assert self.sk is not None
                return self._seal(self.sk.public_key().public_bytes_raw())
            case Token.E1:
                self.e1 = MLKEM768PrivateKey.from_seed_bytes(entropy(kem.SEED_BYTES))
                return self._seal(self.e1.public_key().public_bytes_raw())
            case Token.SKEM | Token.EKEM1:
                ek = self.rsk if token is Token.SKEM else self.re1
                assert ek is not None
                secret, ciphertext = encapsulate(ek)
                sealed = self._seal(ciphertext)
                self.symmetric.mix_key(secret)
                return sealed
            case _:
                self._mix_dh(token)
                return b""

    def _read(self, token: Token, message: Reader) -> None:
        match token:
            case Token.E:
                self.re = self._mix_e(message.take(DH_BYTES))
            case Token.S:
                self.rs = self._open(message, DH_BYTES)
            case Token.SK:
                self.rsk = self._open(message, kem.EK_BYTES)
            case Token.E1:
                self.re1 = self._open(message, kem.EK_BYTES)
            case Token.SKEM | Token.EKEM1:
                key = self.sk if token is Token.SKEM else self.e1
                assert key is not None
                ciphertext = self._open(message, kem.CIPHERTEXT_BYTES)
                self.symmetric.mix_key(kem.decapsulate(key, ciphertext))
            case _:
                self._mix_dh(token)

    def _seal(self, value: bytes) -> bytes:
        return self.symmetric.encrypt_and_hash(value)

    def _open(self, message: Reader, size: int) -> bytes:
        tag = TAG_BYTES if self.symmetric.cipher is not None else 0
        return self.symmetric.decrypt_and_hash(message.take(size + tag))

    def _mix_e(self, public: bytes) -> bytes:
        self.symmetric.mix_hash(public)
        if self.has_psk:
            self.symmetric.mix_key(public)
        return public

    def _mix_dh(self, token: Token) -> None:
        """Take a DH token."""
        # "es" is the initiator's e with the responder's s: §7.1
        mine, theirs = token if self.initiator else reversed(token)
        private = self.e if mine == "e" else self.s
        public = self.re if theirs == "e" else self.rs
        assert private is not None
        assert public is not None
        self.symmetric.mix_key(exchange(private, public))


def exchange(private: X25519PrivateKey, public: bytes) -> bytes:
    """X25519 (RFC 7748): the shared secret (32 bytes).

    Raises:
        HandshakeError: a low-order point, which would give everyone the same secret
            (RFC 7748 §6.1, all-zero check), or not 32 bytes.
    """
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise HandshakeError("public key refused") from None
