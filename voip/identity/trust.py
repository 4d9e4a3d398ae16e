"""Trust in one device of a contact: is it still the one we spoke with last time?

After each call both devices keep a secret that only the two of them can know. In the
next call each shows that it still has it. Who stole an identity key does not have it,
and is noticed at the first call; so is who copied a whole store, as soon as both copies
have been used. That a lost message is never mistaken for a thief is what the two slots
are for::

    callee, CONFIRM verified, before ALERTING     rs1 := rs'   rs2 := the secret used
    caller, first verified message, before ack    rs1 := rs'   rs2 := empty
    callee, the caller's ack covers ALERTING                   rs2 := empty

Each line is on disk before the next message leaves. ZRTP (RFC 6189 §4.3) has the idea
with one slot less, and alarms after lost messages.

    NEW ──matched──▶ CONTINUOUS ──words or number──▶ VERIFIED
    any ──mismatch, words differ, rollback, downgrade, commitment──▶ BROKEN
    BROKEN ──words match──▶ VERIFIED        BROKEN ──accept-new──▶ NEW
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final

from voip.errors import MalformedError

SECRET_BYTES: Final = 64  # a full-length key for HKDF-SHA-512
NONE: Final = b""
"""In rs2: the last handshake used no secret, so the next one may have none either."""


class TrustState(StrEnum):
    """What is known about a device; each is shown with its own word."""

    NEW = "new"
    CONTINUOUS = "continuous"
    VERIFIED = "verified"
    BROKEN = "broken"


class Reason(StrEnum):
    """Why a device is in its state, in words for the user."""

    FIRST_CALL = "first call with this device"
    NEW_DEVICE = "new device of a known contact"
    NOT_KEPT = "no secret was kept from the last call"
    ACCEPTED = "accepted as new"
    SAME = "same as last time, not compared"
    WORDS = "words compared"
    NUMBER = "safety number compared"
    MISMATCH = "the secret kept from the last call does not match"
    WORDS_DIFFER = "the words differ"
    ROLLBACK = "an older certificate was used"
    DOWNGRADE = "mode or capability below what was used before"
    COMMITMENT = "the commitment does not match"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the user is shown: state, why, and since when (unix seconds)."""

    state: TrustState
    reason: Reason
    since: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Slots:
    """The retained secrets of a pair of devices, newest first; 64 bytes each.

    Raises:
        MalformedError: a secret of another size, or `NONE` in rs1.
    """

    rs1: bytes | None = field(default=None, repr=False)
    rs2: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.rs1 is not None and len(self.rs1) != SECRET_BYTES) or (
            self.rs2 is not None and len(self.rs2) not in {0, SECRET_BYTES}
        ):
            raise MalformedError(f"slots: expected secrets of {SECRET_BYTES} bytes")

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secrets to try, in this order; none for a first call."""
        return tuple(secret for secret in (self.rs1, self.rs2) if secret)

    @property
    def tolerates_none(self) -> bool:
        """Whether the other side may come without a secret, and no alarm is due.

        Then it may also poll no pair mailbox, so the INVITE goes into its device
        mailbox as well.
        """
        return self.rs2 == NONE or not self.secrets


@dataclass(frozen=True, slots=True)
class DeviceTrust:
    """Everything kept about the trust in one device.

    Attributes:
        trust: what is shown.
        slots: retained secrets.
        pending: the last call's new secret, while broken; enters the slots only when
            the user settles the matter.
        verified: how the device was verified, shown again when continuity holds.
    """

    trust: Trust
    slots: Slots = Slots()
    _: KW_ONLY
    pending: bytes | None = field(default=None, repr=False)
    verified: Trust | None = None


def first_seen(
    now: int, *, known_contact: bool, number_verified_at: int | None
) -> DeviceTrust:
    """Start with a device never seen before.

    A safety number that was compared before stands for the contact's first device
    only: who stole the identity key later could add a device of his own, and must not
    inherit the word "verified".
    """
    verified = None
    if not known_contact and number_verified_at is not None:
        verified = Trust(TrustState.VERIFIED, Reason.NUMBER, since=number_verified_at)
    reason = Reason.NEW_DEVICE if known_contact else Reason.FIRST_CALL
    return DeviceTrust(Trust(TrustState.NEW, reason, since=now), verified=verified)


def judge(device: DeviceTrust, matched: bytes | None, now: int) -> DeviceTrust:
    """Judge by the retained secret the handshake used; None if it used none.

    The callee judges by the INVITE's hints and keeps the judgement at CONFIRM only;
    the caller by what opened RINGING. Broken stays broken whatever matched.
    """
    if device.trust.state is TrustState.BROKEN:
        return device
    if matched is None:
        if not device.slots.tolerates_none:
            return broken(device, Reason.MISMATCH, now)
        return _without_continuity(device, now)
    if device.verified is not None:
        return replace(device, trust=device.verified)
    if device.trust.state is TrustState.CONTINUOUS:
        return device
    return replace(device, trust=Trust(TrustState.CONTINUOUS, Reason.SAME, since=now))


def _without_continuity(device: DeviceTrust, now: int) -> DeviceTrust:
    # Words were compared with whoever held the secret, and nobody holds it now. The
    # safety number was compared for the identity, and that has been proved again.
    verified = device.verified
    if verified is not None and verified.reason is Reason.WORDS:
        verified = None
    trust = device.trust
    if trust.state is not TrustState.NEW:
        trust = Trust(TrustState.NEW, Reason.NOT_KEPT, since=now)
    return replace(device, trust=trust, verified=verified)


def commit_callee(
    device: DeviceTrust, secret: bytes, matched: bytes | None
) -> DeviceTrust:
    """Keep the call's new secret: CONFIRM verified, ALERTING not yet sent.

    The secret that was used stays beside it, for the caller may never hear of this.
    """
    if device.trust.state is TrustState.BROKEN:
        return replace(device, pending=secret)
    return replace(device, slots=Slots(secret, NONE if matched is None else matched))


def commit_caller(device: DeviceTrust, secret: bytes) -> DeviceTrust:
    """Keep the call's new secret: a message verified, and is not yet acknowledged.

    The callee has it on disk, or it would not have sent anything.
    """
    if device.trust.state is TrustState.BROKEN:
        return replace(device, pending=secret)
    return replace(device, slots=Slots(secret))


def alerting_acked(device: DeviceTrust, secret: bytes) -> DeviceTrust:
    """Drop the former secret: the caller acknowledged ALERTING, so it has the new one.

    `secret` names the call; an acknowledgement of a former call changes nothing.
    """
    if device.slots.rs1 != secret or device.trust.state is TrustState.BROKEN:
        return device
    return replace(device, slots=Slots(secret))


def broken(device: DeviceTrust, reason: Reason, now: int) -> DeviceTrust:
    """Mark a device as broken; the first reason and its time stay.

    Nothing but `words_matched` and `accept_new` leads out of it.
    """
    if device.trust.state is TrustState.BROKEN:
        return device
    return replace(
        device, trust=Trust(TrustState.BROKEN, reason, since=now), verified=None
    )


def words_matched(device: DeviceTrust, now: int) -> DeviceTrust:
    """Mark as verified: the user found the other side's words among the four."""
    verified = Trust(TrustState.VERIFIED, Reason.WORDS, since=now)
    return replace(_settled(device), trust=verified, verified=verified)


