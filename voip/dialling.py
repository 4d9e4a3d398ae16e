"""Whom a call rings: the devices of a contact, and the mailboxes of their INVITEs.

Pure. What a board says is checked here: a device counts when its slot is signed by the
board's key, sealed under the card's, not older than one already seen, and holds a
bundle that the contact's identity signed and that is valid now.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from voip.errors import (
    CertificateError,
    MalformedError,
    RefusedError,
)
from voip.handshake.kem import Encapsulate
from voip.handshake.payload import Offer
from voip.identity.callkey import Bundle, check_bundle, live, parse_bundle
from voip.identity.card import RelayAddress, parse_relay
from voip.identity.certificate import check_certificate
from voip.identity.contact import BOARD_INDEXES, Contact, Device
from voip.identity.keys import Entropy
from voip.identity.vault import Vault
from voip.leg import Leg
from voip.signalling.address import Address, Mailbox
from voip.signalling.board import DeviceEntry, format_entry, open_slot, parse_entry
from voip.signalling.envelope import (
    FETCH_BYTES,
    mailbox_tag,
    pair_direction,
    pair_fetch,
)
from voip.signalling.frames import BoardPut

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Reachable:
    """A device that can be dialled."""

    device: Device
    bundle: Bundle
    _: KW_ONLY
    mailbox_tag: bytes
    relay: RelayAddress | None


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known about a contact's devices after reading the board.

    Attributes:
        contact: with what was learned: versions, entries, signs of compromise.
        devices: those to dial.
        problems: why a slot or device does not count, a sentence each.
    """

    contact: Contact
    devices: tuple[Reachable, ...]
    problems: tuple[str, ...]


def read_board(contact: Contact, slots: Sequence[BoardPut], now: int) -> Directory:
    """Take up what a relay gave as the contact's board at `now` (unix seconds).

    A slot that does not hold is passed over with a sentence. Devices that the board no
    longer lists are not dialled: that is how a lost one is withdrawn.
    """
    problems: list[str] = []
    unlisted = tuple(replace(device, entry=b"") for device in contact.devices)
    contact = replace(contact, devices=unlisted)
    for slot in slots:
        try:
            contact = _take_slot(contact, slot, now)
        except RefusedError as error:
            problems.append(str(error))
    return reachable(contact, now, problems=tuple(problems))


def reachable(
    contact: Contact, now: int, *, problems: tuple[str, ...] = ()
) -> Directory:
    """List the devices that can be dialled by what is known already, at most 8.

    One whose certificate is older than one already seen is not, and its trust stays:
    whoever carries the board may have kept the newer entry back, or never had it.
    """
    found: list[Reachable] = []
    sentences = list(problems)
    for device in contact.devices:
        if not device.entry or device.device_id in contact.blocked:
            continue
        try:
            found.append(_check_device(contact, device, now))
        except (CertificateError, MalformedError) as error:
            sentences.append(str(error))
    if (left_out := len(found) - BOARD_INDEXES) > 0:
        # Each is a free try at the words for somebody in the middle. The newest stay.
        sentences.append(f"{left_out} more than the {BOARD_INDEXES} that a call rings")
    return Directory(contact, tuple(found[-BOARD_INDEXES:]), tuple(sentences))


def narrowed(
    directory: Directory,
    device_id: bytes | None,
    *,
    relay: RelayAddress | None = None,
) -> Directory:
    """Leave a single device in a directory, or all; `relay` is where to reach them.

    It stands for the relays that card and board name.
    """
    kept = (
        each for each in directory.devices if device_id in (None, each.device.device_id)
    )
    return replace(
        directory,
        devices=tuple(
            each if relay is None else replace(each, relay=relay) for each in kept
        ),
    )


