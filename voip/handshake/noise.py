"""The Noise Protocol Framework, revision 34, with optional KEM tokens.

Mixing and tokens, nothing about calls. A message is a run of tokens and then a payload;
what the tokens do is the specification's §5 and §9, plus four of our own in the manner
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

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA512, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

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


Token = Literal["e", "s", "ee", "es", "se", "ss", "sk", "e1", "skem", "ekem1"]
"""One step of a message; a DH names the initiator's key first (§7.1).

`psk` is not among them: it is `SymmetricState.mix_key_and_hash`, called by whoever has
the keys to choose from.
"""


class Aead(Protocol):
    """An AEAD of `cryptography` under one key."""

    def encrypt(self, nonce: bytes, data: bytes, ad: bytes, /) -> bytes:
        """Seal."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, ad: bytes, /) -> bytes:
        """Open, or raise `InvalidTag`."""
        ...


@dataclass(frozen=True, slots=True)
class Suite:
    """Hash and cipher of a handshake; the DH is always X25519."""

    hash: HashAlgorithm
    aead: Callable[[bytes], Aead]
    nonce_order: Literal["little", "big"] = field(kw_only=True)
    """Byte order of the counter: §12.3 (ChaChaPoly) little, §12.4 (AESGCM) big."""


CHACHAPOLY_SHA512 = Suite(SHA512(), ChaCha20Poly1305, nonce_order="little")


@dataclass(slots=True)
class CipherState:
    """A key and the number of messages under it (§5.1).

    The counter cannot run out: no key here seals more than a handful of fields.
    """

    suite: Suite
    key: bytes = field(repr=False)
    count: int = 0

    def encrypt(self, plaintext: bytes, ad: bytes = b"") -> bytes:
        """Seal the next message."""
        sealed = self.suite.aead(self.key).encrypt(self._nonce(), plaintext, ad)
        self.count += 1
        return sealed

    def decrypt(self, ciphertext: bytes, ad: bytes = b"") -> bytes:
        """Open the next message.

        Raises:
            HandshakeError: the tag is wrong; the next message is still the next.
        """
        try:
            opened = self.suite.aead(self.key).decrypt(self._nonce(), ciphertext, ad)
        except InvalidTag:
            raise HandshakeError("tag is wrong") from None
        self.count += 1
        return opened

    def _nonce(self) -> bytes:
        return bytes(4) + self.count.to_bytes(8, self.suite.nonce_order)


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
        h = protocol_name.ljust(suite.hash.digest_size, b"\0")
        if len(protocol_name) > suite.hash.digest_size:
            h = hashlib.new(suite.hash.name, protocol_name).digest()
        return cls(suite, h, h=h)

    def fork(self) -> Self:
        """Give an independent copy."""
        return replace(
            self, cipher=None if self.cipher is None else replace(self.cipher)
        )

    def mix_hash(self, data: bytes) -> None:
        """Bind `data` to everything that follows."""
        self.h = hashlib.new(self.suite.hash.name, self.h + data).digest()

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
        size = self.suite.hash.digest_size
        output = HKDF(self.suite.hash, count * size, self.ck, b"").derive(secret)
        return [output[start : start + size] for start in range(0, len(output), size)]


