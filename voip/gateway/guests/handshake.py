"""The handshake with a browser guest, and every key of a guest's call.

::

    guest                                                                    gateway
      HELLO  321  u8 1 | invite_id 16 | e 32 | AEAD(padded(payload, 256))       ->
      REPLY  305  u8 1 | e 32 | AEAD(padded(payload, 256))                      <-

    Noise ck, h ─> master ─┬─> signal(role)     seals the messages that follow
                           ├─> sas              the words people read to each other
                           ├─> resume_id        names the call on a new socket
                           └─> S_0 ─> S_1 ─> ... ─> sframe(role, e)   seals frames

`Noise_NNpsk0_25519_AESGCM_SHA512`: the psk comes from the link, so only who holds the
link gets an answer, and only what WebCrypto of all browsers has is used. The DTLS
fingerprint of each side travels inside, which ties the media to this handshake.
Labels have a domain of their own, so that no key of a guest is ever one of a call
between devices. Source: the Noise Protocol Framework, revision 34. Bytes and check
values: docs/formats/guest.md.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from voip.errors import HandshakeError, MalformedError, TrustError
from voip.handshake import kem, noise
from voip.identity.keys import Entropy
from voip.wire import Reader, be32, lp8, lp16, pad, unpad

DOMAIN: Final = b"ringfence/guest/1"
SECRET_BYTES: Final = 32  # of a link
INVITE_ID_BYTES: Final = 16
RESUME_ID_BYTES: Final = 16
FINGERPRINT_BYTES: Final = 32  # SHA-256 of the DTLS certificate (RFC 8122 §5)
NONCE_BYTES: Final = 32
MAX_NAME_BYTES: Final = 48  # as an alias on a card
HELLO_BYTES: Final = 321
REKEY_BYTES: Final = 36  # u32 epoch | X25519 key

_VERSION: Final = 1
_PAYLOAD_BYTES: Final = 256
_PROTOCOL: Final = b"Noise_NNpsk0_25519_AESGCM_SHA512"
_SUITE: Final = noise.Suite(SHA512(), AESGCM, nonce_order="big")


class Role(IntEnum):
    """Who sends; part of every key that has a direction."""

    GUEST = 0
    GATEWAY = 1


class Media(IntFlag):
    """What a side wants to carry, or lets be carried."""

    AUDIO = 1
    VIDEO = 2


@dataclass(frozen=True, slots=True)
class Hello:
    """What a guest says first.

    Attributes:
        commit: to the nonce of CONFIRM, so that the words cannot be steered.
        fingerprint: of the guest's DTLS certificate.
        media: what the guest would send and see; sound always.
        name: what the guest calls himself; anybody's words, so escape it.
    """

    commit: bytes
    fingerprint: bytes
    media: Media = field(kw_only=True)
    name: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway answers; `nonce` is half of what the words are made of."""

    nonce: bytes
    fingerprint: bytes
    media: Media = field(kw_only=True)
    alias: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class GuestKeys:
    """What one finished handshake gives.

    `master` is 64 bytes; the nonces are 32 each. The guest's, which is only known once
    CONFIRM came, is an argument.
    """

    master: bytes = field(repr=False)
    nonce_h: bytes = field(repr=False)

    def signal(self, role: Role) -> bytes:
        """Key (32 bytes) of the messages that `role` sends."""
        return expand(self.master, b"signal", bytes([role]), 32)

    def sas(self, nonce_g: bytes) -> bytes:
        """Short authentication string (8 bytes), to be shown as words."""
        return expand(self.master, b"sas", nonce_g + self.nonce_h, 8)

    @property
    def resume_id(self) -> bytes:
        """What the guest names this call by on a new socket, 16 bytes."""
        return expand(self.master, b"resume", b"", RESUME_ID_BYTES)

    @property
    def call_secret(self) -> bytes:
        """S_0 (64 bytes), from which the frame keys of epoch 0 come."""
        return expand(self.master, b"call", be32(0), 64)


class Answering:
    """The gateway's side of one handshake: `read`, then `reply`."""

    def __init__(self, psk: bytes, origin: str, invite_id: bytes) -> None:
        """Take the invite's psk (32 bytes) and where the page is served from."""
        self._psk = psk
        symmetric = noise.SymmetricState.start(_SUITE, _PROTOCOL)
        symmetric.mix_hash(lp8(DOMAIN) + lp8(origin.encode()) + invite_id)
        self._state = noise.HandshakeState(
            symmetric=symmetric, initiator=False, has_psk=True
        )

    @property
    def e(self) -> bytes:
        """The guest's ephemeral key, 32 bytes, once HELLO was read."""
        assert self._state.re is not None
        return self._state.re.public_bytes_raw()

    def read(self, hello: bytes) -> Hello:
        """Open HELLO.

        Raises:
            HandshakeError: not made with the psk, for this origin and invite.
            MalformedError: it was, and its payload is none.
        """
        symmetric = self._state.symmetric
        reader = Reader(hello, 1 + INVITE_ID_BYTES)
        symmetric.mix_key_and_hash(self._psk)
        self._state.read(("e",), reader)
        payload = Reader(unpad(symmetric.decrypt_and_hash(reader.rest())))
        commit, fingerprint = payload.take(32), payload.take(FINGERPRINT_BYTES)
        media = _media(payload.u8())
        name = read_name(payload)
        payload.end()
        return Hello(commit, fingerprint, media=media, name=name)

    def reply(self, reply: Reply, entropy: Entropy) -> tuple[bytes, GuestKeys]:
        """Give REPLY and the keys.

        Raises:
            HandshakeError: the guest's key is a low-order point.
        """
        payload = (
            reply.nonce
            + reply.fingerprint
            + bytes([reply.media])
            + lp8(reply.alias.encode())
        )
        symmetric = self._state.symmetric
        e = self._state.write(("e", "ee"), entropy=entropy, encapsulate=kem.encapsulate)
        sealed = symmetric.encrypt_and_hash(pad(payload, _PAYLOAD_BYTES))
        master = expand(symmetric.ck, b"exporter", symmetric.h, 64)
        return bytes([_VERSION]) + e + sealed, GuestKeys(master, reply.nonce)


