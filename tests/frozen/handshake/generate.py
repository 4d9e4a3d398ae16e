"""Writes recorded.txt: one handshake, computed a second time and straight down.

Nothing of voip is imported: this was written from docs/formats/handshake.md alone, so
that a mistake would have to be made twice. Encapsulation draws its own randomness, so
each run records another handshake:

    python tests/frozen/handshake/generate.py
"""

import hashlib
import hmac
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

DOMAIN = b"\x10ringfence/call/1"
NAME = b"Noise_IKpsk2hfs+skem_25519+MLKEM768_ChaChaPoly_SHA512"
NOW = 1_800_000_000
RETAINED = bytes([0x5A]) * 64

record: dict[str, bytes] = {}


def hmac512(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha512").digest()


def tagged(label: bytes, data: bytes) -> bytes:
    text = DOMAIN + bytes([len(label)]) + label + data
    return hashlib.new("sha512_256", text).digest()


def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """RFC 5869 §2.3 for up to one SHA-512 block."""
    info = DOMAIN + bytes([len(label)]) + label
    info += len(context).to_bytes(2, "big") + context
    return hmac512(prk, info + b"\x01")[:size]


class Transcript:
    """ck, h, k and n; one object serves both ends, since they agree."""

    def __init__(self) -> None:
        self.ck = self.h = NAME + bytes(64 - len(NAME))
        self.k, self.n = b"", 0

    def bind(self, data: bytes) -> None:
        self.h = hashlib.sha512(self.h + data).digest()

    def key(self, secret: bytes) -> None:
        prk = hmac512(self.ck, secret)
        self.ck = hmac512(prk, b"\x01")
        self.k, self.n = hmac512(prk, self.ck + b"\x02")[:32], 0

    def key_and_bind(self, secret: bytes) -> None:
        prk = hmac512(self.ck, secret)
        self.ck = hmac512(prk, b"\x01")
        second = hmac512(prk, self.ck + b"\x02")
        self.bind(second)
        self.k, self.n = hmac512(prk, second + b"\x03")[:32], 0

    def seal(self, plaintext: bytes) -> bytes:
        nonce = bytes(4) + self.n.to_bytes(8, "little")
        sealed = ChaCha20Poly1305(self.k).encrypt(nonce, plaintext, self.h)
        self.n += 1
        self.bind(sealed)
        return sealed


class Device:
    """A call key from seeds made of one byte, and its certificate."""

    def __init__(self, who: str, byte: int) -> None:
        seeds = {
            "identity-seed": bytes([byte]) * 32,
            "device-id": bytes([byte + 1]) * 16,
            "x25519-seed": bytes([byte + 2]) * 32,
            "mlkem-seed": bytes([byte + 3]) * 64,
        }
        record.update({f"{who}-{name}": seed for name, seed in seeds.items()})
        self.s = X25519PrivateKey.from_private_bytes(seeds["x25519-seed"])
        self.sk = MLKEM768PrivateKey.from_seed_bytes(seeds["mlkem-seed"])
        self.ek = self.sk.public_key().public_bytes_raw()
        identity = Ed25519PrivateKey.from_private_bytes(seeds["identity-seed"])
        tbs = (
            b"\x01"
            + identity.public_key().public_bytes_raw()
            + seeds["device-id"]
            + public(self.s)
            + tagged(b"mlkem-ek", self.ek)
            + (NOW - 86_400).to_bytes(8, "big")
            + (NOW + 86_400).to_bytes(8, "big")
            + (5).to_bytes(4, "big")
        )
        signature = identity.sign(b"ringfence/call/1 call-key\0" + tbs)
        self.certificate = tbs + signature


def public(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def dh(ours: X25519PrivateKey, theirs: X25519PrivateKey) -> bytes:
    return ours.exchange(X25519PublicKey.from_public_bytes(public(theirs)))


def fresh(name: str, byte: int, size: int) -> bytes:
    record[name] = bytes([byte]) * size
    return record[name]


def encapsulate(name: str, ek: bytes) -> tuple[bytes, bytes]:
    secret, ciphertext = MLKEM768PublicKey.from_public_bytes(ek).encapsulate()
    record[f"{name}-secret"], record[f"{name}-ciphertext"] = secret, ciphertext
    return secret, ciphertext


def padded(body: bytes, size: int) -> bytes:
    return len(body).to_bytes(2, "big") + body + bytes(size - 2 - len(body))


def main() -> None:
    caller, callee = Device("caller", 0x10), Device("callee", 0x20)
    state = Transcript()
    state.bind(DOMAIN + b"\x00\x01" + callee.certificate)
    state.bind(public(callee.s))
    state.bind(callee.ek)

    e_a = X25519PrivateKey.from_private_bytes(fresh("caller-e-seed", 0x31, 32))
    state.bind(public(e_a))
    state.key(public(e_a))
    state.key(dh(e_a, callee.s))
    secret, ciphertext = encapsulate("invite-skem", callee.ek)
    invite = public(e_a) + state.seal(ciphertext)
    state.key(secret)
    e1 = MLKEM768PrivateKey.from_seed_bytes(fresh("caller-e1-seed", 0x32, 64))
    invite += state.seal(e1.public_key().public_bytes_raw())
    invite += state.seal(public(caller.s)) + state.seal(caller.ek)
    state.key(dh(caller.s, callee.s))
    nonce_a = fresh("nonce-a", 0x33, 32)
    record["retained"] = RETAINED
    body = (
        b"\x01\x01"
        + fresh("call-id", 0x34, 16)
        + (NOW * 1000).to_bytes(8, "big")
        + (60).to_bytes(2, "big")
        + tagged(b"sas-commit", nonce_a + public(e_a))
        + caller.certificate
        + b"\x03"
        + expand(RETAINED, b"hint", public(e_a), 8)
        + fresh("second-hint", 0x35, 8)
        + fresh("tag-a", 0x36, 16)
        + b"\x02\x05alice"
    )
    record["invite"] = invite + state.seal(padded(body, 496))

    e_b = X25519PrivateKey.from_private_bytes(fresh("callee-e-seed", 0x41, 32))
    state.bind(public(e_b))
    state.key(public(e_b))
    state.key(dh(e_b, e_a))
    secret, ciphertext = encapsulate(
        "ringing-ekem1", e1.public_key().public_bytes_raw()
    )
    ringing = public(e_b) + state.seal(ciphertext)
    state.key(secret)
    state.key(dh(caller.s, e_b))
    secret, ciphertext = encapsulate("ringing-skem", caller.ek)
    ringing += state.seal(ciphertext)
    state.key(secret)
    state.key_and_bind(expand(RETAINED, b"psk", b"", 32))
    nonce_b = fresh("nonce-b", 0x42, 32)
    body = b"\x01\x00" + (5).to_bytes(4, "big") + (45).to_bytes(2, "big")
    body += nonce_b + fresh("tag-b", 0x43, 16) + b"\x02\x03bob"
    record["ringing"] = ringing + state.seal(padded(body, 1840))

    record["h"], record["ck"] = state.h, state.ck
    master = record["master"] = expand(state.ck, b"exporter", state.h, 64)
    record["signal-caller"] = expand(master, b"signal", b"\0", 32)
    record["signal-callee"] = expand(master, b"signal", b"\1", 32)
    record["sas"] = expand(master, b"sas", nonce_a + nonce_b, 8)
    record["retained-next"] = expand(master, b"retained", b"", 64)
    record["call-secret"] = expand(master, b"call", bytes(4), 64)
    record["opening-caller"] = expand(master, b"opening", b"\0", 34)
    record["opening-callee"] = expand(master, b"opening", b"\1", 34)

    lines = [
        "about: a handshake with a retained secret: what goes in, blobs, keys",
        "made-by: tests/frozen/handshake/generate.py",
        "",
        *(f"{name}: {value.hex()}" for name, value in record.items()),
        "",
    ]
    Path(__file__).with_name("recorded.txt").write_text("\n".join(lines), "ascii")


if __name__ == "__main__":
    main()
