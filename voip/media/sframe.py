"""SFrame (RFC 9605), cipher suite 5: AES_256_GCM_SHA512_128.

Seals one encoded frame at a time, end to end, beneath whatever encrypts a hop::

    0                                  header || ciphertext || tag (16)
    header = X K K K Y C C C | KID, 1-8 bytes if X | CTR, 1-8 bytes if Y     §4.3
    key, salt = HKDF-SHA512 of base_key, KID and suite                       §4.4.2
    nonce = salt XOR CTR            aad = header || metadata                 §4.4.3

The counter belongs to the key and not to a stream: two streams of one sender that
each counted from 0 under one key would repeat GCM nonces, which gives away plaintext
and authentication key. So `Sealers` hands out one `Sealer` per key, once. Which part
of a frame is sealed, and what the metadata say, is in `voip.media.sealing`.
"""

import hashlib
import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from voip.errors import KeyReuseError, MalformedError
from voip.wire import be16, be64

SUITE = 5  # RFC 9605 §8.1: AES_256_GCM_SHA512_128
TAG_BYTES = 16
WINDOW = 1024
"""Frames that may still come behind the newest, as many as SRTP's packets here."""

_KEY_BYTES, _SALT_BYTES = 32, 12  # Nk, Nn
_LONG = 8  # the first value that needs bytes of its own
_LIMIT = 1 << 64
_MASK = (1 << WINDOW) - 1


class Header(NamedTuple):
    """What an SFrame ciphertext says in clear; one is made per frame, hence a tuple.

    Attributes:
        kid: which key sealed it.
        ctr: how many frames that key had sealed before.
        size: bytes of the header.
    """

    kid: int
    ctr: int
    size: int


class Sealer:
    """Seals with one key, counting from 0; made by `Sealers` alone.

    Attributes:
        kid: the identifier of the key.
        sealed: frames so far, and the counter of the next one.
    """

    def __init__(self, base_key: bytes, kid: int) -> None:
        """Derive the key; `kid` is below 2^64."""
        self.kid = kid
        self.sealed = 0
        key, self._salt = _derive(base_key, kid)
        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, metadata: bytes) -> bytes:
        """Seal the next frame and bind `metadata`, which is not sent, to it."""
        header = format_header(self.kid, self.sealed)
        nonce = (self._salt ^ self.sealed).to_bytes(_SALT_BYTES)
        self.sealed += 1
        return header + self._aead.encrypt(nonce, plaintext, header + metadata)


class Sealers:
    """The sending keys of one side, each of which is given out once."""

    def __init__(self) -> None:
        """Begin with no key."""
        self._taken: set[bytes] = set()

    def take(self, base_key: bytes, kid: int) -> Sealer:
        """Give the one sealer of a base key and its KID.

        Raises:
            KeyReuseError: it was given out; a second would repeat nonces.
        """
        name = hashlib.sha512(be64(kid) + base_key).digest()
        if name in self._taken:
            raise KeyReuseError(f"sframe: key {kid} already has a sealer")
        self._taken.add(name)
        return Sealer(base_key, kid)


class Opener:
    """Opens what one key sealed, each frame once.

    Attributes:
        kid: the identifier of the key.
    """

    def __init__(self, base_key: bytes, kid: int) -> None:
        """Derive the key; `kid` is below 2^64."""
        self.kid = kid
        key, self._salt = _derive(base_key, kid)
        self._decrypt = AESGCM(key).decrypt
        self._highest = -1
        self._seen = 0  # bit n: the counter n below the highest came

    def open(self, header: Header, sealed: bytes, metadata: bytes) -> bytes:
        """Open a whole SFrame ciphertext, whose `header` was parsed from it.

        Raises:
            MalformedError: sealed by another key or under other metadata, changed on
                the way, here before, or more than `WINDOW` frames behind.
        """
        _, ctr, size = header
        ahead = ctr - self._highest
        if ahead <= -WINDOW or (ahead <= 0 and self._seen >> -ahead & 1):
            raise MalformedError(f"sframe: frame {ctr} came before or is late")
        try:
            plaintext = self._decrypt(
                (self._salt ^ ctr).to_bytes(_SALT_BYTES),
                sealed[size:],
                sealed[:size] + metadata,
            )
        except InvalidTag:
            raise MalformedError(
                f"sframe: frame {ctr} does not open with key {self.kid}"
            ) from None
        # Only what opened moves the window; else one forged counter closes it.
        if ahead > 0:
            # A leap of any length makes no number longer than the window.
            kept = self._seen << ahead & _MASK if ahead < WINDOW else 0
            self._seen = kept | 1
            self._highest = ctr
        else:
            self._seen |= 1 << -ahead
        return plaintext