def parse_invite_id(hello: bytes) -> bytes:
    """Read which invite a HELLO is about, before any cryptography.

    Raises:
        MalformedError: not 321 bytes, or of another version.
    """
    if len(hello) != HELLO_BYTES or hello[0] != _VERSION:
        raise MalformedError(
            f"hello: expected {HELLO_BYTES} bytes of version {_VERSION}, "
            f"came {len(hello)}"
        )
    return hello[1 : 1 + INVITE_ID_BYTES]


def invite_id(secret: bytes) -> bytes:
    """Name an invite (16 bytes) by its link's secret, which this does not tell."""
    return derive(b"invite-id", secret)[:INVITE_ID_BYTES]


def invite_psk(secret: bytes) -> bytes:
    """Give the handshake's pre-shared key (32 bytes) of a link's secret."""
    return derive(b"psk", secret)


def commitment(nonce_g: bytes, e_g: bytes) -> bytes:
    """Commit (32 bytes) to the guest's nonce and ephemeral key, 32 bytes each."""
    return derive(b"sas-commit", nonce_g + e_g)


def check_commitment(committed: bytes, nonce_g: bytes, e_g: bytes) -> None:
    """Check the nonce shown in CONFIRM against what HELLO promised.

    Raises:
        TrustError: the guest shows another nonce; nobody honest does.
    """
    if not hmac.compare_digest(committed, commitment(nonce_g, e_g)):
        raise TrustError("nonce of the guest is not the one that was committed to")


def frame_key(secret: bytes, role: Role, epoch: int) -> bytes:
    """SFrame base_key (32 bytes) for what `role` sends; `secret` is S_epoch."""
    return expand(secret, b"sframe", bytes([role]) + be32(epoch), 32)


def frame_kid(role: Role, epoch: int) -> int:
    """Name that key in frames."""
    return 2 * epoch + role


def rekey_fields(epoch: int, key: X25519PrivateKey) -> bytes:
    """Write the fields of REKEY or REKEY_ACK for a new epoch, 36 bytes."""
    return be32(epoch) + key.public_key().public_bytes_raw()


def next_secret(
    secret: bytes, key: X25519PrivateKey, *, rekey: bytes, ack: bytes
) -> bytes:
    """Give S_{e+1} (64 bytes) from S_e, our key and the fields that were exchanged.

    Raises:
        HandshakeError: another epoch in the answer, or a low-order point.
        MalformedError: fields of another size.
    """
    for fields in (rekey, ack):
        if len(fields) != REKEY_BYTES:
            raise MalformedError(
                f"rekey: expected {REKEY_BYTES} bytes, came {len(fields)}"
            )
    if rekey[:4] != ack[:4]:
        raise HandshakeError("rekey: the answer is about another epoch")
    ours = rekey_fields(int.from_bytes(rekey[:4]), key)
    theirs = ack if ours == rekey else rekey
    shared = noise.exchange(key, X25519PublicKey.from_public_bytes(theirs[4:]))
    prk = hmac.digest(secret, shared, "sha512")  # RFC 5869 §2.2
    context = rekey[:4] + hashlib.sha512(rekey + ack).digest()
    return expand(prk, b"rekey", context, 64)


def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """Derive `size` bytes: HKDF-Expand-SHA512 (RFC 5869 §2.3) under a label."""
    info = lp8(DOMAIN) + lp8(label) + lp16(context)
    return HKDFExpand(SHA512(), size, info).derive(prk)


def derive(label: bytes, data: bytes) -> bytes:
    """Hash `data` for one purpose to 32 bytes: WebCrypto has no SHA-512/256."""
    return hashlib.sha512(lp8(DOMAIN) + lp8(label) + data).digest()[:32]


def read_name(reader: Reader) -> str:
    """Take a name of at most 48 bytes of UTF-8.

    Raises:
        MalformedError: longer, or not UTF-8.
    """
    raw = reader.lp8()
    if len(raw) > MAX_NAME_BYTES:
        raise MalformedError(
            f"name: expected at most {MAX_NAME_BYTES} bytes, came {len(raw)}"
        )
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedError("name: expected UTF-8, came something else") from None


def _media(bits: int) -> Media:
    if bits not in {Media.AUDIO, Media.AUDIO | Media.VIDEO}:
        raise MalformedError(f"media: expected 1 or 3, came {bits}")
    return Media(bits)
