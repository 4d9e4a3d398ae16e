"""INVITE and RINGING between two devices, and everything that must not pass."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voip.errors import HandshakeError, MalformedError, TrustError
from voip.handshake import exchange, kem
from voip.handshake.exchange import (
    BLOB_BYTES,
    Answered,
    Invited,
    Received,
    Ringing,
    consume_invite,
    consume_ringing,
    create_invite,
    create_ringing,
)
from voip.handshake.noise import (
    CHACHAPOLY_SHA512,
    HandshakeState,
    SymmetricState,
    Token,
)
from voip.handshake.payload import (
    Answer,
    InvitePayload,
    Media,
    Mode,
    Offer,
    Readiness,
    format_invite,
)
from voip.handshake.replay import BY_HAND_WINDOW_MS
from voip.handshake.sas import check_commitment
from voip.handshake.schedule import opening, session_keys
from voip.identity.callkey import Bundle, CallKey, create_call_key
from voip.identity.certificate import sign_certificate
from voip.identity.signer import NativeSigner
from voip.wire import P, lp8, pad, unpad

Entropy = Callable[[int], bytes]

NOW = 1_800_000_000
NOW_MS = NOW * 1000
DAY_S = 86_400
CAPS = 1 | 4  # ik-srtp and video
RS = b"r" * 64
LUCK: Entropy = random.Random("exchange").randbytes

# Where each field begins (docs/formats/handshake.md), and the last byte.
INVITE_EDGES = (0, 32, 1136, 2336, 2384, 3584, 4095)
RINGING_EDGES = (0, 32, 1136, 2240, 4095)


def device(name: str, *, now: int = NOW, caps: int = CAPS) -> CallKey:
    luck = random.Random(f"{name} {now} {caps}").randbytes
    signer = NativeSigner(random.Random(name).randbytes(32))
    device_id = name.encode().ljust(16)
    return create_call_key(signer, device_id, now=now, caps=caps, entropy=luck)


ALICE, BOB, EVE = device("alice"), device("bob"), device("eve")
OFFER = Offer(
    call_id=b"c" * 16, ts_ms=NOW_MS, ttl_s=60, media=Media.AUDIO, tag=b"a" * 16
)
ANSWER = Answer(readiness=Readiness.WILL_RING, caps=CAPS, ring_s=45, tag=b"b" * 16)


def invite(
    *,
    caller: CallKey = ALICE,
    callee: Bundle = BOB.bundle,
    offer: Offer = OFFER,
    secrets: tuple[bytes | None, ...] = (),
) -> Invited:
    return create_invite(
        caller,
        callee,
        offer,
        secrets=secrets,
        entropy=LUCK,
        encapsulate=kem.encapsulate,
    )


def receive(blob: bytes, *call_keys: CallKey, now_ms: int = NOW_MS) -> Received:
    return consume_invite(blob, call_keys or (BOB,), now_ms=now_ms)


def ring(
    received: Received, *, secret: bytes | None = None, answer: Answer = ANSWER
) -> Ringing:
    return create_ringing(
        received, answer, secret=secret, entropy=LUCK, encapsulate=kem.encapsulate
    )


def finish(invited: Invited, blob: bytes, *secrets: bytes | None) -> Answered:
    return consume_ringing(invited, blob, secrets=secrets)


INVITED = invite()
RUNG = ring(receive(INVITED.blob))


class TestTwoHonestSides:
    def test_get_the_same_keys(self) -> None:
        answered = finish(INVITED, RUNG.blob)

        assert answered.keys == RUNG.keys
        assert answered.nonce_b == RUNG.nonce_b

    def test_learn_what_the_other_asked_and_answered(self) -> None:
        received = receive(INVITED.blob)

        assert received.certificate == ALICE.certificate
        assert (received.offer, received.is_late) == (OFFER, False)
        assert (received.e_a, received.caps) == (INVITED.e_a, CAPS)
        assert finish(INVITED, RUNG.blob).answer == ANSWER

    def test_send_blobs_of_one_size(self) -> None:
        assert len(INVITED.blob) == len(RUNG.blob) == BLOB_BYTES

    def test_agree_that_the_nonce_was_committed_to(self) -> None:
        received = receive(INVITED.blob)

        check_commitment(received.commitment, INVITED.nonce_a, received.e_a)
        with pytest.raises(TrustError):
            check_commitment(received.commitment, bytes(32), received.e_a)

    def test_never_get_the_same_keys_twice(self) -> None:
        again = ring(receive(INVITED.blob))

        assert again.keys != RUNG.keys
        assert finish(INVITED, again.blob).keys == again.keys

    def test_find_the_call_key_among_several(self) -> None:
        older = device("bob", now=NOW - 7 * DAY_S)

        assert receive(invite(callee=older.bundle).blob, BOB, older).offer == OFFER

    def test_show_no_secret(self) -> None:
        received = receive(INVITED.blob)
        answered = finish(INVITED, RUNG.blob)
        shown = f"{INVITED!r} {received!r} {RUNG!r} {answered!r}"

        assert repr(INVITED.nonce_a) not in shown
        assert repr(RUNG.keys.master) not in shown
        assert repr(received.state.symmetric.ck) not in shown


class TestRetainedSecrets:
    @pytest.mark.parametrize(
        ("sent", "held", "matched"),
        [
            ((RS,), (RS,), RS),
            ((None, RS), (RS, None), RS),
            ((RS, b"2" * 64), (None, b"2" * 64), b"2" * 64),
            ((RS, b"2" * 64), (RS, b"2" * 64), RS),
            ((RS,), (b"2" * 64,), None),
            ((RS,), (), None),
            ((), (RS,), None),
        ],
    )
    def test_callee_matches_the_newest_hint_it_knows(
        self,
        sent: tuple[bytes | None, ...],
        held: tuple[bytes | None, ...],
        matched: bytes | None,
    ) -> None:
        assert receive(invite(secrets=sent).blob).match(held) == matched

    @pytest.mark.parametrize("used", [RS, b"2" * 64, None])
    def test_caller_learns_which_one_the_callee_used(self, used: bytes | None) -> None:
        invited = invite(secrets=(RS, b"2" * 64))
        rung = ring(receive(invited.blob), secret=used)
        answered = finish(invited, rung.blob, RS, b"2" * 64)

        assert answered.matched == used
        assert answered.keys == rung.keys

    def test_a_secret_the_caller_does_not_hold_opens_nothing(self) -> None:
        rung = ring(receive(INVITED.blob), secret=b"3" * 64)

        with pytest.raises(HandshakeError):
            finish(INVITED, rung.blob, RS)

    def test_hints_look_different_in_every_invite(self) -> None:
        hints = [receive(invite(secrets=(RS, RS)).blob).hints for _ in range(2)]

        assert hints[0] != hints[1]


class TestInviteIsRefused:
    @pytest.mark.parametrize("position", INVITE_EDGES)
    def test_with_a_changed_byte_at_the_edge_of_a_field(self, position: int) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(flip(INVITED.blob, position, 1))

    @pytest.mark.parametrize("quarter", range(4))
    def test_with_any_one_bit_flipped(self, quarter: int) -> None:
        for position in range(quarter, BLOB_BYTES, 4):
            with pytest.raises(HandshakeError, match="invite refused"):
                receive(flip(INVITED.blob, position, 1 << LUCK(1)[0] % 8))

    @settings(max_examples=50)
    @given(st.binary(max_size=64), st.sampled_from([0, 1, 32, 4095, 4096]))
    def test_when_it_is_something_else(self, start: bytes, size: int) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(start.ljust(size, b"\x07"))

    @pytest.mark.parametrize("blob", [INVITED.blob[:-1], INVITED.blob + b"\0", b""])
    def test_with_another_length(self, blob: bytes) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(blob)

    def test_by_another_device(self) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(INVITED.blob, EVE)

    def test_by_a_device_without_live_keys(self) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            consume_invite(INVITED.blob, (), now_ms=NOW_MS)

    def test_when_the_prologue_holds_another_certificate(self) -> None:
        """Same call key, other capabilities: a downgrade by a doctored board."""
        doctored = Bundle(replace(BOB.certificate, caps=1), BOB.ek)

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(invite(callee=doctored).blob)

    @pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
    def test_with_a_low_order_point_though_all_its_tags_are_right(
        self, point: bytes
    ) -> None:
        state = attack()
        state.symmetric.mix_hash(point)
        state.symmetric.mix_key(point)
        state.symmetric.mix_key(bytes(32))  # what X25519 gives for such a point
        fields = write(state, exchange.INVITE_TOKENS[2:])
        blob = point + fields + state.symmetric.encrypt_and_hash(payload())

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(blob)

    def test_but_not_when_it_is_made_by_hand_and_right(self) -> None:
        assert receive(respell(lambda raw: raw)).offer == OFFER

    @pytest.mark.parametrize("days", [-2, 31])
    def test_outside_the_life_of_the_certificate(self, days: int) -> None:
        now = NOW + days * DAY_S
        blob = invite(offer=replace(OFFER, ts_ms=now * 1000)).blob

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(blob, now_ms=now * 1000)

    def test_from_the_future(self) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(invite(offer=replace(OFFER, ts_ms=NOW_MS + 60_001)).blob)

    def test_under_the_certificate_of_somebody_else(self) -> None:
        with pytest.raises(HandshakeError, match="invite refused"):
            receive(invite(caller=dressed_as(ALICE.certificate, EVE)).blob)

    def test_when_only_the_x25519_half_is_somebody_elses(self) -> None:
        """Alice's identity signed Eve's ML-KEM key with Alice's X25519 key."""
        certificate = sign_certificate(
            NativeSigner(random.Random("alice").randbytes(32)),
            ALICE.certificate.device_id,
            x25519=ALICE.x25519_public,
            ek=EVE.ek,
            nbf=ALICE.certificate.nbf,
            naf=ALICE.certificate.naf,
            caps=CAPS,
        )

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(invite(caller=dressed_as(certificate, EVE)).blob)

    def test_with_a_signature_that_does_not_hold(self) -> None:
        forged = replace(ALICE.certificate, signature=bytes(64))

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(invite(caller=dressed_as(forged, ALICE)).blob)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda raw: raw[:-1] + b"\x01",
            lambda raw: pad(unpad(raw) + b"\x02\x01a\x01\x01r", len(raw)),
            lambda raw: pad(b"\x02" + unpad(raw)[1:], len(raw)),
            lambda raw: pad(unpad(raw)[:100], len(raw)),
        ],
        ids=["padding", "disordered TLV", "version", "cut short"],
    )
    def test_with_a_malformed_payload(self, spoil: Callable[[bytes], bytes]) -> None:
        blob = respell(spoil)

        with pytest.raises(HandshakeError, match="invite refused"):
            receive(blob)


