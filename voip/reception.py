"""What becomes of an INVITE that opened: ring, say busy, log, or nothing.

Pure. The caller is known (its certificate was checked) but has proved nothing yet: this
INVITE may be a replay, or come from a thief of our call key. So nothing here rings; the
best it can do is be answered.
"""

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from hashlib import sha256

from voip.errors import LimitError, RefusedError
from voip.handshake.exchange import Received
from voip.handshake.payload import Mode, Readiness
from voip.handshake.replay import STRANGERS, ReplayGuard
from voip.identity.contact import Contact, Device
from voip.identity.trust import Reason, TrustState, judge
from voip.identity.vault import Busy, Strangers, Vault


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A call that is going on here, as far as another INVITE is concerned.

    Attributes:
        call_id: of that call.
        devices: the other side's devices that take part, each with the ephemeral key
            of an INVITE of ours that it has not answered, or None.
        answered_ts_ms: the time stamp of the INVITE that it answers; 0 if we dialled.
        is_active: whether the user talks, rings or is rung, rather than waiting for
            somebody to confirm.
    """

    call_id: bytes
    devices: dict[bytes, bytes | None]
    _: KW_ONLY
    answered_ts_ms: int = 0
    is_active: bool


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer with RINGING.

    Attributes:
        device: the caller's, as known so far.
        readiness: what to say.
        supersedes: calls with the same device that this one replaces: those that are
            not confirmed at once, the others when this one is. Or a relay that kept
            back an INVITE whose caller gave up could end a later call with it.
        concedes: a call of ours to the same person that this one replaces, because
            both dialled at once and theirs survives.
    """

    device: Device
    readiness: Readiness
    _: KW_ONLY
    supersedes: tuple[bytes, ...] = ()
    concedes: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ignore:
    """Give no sign; `reason` is for our own log, empty where all is as it should be."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoteStranger:
    """Give no sign, but list the caller so that the user can add them."""

    identity: bytes
    alias: str


@dataclass(frozen=True, slots=True)
class NoteMissed:
    """Give no sign, but log a call that came too late to be answered."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class NoteBroken:
    """Give no sign, but mark the device: what it sent is a known sign of compromise.

    A device never met before is not: nothing was ever trusted that could be broken.
    """

    contact: Contact
    device_id: bytes
    reason: Reason


Decision = Respond | Ignore | NoteStranger | NoteMissed | NoteBroken


def judge_invite(  # noqa: C901, PLR0911, PLR0913 -- rules, in order, on all that counts
    received: Received,
    vault: Vault,
    guard: ReplayGuard,
    *,
    ongoing: Sequence[Ongoing],
    now_ms: int,
    rooms: Collection[bytes] = (),
) -> Decision:
    """Decide on an INVITE that opened, at `now_ms` (unix milliseconds).

    A call that belongs to one of the `rooms` in which we are, by their 16-byte ids, is
    taken beside others.
    """
    certificate, offer = received.certificate, received.offer
    now = now_ms // 1000
    if certificate.identity == vault.identity:
        return Ignore("invite from our own identity")
    contact = vault.contacts.by_identity(certificate.identity)
    if contact is None:
        if vault.settings.strangers is Strangers.LOG:
            return _note_stranger(received, guard, now_ms)
        if vault.settings.strangers is Strangers.IGNORE:
            return Ignore("invite from a stranger")
        contact = Contact("stranger", certificate.identity)
    device = contact.device(certificate.device_id, now)
    if device.device_id in contact.blocked:
        return Ignore("invite from a blocked device")
    if offer.relay is not None:
        # Answering at a relay of the caller's choice would show it our address before
        # the user accepted. It reads its answers where it left the INVITE.
        return Ignore("invite that names another relay")
    if any(call.call_id == offer.call_id for call in ongoing):
        # Ids are the callers' choice, and calls are found by them.
        return Ignore("invite with the id of another call")
    try:
        if received.is_late:
            guard.admit_to_log(certificate.identity, now_ms)
            return NoteMissed(contact)
        contact.check_room(device.device_id)
        guard.admit(
            certificate.identity,
            received.e_a,
            ts_ms=offer.ts_ms,
            last_confirmed_ms=device.last_ts_ms,
            now_ms=now_ms,
        )
    except RefusedError as error:
        return Ignore(str(error))
    if certificate.nbf < device.newest_nbf:
        return NoteBroken(contact, device.device_id, Reason.ROLLBACK)
    if offer.mode is not Mode.IK_SRTP:
        return NoteBroken(contact, device.device_id, Reason.DOWNGRADE)
    judged = judge(device.trust, received.match(device.trust.slots.secrets), now)
    if vault.settings.strict and judged.trust.state is TrustState.BROKEN:
        return NoteBroken(contact, device.device_id, judged.trust.reason)
    busy = Busy.RING if offer.group in rooms else vault.settings.busy
    return _respond(received, device, busy, ongoing)


def _note_stranger(received: Received, guard: ReplayGuard, now_ms: int) -> Decision:
    try:
        guard.admit_to_log(STRANGERS, now_ms)
    except LimitError as error:
        return Ignore(str(error))
    return NoteStranger(received.certificate.identity, received.offer.alias or "")


def _respond(
    received: Received, device: Device, busy: Busy, ongoing: Sequence[Ongoing]
) -> Decision:
    rivals = [call for call in ongoing if device.device_id in call.devices]
    if rivals:
        return _respond_to_rival(received, device, rivals)
    if not any(call.is_active for call in ongoing) or busy is Busy.RING:
        return Respond(device, Readiness.WILL_RING)
    if busy is Busy.SILENT:
        return Ignore("invite while busy")
    return Respond(device, Readiness.BUSY)


def _respond_to_rival(
    received: Received, device: Device, rivals: Sequence[Ongoing]
) -> Decision:
    """Decide where calls with the same device go on."""
    for call in rivals:
        if received.offer.ts_ms <= call.answered_ts_ms:
            return Ignore("invite older than one that was answered")
        ours = call.devices[device.device_id]
        if ours is None:
            continue
        # Both dialled at once: both sides see both INVITEs and pick the same one.
        if sha256(ours).digest() < sha256(received.e_a).digest():
            return Ignore("")  # our own INVITE survives
        return Respond(device, Readiness.WILL_RING, concedes=call.call_id)
    replaced = tuple(call.call_id for call in rivals)
    return Respond(device, Readiness.WILL_RING, supersedes=replaced)