def parse_header(sealed: bytes) -> Header:
    """Read the header of an SFrame ciphertext (§4.3).

    Raises:
        MalformedError: too short for a header and a tag, or a number that is spelt
            longer than it must be: two spellings of one frame.
    """
    config = sealed[0] if sealed else 0
    kid, ctr, size, shift, mask, least_kid, least_ctr = _SHAPES[config]
    if len(sealed) < size + TAG_BYTES:
        raise MalformedError(
            f"sframe: expected at least {size + TAG_BYTES} bytes, came {len(sealed)}"
        )
    tail = int.from_bytes(sealed[1:size])
    kid |= tail >> shift
    ctr |= tail & mask
    if kid < least_kid:
        kid_bytes = size - 1 - shift // 8
        raise MalformedError(f"sframe: kid {kid} in {kid_bytes} bytes")
    if ctr < least_ctr:
        raise MalformedError(f"sframe: counter {ctr} in {shift // 8} bytes")
    # `Header(kid, ctr, size)` takes twice as long, for its arguments have names.
    return tuple.__new__(Header, (kid, ctr, size))


def format_header(kid: int, ctr: int) -> bytes:
    """Write a header (§4.3); both numbers are below 2^64."""
    assert 0 <= kid < _LIMIT
    assert 0 <= ctr < _LIMIT
    if kid < _LONG and ctr < _LONG:
        return bytes((kid << 4 | ctr,))
    kid_code, kid_tail = _spell(kid)
    ctr_code, ctr_tail = _spell(ctr)
    return bytes((kid_code << 4 | ctr_code,)) + kid_tail + ctr_tail


def _spell(number: int) -> tuple[int, bytes]:
    """Give the four bits of the first byte, and the bytes that follow."""
    if number < _LONG:
        return number, b""
    size = (number.bit_length() + 7) // 8
    return 8 | size - 1, number.to_bytes(size)


class _Shape(NamedTuple):
    """What the first byte of a header says of it.

    Attributes:
        kid: the number itself, where it has no bytes of its own; else 0.
        ctr: likewise.
        size: bytes of the header.
        shift: bits of the counter, which ends the header.
        mask: ones, as many.
        least_kid: the least number that needs so many bytes (§4.3 takes no more).
        least_ctr: likewise.
    """

    kid: int
    ctr: int
    size: int
    shift: int
    mask: int
    least_kid: int
    least_ctr: int


def _shape(config: int) -> _Shape:
    kid, kid_bytes, least_kid = _number(config >> 4)
    ctr, ctr_bytes, least_ctr = _number(config & 0xF)
    bits = 8 * ctr_bytes
    size = 1 + kid_bytes + ctr_bytes
    return _Shape(kid, ctr, size, bits, (1 << bits) - 1, least_kid, least_ctr)


def _number(code: int) -> tuple[int, int, int]:
    """Read the four bits of a number: it, how many bytes it has, its least value."""
    if code < _LONG:
        return code, 0, 0
    size = code - _LONG + 1
    return 0, size, 1 << 8 * (size - 1) if size > 1 else _LONG


_SHAPES = [_shape(config) for config in range(256)]


def _derive(base_key: bytes, kid: int) -> tuple[bytes, int]:
    """Derive the key (32 bytes), and the salt (12) as a number (§4.4.2)."""
    secret = hmac.digest(b"", base_key, "sha512")  # HKDF-Extract with an empty salt
    about = be64(kid) + be16(SUITE)
    key = HKDFExpand(SHA512(), _KEY_BYTES, b"SFrame 1.0 Secret key " + about)
    salt = HKDFExpand(SHA512(), _SALT_BYTES, b"SFrame 1.0 Secret salt " + about)
    return key.derive(secret), int.from_bytes(salt.derive(secret))
