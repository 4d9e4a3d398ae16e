"""The guests' handshake: frozen values, an independent Noise, and who is refused."""

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from noise.connection import (  # type: ignore[import-untyped]  # it ships no types
    Keypair,
    NoiseConnection,
)

from tests.voip.gateway.guesthandshake import Asking
from voip.errors import CallError, HandshakeError, MalformedError, TrustError
from voip.gateway.guests import handshake as guest
from voip.gateway.guests.handshake import (
    Answering,
    GuestKeys,
    Hello,
    Media,
    Reply,
    Role,
)
from voip.identity.keys import format_base32
from voip.identity.words import decimal, words
from voip.wire import lp8, pad

# The other Noise warns of keys that are set rather than drawn, which is meant here.
pytestmark = pytest.mark.filterwarnings("ignore:One of ephemeral keypairs")

SECRET = bytes(range(32))
ORIGIN = "https://talk.example"
NONCE_G, NONCE_H = b"\xaa" * 32, b"\xbb" * 32
FINGERPRINT_G, FINGERPRINT_H = b"\x55" * 32, b"\x66" * 32
PRIVATE_G, PRIVATE_H = b"\x33" * 32, b"\x44" * 32
BOTH = Media.AUDIO | Media.VIDEO
REPLY = Reply(NONCE_H, FINGERPRINT_H, media=BOTH, alias="alice")


def hello(**changes: Any) -> bytes:
    asking = Asking(SECRET, ORIGIN)
    return asking.hello(NONCE_G, FINGERPRINT_G, entropy=lambda _: PRIVATE_G, **changes)


def answering(origin: str = ORIGIN, secret: bytes = SECRET) -> Answering:
    return Answering(guest.invite_psk(secret), origin, guest.invite_id(SECRET))


def exchanged() -> tuple[bytes, bytes, GuestKeys]:
    said = hello()
    answer = answering()
    answer.read(said)
    reply, keys = answer.reply(REPLY, lambda _: PRIVATE_H)
    return said, reply, keys


def oracle(*, initiator: bool) -> NoiseConnection:
    """Give another implementation of Noise, with the frozen keys."""
    other = NoiseConnection.from_name(b"Noise_NNpsk0_25519_AESGCM_SHA512")
    if initiator:
        other.set_as_initiator()
    else:
        other.set_as_responder()
    other.set_psks(guest.invite_psk(SECRET))
    other.set_prologue(
        lp8(guest.DOMAIN) + lp8(ORIGIN.encode()) + guest.invite_id(SECRET)
    )
    private = PRIVATE_G if initiator else PRIVATE_H
    other.set_keypair_from_private_bytes(Keypair.EPHEMERAL, private)
    other.start_handshake()
    return other


def test_the_link_and_what_comes_of_it_are_frozen() -> None:
    found = (
        format_base32(SECRET),
        guest.invite_id(SECRET).hex(),
        guest.invite_psk(SECRET)[:16].hex(),
    )

    assert found == (
        "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq",
        "9df66a15abda9b067ade1d2c6ac08e81",
        "148891ef8e0447b05f3f6f7bda691e88",
    )


def test_the_commitment_is_frozen() -> None:
    e = X25519PrivateKey.from_private_bytes(PRIVATE_G).public_key().public_bytes_raw()

    assert guest.commitment(NONCE_G, e)[:16].hex() == "0b46d838e65942d5c9af1b7aa6d4d9da"


def test_hello_and_reply_are_frozen() -> None:
    said, reply, _ = exchanged()
    found = [hashlib.sha256(each).hexdigest()[:32] for each in (said, reply)]

    assert found == [
        "f4fe98eb6ad7a64cdde7843b3711faa4",
        "9e0041061a60d1f3722fce359833e06c",
    ]


def test_another_noise_reads_what_the_guest_says() -> None:
    said = hello()
    payload = oracle(initiator=False).read_message(said[17:])

    assert payload[:2] + payload[34:66] == b"\x00\x45" + FINGERPRINT_G


def test_another_noise_writes_the_same_hello() -> None:
    said = hello()
    payload = oracle(initiator=False).read_message(said[17:])
    other = oracle(initiator=True)

    assert bytes(other.write_message(payload)) == said[17:]