@dataclass(slots=True, kw_only=True)
class HandshakeState:
    """One side of a handshake (§5.3).

    `s sk e e1` are our private keys, `rs rsk re re1` the peer's public ones. A failed
    read leaves it in between: `fork` first where another try is allowed.
    """

    symmetric: SymmetricState = field(repr=False)
    initiator: bool
    has_psk: bool
    """The pattern has a psk token, so `e` is mixed into the key as well (§9.2)."""
    s: X25519PrivateKey | None = field(default=None, repr=False)
    sk: MLKEM768PrivateKey | None = field(default=None, repr=False)
    ek: bytes | None = None
    """Public half of `sk`; to derive it takes longer than to encapsulate."""
    e: X25519PrivateKey | None = field(default=None, repr=False)
    e1: MLKEM768PrivateKey | None = field(default=None, repr=False)
    rs: X25519PublicKey | None = None
    rsk: bytes | None = None
    re: X25519PublicKey | None = None
    re1: bytes | None = None

    def fork(self) -> Self:
        """Give an independent copy."""
        return replace(self, symmetric=self.symmetric.fork())

    def write(
        self, tokens: Sequence[Token], *, entropy: Entropy, encapsulate: Encapsulate
    ) -> bytes:
        """Write a message up to its payload.

        Raises:
            HandshakeError: a key of the peer is a low-order point or a bad ML-KEM key.
        """
        return b"".join(self._write(token, entropy, encapsulate) for token in tokens)

    def read(self, tokens: Sequence[Token], message: Reader) -> None:
        """Read a message up to its payload.

        Raises:
            HandshakeError: a tag is wrong or a key is bad.
            MalformedError: it is cut short.
        """
        for token in tokens:
            self._read(token, message)

    def _write(self, token: Token, entropy: Entropy, encapsulate: Encapsulate) -> bytes:
        match token:
            case "e":
                self.e = X25519PrivateKey.from_private_bytes(entropy(DH_BYTES))
                return self._mix_e(self.e.public_key().public_bytes_raw())
            case "s":
                assert self.s is not None
                public = self.s.public_key().public_bytes_raw()
            case "sk":
                assert self.ek is not None
                public = self.ek
            case "e1":
                self.e1 = MLKEM768PrivateKey.from_seed_bytes(entropy(kem.SEED_BYTES))
                public = self.e1.public_key().public_bytes_raw()
            case "skem":
                return self._encapsulate(self.rsk, encapsulate)
            case "ekem1":
                return self._encapsulate(self.re1, encapsulate)
            case _:
                self._mix_dh(token)
                return b""
        return self._seal(public)

    def _read(self, token: Token, message: Reader) -> None:
        match token:
            case "e":
                e = self._mix_e(message.take(DH_BYTES))
                self.re = X25519PublicKey.from_public_bytes(e)
            case "s":
                s = self._open(message, DH_BYTES)
                self.rs = X25519PublicKey.from_public_bytes(s)
            case "sk":
                self.rsk = self._open(message, kem.EK_BYTES)
            case "e1":
                self.re1 = self._open(message, kem.EK_BYTES)
            case "skem":
                self._decapsulate(self.sk, message)
            case "ekem1":
                self._decapsulate(self.e1, message)
            case _:
                self._mix_dh(token)

    def _seal(self, value: bytes) -> bytes:
        return self.symmetric.encrypt_and_hash(value)

    def _open(self, message: Reader, size: int) -> bytes:
        tag = TAG_BYTES if self.symmetric.cipher is not None else 0
        return self.symmetric.decrypt_and_hash(message.take(size + tag))

    def _encapsulate(self, ek: bytes | None, encapsulate: Encapsulate) -> bytes:
        assert ek is not None
        secret, ciphertext = encapsulate(ek)
        sealed = self._seal(ciphertext)
        self.symmetric.mix_key(secret)
        return sealed

    def _decapsulate(self, key: MLKEM768PrivateKey | None, message: Reader) -> None:
        assert key is not None
        ciphertext = self._open(message, kem.CIPHERTEXT_BYTES)
        self.symmetric.mix_key(kem.decapsulate(key, ciphertext))

    def _mix_e(self, public: bytes) -> bytes:
        self.symmetric.mix_hash(public)
        if self.has_psk:
            self.symmetric.mix_key(public)
        return public

    def _mix_dh(self, token: Token) -> None:
        # "es" is the initiator's e with the responder's s.
        ours, theirs = (0, 1) if self.initiator else (1, 0)
        private = self.e if token[ours] == "e" else self.s
        public = self.re if token[theirs] == "e" else self.rs
        assert private is not None
        assert public is not None
        self.symmetric.mix_key(exchange(private, public))


def exchange(private: X25519PrivateKey, public: X25519PublicKey) -> bytes:
    """X25519 (RFC 7748): the shared secret (32 bytes).

    Raises:
        HandshakeError: a low-order point, which would give everyone the same secret
            (RFC 7748 §6.1, all-zero check).
    """
    try:
        return private.exchange(public)
    except ValueError:
        raise HandshakeError("public key refused") from None
