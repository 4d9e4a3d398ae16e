"""Every key of a call and every label, on one page.

::

    Noise ck, h ─> master ─┬─> signal(role)       seals what travels by mailbox
                           ├─> sas                the words people read to each other
                           ├─> retained           ties this call to the next one
                           ├─> opening(role)      how media begins, before word of it
                           └─> call secret S_0 ─┬─> srtp(role, e), record(role, e), ...
                                                └─> S_1 ─> S_2 ─> ...   rekeying

`expand` makes them all, as `voip.identity.keys.T` makes all hashes: the protocol's
domain and a label come first, so that no input for one purpose is ever an input for
another. `T` and X (`expand`) are also the names in docs/formats/handshake.md, which has
the check values.
"""

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from voip.wire import P, be32, lp8, lp16

SECRET_BYTES = 64
"""Length of master, retained and epoch secrets: a full-length HKDF-SHA512 key."""

MEDIA_KEY_BYTES = 44
"""AES-256-GCM key (32) || salt (12): RFC 7714 §12, and the order libsrtp takes."""

NONCE_BYTES = 32
"""Length of nonce_A and nonce_B, so that a commitment cannot be searched."""

HINT_BYTES = 8
"""Enough to tell a handful of secrets apart; says nothing about them."""

UFRAG_BYTES, PWD_BYTES = 6, 24
"""Of ICE's user name and password before base64, which needs no padding for these, and
whose alphabet is that of ICE; RFC 8839 §5.4 asks for 24 and for 128 random bits."""

OPENING_BYTES = UFRAG_BYTES + PWD_BYTES + 4
"""With an SSRC."""

ZERO_PSK = bytes(32)
"""The pre-shared key of two devices that share no secret yet."""


class Role(IntEnum):
    """Who sends; part of every key that has a direction."""

    CALLER = 0
    CALLEE = 1


def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """Derive `size` bytes: HKDF-Expand-SHA512 (RFC 5869 §2.3) under a label.

    The info field is lp8(P) || lp8(label) || lp16(context).
    """
    info = lp8(P) + lp8(label) + lp16(context)
    return HKDFExpand(SHA512(), size, info).derive(prk)


def psk(retained: bytes) -> bytes:
    """Give the handshake's pre-shared key (32 bytes) of a retained secret."""
    return expand(retained, b"psk", b"", 32)


def hint(retained: bytes, e_a: bytes) -> bytes:
    """Give the 8 bytes by which a callee knows which retained secret is meant.

    Bound to the caller's ephemeral key `e_a` (32 bytes), so no two calls look alike.
    """
    return expand(retained, b"hint", e_a, HINT_BYTES)


@dataclass(frozen=True, slots=True)
class Opening:
    """What both sides know of how one of them begins, before it says so.

    Attributes:
        ufrag: its ICE user name on the first path, 8 characters.
        pwd: its ICE password there, 32 characters.
        ssrc: of its sound, not 0.
    """

    ufrag: str
    pwd: str = field(repr=False)
    ssrc: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What one finished handshake gives, until CONFIRM has been handled."""

    master: bytes = field(repr=False)

    def signal(self, role: int) -> bytes:
        """Key (32 bytes) of the mailbox blobs that `role` sends."""
        return expand(self.master, b"signal", bytes([role]), 32)

    def sas(self, nonce_a: bytes, nonce_b: bytes) -> bytes:
        """Short authentication string (8 bytes), to be shown as words."""
        return expand(self.master, b"sas", nonce_a + nonce_b, 8)

    @property
    def retained(self) -> bytes:
        """The secret (64 bytes) both devices keep to recognise each other next time."""
        return expand(self.master, b"retained", b"", SECRET_BYTES)

    def opening(self, role: int) -> Opening:
        """How the media of `role` begins; only these two devices can know it."""
        return opening(expand(self.master, b"opening", bytes([role]), OPENING_BYTES))

    @property
    def call_secret(self) -> bytes:
        """S_0 (64 bytes), from which the media keys of epoch 0 come."""
        return expand(self.master, b"call", be32(0), SECRET_BYTES)


def opening(derived: bytes) -> Opening:
    """Read how a side begins off 34 derived bytes."""
    name, rest = derived[:UFRAG_BYTES], derived[UFRAG_BYTES:]
    return Opening(
        b64encode(name).decode(),
        b64encode(rest[:PWD_BYTES]).decode(),
        ssrc=int.from_bytes(rest[PWD_BYTES:]) or 1,
    )


def session_keys(ck: bytes, h: bytes) -> SessionKeys:
    """Take over from Noise: its chaining key and transcript hash (64 bytes each)."""
    return SessionKeys(expand(ck, b"exporter", h, SECRET_BYTES))


def srtp(secret: bytes, role: int, epoch: int) -> bytes:
    """SRTP master key 32 || salt 12 for what `role` sends in `epoch`.

    `secret` is S_epoch (64 bytes), here and below.
    """
    return _media_key(secret, b"srtp", role, epoch, MEDIA_KEY_BYTES)


def record(secret: bytes, role: int, epoch: int) -> bytes:
    """AES-256-GCM key 32 || salt 12 of the records that `role` sends in `epoch`."""
    return _media_key(secret, b"record", role, epoch, MEDIA_KEY_BYTES)


def sframe(secret: bytes, role: int, epoch: int) -> bytes:
    """SFrame base_key (32 bytes, RFC 9605 §4.4.2) for what `role` sends in `epoch`."""
    return _media_key(secret, b"sframe", role, epoch, 32)


def _media_key(secret: bytes, label: bytes, role: int, epoch: int, size: int) -> bytes:
    return expand(secret, label, bytes([role]) + be32(epoch), size)


def next_secret(
    secret: bytes, shared: bytes, *, epoch: int, transcript: bytes
) -> bytes:
    """Give S_epoch (64 bytes) from S_{epoch-1}.

    Args:
        secret: S_{epoch-1}; as HKDF salt, so an attacker needs it *and* the new ones.
        shared: the fresh X25519 secret (32 bytes) followed by the ML-KEM one (32).
        epoch: number of the new epoch, from 1.
        transcript: the fields of REKEY followed by those of REKEY_ACK.
    """
    prk = hmac.digest(secret, shared, "sha512")  # RFC 5869 §2.2
    context = be32(epoch) + hashlib.sha512(transcript).digest()
    return expand(prk, b"rekey", context, SECRET_BYTES)
