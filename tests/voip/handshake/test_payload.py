from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.handshake.payload import (
    ALIAS_LIMIT,
    INVITE_PAYLOAD_BYTES,
    RELAY_LIMIT,
    RINGING_PAYLOAD_BYTES,
    Answer,
    InvitePayload,
    Media,
    Mode,
    Offer,
    Readiness,
    RingingPayload,
    format_invite,
    format_ringing,
    parse_invite,
    parse_ringing,
)
from voip.identity.certificate import Certificate
from voip.wire import pad, unpad

CERTIFICATE = Certificate(
    b"\x58" + b"\x66" * 31,  # the base point of Ed25519: some identity
    b"d" * 16,
    x25519=b"x" * 32,
    ek_hash=b"h" * 32,
    nbf=1,
    naf=2,
    caps=1,
    signature=b"s" * 64,
)
OFFER = Offer(
    call_id=b"c" * 16,
    ts_ms=1_800_000_000_000,
    ttl_s=60,
    media=Media.AUDIO | Media.VIDEO,
    tag=b"t" * 16,
)
ANSWER = Answer(readiness=Readiness.WILL_RING, caps=5, ring_s=45, tag=b"u" * 16)
INVITE = InvitePayload(
    OFFER, CERTIFICATE, commitment=b"m" * 32, hints=(b"1" * 8, b"2" * 8)
)
RINGING = RingingPayload(ANSWER, b"n" * 32)
FULL_OFFER = replace(
    OFFER,
    mode=Mode.DTLS_BIND,
    relay="r" * RELAY_LIMIT,
    alias="é" * (ALIAS_LIMIT // 2),
    fingerprint=b"f" * 32,
)
FULL_ANSWER = replace(
    ANSWER, relay="r" * RELAY_LIMIT, alias="a" * ALIAS_LIMIT, fingerprint=b"f" * 32
)

texts = st.none() | st.text(max_size=ALIAS_LIMIT // 4)
extras = {
    "relay": texts,
    "alias": texts,
    "fingerprint": st.none() | st.binary(min_size=32, max_size=32),
}
ids = st.binary(min_size=16, max_size=16)
eights = st.binary(min_size=8, max_size=8)
offers = st.builds(
    Offer,
    call_id=ids,
    ts_ms=st.integers(0, 2**64 - 1),
    ttl_s=st.integers(0, 2**16 - 1),
    media=st.integers(0, 255).map(Media),
    tag=ids,
    mode=st.just(Mode.IK_SRTP),
    group=st.none() | ids,
    **extras,
)
answers = st.builds(
    Answer,
    readiness=st.sampled_from(Readiness),
    caps=st.integers(0, 2**32 - 1),
    ring_s=st.integers(0, 2**16 - 1),
    tag=ids,
    **extras,
)


@given(offers, st.binary(min_size=32, max_size=32), st.tuples(eights, eights))
def test_an_invite_reads_back_as_written(
    offer: Offer, commitment: bytes, hints: tuple[bytes, bytes]
) -> None:
    payload = InvitePayload(offer, CERTIFICATE, commitment=commitment, hints=hints)

    assert parse_invite(format_invite(payload)) == payload


@given(answers, st.binary(min_size=32, max_size=32))
def test_a_ringing_reads_back_as_written(answer: Answer, nonce: bytes) -> None:
    payload = RingingPayload(answer, nonce)

    assert parse_ringing(format_ringing(payload)) == payload


def test_the_longest_payloads_fit() -> None:
    invite = replace(INVITE, offer=FULL_OFFER)
    ringing = RingingPayload(FULL_ANSWER, b"n" * 32)

    assert parse_invite(format_invite(invite)) == invite
    assert parse_ringing(format_ringing(ringing)) == ringing
    assert len(format_invite(invite)) == INVITE_PAYLOAD_BYTES == 496
    assert len(format_ringing(ringing)) == RINGING_PAYLOAD_BYTES == 1840


def test_a_room_in_a_ringing_is_passed_over() -> None:
    raw = unpad(format_ringing(RINGING)) + b"\x04\x10" + b"g" * 16

    assert parse_ringing(pad(raw, RINGING_PAYLOAD_BYTES)) == RINGING


def test_a_room_of_another_size_is_malformed() -> None:
    with pytest.raises(MalformedError, match="group: expected 16 bytes, came 15"):
        format_invite(replace(INVITE, offer=replace(OFFER, group=bytes(15))))


@given(st.binary(max_size=INVITE_PAYLOAD_BYTES - 2))
def test_any_invite_body_is_a_value_or_malformed(body: bytes) -> None:
    try:
        payload = parse_invite(pad(body, INVITE_PAYLOAD_BYTES))
    except MalformedError:
        return

    assert parse_invite(format_invite(payload)) == payload


@given(
    st.integers(2, INVITE_PAYLOAD_BYTES - 1),
    st.integers(1, 255),
    st.sampled_from([OFFER, FULL_OFFER]),
)
def test_a_changed_byte_is_another_value_or_malformed(
    position: int, change: int, offer: Offer
) -> None:
    raw = bytearray(format_invite(replace(INVITE, offer=offer)))
    raw[position] ^= change
    try:
        payload = parse_invite(bytes(raw))
    except MalformedError:
        return

    assert payload != replace(INVITE, offer=offer)


@pytest.mark.parametrize(
    "size", [0, INVITE_PAYLOAD_BYTES - 1, INVITE_PAYLOAD_BYTES + 1]
)
def test_an_invite_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError, match=f"expected 496 bytes, came {size}"):
        parse_invite(bytes(size))


def test_padding_that_is_not_zero_is_malformed() -> None:
    raw = format_ringing(RINGING)

    with pytest.raises(MalformedError, match="expected zeros"):
        parse_ringing(raw[:-1] + b"\x01")


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"\x02", "expected version 1, came 2"),
        (1, b"\x03", "mode: 3 is unknown"),
        (1, b"\x02", "mode 2 needs a fingerprint"),
        (60, b"\x02", "certificate: expected version 1"),
    ],
)
def test_an_invite_says_what_is_wrong(offset: int, value: bytes, reason: str) -> None:
    body = unpad(format_invite(INVITE))
    body = body[:offset] + value + body[offset + 1 :]

    with pytest.raises(MalformedError, match=reason):
        parse_invite(pad(body, INVITE_PAYLOAD_BYTES))


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"\x02", "expected version 1, came 2"),
        (1, b"\x03", "readiness: 3 is unknown"),
    ],
)
def test_a_ringing_says_what_is_wrong(offset: int, value: bytes, reason: str) -> None:
    body = unpad(format_ringing(RINGING))
    body = body[:offset] + value + body[offset + 1 :]

    with pytest.raises(MalformedError, match=reason):
        parse_ringing(pad(body, RINGING_PAYLOAD_BYTES))