def test_another_noise_reads_what_the_gateway_answers() -> None:
    said, reply, _ = exchanged()
    other = oracle(initiator=True)
    other.write_message(oracle(initiator=False).read_message(said[17:]))
    payload = other.read_message(reply[1:])

    assert bytes(payload[2:34]) == NONCE_H


def test_keys_are_frozen() -> None:
    _, _, keys = exchanged()
    secret = keys.call_secret
    found = [
        keys.master,
        secret,
        keys.signal(Role.GUEST),
        keys.signal(Role.GATEWAY),
        guest.frame_key(secret, Role.GUEST, 0),
        guest.frame_key(secret, Role.GATEWAY, 0),
        keys.resume_id,
    ]

    assert [each[:16].hex() for each in found] == [
        "87e603540635c07e70b73fbe4956b088",
        "056fa52db0de2a1d4e69d3bb13f946f0",
        "9e0d9a97e51d4f19e3d75901a810aaa5",
        "3810709bf0cf266bf79318dd04711aa0",
        "a1c797bbf59eef11f1df69c4a1d49588",
        "1e8a0dbcb60a68b588f1511f5bf492c0",
        "7e19c75cda7cfc0b8a417401fc7dceda",
    ]


def test_words_are_frozen() -> None:
    _, _, keys = exchanged()
    sas = keys.sas(NONCE_G)

    assert (sas.hex(), words(sas), decimal(sas)) == (
        "f6f64f5421942a41",
        ("want", "raven", "steak"),
        "8286674600",
    )


def test_the_next_epoch_is_frozen() -> None:
    _, _, keys = exchanged()
    prk = hmac.digest(keys.call_secret, b"\x99" * 32, "sha512")
    rekey, ack = b"\0\0\0\1" + b"\x77" * 32, b"\0\0\0\1" + b"\x88" * 32
    context = b"\0\0\0\1" + hashlib.sha512(rekey + ack).digest()
    secret = guest.expand(prk, b"rekey", context, 64)

    assert secret[:16].hex() == "f3d594b447c3c4c45b7d2ae4932227ce"


def test_both_sides_have_the_same_keys() -> None:
    asking, answer = Asking(SECRET, ORIGIN), answering()
    answer.read(asking.hello(NONCE_G, FINGERPRINT_G, entropy=lambda _: PRIVATE_G))
    raw, ours = answer.reply(REPLY, lambda _: PRIVATE_H)
    reply, theirs = asking.finish(raw)

    assert (reply, theirs) == (REPLY, ours)


def test_the_gateway_reads_what_the_guest_said() -> None:
    answer = answering()
    said = answer.read(hello(media=Media.AUDIO, name="Zoë"))
    commit = guest.commitment(NONCE_G, answer.e)

    assert said == Hello(commit, FINGERPRINT_G, media=Media.AUDIO, name="Zoë")


def test_hello_names_its_invite_before_any_cryptography() -> None:
    assert guest.parse_invite_id(hello()) == guest.invite_id(SECRET)


@pytest.mark.parametrize(
    "raw", [b"", bytes(321), b"\x01" * 320, b"\x01" * 322], ids=[0, 1, 2, 3]
)
def test_what_has_not_the_shape_of_a_hello_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="hello: expected 321 bytes of version 1"):
        guest.parse_invite_id(raw)


def test_a_hello_for_another_origin_is_refused() -> None:
    with pytest.raises(HandshakeError):
        answering("https://talk.example.evil").read(hello())


def test_a_hello_with_another_secret_is_refused() -> None:
    with pytest.raises(HandshakeError):
        answering(secret=bytes(32)).read(hello())


def test_a_flipped_byte_anywhere_in_hello_is_noticed() -> None:
    said = hello()
    for place in range(17, len(said)):
        changed = bytearray(said)
        changed[place] ^= 1

        with pytest.raises(HandshakeError):
            answering().read(bytes(changed))


