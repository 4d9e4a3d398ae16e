"""What INVITE and RINGING carry inside: the payloads, to the byte.

Both are padded to one size, so that nothing shows through. Format:
docs/formats/handshake.md.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TypedDict, TypeVar

from voip.errors import MalformedError
from voip.handshake.schedule import HINT_BYTES, NONCE_BYTES
from voip.identity.certificate import (
    CERTIFICATE_BYTES,
    Certificate,
    parse_certificate,
)
from voip.wire import Reader, be16, be32, be64, format_tlv, pad, parse_tlv, unpad

VERSION = 1

INVITE_PAYLOAD_BYTES = 496
"""Fills the 4096-byte blob: 4096 - 3584 of handshake fields - 16 of tag."""

RINGING_PAYLOAD_BYTES = 1840
"""Fills the 4096-byte blob: 4096 - 2240 of handshake fields - 16 of tag."""

ID_BYTES = 16
"""Call ids and mailbox tags: random, and too long to meet by chance."""

COMMITMENT_BYTES = 32
FINGERPRINT_BYTES = 32

RELAY_LIMIT = 110
"""Bytes of relay text; with the longest host name that a card may carry."""

ALIAS_LIMIT = 48
"""Bytes of alias, as in a contact card."""

_TLV_RELAY = 1
_TLV_ALIAS = 2
_TLV_FINGERPRINT = 3
_TLV_GROUP = 4


class Mode(IntEnum):
    """How media keys are agreed."""

    IK_SRTP = 1
    DTLS_BIND = 2


class Media(IntFlag):
    """What the caller would like; bits of a later version are kept and ignored."""

    AUDIO = 1
    VIDEO = 2
    DATA = 4
    GROUP = 8
    LEGS_FOLLOW = 16
    """A gateway calls: ring only once it has said whom it joins."""


class Readiness(IntEnum):
    """What the callee's device says for itself; no human has been asked yet."""

    WILL_RING = 0
    BUSY = 1
    NOT_TAKING_CALLS = 2