def with_announcement(contact: Contact, announcement: bytes, now: int) -> Contact:
    """Take up a device as the host messenger announced it.

    Args:
        contact: whose it is.
        announcement: `DeviceEntry` as bytes; what the other side's
            `Endpoint.announcement` gave.
        now: unix seconds.

    Raises:
        MalformedError: it does not parse.
        CertificateError: the contact's identity did not sign it, it is not valid, or
            older than one already seen.
        LimitError: a new device, and too many are known.
    """
    entry = parse_entry(announcement)
    certificate = parse_bundle(entry.bundle).certificate
    newest_nbf = contact.device(certificate.device_id, now).newest_nbf
    check_certificate(certificate, now=now, newest_nbf=newest_nbf)
    return _with_entry(contact, entry, now)


def invite_addresses(
    ours: tuple[bytes, bytes], contact: Contact, to: Reachable, now: int
) -> tuple[Address, ...]:
    """Name the mailboxes that take the INVITE for a device.

    The same bytes go under every retained secret that is held, so that a slot which
    only one side has advanced still meets; and to the device's own mailbox where there
    is none, or where the other side may hold none.

    Args:
        ours: our identity and device id.
        contact: whose device it is.
        to: the device.
        now: unix seconds.
    """
    slots = to.device.trust.slots
    recipient = contact.identity + to.device.device_id
    direction = pair_direction(recipient, b"".join(ours))
    tags = [
        mailbox_tag(pair_fetch(secret, direction, now // DAY_S))
        for secret in slots.secrets
    ]
    if slots.tolerates_none:
        tags.append(to.mailbox_tag)
    return tuple(Address(tag, contact.identity, to.relay) for tag in tags)


def dial_legs(
    vault: Vault,
    directory: Directory,
    offer: Offer,
    *,
    entropy: Entropy,
    encapsulate: Encapsulate,
) -> dict[bytes, Leg]:
    """Make the INVITEs of one call, one leg a device, each with keys of its own.

    Raises:
        HandshakeError: a device's keys are bad ones.
        RefusedError: we have no live call key.
    """
    now = offer.ts_ms // 1000
    call_keys = live(vault.call_keys, now)
    if not call_keys:
        raise RefusedError("all our call keys have expired: rotate them first")
    ours = vault.identity, vault.device_id
    return {
        to.device.device_id: Leg.dial(
            to.device,
            to.bundle,
            invites=invite_addresses(ours, directory.contact, to, now),
            last_resort=Address(to.mailbox_tag, directory.contact.identity, to.relay),
            # We read the answers where we leave the INVITE: the other side answers at
            # its own relay and shows its address to nobody else.
            mailbox=Mailbox(entropy(FETCH_BYTES), to.relay),
            call_key=call_keys[0],
            offer=offer,
            entropy=entropy,
            encapsulate=encapsulate,
        )
        for to in directory.devices
    }


def _take_slot(contact: Contact, slot: BoardPut, now: int) -> Contact:
    card = contact.card
    if card is None or slot.board != card.board:
        raise RefusedError("board: a slot of another board")
    seen = contact.board_versions[slot.index]
    entry = open_slot(slot, card_key=card.key, seen_version=seen)
    versions = list(contact.board_versions)
    versions[slot.index] = slot.version
    contact = replace(contact, board_versions=tuple(versions))
    return contact if entry is None else _with_entry(contact, entry, now)


def _with_entry(contact: Contact, entry: DeviceEntry, now: int) -> Contact:
    bundle = parse_bundle(entry.bundle)
    if bundle.certificate.identity != contact.identity:
        raise CertificateError("board: a device that another identity signed for")
    # Before it is kept: what nobody signed must not take the place of a true entry.
    check_bundle(bundle, now=now)
    contact.check_room(bundle.certificate.device_id)
    device = contact.device(bundle.certificate.device_id, now)
    return contact.with_device(replace(device, entry=format_entry(entry)), now)


def _check_device(contact: Contact, device: Device, now: int) -> Reachable:
    entry = parse_entry(device.entry)
    bundle = parse_bundle(entry.bundle)
    check_bundle(bundle, now=now, newest_nbf=device.newest_nbf)
    relay = contact.card.relay if contact.card is not None else None
    return Reachable(
        device,
        bundle,
        mailbox_tag=entry.mailbox_tag,
        relay=parse_relay(entry.relay) if entry.relay else relay,
    )