def test_a_flipped_byte_anywhere_in_reply_is_noticed() -> None:
    asking, answer = Asking(SECRET, ORIGIN), answering()
    answer.read(asking.hello(NONCE_G, FINGERPRINT_G, entropy=lambda _: PRIVATE_G))
    raw, _ = answer.reply(REPLY, lambda _: PRIVATE_H)
    before = asking.state
    for place in range(1, len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        asking.state = before.fork()

        with pytest.raises(HandshakeError):
            asking.finish(bytes(changed))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        pytest.param(bytes(64), "cut short", id="short"),
        pytest.param(bytes(64) + b"\x02\x00", "expected 1 or 3, came 2", id="media"),
        pytest.param(bytes(64) + b"\x01\x31" + b"a" * 49, "at most 48", id="long"),
        pytest.param(bytes(64) + b"\x01\x01\xff", "expected UTF-8", id="utf8"),
        pytest.param(bytes(64) + b"\x01\x00x", "1 bytes too many", id="rest"),
    ],
)
def test_a_payload_that_is_none_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        answering().read(hello(payload=payload))


@given(st.binary(min_size=321, max_size=321))
def test_any_other_bytes_are_no_hello(raw: bytes) -> None:
    with pytest.raises(HandshakeError):
        answering().read(raw)


def test_a_low_order_point_is_refused() -> None:
    asking = Asking(SECRET, ORIGIN)
    symmetric = asking.state.symmetric
    symmetric.mix_hash(bytes(32))
    symmetric.mix_key(bytes(32))
    payload = bytes(64) + b"\x01\x00"
    sealed = symmetric.encrypt_and_hash(pad(payload, 256))
    answer = answering()
    answer.read(b"\x01" + asking.id + bytes(32) + sealed)

    with pytest.raises(HandshakeError, match="public key refused"):
        answer.reply(REPLY, lambda _: PRIVATE_H)


def test_the_nonce_that_was_committed_to_is_taken() -> None:
    guest.check_commitment(guest.commitment(NONCE_G, bytes(32)), NONCE_G, bytes(32))


def test_another_nonce_than_committed_to_is_refused() -> None:
    committed = guest.commitment(NONCE_G, bytes(32))

    with pytest.raises(TrustError, match="not the one that was committed to"):
        guest.check_commitment(committed, NONCE_H, bytes(32))


def test_both_sides_reach_the_same_next_epoch() -> None:
    ours, theirs = map(X25519PrivateKey.from_private_bytes, (PRIVATE_G, PRIVATE_H))
    rekey, ack = guest.rekey_fields(1, theirs), guest.rekey_fields(1, ours)
    secret = bytes(64)

    assert guest.next_secret(secret, ours, rekey=rekey, ack=ack) == guest.next_secret(
        secret, theirs, rekey=rekey, ack=ack
    )


def test_an_answer_about_another_epoch_is_refused() -> None:
    ours, theirs = map(X25519PrivateKey.from_private_bytes, (PRIVATE_G, PRIVATE_H))

    with pytest.raises(HandshakeError, match="another epoch"):
        guest.next_secret(
            bytes(64),
            theirs,
            rekey=guest.rekey_fields(1, theirs),
            ack=guest.rekey_fields(2, ours),
        )


def test_an_answer_of_another_size_is_refused() -> None:
    key = X25519PrivateKey.from_private_bytes(PRIVATE_G)

    with pytest.raises(MalformedError, match="expected 36 bytes, came 35"):
        guest.next_secret(
            bytes(64), key, rekey=guest.rekey_fields(1, key), ack=bytes(35)
        )


def test_a_low_order_point_in_a_rekey_is_refused() -> None:
    key = X25519PrivateKey.from_private_bytes(PRIVATE_G)

    with pytest.raises(CallError, match="public key refused"):
        guest.next_secret(
            bytes(64),
            key,
            rekey=guest.rekey_fields(1, key),
            ack=b"\0\0\0\1" + bytes(32),
        )


def test_each_direction_and_epoch_has_its_own_number() -> None:
    numbers = {guest.frame_kid(role, epoch) for role in Role for epoch in range(100)}

    assert numbers == set(range(200))


def test_secrets_are_not_shown() -> None:
    _, _, keys = exchanged()

    assert repr(keys) == "GuestKeys()"