class TestRingingIsRefused:
    @pytest.mark.parametrize("position", RINGING_EDGES)
    def test_with_a_changed_byte_at_the_edge_of_a_field(self, position: int) -> None:
        with pytest.raises(HandshakeError):
            finish(INVITED, flip(RUNG.blob, position, 1))

    @pytest.mark.parametrize("quarter", range(4))
    def test_with_any_one_bit_flipped(self, quarter: int) -> None:
        for position in range(quarter, BLOB_BYTES, 4):
            with pytest.raises(HandshakeError):
                finish(INVITED, flip(RUNG.blob, position, 1 << LUCK(1)[0] % 8))

    @pytest.mark.parametrize("blob", [RUNG.blob[:-1], RUNG.blob + b"\0", b""])
    def test_with_another_length(self, blob: bytes) -> None:
        with pytest.raises(HandshakeError, match="ringing refused"):
            finish(INVITED, blob)

    def test_with_a_low_order_ephemeral_key(self) -> None:
        with pytest.raises(HandshakeError):
            finish(INVITED, bytes(32) + RUNG.blob[32:])

    def test_for_another_invite(self) -> None:
        with pytest.raises(HandshakeError):
            finish(invite(), RUNG.blob)

    def test_and_the_real_one_still_opens(self) -> None:
        with pytest.raises(HandshakeError):
            finish(INVITED, flip(RUNG.blob, 40, 1))

        assert finish(INVITED, RUNG.blob).keys == RUNG.keys

    def test_when_it_chooses_what_the_caller_cannot_do(self) -> None:
        received = replace(receive(INVITED.blob), caps=0xFF)
        rung = ring(received, answer=replace(ANSWER, caps=CAPS | 2))

        with pytest.raises(HandshakeError, match="not both sides"):
            finish(INVITED, rung.blob)

    def test_with_a_malformed_payload(self) -> None:
        rung = ring(receive(INVITED.blob), answer=replace(ANSWER, tag=b"b" * 17))

        with pytest.raises(HandshakeError, match="ringing refused"):
            finish(INVITED, rung.blob)