_Kind = TypeVar("_Kind", Mode, Readiness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a caller asks for, and where to answer.

    `relay`, `alias` are the caller's own words: unverified text, to be escaped.
    """

    call_id: bytes
    """16 random bytes; the same in the INVITEs to all devices of the callee."""
    ts_ms: int
    """When it was made, unix milliseconds by the caller's clock."""
    ttl_s: int
    """How long the caller will wait."""
    media: Media
    tag: bytes
    """16 bytes: tag_A, the mailbox for the answer."""
    mode: Mode = Mode.IK_SRTP
    relay: str | None = None
    """Where `tag` is, in a card's notation; absent = the relay this came by."""
    alias: str | None = None
    fingerprint: bytes | None = None
    """SHA-256 (32 bytes) of the DTLS certificate; mode 2 needs it."""
    group: bytes | None = None
    """16 random bytes: the room that this call is a part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a callee's device answers, and where to go on."""

    readiness: Readiness
    caps: int
    """Capabilities chosen from those that both certificates have."""
    ring_s: int
    """How long it will ring."""
    tag: bytes
    """16 bytes: tag_B, the mailbox for what follows."""
    relay: str | None = None
    alias: str | None = None
    fingerprint: bytes | None = None


@dataclass(frozen=True, slots=True)
class InvitePayload:
    """An offer with what proves and binds it."""

    offer: Offer
    certificate: Certificate
    commitment: bytes = field(kw_only=True)
    """32 bytes: `sas.commitment`."""
    hints: tuple[bytes, bytes] = field(kw_only=True)
    """8 bytes each: `schedule.hint`, or random."""


@dataclass(frozen=True, slots=True)
class RingingPayload:
    """An answer with the callee's nonce (32 bytes)."""

    answer: Answer
    nonce_b: bytes = field(repr=False)


def format_invite(payload: InvitePayload) -> bytes:
    """Write what INVITE seals: 496 bytes.

    Raises:
        MalformedError: a text or the fingerprint is too long.
    """
    offer = payload.offer
    body = b"".join(
        (
            bytes([VERSION, offer.mode]),
            offer.call_id,
            be64(offer.ts_ms),
            be16(offer.ttl_s),
            payload.commitment,
            payload.certificate.encoded,
            bytes([offer.media]),
            *payload.hints,
            offer.tag,
            _format_extras(offer),
        )
    )
    return pad(body, INVITE_PAYLOAD_BYTES)


def parse_invite(raw: bytes) -> InvitePayload:
    """Read what INVITE sealed; the certificate's shape only.

    Raises:
        MalformedError: not 496 bytes, or anything in it is not as specified.
    """
    reader = _open(raw, INVITE_PAYLOAD_BYTES)
    mode = _member(Mode, reader.u8())
    call_id = reader.take(ID_BYTES)
    ts_ms, ttl_s = reader.u64(), reader.u16()
    commitment = reader.take(COMMITMENT_BYTES)
    certificate = parse_certificate(reader.take(CERTIFICATE_BYTES))
    media = Media(reader.u8())
    hints = reader.take(HINT_BYTES), reader.take(HINT_BYTES)
    tag = reader.take(ID_BYTES)
    offer = Offer(
        call_id=call_id,
        ts_ms=ts_ms,
        ttl_s=ttl_s,
        media=media,
        tag=tag,
        mode=mode,
        **_parse_extras(fields := parse_tlv(reader.rest())),
        group=_parse_group(fields),
    )
    if mode is Mode.DTLS_BIND and offer.fingerprint is None:
        raise MalformedError("invite: mode 2 needs a fingerprint, none came")
    return InvitePayload(offer, certificate, commitment=commitment, hints=hints)


def format_ringing(payload: RingingPayload) -> bytes:
    """Write what RINGING seals: 1840 bytes.

    Raises:
        MalformedError: a text or the fingerprint is too long.
    """
    answer = payload.answer
    body = b"".join(
        (
            bytes([VERSION, answer.readiness]),
            be32(answer.caps),
            be16(answer.ring_s),
            payload.nonce_b,
            answer.tag,
            _format_extras(answer),
        )
    )
    return pad(body, RINGING_PAYLOAD_BYTES)


def parse_ringing(raw: bytes) -> RingingPayload:
    """Read what RINGING sealed.

    Raises:
        MalformedError: not 1840 bytes, or anything in it is not as specified.
    """
    reader = _open(raw, RINGING_PAYLOAD_BYTES)
    readiness = _member(Readiness, reader.u8())
    caps, ring_s = reader.u32(), reader.u16()
    nonce_b = reader.take(NONCE_BYTES)
    tag = reader.take(ID_BYTES)
    answer = Answer(
        readiness=readiness,
        caps=caps,
        ring_s=ring_s,
        tag=tag,
        **_parse_extras(parse_tlv(reader.rest())),
    )
    return RingingPayload(answer, nonce_b)


def _open(raw: bytes, size: int) -> Reader:
    if len(raw) != size:
        raise MalformedError(f"payload: expected {size} bytes, came {len(raw)}")
    reader = Reader(unpad(raw))
    version = reader.u8()
    if version != VERSION:
        raise MalformedError(f"payload: expected version {VERSION}, came {version}")
    return reader


def _member(kind: type[_Kind], number: int) -> _Kind:
    try:
        return kind(number)
    except ValueError:
        raise MalformedError(f"{kind.__name__.lower()}: {number} is unknown") from None


class _Extras(TypedDict):
    relay: str | None
    alias: str | None
    fingerprint: bytes | None


def _format_extras(message: Offer | Answer) -> bytes:
    fields: dict[int, bytes] = {}
    if message.relay is not None:
        fields[_TLV_RELAY] = _at_most(message.relay.encode(), RELAY_LIMIT)
    if message.alias is not None:
        fields[_TLV_ALIAS] = _at_most(message.alias.encode(), ALIAS_LIMIT)
    if message.fingerprint is not None:
        fields[_TLV_FINGERPRINT] = _sized(
            "fingerprint", message.fingerprint, FINGERPRINT_BYTES
        )
    if isinstance(message, Offer) and message.group is not None:
        fields[_TLV_GROUP] = _sized("group", message.group, ID_BYTES)
    return format_tlv(fields)


def _parse_extras(fields: dict[int, bytes]) -> _Extras:
    fingerprint = fields.get(_TLV_FINGERPRINT)
    return _Extras(
        relay=_text(fields.get(_TLV_RELAY), RELAY_LIMIT),
        alias=_text(fields.get(_TLV_ALIAS), ALIAS_LIMIT),
        fingerprint=None
        if fingerprint is None
        else _sized("fingerprint", fingerprint, FINGERPRINT_BYTES),
    )


def _parse_group(fields: dict[int, bytes]) -> bytes | None:
    group = fields.get(_TLV_GROUP)
    return None if group is None else _sized("group", group, ID_BYTES)


def _text(value: bytes | None, limit: int) -> str | None:
    if value is None:
        return None
    try:
        return _at_most(value, limit).decode()
    except UnicodeDecodeError:
        raise MalformedError("text: expected UTF-8, came something else") from None


def _at_most(value: bytes, limit: int) -> bytes:
    if len(value) > limit:
        raise MalformedError(f"text: expected at most {limit} bytes, came {len(value)}")
    return value


def _sized(name: str, value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise MalformedError(f"{name}: expected {size} bytes, came {len(value)}")
    return value
