"""The guest's side of the handshake, for tests: what the page does in JavaScript."""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512

from voip.gateway.guests import handshake as guest
from voip.gateway.guests.handshake import GuestKeys, Hello, Media, Reply
from voip.handshake import kem, noise
from voip.wire import Reader, lp8, pad, unpad


class Asking:
    """The initiator: `hello`, then `finish`."""

    def __init__(self, secret: bytes, origin: str) -> None:
        self.id = guest.invite_id(secret)
        symmetric = noise.SymmetricState.start(
            noise.Suite(SHA512(), AESGCM, nonce_order="big"),
            b"Noise_NNpsk0_25519_AESGCM_SHA512",
        )
        symmetric.mix_hash(lp8(guest.DOMAIN) + lp8(origin.encode()) + self.id)
        symmetric.mix_key_and_hash(guest.invite_psk(secret))
        self.state = noise.HandshakeState(
            symmetric=symmetric, initiator=True, has_psk=True
        )

    def hello(
        self,
        nonce: bytes,
        fingerprint: bytes,
        *,
        entropy: Callable[[int], bytes],
        media: Media = Media.AUDIO | Media.VIDEO,
        name: str = "Bob",
        payload: bytes | None = None,
    ) -> bytes:
        e = self.state.write(("e",), entropy=entropy, encapsulate=kem.encapsulate)
        if payload is None:
            said = Hello(
                guest.commitment(nonce, e), fingerprint, media=media, name=name
            )
            payload = said.commit + said.fingerprint + bytes([said.media])
            payload += lp8(said.name.encode())
        sealed = self.state.symmetric.encrypt_and_hash(pad(payload, 256))
        return b"\x01" + self.id + e + sealed

    def finish(self, raw: bytes) -> tuple[Reply, GuestKeys]:
        reader = Reader(raw, 1)
        self.state.read(("e", "ee"), reader)
        symmetric = self.state.symmetric
        payload = Reader(unpad(symmetric.decrypt_and_hash(reader.rest())))
        reply = Reply(
            payload.take(32),
            payload.take(32),
            media=Media(payload.u8()),
            alias=payload.lp8().decode(),
        )
        master = guest.expand(symmetric.ck, b"exporter", symmetric.h, 64)
        return reply, GuestKeys(master, reply.nonce)