class TestWhatIsNotSent:
    def test_an_invite_to_a_low_order_point(self) -> None:
        certificate = replace(BOB.certificate, x25519=bytes(32))

        with pytest.raises(HandshakeError, match="public key refused"):
            invite(callee=Bundle(certificate, BOB.ek))

    def test_an_invite_to_a_bad_kem_key(self) -> None:
        with pytest.raises(HandshakeError, match="encapsulation key refused"):
            invite(callee=Bundle(BOB.certificate, b"\xff" * 1184))

    def test_an_offer_that_does_not_fit(self) -> None:
        with pytest.raises(MalformedError, match="at most 48 bytes"):
            invite(offer=replace(OFFER, alias="a" * 49))

    def test_an_answer_with_more_than_both_sides_can_do(self) -> None:
        with pytest.raises(HandshakeError, match="not both sides"):
            ring(receive(INVITED.blob), answer=replace(ANSWER, caps=CAPS | 2))

    def test_an_answer_to_a_bad_ephemeral_kem_key(self) -> None:
        received = receive(INVITED.blob)
        received.state.re1 = b"\xff" * 1184

        with pytest.raises(HandshakeError, match="encapsulation key refused"):
            ring(received)


def test_each_message_is_refused_in_the_place_of_the_other() -> None:
    with pytest.raises(HandshakeError, match="invite refused"):
        receive(RUNG.blob)
    with pytest.raises(HandshakeError):
        finish(INVITED, INVITED.blob)


