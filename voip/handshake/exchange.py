"""INVITE and RINGING: two messages that make the keys of a call.

::

    caller                                               callee
      create_invite   ── INVITE 4096 ──>   consume_invite  -> Received
                                           (is it fresh? a contact? which secret?)
      consume_ringing <── RINGING 4096 ──  create_ringing  -> Ringing (keys)
      -> Answered (keys)
                      ── CONFIRM (nonce_A) ──>   sas.check_commitment

Noise_IKpsk2 (revision 34) with an ephemeral and a static ML-KEM-768 key beside each
X25519 key. Nothing of a call is signed, so neither side can prove to others that it
took place. Whatever is wrong, the one answer is `HandshakeError`. Format:
docs/formats/handshake.md.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from voip.errors import HandshakeError, MalformedError, RefusedError
from voip.handshake.kem import Encapsulate
from voip.handshake.noise import (
    CHACHAPOLY_SHA512,
    DH_BYTES,
    HandshakeState,
    SymmetricState,
    Token,
)
from voip.handshake.payload import (
    Answer,
    InvitePayload,
    Offer,
    RingingPayload,
    format_invite,
    format_ringing,
    parse_invite,
    parse_ringing,
)
from voip.handshake.replay import WINDOW_MS, is_late
from voip.handshake.sas import commitment
from voip.handshake.schedule import (
    HINT_BYTES,
    NONCE_BYTES,
    ZERO_PSK,
    SessionKeys,
    hint,
    psk,
    session_keys,
)
from voip.identity.callkey import Bundle, CallKey
from voip.identity.certificate import Certificate, check_certificate, check_ek
from voip.identity.keys import Entropy
from voip.wire import P, Reader, be16, lp8

PROTOCOL_NAME = b"Noise_IKpsk2hfs+skem_25519+MLKEM768_ChaChaPoly_SHA512"
SUITE = 1

# `e1` stands after `es` and `skem`: right after `e` the key of its field could be
# computed from the callee's certificate, and anyone could test for whom an INVITE is.
INVITE_TOKENS: tuple[Token, ...] = ("e", "es", "skem", "e1", "s", "sk", "ss")

RINGING_TOKENS: tuple[Token, ...] = ("e", "ee", "ekem1", "se", "skem")
"""Up to `psk`, of which the caller may have several to try."""

BLOB_BYTES = 4096
"""Every message is one mailbox blob of this size, so that none can be told apart."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A call that went out to one device; the caller keeps it until RINGING."""

    blob: bytes
    """INVITE, 4096 bytes."""
    e_a: bytes
    """Our ephemeral X25519 public key (32 bytes)."""
    nonce_a: bytes = field(kw_only=True, repr=False)
    """32 bytes, secret until it is shown in CONFIRM."""
    caps: int = field(kw_only=True)
    """Capabilities of both certificates: the most that the callee may choose."""
    state: HandshakeState = field(kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """An INVITE that opened and whose certificate holds; not yet judged otherwise."""

    certificate: Certificate
    """The caller's: identity and device_id are proved by it."""
    offer: Offer
    e_a: bytes = field(kw_only=True)
    commitment: bytes = field(kw_only=True)
    hints: tuple[bytes, bytes] = field(kw_only=True)
    caps: int = field(kw_only=True)
    """Capabilities of both certificates: the most that we may choose."""
    is_late: bool = field(kw_only=True)
    """Made longer ago than the window: a missed call, not to be answered."""
    state: HandshakeState = field(kw_only=True, repr=False)

    def match(self, secrets: Sequence[bytes | None]) -> bytes | None:
        """Give the first retained secret that the caller hinted at, if any."""
        for secret in secrets:
            if secret is not None and _is_hinted(hint(secret, self.e_a), self.hints):
                return secret
        return None


@dataclass(frozen=True, slots=True)
class Ringing:
    """The callee's side of a finished handshake."""

    keys: SessionKeys
    blob: bytes
    """RINGING, 4096 bytes. Keep it: the same INVITE again gets the same bytes."""
    nonce_b: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Answered:
    """The caller's side of a finished handshake."""

    keys: SessionKeys
    answer: Answer
    nonce_b: bytes = field(kw_only=True)
    matched: bytes | None = field(kw_only=True, repr=False)
    """The retained secret that opened it; None = it came without one."""


def create_invite(  # noqa: PLR0913 - all of it belongs to this one message
    call_key: CallKey,
    bundle: Bundle,
    offer: Offer,
    *,
    secrets: Sequence[bytes | None],
    entropy: Entropy,
    encapsulate: Encapsulate,
) -> Invited:
    """Call one device.

    Args:
        call_key: our own newest.
        bundle: that device's, already checked (`callkey.check_bundle`).
        offer: what to ask for.
        secrets: at most two retained secrets shared with that device, newest first;
            where there is none, the hint is random.
        entropy: source of the ephemeral keys, the nonce and random hints.
        encapsulate: `kem.encapsulate`.

    Raises:
        HandshakeError: the device's key is a low-order point or a bad ML-KEM key.
        MalformedError: the offer does not fit.
    """
    symmetric = SymmetricState.start(CHACHAPOLY_SHA512, PROTOCOL_NAME)
    symmetric.h = _premessages(bundle.certificate, bundle.ek)
    state = _state(symmetric, call_key, initiator=True)
    state.rs = X25519PublicKey.from_public_bytes(bundle.certificate.x25519)
    state.rsk = bundle.ek
    fields = state.write(INVITE_TOKENS, entropy=entropy, encapsulate=encapsulate)
    e_a, nonce_a = fields[:DH_BYTES], entropy(NONCE_BYTES)
    first, second = [*secrets, None, None][:2]
    payload = InvitePayload(
        offer,
        call_key.certificate,
        commitment=commitment(nonce_a, e_a),
        hints=(_hint(first, e_a, entropy), _hint(second, e_a, entropy)),
    )
    return Invited(
        fields + state.symmetric.encrypt_and_hash(format_invite(payload)),
        e_a,
        nonce_a=nonce_a,
        caps=call_key.certificate.caps & bundle.certificate.caps,
        state=state,
    )


def consume_invite(
    blob: bytes,
    call_keys: Sequence[CallKey],
    *,
    now_ms: int,
    window_ms: int = WINDOW_MS,
) -> Received:
    """Open an INVITE with whichever live call key it was made for.

    The certificate's shape, signature, dates and keys are checked here. The session,
    which knows the device, still owes `check_certificate(..., newest_nbf)` for the
    rollback, `ReplayGuard.admit`, and the look into the address book. `window_ms` is
    how old it may be, the same as the guard's.

    Raises:
        HandshakeError: it is not for us, or anything in it is wrong.
    """
    if len(blob) != BLOB_BYTES:
        raise HandshakeError("invite refused")
    e_a = blob[:DH_BYTES]
    # What `e` does to the chaining key is alike under each of our call keys. The rest
    # of a foreign INVITE costs one DH per key: the tag of its second field fails.
    mixed = SymmetricState.start(CHACHAPOLY_SHA512, PROTOCOL_NAME)
    mixed.mix_key(e_a)
    re = X25519PublicKey.from_public_bytes(e_a)
    for call_key in call_keys:
        h = _premessages(call_key.certificate, call_key.ek)
        symmetric = SymmetricState(CHACHAPOLY_SHA512, mixed.ck, h=h)
        symmetric.mix_hash(e_a)
        state = _state(symmetric, call_key, initiator=False)
        state.re = re
        message = Reader(blob, DH_BYTES)
        try:
            state.read(INVITE_TOKENS[1:], message)
        except HandshakeError:
            continue
        return _judge_invite(
            state, message, call_key, now_ms=now_ms, window_ms=window_ms
        )
    raise HandshakeError("invite refused")


def _judge_invite(
    state: HandshakeState,
    message: Reader,
    call_key: CallKey,
    *,
    now_ms: int,
    window_ms: int,
) -> Received:
    assert state.re is not None
    assert state.rs is not None
    assert state.rsk is not None
    try:
        payload = parse_invite(state.symmetric.decrypt_and_hash(message.rest()))
        certificate = payload.certificate
        check_ek(certificate, state.rsk)
        check_certificate(certificate, now=now_ms // 1000)
        late = is_late(payload.offer.ts_ms, now_ms, window_ms=window_ms)
    except RefusedError as error:
        raise HandshakeError("invite refused") from error
    # Somebody else's certificate with the sender's own key would be an impersonation.
    if certificate.x25519 != state.rs.public_bytes_raw():
        raise HandshakeError("invite refused")
    return Received(
        certificate,
        payload.offer,
        e_a=state.re.public_bytes_raw(),
        commitment=payload.commitment,
        hints=payload.hints,
        caps=certificate.caps & call_key.certificate.caps,
        is_late=late,
        state=state,
    )


def create_ringing(
    received: Received,
    answer: Answer,
    *,
    secret: bytes | None,
    entropy: Entropy,
    encapsulate: Encapsulate,
) -> Ringing:
    """Answer an INVITE with the retained secret that matched, or none.

    Raises:
        HandshakeError: the caller's ephemeral keys are bad ones, or the answer chooses
            more than both sides can do.
        MalformedError: the answer does not fit.
    """
    _check_caps(answer, received.caps)
    state = received.state.fork()
    fields = state.write(RINGING_TOKENS, entropy=entropy, encapsulate=encapsulate)
    state.symmetric.mix_key_and_hash(_psk(secret))
    nonce_b = entropy(NONCE_BYTES)
    payload = format_ringing(RingingPayload(answer, nonce_b))
    blob = fields + state.symmetric.encrypt_and_hash(payload)
    return Ringing(_keys(state.symmetric), blob, nonce_b=nonce_b)


def consume_ringing(
    invited: Invited, blob: bytes, *, secrets: Sequence[bytes | None]
) -> Answered:
    """Open the answer with the retained secrets in turn, then with none.

    `invited` stays usable, so a forged RINGING does not spoil the real one.

    Raises:
        HandshakeError: it does not open, or claims more than both sides can do.
    """
    if len(blob) != BLOB_BYTES:
        raise HandshakeError("ringing refused")
    message = Reader(blob)
    state = invited.state.fork()
    state.read(RINGING_TOKENS, message)
    sealed = message.rest()
    for secret in (*secrets, None):
        trial = state.symmetric.fork()
        trial.mix_key_and_hash(_psk(secret))
        try:
            raw = trial.decrypt_and_hash(sealed)
        except HandshakeError:
            continue
        payload = _judge_ringing(raw, invited.caps)
        return Answered(
            _keys(trial), payload.answer, nonce_b=payload.nonce_b, matched=secret
        )
    raise HandshakeError("ringing refused")


def _judge_ringing(raw: bytes, caps: int) -> RingingPayload:
    try:
        payload = parse_ringing(raw)
    except MalformedError as error:
        raise HandshakeError("ringing refused") from error
    _check_caps(payload.answer, caps)
    return payload


@lru_cache(maxsize=64)
def _premessages(certificate: Certificate, ek: bytes) -> bytes:
    """Hash what both sides know beforehand: protocol, suite and the callee's call key.

    All of it is public. Remembered, for our own call keys are tried on every INVITE.
    """
    symmetric = SymmetricState.start(CHACHAPOLY_SHA512, PROTOCOL_NAME)
    symmetric.mix_hash(lp8(P) + be16(SUITE) + certificate.encoded)
    symmetric.mix_hash(certificate.x25519)
    symmetric.mix_hash(ek)
    return symmetric.h


def _state(
    symmetric: SymmetricState, call_key: CallKey, *, initiator: bool
) -> HandshakeState:
    return HandshakeState(
        symmetric=symmetric,
        initiator=initiator,
        has_psk=True,
        s=call_key.x25519,
        sk=call_key.mlkem,
        ek=call_key.ek,
    )


def _keys(symmetric: SymmetricState) -> SessionKeys:
    return session_keys(symmetric.ck, symmetric.h)


def _psk(secret: bytes | None) -> bytes:
    return ZERO_PSK if secret is None else psk(secret)


def _hint(secret: bytes | None, e_a: bytes, entropy: Entropy) -> bytes:
    return entropy(HINT_BYTES) if secret is None else hint(secret, e_a)


def _is_hinted(mark: bytes, hints: tuple[bytes, bytes]) -> bool:
    first, second = (hmac.compare_digest(mark, given) for given in hints)
    return first or second


def _check_caps(answer: Answer, caps: int) -> None:
    if answer.caps & ~caps:
        raise HandshakeError("answer chooses what not both sides can do")