@pytest.mark.parametrize(
    ("area", "reason"),
    [
        (b"\x01\x6f" + b"r" * 111, "at most 110 bytes, came 111"),
        (b"\x02\x31" + b"a" * 49, "at most 48 bytes, came 49"),
        (b"\x02\x01\xff", "expected UTF-8"),
        (b"\x03\x1f" + b"f" * 31, "expected 32 bytes, came 31"),
        (b"\x02\x01a\x01\x01r", "type 1 after type 2"),
        (b"\x02\x01a\x02\x01a", "type 2 after type 2"),
        (b"\x02\x05a", "cut short"),
    ],
)
def test_bad_extras_are_malformed(area: bytes, reason: str) -> None:
    body = unpad(format_ringing(RINGING)) + area

    with pytest.raises(MalformedError, match=reason):
        parse_ringing(pad(body, RINGING_PAYLOAD_BYTES))


def test_extras_of_a_later_version_are_ignored() -> None:
    body = unpad(format_ringing(RINGING)) + b"\x02\x01a\x63\x03new"

    payload = parse_ringing(pad(body, RINGING_PAYLOAD_BYTES))

    assert payload.answer == replace(ANSWER, alias="a")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (replace(ANSWER, relay="r" * 111), "at most 110 bytes, came 111"),
        (replace(ANSWER, alias="é" * 25), "at most 48 bytes, came 50"),
        (replace(ANSWER, fingerprint=b"f"), "expected 32 bytes, came 1"),
    ],
)
def test_what_could_not_be_read_is_not_written(answer: Answer, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        format_ringing(RingingPayload(answer, b"n" * 32))