def test_who_stole_both_identities_is_seen_in_words_and_continuity() -> None:
    """Eve minted a device for each of them and sits between two handshakes."""
    as_alice, as_bob = device("alice", now=NOW - 1), device("bob", now=NOW - 1)
    from_alice = invite(callee=as_bob.bundle, secrets=(RS,))
    to_bob = invite(caller=as_alice)
    eve_answers = ring(receive(from_alice.blob, as_bob))
    at_bob = receive(to_bob.blob)
    bob_answers = ring(at_bob)
    at_alice = finish(from_alice, eve_answers.blob, RS)

    assert at_alice.matched is None
    assert at_bob.match((RS,)) is None
    assert at_alice.keys.sas(from_alice.nonce_a, at_alice.nonce_b) != (
        bob_answers.keys.sas(to_bob.nonce_a, bob_answers.nonce_b)
    )


def test_an_old_invite_is_a_missed_call() -> None:
    assert receive(INVITED.blob, now_ms=NOW_MS + 60_001).is_late


def test_an_invite_carried_by_hand_may_be_older() -> None:
    received = consume_invite(
        INVITED.blob, (BOB,), now_ms=NOW_MS + 60_001, window_ms=BY_HAND_WINDOW_MS
    )

    assert not received.is_late


def test_a_stranger_is_known_by_the_certificate_alone() -> None:
    assert receive(invite(caller=EVE).blob).certificate == EVE.certificate


def test_caps_are_those_of_both_certificates() -> None:
    modest = device("modest", caps=1)

    assert invite(callee=modest.bundle).caps == 1
    assert receive(invite(caller=modest).blob).caps == 1


def test_another_mode_is_for_the_session_to_refuse() -> None:
    offer = replace(OFFER, mode=Mode.DTLS_BIND, fingerprint=b"f" * 32)

    assert receive(invite(offer=offer).blob).offer.mode is Mode.DTLS_BIND


def flip(blob: bytes, position: int, change: int) -> bytes:
    doctored = bytearray(blob)
    doctored[position] ^= change
    return bytes(doctored)


def dressed_as(certificate: Any, key: CallKey) -> CallKey:
    """`key` with a certificate that `CallKey` itself would not take."""
    disguised = replace(key)
    object.__setattr__(disguised, "certificate", certificate)
    return disguised


def attack() -> HandshakeState:
    """A caller's state at the start of an INVITE, to do with as one likes."""
    symmetric = SymmetricState.start(CHACHAPOLY_SHA512, exchange.PROTOCOL_NAME)
    symmetric.mix_hash(lp8(P) + b"\0\1" + BOB.certificate.encoded)
    symmetric.mix_hash(BOB.x25519_public)
    symmetric.mix_hash(BOB.ek)
    return HandshakeState(
        symmetric=symmetric,
        initiator=True,
        has_psk=True,
        s=ALICE.x25519,
        ek=ALICE.ek,
        rs=BOB.x25519.public_key(),
        rsk=BOB.ek,
    )


def write(state: HandshakeState, tokens: tuple[Token, ...]) -> bytes:
    return state.write(tokens, entropy=LUCK, encapsulate=kem.encapsulate)