def accept_new(device: DeviceTrust, now: int) -> DeviceTrust:
    """Start over with a device, as its user says; only a broken one changes."""
    if device.trust.state is not TrustState.BROKEN:
        return device
    return replace(
        _settled(device), trust=Trust(TrustState.NEW, Reason.ACCEPTED, since=now)
    )


def number_verified(device: DeviceTrust, now: int) -> DeviceTrust:
    """Mark as verified: the safety number was compared; not if broken.

    Words that were compared before keep their date: they say more, for they were
    compared with this device.
    """
    if device.trust.state in {TrustState.BROKEN, TrustState.VERIFIED}:
        return device
    verified = Trust(TrustState.VERIFIED, Reason.NUMBER, since=now)
    return replace(device, trust=verified, verified=verified)


def worst(trusts: Sequence[Trust]) -> Trust | None:
    """Pick what to show for a contact with several devices; None without any."""
    order = (
        TrustState.BROKEN,
        TrustState.NEW,
        TrustState.CONTINUOUS,
        TrustState.VERIFIED,
    )
    return min(trusts, key=lambda trust: order.index(trust.state), default=None)


def _settled(device: DeviceTrust) -> DeviceTrust:
    """Take up the call's secret after the user settled a broken state.

    The other side may have committed or not, so no secret is tolerated once more.
    """
    if device.trust.state is not TrustState.BROKEN:
        return device
    newest = device.pending if device.pending is not None else device.slots.rs1
    slots = Slots() if newest is None else Slots(newest, NONE)
    return replace(device, slots=slots, pending=None)
