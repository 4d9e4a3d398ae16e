"""The handshake against the sum of its primitives; refusing what is not for us.

A foreign INVITE is what a flood consists of, so refusing it has to cost little more
than the X25519 that shows it to be foreign.
"""

import os
import time
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)

from benchmarks.figure import Figure, figure, microseconds, race, ratios, repeated
from voip.errors import HandshakeError
from voip.handshake import kem
from voip.handshake.exchange import (
    Invited,
    consume_invite,
    consume_ringing,
    create_invite,
    create_ringing,
)
from voip.handshake.payload import Answer, Media, Offer, Readiness
from voip.identity.callkey import MAX_LIVE, CallKey, create_call_key
from voip.identity.signer import NativeSigner

NOW = int(time.time())


def figures() -> list[Figure]:
    """Time both sides together, then the refusal with one live key and with five."""
    caller, callee, stranger = _device(), _device(), _device()

    def handshake() -> None:
        invited = _invite(caller, callee)
        received = consume_invite(invited.blob, (callee,), now_ms=NOW * 1000)
        ringing = create_ringing(
            received,
            Answer(readiness=Readiness.WILL_RING, caps=1, ring_s=45, tag=bytes(16)),
            secret=None,
            entropy=os.urandom,
            encapsulate=kem.encapsulate,
        )
        consume_ringing(invited, ringing.blob, secrets=())

    ours, primitives = race(repeated(handshake), repeated(_primitives()))
    found = [
        figure(
            "handshake, both sides / its primitives",
            ratios(ours, primitives),
            bar=2.5,
            note=f"{microseconds(ours)}: 8 X25519 and 2 key pairs, ML-KEM-768"
            " 1 key pair, 3 encapsulations, 3 decapsulations",
        )
    ]
    foreign = _invite(caller, stranger).blob
    for count in (1, MAX_LIVE):
        found += _refusals(foreign, [_device() for _ in range(count)])
    return found


def _refusals(foreign: bytes, call_keys: Sequence[CallKey]) -> list[Figure]:
    theirs = foreign[:32]
    seeds = [key.x25519_seed for key in call_keys]
    keys = [key.x25519 for key in call_keys]
    public = X25519PublicKey.from_public_bytes(theirs)

    def refuse() -> None:
        try:
            consume_invite(foreign, call_keys, now_ms=NOW * 1000)
        except HandshakeError:
            return
        raise AssertionError

    def from_bytes() -> None:
        for seed in seeds:
            X25519PrivateKey.from_private_bytes(seed).exchange(
                X25519PublicKey.from_public_bytes(theirs)
            )

    def bare() -> None:
        for key in keys:
            key.exchange(public)

    ours, whole, least = race(repeated(refuse), repeated(from_bytes), repeated(bare))
    plural = "key" if len(call_keys) == 1 else "keys"
    name = f"foreign INVITE, {len(call_keys)} live {plural}"
    return [
        figure(
            f"{name} / X25519 of bytes",
            ratios(ours, whole),
            bar=1.5,
            note=f"{microseconds(ours)}; X25519 as in RFC 7748: bytes in, bytes out",
        ),
        figure(
            f"{name} / bare exchange()",
            ratios(ours, least),
            note="keys loaded beforehand; Noise asks for two HKDF and an AEAD besides",
        ),
    ]


def _device() -> CallKey:
    signer = NativeSigner(os.urandom(32))
    return create_call_key(signer, os.urandom(16), now=NOW, caps=1, entropy=os.urandom)


def _invite(caller: CallKey, callee: CallKey) -> Invited:
    offer = Offer(
        call_id=os.urandom(16),
        ts_ms=NOW * 1000,
        ttl_s=60,
        media=Media.AUDIO,
        tag=bytes(16),
    )
    return create_invite(
        caller,
        callee.bundle,
        offer,
        secrets=(),
        entropy=os.urandom,
        encapsulate=kem.encapsulate,
    )


def _primitives() -> Callable[[], None]:
    """Do what no implementation of this handshake can do without, and nothing else."""
    key = X25519PrivateKey.generate()
    public = X25519PrivateKey.generate().public_key()
    decapsulator = MLKEM768PrivateKey.generate()
    encapsulator = decapsulator.public_key()
    ek = encapsulator.public_bytes_raw()
    _, ciphertext = encapsulator.encapsulate()

    def run() -> None:
        for _ in range(2):
            X25519PrivateKey.generate()
        for _ in range(8):
            key.exchange(public)
        MLKEM768PrivateKey.from_seed_bytes(os.urandom(64))
        for _ in range(3):
            # The peer's key comes as bytes in every handshake.
            MLKEM768PublicKey.from_public_bytes(ek).encapsulate()
            decapsulator.decapsulate(ciphertext)

    return run