def payload() -> bytes:
    hints = bytes(8), bytes(8)
    return format_invite(
        InvitePayload(OFFER, ALICE.certificate, commitment=bytes(32), hints=hints)
    )


def respell(spoil: Callable[[bytes], bytes]) -> bytes:
    """Make an INVITE whose payload an honest caller would not write."""
    state = attack()
    fields = write(state, exchange.INVITE_TOKENS)
    return fields + state.symmetric.encrypt_and_hash(spoil(payload()))


class Recorded:
    """tests/frozen/handshake/recorded.txt, which an independent script wrote."""

    def __init__(self) -> None:
        path = Path(__file__).parents[2] / "frozen" / "handshake" / "recorded.txt"
        lines = path.read_text("ascii").split("\n\n", 1)[1].splitlines()
        pairs = (line.split(": ") for line in lines)
        self.values = {name: bytes.fromhex(value) for name, value in pairs}

    def __getitem__(self, name: str) -> bytes:
        return self.values[name]

    def call_key(self, who: str) -> CallKey:
        seeds = iter([self[f"{who}-x25519-seed"], self[f"{who}-mlkem-seed"]])
        made = create_call_key(
            NativeSigner(self[f"{who}-identity-seed"]),
            self[f"{who}-device-id"],
            now=NOW,
            caps=CAPS,
            entropy=lambda _: next(seeds),
        )
        certificate = sign_certificate(
            NativeSigner(self[f"{who}-identity-seed"]),
            self[f"{who}-device-id"],
            x25519=made.x25519_public,
            ek=made.ek,
            nbf=NOW - DAY_S,
            naf=NOW + DAY_S,
            caps=CAPS,
        )
        return CallKey(certificate, made.x25519_seed, mlkem_seed=made.mlkem_seed)

    def entropy(self, *names: str) -> Entropy:
        values = iter([self[name] for name in names])
        return lambda _: next(values)

    def encapsulate(self, *names: str) -> Callable[[bytes], tuple[bytes, bytes]]:
        results: Iterator[tuple[bytes, bytes]] = iter(
            [(self[f"{name}-secret"], self[f"{name}-ciphertext"]) for name in names]
        )
        return lambda _: next(results)


def test_the_recorded_handshake_comes_out_byte_for_byte() -> None:
    frozen = Recorded()
    caller, callee = frozen.call_key("caller"), frozen.call_key("callee")
    offer = replace(
        OFFER,
        call_id=frozen["call-id"],
        media=Media.AUDIO | Media.VIDEO,
        tag=frozen["tag-a"],
        alias="alice",
    )
    invited = create_invite(
        caller,
        callee.bundle,
        offer,
        secrets=(frozen["retained"],),
        entropy=frozen.entropy(
            "caller-e-seed", "caller-e1-seed", "nonce-a", "second-hint"
        ),
        encapsulate=frozen.encapsulate("invite-skem"),
    )
    rung = create_ringing(
        consume_invite(frozen["invite"], [callee], now_ms=NOW_MS),
        replace(ANSWER, tag=frozen["tag-b"], alias="bob"),
        secret=frozen["retained"],
        entropy=frozen.entropy("callee-e-seed", "nonce-b"),
        encapsulate=frozen.encapsulate("ringing-ekem1", "ringing-skem"),
    )
    answered = consume_ringing(
        invited, frozen["ringing"], secrets=(frozen["retained"],)
    )

    assert invited.blob == frozen["invite"]
    assert rung.blob == frozen["ringing"]
    assert answered.keys == rung.keys
    assert answered.matched == frozen["retained"]
    assert rung.keys.master == frozen["master"]
    assert rung.keys.signal(0) == frozen["signal-caller"]
    assert rung.keys.signal(1) == frozen["signal-callee"]
    assert rung.keys.sas(invited.nonce_a, rung.nonce_b) == frozen["sas"]
    assert rung.keys.retained == frozen["retained-next"]
    assert rung.keys.call_secret == frozen["call-secret"]
    assert rung.keys.opening(0) == opening(frozen["opening-caller"])
    assert rung.keys.opening(1) == opening(frozen["opening-callee"])


def test_the_recorded_key_and_transcript_give_the_recorded_keys() -> None:
    frozen = Recorded()

    keys = session_keys(frozen["ck"], frozen["h"])

    assert keys.master == frozen["master"]
